//! One request through a lane in memory, to its end, whatever becomes of its calls.

use std::sync::Arc;
use std::time::Duration;

use causeway::Timestamp;
use causeway::cache::FunctionMemory;
use causeway::clock::{Clock, ManualClock};
use causeway::lanes::MemoryStates;
use causeway::ledger::{MemoryLedger, Record};
use causeway::pack::page::{AddressPart, Page};
use causeway::pipeline::{Invocation, Lane, Settings};
use causeway::provider::{Provider, Secret};
use causeway::queue::{MemoryQueue, Message};
use causeway::seams::Seams;
use causeway::secrets::MemorySecrets;
use causeway_fakes::pack::{Client, Fake, Fault, Made, Seen};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};

use crate::shelf::Shelved;

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

/// A function's time, and how long its claim outlives it: a little more than that.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);
const AFTER_A_KILL: Duration = Duration::from_secs(70);

/// Receives until a request must be at its end: a lookup that tells nothing is asked for a day.
const RECEIVES_MAX: u32 = 900;

/// What came of a request.
#[derive(Debug)]
pub struct Run {
    /// Its record; none where it never got one.
    pub record: Option<Record>,
    /// Whether its message was acknowledged.
    pub acknowledged: bool,
    /// The code and detail of its letter, where it has one.
    pub letter: Option<(String, String)>,
    /// What the vendor did.
    pub made: Vec<Made>,
    /// How often it was called for the operation.
    pub calls: usize,
    /// What the vendor heard.
    pub seen: Vec<Seen>,
}

/// Somebody else's call, before ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// Another request of the same payload, an hour ago.
    Twin,
}

/// A request, and how its account is connected.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The operation.
    pub operation: &'a str,
    /// The operation whose calls go wrong: the same, but for a raw call.
    pub beset: &'a str,
    /// Its payload.
    pub payload: &'a Value,
    /// Which of the provider's ways of connecting an account.
    pub way: usize,
}

/// How many ways of connecting an account there are.
#[must_use]
pub fn ways(shelved: &Shelved) -> usize {
    shelved.pack.spec().secret_fields().len()
}

/// Carries out one request; the operation's first calls meet `faults`.
#[must_use]
pub fn run(shelved: &Shelved, subject: Subject<'_>, faults: &[Fault], before: Before) -> Run {
    let Subject {
        operation,
        beset,
        payload,
        way,
    } = subject;
    let world = World::new(shelved, way);
    if before == Before::Twin {
        world.carry_out("twin", operation, payload);
        world.clock.advance(Duration::from_secs(3600));
    }
    world.client.beset(beset, faults);
    let (made, seen) = world
        .client
        .look(|fake| (fake.made().len(), fake.seen().len()));
    let acknowledged = world.carry_out("request", operation, payload);
    let pk = format!("{}#default#request", world.name);
    let letters = world.queue.done().letters;
    let letter = letters
        .iter()
        .rfind(|letter| letter.body.contains("\"request\""));
    let (made, seen) = world
        .client
        .look(|fake| (fake.made()[made..].to_vec(), fake.seen()[seen..].to_vec()));
    Run {
        record: world.ledger.records().remove(&pk),
        acknowledged,
        letter: letter.map(|letter| (letter.reason.code.to_string(), letter.reason.detail.clone())),
        made,
        calls: world.client.calls(),
        seen,
    }
}

struct World {
    name: &'static str,
    pack: causeway::pack::Pack,
    clock: Arc<ManualClock>,
    client: Arc<Client>,
    ledger: Arc<MemoryLedger>,
    queue: Arc<MemoryQueue>,
    seams: Seams,
    base_url: String,
}

