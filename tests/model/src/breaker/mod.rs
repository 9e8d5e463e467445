//! The breaker's protocol: a few environments, one shared item under compare-and-swap, an operator.
//!
//! Every decision is one of [`Breaker`]'s own: `admit`, `record`, `release_probe`, `force_open`, `force_close`. Between
//! reading the item and writing it others come and go; a loser reads again and decides again. An environment may die
//! at any time, and its lease then ends by itself.

pub mod property;

use std::sync::Arc;
use std::time::Duration;

use causeway::Timestamp;
use causeway::breaker::{Admission, BatchResults, Breaker, BreakerSpec, CallResult, Scope, State};
use stateright::{Model, Property};

/// One tick: longer than the second for which a closed state is trusted, and than the two that set one environment's
/// failing batches apart.
const TICK: Duration = Duration::from_secs(5);

/// How long a probe is leased.
const LEASE_TICKS: u8 = 2;

/// The production rules with numbers that a few calls reach.
const SPEC: BreakerSpec = BreakerSpec {
    faults_to_open: 2,
    rate_percent: 50,
    rate_min_calls: 3,
    window: Duration::from_secs(TICK.as_secs() * 2),
    open: TICK,
    open_max: Duration::from_secs(TICK.as_secs() * 2),
    probe_successes: 2,
    ramp: [250, 500],
    ramp_step: TICK,
    slow_call: Duration::from_secs(10),
    scope: Scope::Provider,
};

/// The moment of a tick: 2026-11-22T10:00:00Z and so many ticks.
pub fn at(tick: u8) -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000) + TICK * u32::from(tick)
}

/// A fleet to search.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Environments.
    pub environments: usize,
    /// The last tick.
    pub horizon: u8,
    /// Batches that may be started.
    pub batches: u8,
    /// Words that the operator may say.
    pub commands: u8,
    /// What an environment does wrong, to see that the model notices.
    pub bug: Option<Bug>,
}

/// Mistakes that an environment could make. Each is in the model's own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Writes whatever came between.
    ForgetVersion,
    /// Calls on an election that it has not written.
    ProbeUnelected,
    /// Does not see that a probe is leased to somebody.
    ForgetLease,
    /// Does not see that the open window still lasts.
    ForgetWindow,
    /// Counts results for the present state, whatever they were admitted under.
    ForgetEpoch,
}

/// One moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The clock, in ticks.
    pub tick: u8,
    /// The shared item.
    pub item: Arc<Breaker>,
    /// Its version.
    pub version: u8,
    /// The environments.
    pub environments: Vec<Environment>,
    /// Batches still to be started.
    pub batches: u8,
    /// What the operator may still say.
    pub commands: u8,
    /// A rule about transitions that was broken: one moment does not show it.
    pub broken: Option<&'static str>,
}

/// What one environment is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Nothing, or it died and another one took its place.
    Idle,
    /// Was told that it may be the prober, and is about to write so.
    Electing {
        /// The item with its lease.
        next: Arc<Breaker>,
        /// What it saw.
        version: u8,
    },
    /// Makes calls.
    Calling {
        /// Under which they were admitted.
        epoch: u64,
        /// Until when the one call is leased, where it is a probe.
        probe_until: Option<u8>,
    },
    /// Is about to write what a batch, or a probe that made no call, makes of the item.
    Recording {
        /// What to tell; none hands a probe back.
        results: Option<CallResult>,
        /// Under which they were admitted.
        epoch: u64,
        /// The item it would write.
        next: Arc<Breaker>,
        /// What it saw.
        version: u8,
    },
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Time goes on.
    Tick,
    /// An environment with a batch reads the item and asks for leave.
    Ask(usize),
    /// Its write is carried out, if nobody came between.
    Write(usize),
    /// Its calls end, and it decides what to write.
    End(usize, CallResult),
    /// Its probe made no call, and it decides to hand it back.
    HandBack(usize),
    /// It dies.
    Crash(usize),
    /// An operator forces the breaker open for a tick.
    ForceOpen,
    /// An operator closes it.
    ForceClose,
}

/// What an environment is called; [`Breaker`] keeps the name of whoever leads.
const NAMES: [&str; 3] = ["a", "b", "c"];

impl Fleet {
    /// A fleet without mistakes.
    pub const fn new(environments: usize, horizon: u8, batches: u8, commands: u8) -> Self {
        Self {
            environments,
            horizon,
            batches,
            commands,
            bug: None,
        }
    }

