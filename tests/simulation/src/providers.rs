//! Providers made for the simulation: an operation of each safety, and limits and breakers of each kind.

use std::time::Duration;

use causeway::Timestamp;
use causeway::breaker::{BreakerSpec, Scope};
use causeway::limiter::{Limit, ScopeKey};
use causeway::outcome::code;
use causeway::provider::{
    Answer, Auth, BatchPayload, Found, Json, KeyPlace, Lookup, Operation, Payload, Provider,
    Safety, Secret, SecretError, Shown, Spec, Text, Token, TokenScheme, Verdict, Wire,
};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Header of the idempotency key.
pub const KEY_HEADER: &str = "idempotency-key";
/// Body field of the reference that lookups ask for.
pub const REFERENCE: &str = "reference";
/// How long a vendor may take to show what it did.
pub const SETTLE: Duration = Duration::from_secs(240);
/// What an item begins with whose call cannot be built.
pub const PANIC: &str = "panic";
/// What such a panic says.
pub const PANIC_WORDS: &str = "a call that cannot be built";
/// The vendor's word for a key that was used with other parameters.
pub const KEY_MISMATCH: &str = "key_mismatch";

/// The vendor's word for a right that the credentials lack: nothing of the kind is theirs to do.
pub const MISSING_RIGHT: &str = r#"{"error":"missing_right"}"#;
/// The vendor's word for an object that is somebody else's.
pub const NOT_YOURS: &str = r#"{"error":"not_yours"}"#;

/// What can be asked for.
pub const OPERATIONS: [&str; 4] = [
    "orders.create",
    "orders.replace",
    "orders.book",
    "orders.post",
];

/// Where several orders go in one call.
pub const BATCH_PATH: &str = "/orders/batch";
/// How many.
pub const MOST: usize = 6;
/// The vendor's word for a call that it refused as a whole because of one of its elements.
pub const BATCH_REFUSED: &str = "batch_refused";

const TIMEOUT: Duration = Duration::from_secs(10);

