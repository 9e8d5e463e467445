//! One seed's world: its time, its stores, its queue, its vendor, and everything that is watched.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use causeway::Timestamp;
use causeway::lane_control::EventSource;
use causeway::lanes::MemoryStates;
use causeway::ledger::MemoryLedger;
use causeway::provider::Provider;

use crate::await_points;
use crate::counts::Counts;
use crate::executor::{Agenda, Due};
use crate::invariants::Watch;
use crate::profile::Profile;
use crate::providers;
use crate::rng::Rng;
use crate::sqs::Sqs;
use crate::vendor::Vendor;
use crate::workload::{Request, Workload};

/// When every world begins: 2026-11-22T10:00:00Z.
pub const START: i64 = 1_795_341_600_000;

/// Something that happens by itself.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A producer sends a request.
    Send(usize),
    /// The event source mapping asks the queue.
    Poll,
    /// An invocation's time is up: slot and invocation.
    Timeout(usize, u64),
    /// A deleted message shows up again.
    Haunt(usize),
    /// An operator redrives what is in the dead-letter queue.
    Redrive,
    /// A connection's secret loses fields: the connection's number, and which.
    Spoil(i64, i64),
    /// The gatekeeper looks at the lane, now and once a minute.
    Gatekeeper,
    /// The breaker's item changed.
    Changed,
    /// A connection, by its number, or one of its operations is paused, or no more.
    Paused(i64),
    /// A person authorises a connection anew.
    Reauthorise(i64),
    /// A person looks after a connection, and authorises it anew where nothing else helps.
    Help(i64),
    /// An operator says that all connections work again.
    Resume,
    /// From now on nothing fails any more.
    Calm,
}

/// One execution environment.
#[derive(Debug)]
pub struct Environment {
    /// Its name, unique in its world.
    pub name: String,
    /// By how much its clock is ahead of the truth, in ms.
    pub skew: i64,
    /// It died, and its future is to be dropped.
    pub dead: bool,
    /// The number of its present invocation.
    pub invocation: u64,
    /// When that began.
    pub invoked_at: i64,
    /// Secrets that it keeps, and until when.
    pub secrets: HashMap<String, (String, i64)>,
}

/// Everything there is.
pub struct World {
    /// The true time, in ms since the epoch.
    pub now: i64,
    /// Where all chance comes from.
    pub rng: Rng,
    /// How the world is.
    pub profile: Profile,
    /// What will happen.
    pub agenda: Agenda<Event>,
    /// The provider of this world's one lane.
    pub provider: providers::Vendor,
    /// The `Requests` table.
    pub ledger: Arc<MemoryLedger>,
    /// The `Lanes` table.
    pub states: Arc<MemoryStates>,
    /// The mark of each state's last write.
    pub marks: HashMap<String, String>,
    /// The queue.
    pub queue: Sqs,
    /// The vendor.
    pub vendor: Vendor,
    /// The event source mapping: whether it hands out messages, and how many batches at once.
    pub source: EventSource,
    /// Whether a gatekeeper watches the lane.
    pub is_watched: bool,
    /// Every environment that ever ran.
    pub environments: Vec<Environment>,
    /// What was asked for.
    pub requests: Vec<Request>,
    /// Ledger keys, and the requests that use them.
    pub groups: BTreeMap<String, Vec<usize>>,
    /// Requests by body: a letter carries nothing else.
    pub bodies: HashMap<String, usize>,
    /// The invariants' eyes.
    pub watch: Watch,
    /// What is counted.
    pub counts: Counts,
    trace: Option<RefCell<String>>,
}

impl World {
    /// The world of `workload`.
    pub fn new(rng: Rng, profile: Profile, workload: Workload, traced: bool) -> Self {
        let retention = workload.provider.retention().as_millis();
        let mut agenda = Agenda::default();
        for (at, event) in workload.events {
            agenda.set(at, Due::Event(event));
        }
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut bodies = HashMap::new();
        for (number, request) in workload.requests.iter().enumerate() {
            bodies.insert(request.body.clone(), number);
            if let Some(key) = &request.ledger_key {
                groups.entry(key.clone()).or_default().push(number);
            }
        }
        Self {
            now: START,
            rng,
            profile,
            agenda,
            provider: workload.provider,
            ledger: Arc::default(),
            states: Arc::default(),
            marks: HashMap::new(),
            queue: Sqs::default(),
            vendor: Vendor::new(
                i64::try_from(retention).unwrap_or(i64::MAX),
                workload.provider.wants_tokens(),
            ),
            source: EventSource {
                enabled: true,
                maximum_concurrency: None,
                is_changing: false,
            },
            is_watched: false,
            environments: Vec::new(),
            requests: workload.requests,
            groups,
            bodies,
            watch: Watch::default(),
            counts: Counts::default(),
            trace: traced.then(RefCell::default),
        }
    }

    /// The provider's name.
    pub fn provider_name(&self) -> &'static str {
        self.provider.spec().name
    }

    /// Wakes `waker` at `at`.
    pub fn wake_at(&mut self, at: i64, waker: Waker) {
        self.agenda.set(at, Due::Wake(waker));
    }

    /// `environment` dies on its way to `what`. To be called in the poll that it dies in: what stands on the stack is
    /// the await that it never left.
    pub fn kill(&mut self, environment: usize, what: &str) {
        self.environments[environment].dead = true;
        self.counts.crashes += 1;
        await_points::hit();
        self.note(Some(environment), || format!("DIES at {what}"));
    }

    /// Adds a line to the trace, where there is one.
    pub fn note(&self, environment: Option<usize>, text: impl FnOnce() -> String) {
        let Some(trace) = &self.trace else {
            return;
        };
        let who = environment.map_or("-", |number| self.environments[number].name.as_str());
        let since = self.now - START;
        let (seconds, ms) = (since / 1000, since % 1000);
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
        // Writing to a string cannot fail.
        let _ = writeln!(
            trace.borrow_mut(),
            "{days}d {hours:02}:{minutes:02}:{seconds:02}.{ms:03}  {who:<5} {}",
            text()
        );
    }

    /// The trace so far.
    pub fn take_trace(&mut self) -> Option<String> {
        self.trace.take().map(RefCell::into_inner)
    }

    /// The true time as a timestamp.
    pub const fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }
}

/// A world in many hands.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// `world`, to be shared.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world; never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
