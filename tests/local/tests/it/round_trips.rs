//! What a healthy batch of ten costs at DynamoDB, counted at the wire.

mod vendors;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use causeway::Timestamp;
use causeway::cache::FunctionMemory;
use causeway::clock::{Clock, ManualClock};
use causeway::dynamodb::DynamoDb;
use causeway::http_client::{CallError, HttpClient};
use causeway::lanes::{DynamoStates, MemoryStates};
use causeway::ledger::{DynamoLedger, OPEN};
use causeway::outcome::Outcome;
use causeway::pipeline::{Invocation, Lane, Settings};
use causeway::provider::{Answer, Provider, Secret, Wire};
use causeway::queue::{Message, SqsQueue};
use causeway::seams::Seams;
use causeway::secrets::MemorySecrets;
use causeway_local::stack::BareEmulator;
use serde_json::json;
use tokio::sync::Barrier;

use self::vendors::{Hundreds, OneScope, TenScopes, TwoScopes};
use crate::iam::assert_allowed;
use crate::recorder::{Recorded, Recorder, Step, rounds, write_units};

/// What SQS hands to a function at most.
const BATCH: usize = 10;

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

#[tokio::test(flavor = "multi_thread")]
async fn a_first_receive_is_a_round_of_admission_one_of_claims_and_one_of_settlements() {
    let emulator = emulator("test-round-trips-claimed").await;
    let one = Bench::new(&emulator, OneScope).await;
    let cold = one.batch("first", 0, 3).await;
    let trusting = one.batch("trusting", 500, 1).await;
    let allotted = one.batch("allotted", 100, 0).await;
    let later = one.batch("later", 5_000, 2).await;

    // An item of its own for the operation.
    let two = Bench::new(&emulator, TwoScopes).await;
    let cold_two = two.batch("first", 0, 4).await;
    let later_two = two.batch("later", 5_000, 3).await;

    let ten = Bench::new(&emulator, TenScopes).await;
    let cold_ten = ten.batch("first", 0, 2 + BATCH).await;
    let later_ten = ten.batch("later", 5_000, 1 + BATCH).await;

    let admission = [&cold, &trusting, &allotted, &later].map(|cost| cost.admission_rounds);
    assert_eq!(admission, [1, 1, 0, 1]);
    for batch in [&cold, &trusting, &allotted, &later] {
        assert_eq!((batch.claim_rounds, batch.settle_rounds), (1, 1));
        assert!(batch.units_per_request() <= 2.2);
    }
    for batch in [&cold_two, &later_two] {
        assert!(batch.units_per_request() <= 2.3);
    }
    for batch in [&cold_two, &later_two, &cold_ten, &later_ten] {
        assert_eq!(
            (
                batch.admission_rounds,
                batch.claim_rounds,
                batch.settle_rounds
            ),
            (1, 1, 1)
        );
        assert!(
            batch.units_per_request() <= 3.0,
            "a unit more for each item"
        );
    }
}

/// Where the vendor takes a hundred at once, the lane asks for leave once, calls once and draws one token; each request
/// has its claim and its settlement all the same, side by side.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_in_one_call_are_three_rounds_and_a_record_each() {
    let emulator = emulator("test-round-trips-hundred").await;
    let bench = Bench::of(&emulator, Hundreds, 100, 1).await;
    let cold = bench.batch("first", 0, 3).await;
    let later = bench.batch("later", 5_000, 2).await;
    for batch in [&cold, &later] {
        assert_eq!(
            (
                batch.admission_rounds,
                batch.claim_rounds,
                batch.settle_rounds
            ),
            (1, 1, 1)
        );
        assert!(batch.units_per_request() <= 2.1);
    }
    // The vendor's limit of four calls a minute let both through.
    assert_eq!(bench.vendor.calls.load(Ordering::Relaxed), 2);
}

async fn emulator(name: &str) -> BareEmulator {
    let emulator = BareEmulator::up(name).await;
    emulator.unwrap_or_else(|error| panic!("{}", error.report()))
}

/// What one batch cost.
struct Cost {
    admission_rounds: usize,
    claim_rounds: usize,
    settle_rounds: usize,
    write_units: usize,
    size: usize,
}

impl Cost {
    fn of(requests: &[Recorded], expected: [usize; 3]) -> Self {
        let of = |step| -> Vec<&Recorded> {
            let of_step = requests.iter().filter(|request| request.step == step);
            of_step.collect()
        };
        let admission = of(Step::Admission);
        let (claims, settlements) = (of(Step::Claim), of(Step::Settlement));
        assert_eq!([admission.len(), claims.len(), settlements.len()], expected);
        for write in claims.iter().chain(&settlements) {
            assert_eq!(write.target, "DynamoDB_20120810.PutItem");
            // What the index of undelivered requests would write for is not there.
            assert_eq!(write.body["Item"].get(OPEN), None, "{}", write.body);
        }
        Self {
            admission_rounds: rounds(admission),
            claim_rounds: rounds(claims),
            settle_rounds: rounds(settlements),
            write_units: requests.iter().map(write_units).sum(),
            size: expected[2],
        }
    }