macro_rules! operations {
    ($retention:expr, $desk:expr) => {
        operations!(
            $retention,
            $desk,
            Operation::new::<Replace>("orders.replace", Safety::Natural)
        )
    };
    ($retention:expr, $desk:expr, $replace:expr) => {
        &[
            Operation::new::<Create>(
                "orders.create",
                Safety::Keyed {
                    place: KeyPlace::Header(KEY_HEADER),
                    retention: $retention,
                    looks_up_first: true,
                },
            )
            .timeout(TIMEOUT),
            $replace.timeout(TIMEOUT),
            Operation::new::<Book>(
                "orders.book",
                Safety::Lookup {
                    place: Some(KeyPlace::Field(REFERENCE)),
                    settle: SETTLE,
                },
            )
            .timeout(TIMEOUT),
            Operation::new::<Post>("orders.post", Safety::Unsafe)
                .timeout(TIMEOUT)
                .limits($desk),
        ]
    };
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DESK: &[Limit] =
    &[Limit::paced("desk", Duration::from_millis(700)).scoped(ScopeKey::Field("desk"))];

/// Limits on account and field; one breaker for all connections.
static LIMITED: Spec = Spec {
    limits: &[
        Limit::window("second", 6, Duration::from_secs(1)),
        Limit::window("minute", 120, Duration::from_secs(60)),
    ],
    ..Spec::new(
        "limited",
        "https://limited.example",
        Auth::Bearer { field: "token" },
        operations!(DAY, DESK),
    )
};

/// No limit at all; a breaker for each connection.
static BOUNDLESS: Spec = Spec {
    breaker: BreakerSpec {
        scope: Scope::Connection,
        ..BreakerSpec::DEFAULT
    },
    ..Spec::new(
        "boundless",
        "https://boundless.example",
        Auth::Bearer { field: "token" },
        operations!(DAY, &[]),
    )
};

/// A slow pace, and keys that are forgotten soon.
static FORGETFUL: Spec = Spec {
    limits: &[Limit::paced("pace", Duration::from_millis(400))],
    ..Spec::new(
        "forgetful",
        "https://forgetful.example",
        Auth::Header {
            name: "x-api-key",
            field: "token",
        },
        operations!(Duration::from_secs(8 * 60), &[]),
    )
};

/// Short-lived access tokens for refresh tokens that serve once, and a signature besides.
static TOKENED: Spec = Spec {
    limits: &[
        Limit::window("minute", 300, Duration::from_secs(60)),
        Limit::concurrency("at once", 4),
    ],
    ..Spec::new(
        "tokened",
        "https://tokened.example",
        Auth::Token(TokenScheme::refresh_token(TOKEN_PATH, true)),
        operations!(DAY, &[]),
    )
};

/// Calls that carry several requests; their limit counts calls.
static BATCHED: Spec = Spec {
    limits: &[Limit::window("second", 4, Duration::from_secs(1))],
    ..Spec::new(
        "batched",
        "https://batched.example",
        Auth::Bearer { field: "token" },
        operations!(
            DAY,
            &[],
            Operation::batch::<Upsert>("orders.replace", Safety::Natural, MOST)
        ),
    )
};

/// Nothing but one breaker for all: for worlds that are about a fleet.
static WIDE: Spec = Spec::new(
    "wide",
    "https://wide.example",
    Auth::Bearer { field: "token" },
    operations!(DAY, &[]),
);

/// A provider without limits, whose one breaker stands for all connections.
pub const FLEET: Vendor = Vendor(&WIDE);

/// Where tokens are asked for.
pub const TOKEN_PATH: &str = "/oauth/token";

/// The secret's field that signatures are made with: some secrets lack it.
pub const SIGNING_KEY: &str = "signing_key";

/// All of them.
pub const ALL: [Vendor; 5] = [
    Vendor(&LIMITED),
    Vendor(&BOUNDLESS),
    Vendor(&FORGETFUL),
    Vendor(&TOKENED),
    Vendor(&BATCHED),
];

/// One of the simulation's providers.
#[derive(Clone, Copy, Debug)]
pub struct Vendor(&'static Spec);

impl Vendor {
    /// Whether it wants access tokens.
    pub fn wants_tokens(self) -> bool {
        !self.0.auth.tokens().is_empty()
    }

    /// Whether some of its calls carry several requests.
    pub fn takes_batches(self) -> bool {
        let mut operations = self.0.operations.iter();
        operations.any(|operation| operation.most_in_a_call() > 1)
    }

    /// How long it remembers a key.
    pub fn retention(self) -> Duration {
        match self.0.operations.iter().next().map(|first| first.safety) {
            Some(Safety::Keyed { retention, .. }) => retention,
            _ => Duration::ZERO,
        }
    }
}

impl Provider for Vendor {
    fn spec(&self) -> &'static Spec {
        self.0
    }

    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        match answer.status {
            409 => Verdict::KeyInUse,
            400 if answer.body == KEY_MISMATCH => Verdict::Ambiguous {
                code: code::OUTCOME_UNKNOWN,
                after: None,
                resend_helps: false,
                fault: false,
            },
            403 if answer.body == MISSING_RIGHT => Verdict::forbidden(true, "missing_right"),
            403 if answer.body == NOT_YOURS => Verdict::rejected("not_yours"),
            _ => Verdict::by_status(answer, now),
        }
    }

    /// Each element's own word, by the desk that it is about: the vendor keeps no order. Of a list that lacks some
    /// nothing is made here; that is the pipeline's to judge.
    fn classify_batch(
        &self,
        operation: &Operation,
        elements: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Vec<Verdict> {
        if answer.status == 400 && answer.body == BATCH_REFUSED {
            return vec![Verdict::alone(); elements.len()];
        }
        let Some(words) = answer.json::<Words>().filter(|_| answer.status == 207) else {
            let verdict = self.classify(operation, answer, now);
            return verdict.of_whole(elements.len());
        };
        let of = |element: &&Json| {
            let mut words = words.results.iter();
            words.find(|word| element["desk"] == word.desk.as_str())
        };
        let told = elements.iter().filter_map(of).map(|word| {
            let body = r#"{"id":"obj"}"#.into();
            let headers = answer.headers.clone();
            let alone = Answer {
                status: word.status,
                headers,
                body,
            };
            Verdict::by_status(&alone, now)
        });
        told.collect()
    }

    fn sign(&self, wire: Wire, shown: Shown<'_>, _now: Timestamp) -> Result<Wire, SecretError> {
        shown.secret.field(SIGNING_KEY)?;
        self.0.sign(wire, shown)
    }

    fn token_call(
        &self,
        scheme: &TokenScheme,
        secret: &Secret,
        rotated: Option<&Token>,
        _now: Timestamp,
    ) -> Result<Wire, SecretError> {
        secret.field(SIGNING_KEY)?;
        scheme.call(secret, rotated)
    }

    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        matches!(operation.safety, Safety::Lookup { .. })
            .then(|| Wire::get(format!("/bookings/{}", lookup.reference)))
    }

    fn found(&self, _operation: &Operation, _lookup: &Lookup<'_>, answer: &Answer) -> Found {
        match answer.status {
            200 => Found::Hit {
                object_id: Some("obj".into()),
            },
            404 => Found::Miss,
            _ => Found::Unclear,
        }
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    item: Text<1, 60>,
    desk: Text<1, 20>,
}

impl Order {
    fn send(&self, method: Method, path: &str) -> Wire {
        assert!(!self.item.as_str().starts_with(PANIC), "{PANIC_WORDS}");
        Wire::new(method, path).json(self)
    }
}

macro_rules! payloads {
    ($($name:ident: $method:ident $path:literal),*) => {$(
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        struct $name(Order);

        impl Payload for $name {
            fn wire(&self) -> Wire {
                self.0.send(Method::$method, $path)
            }
        }
    )*};
}

/// What a call asks for; none for tokens and lookups.
pub fn operation_of(wire: &Wire) -> Option<&'static str> {
    let name = match (&wire.method, wire.path.as_str()) {
        (&Method::POST, "/orders") => "orders.create",
        (&Method::PUT, "/orders" | BATCH_PATH) => "orders.replace",
        (&Method::POST, "/bookings") => "orders.book",
        (&Method::POST, "/posts") => "orders.post",
        _ => return None,
    };
    Some(name)
}

payloads!(Create: POST "/orders", Replace: PUT "/orders", Book: POST "/bookings", Post: POST "/posts");

/// An order that is set as it is given, known by its desk.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Upsert(Order);

impl BatchPayload for Upsert {
    fn identity(&self) -> String {
        self.0.desk.as_str().to_owned()
    }

    fn wire(elements: &[Self]) -> Wire {
        for element in elements {
            assert!(!element.0.item.as_str().starts_with(PANIC), "{PANIC_WORDS}");
        }
        Wire::put(BATCH_PATH).json(&elements)
    }
}

/// What the vendor says of the elements of a call.
#[derive(Serialize, Deserialize)]
pub(crate) struct Words {
    pub results: Vec<Word>,
}

/// Of one of them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Word {
    pub desk: String,
    pub status: u16,
}
