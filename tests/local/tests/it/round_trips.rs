//! What a healthy batch of ten costs at DynamoDB, counted at the wire.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use causeway::Timestamp;
use causeway::clock::{Clock, ManualClock};
use causeway::http_client::{CallError, HttpClient};
use causeway::lanes::DynamoStates;
use causeway::ledger::DynamoLedger;
use causeway::limiter::{Limit, ScopeKey};
use causeway::outcome::Outcome;
use causeway::pipeline::{Invocation, Lane, Settings};
use causeway::provider::{
    Answer, Auth, KeyPlace, Operation, Payload, Provider, Safety, Secret, Spec, Text, Wire,
};
use causeway::queue::{Message, SqsQueue};
use causeway::seams::Seams;
use causeway::secrets::MemorySecrets;
use causeway_local::stack::{LocalStack, UpOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Barrier;

use crate::recorder::{Recorded, Recorder, Step, rounds, write_units};

/// What SQS hands to a function at most.
const BATCH: usize = 10;

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_batch_is_a_round_of_admission_one_of_claims_and_one_of_settlements() {
    let stack = LocalStack::up(UpOptions {
        name: "test-round-trips".to_owned(),
        provider_base_url: "http://127.0.0.1:9".to_owned(),
        parameters: Vec::new(),
        progress: Arc::new(|_| {}),
    })
    .await
    .unwrap_or_else(|error| panic!("{}", error.report()));

    let one = Bench::new(&stack, OneScope);
    // The breaker is read beside the draw, which makes the limit's item.
    let cold = one.batch("first", 0, 2).await;
    // The breaker is trusted for a second; a second batch so soon draws tokens ahead.
    let trusting = one.batch("trusting", 500, 1).await;
    let allotted = one.batch("allotted", 100, 0).await;
    let later = one.batch("later", 5_000, 2).await;

    let ten = Bench::new(&stack, TenScopes);
    let cold_ten = ten.batch("first", 0, 1 + BATCH).await;
    let later_ten = ten.batch("later", 5_000, 1 + BATCH).await;

    let rounds = |cost: &Cost| (cost.admission_rounds, cost.admissions);
    assert_eq!(
        [&cold, &trusting, &allotted, &later].map(rounds),
        [(1, 2), (1, 1), (0, 0), (1, 2)]
    );
    assert_eq!([&cold_ten, &later_ten].map(rounds), [(1, 11), (1, 11)]);
    for batch in [&cold, &trusting, &allotted, &later, &cold_ten, &later_ten] {
        assert_eq!((batch.claim_rounds, batch.settle_rounds), (1, 1));
    }
    for batch in [&cold, &trusting, &allotted, &later] {
        assert!(batch.units_per_request() <= 2.2);
    }
    for batch in [&cold_ten, &later_ten] {
        assert!(
            batch.units_per_request() <= 3.0,
            "a unit more for each item"
        );
    }
    assert_eq!(stack.down().left, 0, "every process ended");
}

/// What one batch cost.
struct Cost {
    admissions: usize,
    admission_rounds: usize,
    claim_rounds: usize,
    settle_rounds: usize,
    write_units: usize,
}

impl Cost {
    fn of(requests: &[Recorded]) -> Self {
        let of = |step| -> Vec<&Recorded> {
            let of_step = requests.iter().filter(|request| request.step == step);
            of_step.collect()
        };
        let admission = of(Step::Admission);
        let (claims, settlements) = (of(Step::Claim), of(Step::Settlement));
        assert_eq!((claims.len(), settlements.len()), (BATCH, BATCH));
        for write in claims.iter().chain(&settlements) {
            assert_eq!(write.target, "DynamoDB_20120810.PutItem");
        }
        Self {
            admissions: admission.len(),
            admission_rounds: rounds(admission),
            claim_rounds: rounds(claims),
            settle_rounds: rounds(settlements),
            write_units: requests.iter().map(write_units).sum(),
        }
    }

    fn units_per_request(&self) -> f64 {
        self.write_units as f64 / BATCH as f64
    }

    fn print(&self, provider: &str, batch: &str) {
        eprintln!(
            "{provider}, {batch}: {} admission round(s) of {} request(s), {} claim and {} settlement round(s), \
             {:.1} write units a request",
            self.admission_rounds,
            self.admissions,
            self.claim_rounds,
            self.settle_rounds,
            self.units_per_request(),
        );
    }
}

/// A lane on the stack's real tables, with a vendor in memory and a clock in hand: what is trusted for a second is
/// neither lucky nor late.
struct Bench {
    recorder: Recorder,
    clock: Arc<ManualClock>,
    lane: Lane,
    provider: &'static str,
}

impl Bench {
    fn new(stack: &LocalStack, provider: impl Provider) -> Self {
        let (recorder, config) = Recorder::around(&stack.sdk_config());
        let name = provider.spec().name;
        let clock = Arc::new(ManualClock::at(NOON));
        let settings = Settings {
            base_url: "https://api.vendor.example".to_owned(),
            environment: format!("environment-of-{name}"),
            max_in_flight: BATCH,
        };
        let seams = seams(stack, &config, name, clock.clone());
        Self {
            recorder,
            clock,
            lane: Lane::new(provider, seams, settings),
            provider: name,
        }
    }

    /// Carries out ten new requests, `after_ms` after the batch before; `admissions` requests ask for leave.
    async fn batch(&self, name: &str, after_ms: u64, admissions: usize) -> Cost {
        self.recorder.expect([admissions, BATCH, BATCH]);
        self.clock.advance(Duration::from_millis(after_ms));
        let now = self.clock.now();
        let batch = (0..BATCH).map(|number| self.message(name, number, now));
        let invocation = Invocation {
            id: format!("invocation-{name}"),
            deadline: now + Duration::from_secs(60),
        };
        let report = self.lane.process(batch.collect(), &invocation).await;
        for entry in &report.entries {
            assert_eq!(entry.outcome, Outcome::Delivered, "{name}");
        }
        let cost = Cost::of(&self.recorder.take());
        cost.print(self.provider, name);
        cost
    }

    fn message(&self, name: &str, number: usize, now: Timestamp) -> Message {
        // A derived key, the longest that comes without a producer's doing.
        let body = json!({
            "provider": self.provider,
            "operation": "orders.create",
            "created_at": now.to_string(),
            "payload": {"item": format!("{name}-{number}"), "desk": format!("desk-{number}")},
        });
        let id = format!("{name}-{number:0>30}");
        Message {
            origin: id.clone(),
            id,
            receipt_handle: String::new(),
            body: body.to_string(),
            receive_count: 1,
            sent_at: now,
            first_received: now,
            first_seen: now,
            group_id: None,
            trace_header: None,
        }
    }
}

fn seams(stack: &LocalStack, config: &SdkConfig, name: &str, clock: Arc<ManualClock>) -> Seams {
    let output = |name| stack.output(name).expect("an output of the template");
    let dynamodb = aws_sdk_dynamodb::Client::new(config);
    let sqs = aws_sdk_sqs::Client::new(config);
    let secret = Secret::parse(r#"{"token":"t0ken"}"#).expect("an object of strings");
    Seams {
        clock,
        http: Arc::new(Vendor(Barrier::new(BATCH))),
        ledger: Arc::new(DynamoLedger::new(dynamodb.clone(), output("RequestsTable"))),
        states: Arc::new(DynamoStates::new(dynamodb, output("LanesTable"))),
        queue: Arc::new(SqsQueue::new(
            sqs,
            output("StripeQueueUrl"),
            output("StripeDlqUrl"),
        )),
        secrets: Arc::new(MemorySecrets::default().with(name, "default", secret)),
    }
}

/// Answers nobody before all ten have called.
struct Vendor(Barrier);

#[async_trait]
impl HttpClient for Vendor {
    async fn call(
        &self,
        _base_url: &str,
        _wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let together = tokio::time::timeout(timeout, self.0.wait()).await;
        together.expect("ten calls at the same time");
        Ok(Answer {
            status: 200,
            headers: http::HeaderMap::new(),
            body: r#"{"id":"ord_1NirD82eZvKYlo2CIvbtLWuY"}"#.into(),
        })
    }
}

const AUTH: Auth = Auth::Bearer { field: "token" };

const OPERATIONS: &[Operation] = &[Operation::new::<Order>(
    "orders.create",
    Safety::Keyed {
        place: KeyPlace::Header("idempotency-key"),
        retention: Duration::from_secs(24 * 60 * 60),
    },
)];

const MINUTE: Duration = Duration::from_secs(60);

/// One limit on the account, whose burst pays for an allotment.
struct OneScope;

static ONE: Spec = Spec {
    limits: &[Limit::window("account", 1_000, MINUTE, 500)],
    ..Spec::new("one-scope", "https://api.vendor.example", AUTH, OPERATIONS)
};

impl Provider for OneScope {
    fn spec(&self) -> &'static Spec {
        &ONE
    }
}

/// A limit on each desk, and ten desks in a batch.
struct TenScopes;

static TEN: Spec = Spec {
    limits: &[Limit::paced("desk", Duration::from_secs(1)).scoped(ScopeKey::Field("desk"))],
    ..Spec::new("ten-scopes", "https://api.vendor.example", AUTH, OPERATIONS)
};

impl Provider for TenScopes {
    fn spec(&self) -> &'static Spec {
        &TEN
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    item: Text<1, 40>,
    desk: Text<1, 20>,
}

impl Payload for Order {
    fn wire(&self) -> Wire {
        Wire::post("/orders").json(self)
    }
}