    fn units_per_request(&self) -> f64 {
        self.write_units as f64 / self.size as f64
    }

    fn print(&self, provider: &str, batch: &str) {
        eprintln!(
            "{provider}, {batch}: {} round(s) of admission, {} of claims and {} of settlements, \
             {:.1} write units a request",
            self.admission_rounds,
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
    /// Messages in a batch.
    size: usize,
    vendor: Arc<Vendor>,
}

impl Bench {
    /// Batches of ten, of which every record has a call of its own.
    async fn new(emulator: &BareEmulator, provider: impl Provider) -> Self {
        Self::of(emulator, provider, BATCH, BATCH).await
    }

    /// Batches of `size`, which make so many calls.
    async fn of(
        emulator: &BareEmulator,
        provider: impl Provider,
        size: usize,
        calls: usize,
    ) -> Self {
        let (recorder, config) = Recorder::around(&emulator.sdk_config());
        let name = provider.spec().name;
        let clock = Arc::new(ManualClock::at(NOON));
        let settings = Settings {
            base_url: "https://api.vendor.example".to_owned(),
            environment: format!("environment-of-{name}"),
            max_in_flight: BATCH,
            memory: FunctionMemory::USUAL,
        };
        let vendor = Arc::new(Vendor::of(calls));
        let seams = seams(emulator, &config, name, clock.clone(), vendor.clone()).await;
        Self {
            recorder,
            clock,
            lane: Lane::new(provider, seams, settings),
            provider: name,
            size,
            vendor,
        }
    }

    /// Carries out a batch of new requests, `after_ms` after the batch before; `admissions` requests ask for leave.
    async fn batch(&self, name: &str, after_ms: u64, admissions: usize) -> Cost {
        let expected = [admissions, self.size, self.size];
        self.recorder.expect(expected);
        self.clock.advance(Duration::from_millis(after_ms));
        let now = self.clock.now();
        let batch = (0..self.size).map(|number| self.message(name, number, now));
        let invocation = Invocation {
            id: format!("invocation-{name}"),
            deadline: now + Duration::from_secs(60),
        };
        let report = self.lane.process(batch.collect(), &invocation).await;
        for entry in &report.entries {
            assert_eq!(entry.outcome, Outcome::Delivered, "{name}");
        }
        let requests = self.recorder.take();
        assert_allowed(self.provider, &requests);
        let cost = Cost::of(&requests, expected);
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
            mark: None,
            revision: None,
            first_seen: now,
            group_id: None,
            trace_header: None,
        }
    }
}

/// Tables and queues of a name.
async fn seams(
    emulator: &BareEmulator,
    config: &SdkConfig,
    name: &str,
    clock: Arc<ManualClock>,
    vendor: Arc<Vendor>,
) -> Seams {
    // The recorder tells the ledger's writes by its table's name.
    let (requests, lanes) = (format!("{name}-Requests"), format!("{name}-Lanes"));
    emulator.make_ledger(&requests).await.expect("a new table");
    emulator.make_table(&lanes).await.expect("a new table");
    let queue_url = emulator
        .make_queue(&format!("{name}-queue"))
        .await
        .expect("a queue");
    let dlq_url = emulator
        .make_queue(&format!("{name}-dlq"))
        .await
        .expect("a queue");
    let dynamodb = DynamoDb::new(config);
    let secret = Secret::parse(r#"{"token":"t0ken"}"#).expect("an object of strings");
    Seams {
        clock,
        http: vendor,
        ledger: Arc::new(DynamoLedger::new(dynamodb.clone(), requests)),
        states: Arc::new(DynamoStates::new(dynamodb, lanes)),
        mappings: Arc::new(MemoryStates::default()),
        queue: Arc::new(SqsQueue::new(config, queue_url, dlq_url)),
        secrets: Arc::new(MemorySecrets::default().with(name, "default", secret)),
    }
}

/// Answers nobody before all of a batch have called.
struct Vendor {
    together: Barrier,
    calls: AtomicUsize,
}

impl Vendor {
    fn of(calls: usize) -> Self {
        Self {
            together: Barrier::new(calls),
            calls: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl HttpClient for Vendor {
    async fn call(
        &self,
        _base_url: &str,
        _wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let together = tokio::time::timeout(timeout, self.together.wait()).await;
        together.expect("all calls at the same time");
        Ok(Answer {
            status: 200,
            headers: http::HeaderMap::new(),
            body: r#"{"id":"ord_1NirD82eZvKYlo2CIvbtLWuY"}"#.into(),
        })
    }
}