    /// With a mistake.
    pub fn with(self, bug: Bug) -> Self {
        Self {
            bug: Some(bug),
            ..self
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn ask(&self, moment: &mut Moment, who: usize) {
        let mut seen = moment.item.as_ref().clone();
        if self.has(Bug::ForgetLease) && seen.state == State::HalfOpen {
            seen.probe_until = None;
        }
        if self.has(Bug::ForgetWindow) && seen.state == State::Open {
            seen.open_until = None;
        }
        let lease = TICK * u32::from(LEASE_TICKS);
        moment.environments[who] = match seen.admit(&SPEC, at(moment.tick), NAMES[who], lease) {
            Admission::All | Admission::Share { .. } => {
                let epoch = moment.item.epoch;
                moment.calls(epoch, None)
            }
            Admission::Probe { next } if self.has(Bug::ProbeUnelected) => {
                moment.calls(next.epoch, Some(moment.tick + LEASE_TICKS))
            }
            Admission::Probe { next } => Environment::Electing {
                next: Arc::new(*next),
                version: moment.version,
            },
            Admission::Refuse { .. } => Environment::Idle,
        };
    }

    fn write(&self, moment: &mut Moment, who: usize) {
        match moment.environments[who].clone() {
            Environment::Electing { next, version } => {
                if version != moment.version && !self.has(Bug::ForgetVersion) {
                    return self.ask(moment, who);
                }
                let epoch = next.epoch;
                let until = next.probe_until.map(|until| {
                    let ticks = until.since(at(0)).as_secs() / TICK.as_secs();
                    u8::try_from(ticks).unwrap_or(u8::MAX)
                });
                moment.put(next, false);
                moment.environments[who] = moment.calls(epoch, until);
            }
            Environment::Recording {
                results,
                epoch,
                next,
                version,
            } => {
                if version != moment.version && !self.has(Bug::ForgetVersion) {
                    return self.tell(moment, who, results, epoch);
                }
                if results.is_some() && epoch < moment.item.epoch {
                    moment.broken = Some("results of an older epoch were counted");
                }
                moment.put(next, false);
                moment.environments[who] = Environment::Idle;
            }
            Environment::Idle | Environment::Calling { .. } => {}
        }
    }

    /// Decides, on the item as it stands, what `results` make of it.
    fn tell(&self, moment: &mut Moment, who: usize, results: Option<CallResult>, epoch: u64) {
        let item = &moment.item;
        let next = match results {
            Some(result) => {
                let batch: BatchResults = [result].into_iter().collect();
                let believed = if self.has(Bug::ForgetEpoch) {
                    u64::MAX
                } else {
                    epoch
                };
                item.record(&SPEC, at(moment.tick), NAMES[who], believed, &batch, 0.5)
            }
            None => item.release_probe(NAMES[who]),
        };
        moment.environments[who] = next.map_or(Environment::Idle, |next| Environment::Recording {
            results,
            epoch,
            next: Arc::new(next),
            version: moment.version,
        });
    }

    fn offer(&self, moment: &Moment, who: usize, steps: &mut Vec<Step>) {
        match &moment.environments[who] {
            Environment::Idle => {
                if moment.batches > 0 {
                    steps.push(Step::Ask(who));
                }
                return;
            }
            Environment::Electing { .. } | Environment::Recording { .. } => {
                steps.push(Step::Write(who));
            }
            Environment::Calling { probe_until, .. } => {
                steps.push(Step::End(who, CallResult::Success));
                steps.push(Step::End(who, CallResult::Fault));
                if probe_until.is_some() {
                    steps.push(Step::HandBack(who));
                }
            }
        }
        steps.push(Step::Crash(who));
    }

    pub(crate) fn take(&self, moment: &mut Moment, step: Step) {
        match step {
            Step::Tick => moment.tick += 1,
            Step::Ask(who) => {
                moment.batches = moment.batches.saturating_sub(1);
                self.ask(moment, who);
            }
            Step::Write(who) => self.write(moment, who),
            Step::End(who, result) => {
                if let Environment::Calling { epoch, .. } = moment.environments[who] {
                    self.tell(moment, who, Some(result), epoch);
                }
            }
            Step::HandBack(who) => {
                if let Environment::Calling { epoch, .. } = moment.environments[who] {
                    self.tell(moment, who, None, epoch);
                }
            }
            Step::Crash(who) => moment.environments[who] = Environment::Idle,
            Step::ForceOpen => {
                moment.commands -= 1;
                let (now, until) = (at(moment.tick), at(moment.tick + 1));
                if let Ok(next) = moment.item.force_open(now, "drill", until) {
                    moment.put(Arc::new(next), true);
                }
            }
            Step::ForceClose => {
                moment.commands -= 1;
                let next = moment.item.force_close(at(moment.tick));
                moment.put(Arc::new(next), true);
            }
        }
    }
}

impl Moment {
    /// Starts calls. Whoever starts some while nobody may has broken a rule.
    fn calls(&mut self, epoch: u64, probe_until: Option<u8>) -> Environment {
        if self.is_open() {
            self.broken = Some("a call was admitted while open");
        }
        Environment::Calling { epoch, probe_until }
    }

    fn is_open(&self) -> bool {
        let ends_later = |until| at(self.tick) < until;
        matches!(self.item.state, State::Open | State::ForcedOpen)
            && self.item.open_until.is_some_and(ends_later)
    }

    /// Writes the item, and looks at what a transition must keep.
    fn put(&mut self, next: Arc<Breaker>, by_operator: bool) {
        let was = &self.item;
        if next.epoch < was.epoch {
            self.broken = Some("the epoch went back");
        }
        if (next.epoch == was.epoch) != (next.state == was.state) {
            self.broken = Some("the epoch changes with the state, and only with it");
        }
        if self.is_open() && !by_operator {
            self.broken = Some("an open window, forced or not, was cut short");
        }
        self.item = next;
        self.version += 1;
    }
}

impl Model for Fleet {
    type State = Moment;
    type Action = Step;

    fn init_states(&self) -> Vec<Moment> {
        vec![Moment {
            tick: 0,
            item: Arc::default(),
            version: 0,
            environments: vec![Environment::Idle; self.environments],
            batches: self.batches,
            commands: self.commands,
            broken: None,
        }]
    }

    fn actions(&self, moment: &Moment, steps: &mut Vec<Step>) {
        if moment.tick < self.horizon {
            steps.push(Step::Tick);
        }
        if moment.commands > 0 {
            steps.push(Step::ForceOpen);
            steps.push(Step::ForceClose);
        }
        for who in 0..self.environments {
            self.offer(moment, who, steps);
        }
    }

    fn next_state(&self, moment: &Moment, step: Step) -> Option<Moment> {
        let mut next = moment.clone();
        self.take(&mut next, step);
        (next != *moment).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all(self)
    }
}
