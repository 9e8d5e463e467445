//! What must always hold, looked at while it happens and once more at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use causeway::breaker::{Breaker, Scope, State};
use causeway::http_client::CallError;
use causeway::ledger::{Record, Status};
use causeway::limiter::{Limit, ScopeKey};
use causeway::outcome::Outcome;
use causeway::provider::{Answer, Provider, Safety, Wire};
use causeway::queue::Letter;
use causeway::request::vendor_key;
use futures_util::FutureExt;
use serde_json::Value;

use crate::executor::Due;
use crate::limits::{self, Started};
use crate::world::{Event, World};

/// A promise of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No message leaves without a completed record or a letter, and what counts as delivered took effect.
    Lost,
    /// One effect at most per key.
    DoubleEffects,
    /// Vendors' limits are kept.
    LimitViolations,
    /// No call while the breaker is open, but the probe's.
    CallsWhileOpen,
    /// Everything ends once nothing fails any more.
    Stuck,
    /// What was rejected without a doubt took no effect.
    FalseRejections,
    /// Every ambiguous end that nothing can settle is reported as unknown.
    Unreported,
    /// Whoever calls holds the claim.
    UnclaimedCalls,
    /// What waits spends no attempt.
    Attempts,
    /// A letter says why, how often and since when.
    Letters,
    /// Completed and unknown records stay as they are.
    Absorbing,
}

impl Invariant {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Lost,
        Self::DoubleEffects,
        Self::LimitViolations,
        Self::CallsWhileOpen,
        Self::Stuck,
        Self::FalseRejections,
        Self::Unreported,
        Self::UnclaimedCalls,
        Self::Attempts,
        Self::Letters,
        Self::Absorbing,
    ];

    /// Its name in the summary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::DoubleEffects => "double_effects",
            Self::LimitViolations => "limit_violations",
            Self::CallsWhileOpen => "calls_while_open",
            Self::Stuck => "stuck",
            Self::FalseRejections => "false_rejections",
            Self::Unreported => "unreported_unknowns",
            Self::UnclaimedCalls => "unclaimed_calls",
            Self::Attempts => "attempts_without_call",
            Self::Letters => "bad_letters",
            Self::Absorbing => "absorbing_left",
        }
    }
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How.
    pub text: String,
}

/// What is remembered in order to judge.
#[derive(Debug, Default)]
pub struct Watch {
    /// What was broken.
    pub violations: Vec<Violation>,
    /// References that lookups ask for.
    pub references: HashMap<String, usize>,
    /// Calls in good faith: their environments could not know yet that the breaker had opened.
    pub stragglers: Vec<Straggler>,
    breakers: HashMap<String, Circuit>,
    calls: BTreeMap<(String, &'static str), (&'static Limit, Vec<Started>)>,
    /// Attempts that each record was closed with.
    closed: BTreeSet<(String, u32)>,
    effects: HashMap<String, u32>,
}

#[derive(Debug, Default)]
struct Circuit {
    breaker: Breaker,
    left_closed_at: i64,
    probe_calls: u32,
}

/// A call that was made while the breaker was open, and was no probe.
#[derive(Clone, Copy, Debug)]
pub struct Straggler {
    /// By whom.
    pub environment: usize,
    /// In which invocation.
    pub invocation: u64,
    /// Whether that began after the breaker had opened.
    pub is_new: bool,
}

/// How long an environment may trust that a breaker is closed.
const TRUST: i64 = 1_000;

impl World {
    /// Notes that a promise was broken.
    pub fn violated(&mut self, invariant: Invariant, text: String) {
        self.note(None, || format!("VIOLATION {}: {text}", invariant.name()));
        self.watch.violations.push(Violation { invariant, text });
    }

    /// The record of `key`.
    pub fn record(&self, key: &str) -> Option<Record> {
        let keys = [key.to_owned()];
        let read = causeway::ledger::LedgerStore::read(self.ledger.as_ref(), &keys).now_or_never();
        read?.ok()?.pop()?
    }

