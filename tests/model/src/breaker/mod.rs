//! The breaker's protocol: a few environments, one shared item under compare-and-swap, an operator.
//!
//! Every decision is one of [`Breaker`]'s own: `admit`, `record`, `release_probe`, `force_open`, `force_close`. Between
//! reading the item and writing it others come and go; a loser reads again and decides again. An environment may die
//! at any time, and its lease then ends by itself.

mod environment;
pub mod property;

use std::sync::Arc;
use std::time::Duration;

use causeway::Timestamp;
use causeway::breaker::{Breaker, BreakerSpec, CallResult, Scope};
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