impl World {
    fn new(shelved: &Shelved, way: usize) -> Self {
        let name = shelved.pack.spec().name;
        let base_url = format!("http://127.0.0.1/{name}");
        let clock = Arc::new(ManualClock::at(NOON));
        let fake = Fake::new(Arc::clone(&shelved.routes), Arc::clone(&shelved.behaviour));
        let client = Arc::new(Client::new(fake, base_url.clone(), Arc::clone(&clock)));
        let ledger = Arc::new(MemoryLedger::default());
        let queue = Arc::new(MemoryQueue::default());
        let secrets = MemorySecrets::default().with(name, "default", secret(shelved, way));
        let seams = Seams {
            clock: clock.clone(),
            http: client.clone(),
            ledger: ledger.clone(),
            states: Arc::new(MemoryStates::default()),
            mappings: Arc::new(MemoryStates::default()),
            queue: queue.clone(),
            secrets: Arc::new(secrets),
        };
        Self {
            name,
            pack: shelved.pack,
            clock,
            client,
            ledger,
            queue,
            seams,
            base_url,
        }
    }

    fn lane(&self, environment: u32) -> Lane {
        let settings = Settings {
            base_url: self.base_url.clone(),
            environment: format!("environment-{environment}"),
            max_in_flight: 10,
            memory: FunctionMemory::USUAL,
        };
        Lane::new(self.pack, self.seams.clone(), settings)
    }

    /// Hands a request out until it is acknowledged; whether it ever was.
    fn carry_out(&self, key: &str, operation: &str, payload: &Value) -> bool {
        let body = json!({
            "provider": self.name, "operation": operation, "idempotency_key": key, "payload": payload,
        });
        let sent_at = self.clock.now();
        let mut message = Message {
            id: key.to_owned(),
            origin: key.to_owned(),
            receipt_handle: format!("receipt-{key}"),
            body: body.to_string(),
            receive_count: 0,
            sent_at,
            mark: None,
            revision: None,
            first_seen: sent_at,
            group_id: None,
            trace_header: None,
        };
        let mut environment = 0;
        let mut lane = self.lane(environment);
        for receive in 1..=RECEIVES_MAX {
            message.receive_count = receive;
            let invocation = Invocation {
                id: format!("{key}-{receive}"),
                deadline: self.clock.now() + FUNCTION_TIMEOUT,
            };
            let hidden = self.queue.done().hidden.len();
            let batch = vec![message.clone()];
            let Some(report) = Box::pin(lane.process(batch, &invocation)).now_or_never() else {
                // The function was ended in the middle of it, and another takes over.
                environment += 1;
                lane = self.lane(environment);
                self.clock.advance(AFTER_A_KILL);
                continue;
            };
            if report.retained().is_empty() {
                return true;
            }
            let told = self.queue.done().hidden;
            let wait = told
                .get(hidden..)
                .and_then(<[_]>::last)
                .map(|(_, wait)| *wait);
            self.clock.advance(
                wait.unwrap_or(Duration::from_secs(30))
                    .max(Duration::from_secs(1)),
            );
        }
        false
    }
}

/// A secret with all that a way of connecting an account needs.
fn secret(shelved: &Shelved, way: usize) -> Secret {
    let page = shelved.pack.page();
    let mut fields = Map::new();
    let ways = shelved.pack.spec().secret_fields();
    for field in ways.get(way).into_iter().flatten() {
        fields.insert((*field).to_owned(), part(page, field).into());
    }
    let secret = Secret::parse(&Value::Object(fields).to_string());
    secret.unwrap_or_else(|error| panic!("{}: a secret of texts: {error}", shelved.name))
}

fn part(page: &Page, field: &str) -> String {
    match page.address.secret.get(field) {
        Some(AddressPart::Choice(choices)) => choices
            .first()
            .map(|[said, _]| said.clone())
            .unwrap_or_default(),
        Some(AddressPart::Id(longest)) => "AC0123456789abcdef0123456789abcdef"
            .chars()
            .take(*longest)
            .collect(),
        Some(AddressPart::Host) => "acme".to_owned(),
        None => "acme1".to_owned(),
    }
}