    /// A record was written.
    pub fn see_record(&mut self, before: Option<&Record>, next: &Record) {
        let group = self.groups.get(&next.pk).cloned().unwrap_or_default();
        for &number in &group {
            if matches!(self.requests[number].safety, Some(Safety::Lookup { .. })) {
                let reference = vendor_key(&next.pk, next.series);
                self.watch.references.insert(reference, number);
            }
        }
        let absorbing = |record: &Record| {
            matches!(record.status, Status::Completed | Status::Unknown)
                && !record.is_expired(self.timestamp())
        };
        if let Some(before) = before.filter(|before| absorbing(before)) {
            let (pk, from, to) = (&next.pk, before.status, next.status);
            self.violated(
                Invariant::Absorbing,
                format!("{pk}: {from:?} became {to:?}"),
            );
        }
        if next.status == Status::Completed && !self.took_effect(&next.pk) {
            self.violated(
                Invariant::Lost,
                format!("{} counts as delivered and never took effect", next.pk),
            );
        }
        if matches!(next.status, Status::Rejected | Status::Unknown) {
            let closed = (next.pk.clone(), next.attempts);
            self.watch.closed.insert(closed);
        }
        self.see_attempts(before, next, &group);
    }

    /// An attempt is a call, or a lease that ended without a word.
    fn see_attempts(&mut self, before: Option<&Record>, next: &Record, group: &[usize]) {
        let counted = |record: Option<&Record>| {
            record.map_or((1, 0), |record| (record.series, record.attempts))
        };
        let ((series, attempts), (next_series, next_attempts)) =
            (counted(before), counted(Some(next)));
        let calls: u32 = group
            .iter()
            .map(|&number| self.requests[number].calls)
            .sum();
        let written: u32 = group
            .iter()
            .map(|&number| self.requests[number].calls_written)
            .sum();
        let settles = before.is_none_or(|before| before.owner == next.owner);
        if series == next_series && next_attempts > attempts && settles && calls == written {
            self.violated(
                Invariant::Attempts,
                format!("{}: attempt {next_attempts} without a call", next.pk),
            );
        }
        for &number in group {
            self.requests[number].calls_written = self.requests[number].calls;
        }
    }

    fn took_effect(&self, key: &str) -> bool {
        self.watch.effects.contains_key(key)
    }

    /// A call is about to be made by an environment and a strand of it.
    pub fn see_call(&mut self, by: (usize, usize), wire: &Wire, request: Option<usize>) {
        let Some(number) = request else { return };
        let is_lookup = wire.body.is_empty();
        if !is_lookup {
            self.requests[number].calls += 1;
            self.see_limits(by, number);
        }
        self.see_holder(by.0, number);
        self.see_circuit(by.0, number, is_lookup);
    }

    /// A call whose repetition would matter is made by whoever holds the claim. Keyed calls have the vendor's key
    /// for a guard.
    fn see_holder(&mut self, environment: usize, number: usize) {
        let request = &self.requests[number];
        let (Some(key), Some(safety)) = (request.ledger_key.clone(), request.safety) else {
            return;
        };
        if matches!(safety, Safety::Keyed { .. }) {
            return;
        }
        let environment = &self.environments[environment];
        let us = format!("{}/i{}/", environment.name, environment.invocation);
        let held = self.record(&key).is_some_and(|record| {
            record.status == Status::InProgress && record.owner.starts_with(&us)
        });
        if !held {
            self.violated(
                Invariant::UnclaimedCalls,
                format!("{us} calls for {key} without its claim"),
            );
        }
    }

    fn see_limits(&mut self, (environment, strand): (usize, usize), number: usize) {
        let request = &self.requests[number];
        let Some(operation) = decoded_operation(self, number) else {
            return;
        };
        let now = self.now;
        let instant = self.environments[environment].instants.get(&strand);
        let late = instant.map_or(0, |instant| now - instant).max(0);
        for limit in self.provider.spec().limits_of(operation) {
            let scope = match limit.scope() {
                ScopeKey::Account => request.connection.clone(),
                ScopeKey::Operation => format!("{}/{}", request.connection, operation.name),
                ScopeKey::Field(_) => format!("{}/desk {}", request.connection, request.desk),
            };
            let (_, calls) = self
                .watch
                .calls
                .entry((scope, limit.name()))
                .or_insert_with(|| (limit, Vec::new()));
            calls.push(Started { at: now, late });
        }
    }

