//! A vendor that stands for all: an operation of each safety, a limit on the account and one on a field.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::breaker::BreakerSpec;
use crate::limiter::{Limit, ScopeKey};
use crate::provider::{
    Answer, Auth, BatchPayload, Found, Json, KeyPlace, Lookup, Operation, Payload, Provider,
    Safety, Spec, Text, TokenScheme, Verdict, Whole, Wire,
};

/// How long the vendor remembers a key.
pub(super) const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the vendor may take to show an order that is looked up.
pub(super) const SETTLE: Duration = Duration::from_secs(60);

/// Longest wait for the vendor's answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

/// What the vendor says of a name that can only be given once, and was.
pub(super) const EXISTS: u16 = 410;

/// A lookup's answer that names somebody else's order.
pub(super) const THEIRS: &str = "theirs";

/// What the vendor calls an earlier call with the same key that it still works on.
pub(super) const IN_USE: u16 = 409;

/// An item whose call cannot be built, and an answer that cannot be understood: both panic.
pub(super) const PANIC: &str = "panic";

pub(super) struct Acme;

/// The same vendor, showing tokens.
pub(super) struct Tokens;

static TOKENS: Spec = Spec::new(
    "acme",
    "https://api.acme.example",
    Auth::Token(TokenScheme::client_credentials("/token")),
    &[ORDERS_CREATE],
);

impl Provider for Tokens {
    fn spec(&self) -> &'static Spec {
        &TOKENS
    }
}

/// The same vendor without a limit.
pub(super) struct Boundless;

static BOUNDLESS: Spec = Spec::new(
    "acme",
    "https://api.acme.example",
    Auth::Bearer { field: "token" },
    &[Operation::new::<Order>("orders.create", Safety::Natural)],
);

impl Provider for Boundless {
    fn spec(&self) -> &'static Spec {
        &BOUNDLESS
    }
}

/// The same vendor, with a host for each account.
pub(super) struct Shops;

static SHOPS: Spec = Spec {
    breaker: BreakerSpec::DEFAULT.by_connection(),
    ..Spec::new(
        "acme",
        "https://api.acme.example",
        Auth::Bearer { field: "token" },
        &[Operation::new::<Order>("orders.create", Safety::Natural)],
    )
};

impl Provider for Shops {
    fn spec(&self) -> &'static Spec {
        &SHOPS
    }
}

pub(super) const ORDERS_CREATE: Operation = Operation::new::<Order>(
    "orders.create",
    Safety::Keyed {
        place: KeyPlace::Header("idempotency-key"),
        retention: RETENTION,
        looks_up_first: true,
    },
);

/// A till's own words for an order: `desk` is another thing there.
const TILL_ORDER: &str = r#"{
  "name": "till-order", "version": 3, "provider": "acme", "operation": "orders.create",
  "description": "An order as a till prints it.",
  "source": {"type": "object"},
  "expression": "{\"item\": article, \"amount\": count}",
  "examples": [{"name": "one", "input": {"article": "tea", "count": 1}, "output": {"item": "tea", "amount": 1}}]
}"#;

const TILL_POST: &str = r#"{
  "name": "till-post", "version": 1, "provider": "acme", "operation": "orders.post",
  "description": "An order as a till prints it, for a desk.",
  "source": {"type": "object"},
  "expression": "{\"item\": article, \"amount\": 1, \"desk\": \"d-\" & desk.number}",
  "examples": [{"name": "one", "input": {"article": "tea", "desk": {"number": 1}}, "output": {"item": "tea", "amount": 1, "desk": "d-1"}}]
}"#;

static SPEC: Spec = Spec {
    mappings: &[TILL_ORDER, TILL_POST],
    limits: &[Limit::window("account", 1_000, Duration::from_secs(60))],
    ..Spec::new(
        "acme",
        "https://api.acme.example",
        Auth::Bearer { field: "token" },
        &[
            ORDERS_CREATE,
            Operation::new::<Order>("orders.replace", Safety::Natural),
            Operation::new::<Order>(
                "orders.book",
                Safety::Lookup {
                    place: Some(KeyPlace::Field("reference")),
                    settle: SETTLE,
                },
            ),
            Operation::new::<Order>("orders.post", Safety::Unsafe).limits(&[Limit::paced(
                "desk",
                Duration::from_secs(1),
            )
            .scoped(ScopeKey::Field("desk"))]),
            Operation::batch::<Stock>("stock.upsert", Safety::Natural, MOST_IN_A_CALL).limits(&[
                Limit::paced("stock", Duration::from_secs(60)).scoped(ScopeKey::Operation),
            ]),
        ],
    )
};

impl Provider for Acme {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        assert!(answer.body != PANIC, "an answer that nobody expected");
        match answer.status {
            IN_USE => Verdict::KeyInUse,
            EXISTS => Verdict::exists("taken"),
            _ => Verdict::by_status(answer, now),
        }
    }

    fn classify_batch(
        &self,
        operation: &Operation,
        elements: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Vec<Verdict> {
        assert!(answer.body != PANIC, "an answer that nobody expected");
        let Some(told) = answer.json::<Stocked>() else {
            let whole = self.classify(operation, answer, now);
            return whole.of_whole(elements.len());
        };
        let mut verdicts: Vec<Verdict> = elements
            .iter()
            .map(|element| told.of(element["sku"].as_str().unwrap_or_default()))
            .collect();
        verdicts.truncate(told.most.unwrap_or(elements.len()));
        verdicts
    }

    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        (operation.name == "orders.book")
            .then(|| Wire::get(format!("/orders/{}", lookup.reference)))
    }

    fn found(&self, _operation: &Operation, _lookup: &Lookup<'_>, answer: &Answer) -> Found {
        match answer.status {
            200 if answer.body == THEIRS => Found::Other {
                detail: "taken".into(),
            },
            200 => Found::Hit {
                object_id: Some("obj_found".into()),
            },
            404 => Found::Miss,
            _ => Found::Unclear,
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    item: Text<1, 40>,
    amount: Whole<1, 1_000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    desk: Option<Text<1, 20>>,
}

impl Payload for Order {
    fn wire(&self) -> Wire {
        assert!(self.item.as_str() != PANIC, "a call that cannot be built");
        Wire::post("/orders").json(self)
    }
}

/// How many elements one call of `stock.upsert` carries.
pub(super) const MOST_IN_A_CALL: usize = 4;

/// One element of a `stock.upsert`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stock {
    sku: Text<1, 40>,
}

impl BatchPayload for Stock {
    fn identity(&self) -> String {
        self.sku.as_str().to_owned()
    }

    fn wire(elements: &[Self]) -> Wire {
        Wire::post("/stock").json(&elements)
    }
}

/// What the vendor says of the elements: these were refused, the others stored.
#[derive(Deserialize)]
struct Stocked {
    refused: Vec<String>,
    /// How many elements the provider's judgement wrongly stops at.
    most: Option<usize>,
}

impl Stocked {
    fn of(&self, sku: &str) -> Verdict {
        if self.refused.iter().any(|refused| refused == sku) {
            Verdict::rejected("sku")
        } else {
            Verdict::delivered(Some(format!("stock_{sku}")))
        }
    }
}
