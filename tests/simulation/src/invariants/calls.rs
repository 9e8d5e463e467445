//! Calls: who may make them, and when.

use std::collections::BTreeSet;

use causeway::breaker::{Breaker, Scope, State};
use causeway::http_client::CallError;
use causeway::ledger::Status;
use causeway::limiter::ScopeKey;
use causeway::provider::{Answer, Operation, Provider, Safety, Spec, Wire};
use serde_json::Value;

use super::Invariant;
use crate::executor::Due;
use crate::world::{Event, World};

#[derive(Debug, Default)]
pub(super) struct Circuit {
    breaker: Breaker,
    left_closed_at: i64,
    probe_calls: u32,
    /// Calls that failed, or were slow, since it came into its present state.
    pub(super) ill: u32,
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
    /// A call is about to be made by an environment and a strand of it. With several requests in it it is one call for
    /// limits and breaker, and an attempt, with a claim of its own, for each of them.
    pub fn see_call(&mut self, by: (usize, usize), wire: &Wire, requests: &[usize]) {
        let Some(&lead) = requests.first() else {
            return;
        };
        let is_lookup = wire.body.is_empty();
        if !is_lookup {
            for number in requests {
                self.requests[*number].calls += 1;
            }
            self.see_limits(lead);
        }
        if requests.len() > 1 {
            self.counts.batched_calls += 1;
            self.counts.batched_requests += requests.len() as u64;
        }
        let invocation = self.environments[by.0].invocation;
        self.watch.under_way.push((lead, by.0, invocation));
        for number in requests {
            self.see_holder(by.0, *number);
        }
        self.see_circuits(by.0, lead, is_lookup);
    }

    /// A call is made by whoever holds the claim.
    fn see_holder(&mut self, environment: usize, number: usize) {
        let Some(key) = self.requests[number].ledger_key.clone() else {
            return;
        };
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

    fn see_limits(&mut self, number: usize) {
        let Some(operation) = decoded_operation(self, number) else {
            return;
        };
        let now = self.now;
        for limit in self.provider.spec().limits_of(operation) {
            if let Some(permits) = limit.permits() {
                self.see_permits(number, limit.name(), permits);
                continue;
            }
            let request = &self.requests[number];
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
            calls.push(now);
        }
    }

    /// Calls of one connection that are under way: those of the dead are the vendor's business.
    fn see_permits(&mut self, number: usize, name: &str, permits: u32) {
        let environments = &self.environments;
        self.watch
            .under_way
            .retain(|&(_, environment, invocation)| {
                let own = &environments[environment];
                !own.dead && own.invocation == invocation
            });
        let connection = self.requests[number].connection.clone();
        let under_way = self.watch.under_way.iter();
        let others = under_way.filter(|(other, ..)| self.requests[*other].connection == connection);
        let count = others.count() + 1;
        if count > permits as usize {
            let text = format!("limit `{name}` of {connection}: {count} calls at once");
            self.violated(Invariant::LimitViolations, text);
        }
    }

    /// A call that was made for `number` is over.
    pub fn see_over(&mut self, environment: usize, number: usize) {
        let over = |(other, by, _): &(usize, usize, u64)| *other == number && *by == environment;
        if let Some(at) = self.watch.under_way.iter().position(over) {
            self.watch.under_way.swap_remove(at);
        }
    }

    /// A call asks leave of every breaker that it belongs to.
    fn see_circuits(&mut self, by: usize, number: usize, is_lookup: bool) {
        for key in scopes(self.provider.spec(), &self.requests[number].connection) {
            self.see_circuit(&key, by, number, is_lookup);
        }
    }

    fn see_circuit(&mut self, key: &str, by: usize, number: usize, is_lookup: bool) {
        let Some(circuit) = self.watch.breakers.get_mut(key) else {
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

    /// Shared state was written.
    pub fn see_state(&mut self, environment: usize, key: &str, value: &Value) {
        if key.ends_with("#credentials") {
            return self.see_credentials(key, value);
        }
        if !key.ends_with("#breaker") {
            return;
        }
        let Ok(breaker) = serde_json::from_value::<Breaker>(value.clone()) else {
            return;
        };
        let now = self.now;
        self.tell_gatekeeper(Event::Changed);
        let circuit = self.watch.breakers.entry(key.to_owned()).or_default();
        let (from, to) = (circuit.breaker.state, breaker.state);
        if from == State::Closed && to != State::Closed {
            circuit.left_closed_at = now;
            self.counts.openings += 1;
        }
        let ill = circuit.ill;
        if from != to {
            circuit.ill = 0;
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
        if to == State::Open && from != State::Open {
            self.see_opened(key, ill, from == State::Closed);
        }
    }

    /// Events of the table come a little later, most of them.
    pub(super) fn tell_gatekeeper(&mut self, event: Event) {
        if self.is_watched && self.rng.chance(0.9) {
            let at = self.now + self.rng.between(100, 3_000);
            self.agenda.set(at, Due::Event(event));
        }
    }

    /// Something came to be at the vendor.
    pub fn see_effect(&mut self, effect: usize) {
        let number = self.vendor.effects[effect].request;
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

    /// A caller got an answer, or none, to a call with that request in it.
    pub fn see_answer(&mut self, number: usize, answer: &Result<Answer, CallError>) {
        let (sent, ambiguous) = match answer {
            Ok(answer) => (true, answer.status >= 500 || answer.status == 408),
            Err(CallError::Ambiguous(_) | CallError::Unreadable { .. }) => (true, true),
            Err(CallError::NotSent(_)) => (false, false),
        };
        self.requests[number].sent |= sent;
        if ambiguous {
            self.requests[number].doubted = true;
            if self.requests[number].safety == Some(Safety::Unsafe) {
                self.counts.ambiguous_unsafe += 1;
            }
        }
    }
}

/// The breakers that a call of `connection` asks: its own, where it has one, and its provider's.
pub(super) fn scopes(spec: &Spec, connection: &str) -> BTreeSet<String> {
    [Scope::Provider, spec.breaker.scope]
        .into_iter()
        .map(|scope| scope.key(spec.name, connection))
        .collect()
}

pub(super) fn decoded_operation(world: &World, number: usize) -> Option<&'static Operation> {
    let safety = world.requests[number].safety?;
    let operations = world.provider.spec().operations;
    operations
        .iter()
        .find(|operation| operation.safety == safety)
}
