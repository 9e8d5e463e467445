//! Vendors of every cost: with a key and without, with one limit and with several.

use std::time::Duration;

use causeway::limiter::{Limit, ScopeKey};
use causeway::provider::{
    Auth, BatchPayload, KeyPlace, Operation, Payload, Provider, Safety, Spec, Text, Wire,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const AUTH: Auth = Auth::Bearer { field: "token" };

const KEYED: Operation = Operation::new::<Order>(
    "orders.create",
    Safety::Keyed {
        place: KeyPlace::Header("idempotency-key"),
        retention: Duration::from_secs(24 * 60 * 60),
        looks_up_first: true,
    },
);

const UNSAFE: Operation = Operation::new::<Order>("orders.create", Safety::Unsafe);

const MINUTE: Duration = Duration::from_secs(60);

/// One limit on the account, whose tokens last long enough to be drawn ahead.
const ACCOUNT: &[Limit] = &[Limit::window("account", 1_000, MINUTE)];

/// Keyed, with one limit.
pub struct OneScope;

static ONE: Spec = Spec {
    limits: ACCOUNT,
    ..Spec::new("one-scope", "https://api.vendor.example", AUTH, &[KEYED])
};

impl Provider for OneScope {
    fn spec(&self) -> &'static Spec {
        &ONE
    }
}

/// Keyed, with a limit on the account and one on the operation, as Stripe has them.
pub struct TwoScopes;

static TWO: Spec = Spec {
    limits: ACCOUNT,
    ..Spec::new(
        "two-scopes",
        "https://api.vendor.example",
        AUTH,
        &[KEYED.limits(&[Limit::window("orders", 1_000, MINUTE).scoped(ScopeKey::Operation)])],
    )
};

impl Provider for TwoScopes {
    fn spec(&self) -> &'static Spec {
        &TWO
    }
}

/// Without a key, a limit on each desk, and ten desks in a batch.
pub struct TenScopes;

static TEN: Spec = Spec {
    limits: &[Limit::paced("desk", Duration::from_secs(1)).scoped(ScopeKey::Field("desk"))],
    ..Spec::new("ten-scopes", "https://api.vendor.example", AUTH, &[UNSAFE])
};

impl Provider for TenScopes {
    fn spec(&self) -> &'static Spec {
        &TEN
    }
}

/// Takes a hundred requests in one call, and three calls a minute.
pub struct Hundreds;

static HUNDREDS: Spec = Spec {
    limits: &[Limit::window("account", 3, MINUTE)],
    ..Spec::new(
        "hundreds",
        "https://api.vendor.example",
        AUTH,
        &[Operation::batch::<Order>(
            "orders.create",
            Safety::Natural,
            100,
        )],
    )
};

impl Provider for Hundreds {
    fn spec(&self) -> &'static Spec {
        &HUNDREDS
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    item: Text<1, 40>,
    desk: Text<1, 20>,
}

impl BatchPayload for Order {
    fn identity(&self) -> String {
        self.item.as_str().to_owned()
    }

    fn wire(elements: &[Self]) -> Wire {
        Wire::post("/orders/batch").json(&elements)
    }
}

impl Payload for Order {
    fn wire(&self) -> Wire {
        Wire::post("/orders").json(self)
    }
}