    fn see_circuit(&mut self, by: usize, number: usize, is_lookup: bool) {
        let key = self.breaker_key(number);
        let Some(circuit) = self.watch.breakers.get_mut(&key) else {
            return;
        };
        let environment = &self.environments[by];
        let state = circuit.breaker.state;
        if state == State::Closed {
            return;
        }
        if environment.invoked_at <= circuit.left_closed_at + TRUST {
            self.watch.stragglers.push(Straggler {
                environment: by,
                invocation: environment.invocation,
                is_new: environment.invoked_at > circuit.left_closed_at,
            });
            return;
        }
        let probes = state == State::HalfOpen
            && circuit.breaker.probe_owner.as_deref() == Some(environment.name.as_str());
        circuit.probe_calls += u32::from(!is_lookup);
        if !probes || circuit.probe_calls > 1 {
            let text = format!(
                "{} calls for r{number} while {key} is {state:?}",
                environment.name
            );
            self.violated(Invariant::CallsWhileOpen, text);
        }
    }

    fn breaker_key(&self, number: usize) -> String {
        let spec = self.provider.spec();
        match spec.breaker.scope {
            Scope::Provider => format!("{}#*#breaker", spec.name),
            Scope::Connection => {
                format!("{}#{}#breaker", spec.name, self.requests[number].connection)
            }
        }
    }

    /// Shared state was written.
    pub fn see_state(&mut self, environment: usize, key: &str, value: &Value) {
        if !key.ends_with("#breaker") {
            return;
        }
        let Ok(breaker) = serde_json::from_value::<Breaker>(value.clone()) else {
            return;
        };
        let now = self.now;
        // Events of the table come a little later, most of them.
        if self.is_watched && self.rng.chance(0.9) {
            let at = now + self.rng.between(100, 3_000);
            self.agenda.set(at, Due::Event(Event::Changed));
        }
        let circuit = self.watch.breakers.entry(key.to_owned()).or_default();
        let (from, to) = (circuit.breaker.state, breaker.state);
        if from == State::Closed && to != State::Closed {
            circuit.left_closed_at = now;
            self.counts.openings += 1;
        }
        if breaker.probe_until != circuit.breaker.probe_until {
            circuit.probe_calls = 0;
        }
        if from != to || breaker.probe_owner != circuit.breaker.probe_owner {
            let prober = breaker.probe_owner.clone().unwrap_or_default();
            circuit.breaker = breaker;
            self.note(Some(environment), || {
                format!("{key}: {from:?} -> {to:?}, probed by {prober:?}")
            });
        } else {
            circuit.breaker = breaker;
        }
    }

    /// Something came to be at the vendor.
    pub fn see_effect(&mut self, effect: Option<usize>) {
        let Some(number) = effect.map(|effect| self.vendor.effects[effect].request) else {
            return;
        };
        self.counts.effects += 1;
        let request = &self.requests[number];
        let (key, natural) = (
            request.ledger_key.clone().unwrap_or_default(),
            request.safety == Some(Safety::Natural),
        );
        let count = self.watch.effects.entry(key.clone()).or_default();
        *count += 1;
        let count = *count;
        if count > 1 && !natural {
            self.violated(
                Invariant::DoubleEffects,
                format!("{key} took effect {count} times"),
            );
        }
    }

    /// A caller got an answer, or none.
    pub fn see_answer(&mut self, request: Option<usize>, answer: &Result<Answer, CallError>) {
        let ambiguous = match answer {
            Ok(answer) => answer.status >= 500 || answer.status == 408,
            Err(CallError::Ambiguous(_)) => true,
            Err(CallError::NotSent(_)) => false,
        };
        if let (Some(number), true) = (request, ambiguous) {
            self.requests[number].doubted = true;
            if self.requests[number].safety == Some(Safety::Unsafe) {
                self.counts.ambiguous_unsafe += 1;
            }
        }
    }

    /// A letter was sent.
    pub fn see_letter(&mut self, letter: &Letter) {
        self.counts.letters += 1;
        let now = self.now;
        let Some(&number) = self.bodies.get(&letter.body) else {
            let text = format!("a letter holds what nobody wrote: {}", letter.body);
            return self.violated(Invariant::Letters, text);
        };
        let messages = self.queue.messages.iter();
        let mut messages = messages.filter(|message| message.request == number);
        let code = letter.reason.code.as_str();
        let first_seen = letter.first_seen.as_millis();
        // Of several messages with one body each has a time of its own.
        let is_known = messages.any(|message| message.first_seen == first_seen);
        if code.is_empty() || letter.reason.detail.len() > 1024 {
            self.violated(
                Invariant::Letters,
                format!("r{number}: no code, or too much detail"),
            );
        }
        if !is_known {
            self.violated(
                Invariant::Letters,
                format!("r{number}: first_seen is {first_seen}"),
            );
        }
        // Copies of one message may close its record in turn: each letter tells of one of them.
        let said = letter.reason.attempts;
        let key = self.requests[number].ledger_key.clone();
        let record = key.as_ref().and_then(|key| self.record(key));
        if let Some(record) = record
            && record
                .code
                .as_ref()
                .is_some_and(|stored| stored.as_str() == code)
            && !self.watch.closed.contains(&(record.pk.clone(), said))
        {
            let attempts = record.attempts;
            let text = format!("r{number}: the letter says {said} attempts, the record {attempts}");
            self.violated(Invariant::Letters, text);
        }
        self.queue.bury(number, letter.clone(), now);
    }

    /// A message is acknowledged because of `outcome`, by an invocation that began at `since`.
    pub fn see_acknowledged(&mut self, message: usize, outcome: &Outcome, since: i64) {
        let number = self.queue.messages[message].request;
        let request = &self.requests[number];
        let in_order = match outcome {
            Outcome::Delivered | Outcome::Duplicate => {
                let record = request.ledger_key.as_ref().and_then(|key| self.record(key));
                record.is_some_and(|record| {
                    record.status == Status::Completed
                        && Some(&record.payload_hash) == request.payload_hash.as_ref()
                })
            }
            Outcome::Rejected(_) | Outcome::Unknown(_) => self
                .queue
                .letters
                .iter()
                .any(|dead| dead.request == number && dead.at >= since),
            Outcome::Deferred { .. } | Outcome::Retry { .. } => {
                self.queue.messages[message].sent_again_at >= since
            }
        };
        if in_order {
            self.queue.messages[message].acknowledged = true;
        } else {
            let text = format!(
                "a message of r{number} is acknowledged as {}",
                outcome.name()
            );
            self.violated(Invariant::Lost, text);
        }
    }

    /// Judges the end.
    pub fn see_end(&mut self) {
        for at in 0..self.queue.messages.len() {
            let message = &self.queue.messages[at];
            let (number, gone, acknowledged) =
                (message.request, message.gone, message.acknowledged);
            if !gone {
                self.violated(Invariant::Stuck, format!("a message of r{number} is left"));
            } else if !acknowledged {
                self.violated(Invariant::Lost, format!("a message of r{number} is gone"));
            }
        }
        for (key, group) in self.groups.clone() {
            self.see_ended(&key, &group);
        }
        for ((scope, name), (limit, mut calls)) in std::mem::take(&mut self.watch.calls) {
            match limits::judge(limit, &mut calls) {
                limits::Judgement::Kept => {}
                limits::Judgement::Late => self.counts.late_calls += 1,
                limits::Judgement::Broken(excess) => self.violated(
                    Invariant::LimitViolations,
                    format!("limit `{name}` of {scope}: {excess} calls too many"),
                ),
            }
        }
    }

    fn see_ended(&mut self, key: &str, group: &[usize]) {
        let effective = self.took_effect(key);
        let record = self.record(key);
        let status = record.as_ref().map(|record| record.status);
        let ambiguous = record.as_ref().is_some_and(|record| record.ambiguous);
        let in_doubt = ambiguous || status == Some(Status::Unknown);
        if effective && status != Some(Status::Completed) && !in_doubt {
            let text = format!("{key} ended as {status:?} and took effect");
            self.violated(Invariant::FalseRejections, text);
        }
        if status == Some(Status::Completed) && !effective {
            let text = format!("{key} counts as delivered and never took effect");
            self.violated(Invariant::Lost, text);
        }
        let is_unsafe = |number: &usize| self.requests[*number].safety == Some(Safety::Unsafe);
        let doubted = |number: &usize| self.requests[*number].doubted;
        let unsafe_doubt = group
            .iter()
            .any(|number| is_unsafe(number) && doubted(number));
        let unsafe_effect = effective && group.iter().any(is_unsafe);
        let reported = status == Some(Status::Unknown);
        if unsafe_doubt && !reported
            || unsafe_effect && !reported && status != Some(Status::Completed)
        {
            let text = format!("{key} is in doubt and ended as {status:?}");
            self.violated(Invariant::Unreported, text);
        }
    }
}

fn decoded_operation(
    world: &World,
    number: usize,
) -> Option<&'static causeway::provider::Operation> {
    let safety = world.requests[number].safety?;
    let operations = world.provider.spec().operations;
    operations
        .iter()
        .find(|operation| operation.safety == safety)
}
