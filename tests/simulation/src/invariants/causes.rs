//! Causes: what each connection was told, by which its pauses, its tokens and the breakers' openings are judged.

use std::collections::{BTreeMap, BTreeSet};

use causeway::breaker::Scope;
use causeway::credentials::{CredentialState, Reason};
use causeway::http_client::CallError;
use causeway::outcome::{Deferral, Outcome};
use causeway::provider::{Answer, Provider, Wire};
use serde_json::Value;

use super::Invariant;
use super::calls::{decoded_operation, scopes};
use crate::profile::SECOND;
use crate::providers::{TOKEN_PATH, Words};
use crate::tokens::{self, DEAD_GRANT};
use crate::vendor::PAGE;
use crate::world::{Event, World};

/// Refusals of one operation that pause it: the design's number, section 8.
const RUN: u32 = 5;

/// Answers of a token endpoint that say no and not why, after which a person is called: the waits between them have
/// grown to their longest by then.
const PATIENCE: u32 = 7;

/// Leases in a row that end without a word, of which the last leaves nothing to try.
const LAPSED: u32 = 2;

/// Faults, or half of twenty calls, that open a breaker.
const FAULTS: u32 = 5;

/// Openings of connections' breakers that open their provider's.
const OPENINGS: u32 = 3;

/// From here on an answer is slow: the breakers' default.
const SLOW: i64 = 10 * SECOND;

/// A token that nothing speaks against serves at least this long: no lease ends sooner, and what a vendor says of a
/// token's end is believed from a minute on.
const LEAST: i64 = 8 * SECOND;

/// What a connection was told about itself.
#[derive(Debug, Default)]
pub(super) struct Heard {
    unauthorized: u32,
    moved: u32,
    dead_grants: u32,
    /// Answers of the token endpoint that say no and not why.
    wordless: u32,
    /// Holders of its refresh token died one after the other.
    lapsed: bool,
    spoilt: bool,
    /// 403, by operation.
    forbidden: BTreeMap<&'static str, u32>,
    /// When it was given the token that nothing has spoken against since.
    token_at: Option<i64>,
    /// Why it is paused, as stored.
    pause: Option<Reason>,
    /// Which of its operations are.
    paused: BTreeSet<String>,
}

impl Heard {
    /// Whether anything that it was told may stop all of its calls.
    const fn may_pause(&self) -> bool {
        let of_tokens = self.dead_grants > 0 || self.wordless >= PATIENCE || self.lapsed;
        self.unauthorized > 0 || self.moved > 0 || self.spoilt || of_tokens
    }

    const fn is_cause_of(&self, reason: Reason) -> bool {
        match reason {
            Reason::Unauthorised => self.unauthorized > 0 || self.wordless >= PATIENCE,
            Reason::ReauthoriseNeeded => self.dead_grants > 0 || self.lapsed,
            Reason::SecretMissing => self.spoilt,
            Reason::Moved => self.moved > 0,
            // Nothing is stored of the one, and of operations alone the other.
            Reason::RefreshBudget | Reason::Forbidden => false,
        }
    }
}

impl World {
    fn heard(&mut self, connection: &str) -> &mut Heard {
        let heard = &mut self.watch.heard;
        heard.entry(connection.to_owned()).or_default()
    }

    /// A caller got `answer`, or none, to a call with these requests in it that it made `latency` ms ago.
    pub fn see_heard(
        &mut self,
        wire: &Wire,
        requests: &[usize],
        answer: &Result<Answer, CallError>,
        latency: i64,
    ) {
        if wire.path == TOKEN_PATH {
            return self.see_token_answer(wire, answer);
        }
        let Some(&lead) = requests.first() else {
            return;
        };
        let connection = self.requests[lead].connection.clone();
        if is_ill(answer) || latency >= SLOW {
            for key in scopes(self.provider.spec(), &connection) {
                self.watch.breakers.entry(key).or_default().ill += 1;
            }
        }
        let Ok(answer) = answer else { return };
        let operation = decoded_operation(self, lead).map(|operation| operation.name);
        let forbidden = match words(answer) {
            Some(words) => words.iter().filter(|status| **status == 403).count(),
            None => usize::from(answer.status == 403),
        };
        let heard = self.heard(&connection);
        match answer.status {
            301 | 302 | 307 | 308 => heard.moved += 1,
            401 => {
                heard.unauthorized += 1;
                heard.token_at = None;
            }
            _ => {}
        }
        if let Some(operation) = operation {
            let count = heard.forbidden.entry(operation).or_default();
            *count += u32::try_from(forbidden).unwrap_or(u32::MAX);
        }
    }

    fn see_token_answer(&mut self, wire: &Wire, answer: &Result<Answer, CallError>) {
        let (Some(connection), Ok(answer)) = (tokens::connection_of(wire), answer) else {
            return;
        };
        let now = self.now;
        let heard = self.heard(&connection);
        match answer.status {
            200 if answer.json::<Granted>().is_some() => {
                let before = heard.token_at.replace(now);
                if before.is_some_and(|at| now - at < LEAST) {
                    let text = format!("{connection} was given two tokens within {LEAST} ms");
                    self.violated(Invariant::NeedlessTokens, text);
                }
            }
            _ if answer.body == DEAD_GRANT => heard.dead_grants += 1,
            200 | 403 => heard.wordless += 1,
            _ => {}
        }
    }

    /// A connection's secret lacks something, or is gone.
    pub fn see_spoilt(&mut self, connection: &str) {
        self.heard(connection).spoilt = true;
    }

    /// Whether nothing but a person can help a connection, as far as its lane knows.
    pub fn is_given_up(&mut self, connection: &str) -> bool {
        self.heard(connection).pause == Some(Reason::ReauthoriseNeeded)
    }

    /// A connection's stored credentials were written.
    pub(super) fn see_credentials(&mut self, key: &str, value: &Value) {
        let Ok(state) = serde_json::from_value::<CredentialState>(value.clone()) else {
            return;
        };
        let Some(connection) = key.split('#').nth(1) else {
            return;
        };
        let reason = state.pause.as_ref().map(|pause| pause.reason);
        let paused: BTreeSet<String> = state.rights.paused().map(|(name, _)| name.into()).collect();
        let heard = self.heard(connection);
        heard.lapsed |= state.lapsed >= LAPSED;
        // Refused, or of another secret than the present one, or let go by an operator.
        if state.token.as_ref().is_none_or(|token| token.refused) {
            heard.token_at = None;
        }
        let mut causeless = Vec::new();
        if reason != heard.pause {
            causeless.extend(reason.filter(|reason| !heard.is_cause_of(*reason)));
        }
        let told = |name: &String| heard.forbidden.get(name.as_str()).copied().unwrap_or(0);
        let fresh = paused.difference(&heard.paused);
        let too_soon: Vec<String> = fresh.filter(|name| told(name) < RUN).cloned().collect();
        let changed = heard.pause != reason || heard.paused != paused;
        (heard.pause, heard.paused) = (reason, paused);
        let number = connection.trim_start_matches('c').parse();
        if changed && let Ok(number) = number {
            self.tell_gatekeeper(Event::Paused(number));
        }
        for reason in causeless {
            let text = format!("{connection} is paused: {reason:?}, and nobody said so");
            self.violated(Invariant::CauselessPauses, text);
        }
        for operation in too_soon {
            let text = format!("{operation} of {connection} is paused by fewer than {RUN} words");
            self.violated(Invariant::CauselessPauses, text);
        }
    }

    /// What became of a message: it waits for its connection only where that, or its own operation, was refused.
    pub fn see_put_off(&mut self, message: usize, outcome: &Outcome) {
        self.see_suspect(message, outcome);
        let waits = Deferral::ConnectionPaused;
        if !matches!(outcome, Outcome::Deferred { reason, .. } if *reason == waits) {
            return;
        }
        let number = self.queue.messages[message].request;
        let operation = decoded_operation(self, number).map_or("", |operation| operation.name);
        let connection = self.requests[number].connection.clone();
        let heard = self.heard(&connection);
        let own = heard.forbidden.get(operation).copied().unwrap_or(0);
        if !heard.may_pause() && own == 0 {
            let text = format!("r{number} waits for {connection}, which was refused nothing");
            self.violated(Invariant::CauselessPauses, text);
        }
    }

    /// A breaker has left closed or half open for open.
    pub(super) fn see_opened(&mut self, key: &str, faults: u32, was_closed: bool) {
        // A provider's, where connections have breakers: three of these opened, perhaps by a probe that failed.
        let spec = self.provider.spec();
        let is_above =
            spec.breaker.scope == Scope::Connection && key == Scope::Provider.key(spec.name, "");
        let needed = match (was_closed, is_above) {
            (false, _) => 1,
            (true, true) => OPENINGS,
            (true, false) => FAULTS,
        };
        if faults < needed {
            let text = format!("{key} opened after {faults} calls that failed");
            self.violated(Invariant::CauselessOpenings, text);
        }
    }
}

/// What an answer with a token in it holds.
#[derive(serde::Deserialize)]
struct Granted {
    #[serde(rename = "access_token")]
    _token: String,
}

/// Whether what came of a call, or did not, speaks of the provider's health: no limit, no right, no address, and
/// nothing that we would not read.
fn is_ill(answer: &Result<Answer, CallError>) -> bool {
    match answer {
        Ok(answer) => {
            let by_status = answer.status >= 500 || answer.status == 408;
            let is_page = answer.status == 403 && answer.body == PAGE;
            let within = words(answer).is_some_and(|all| all.iter().any(|status| *status >= 500));
            by_status || is_page || within
        }
        Err(CallError::NotSent(_) | CallError::Ambiguous(_)) => true,
        Err(CallError::Unreadable { .. }) => false,
    }
}

/// What an answer to a call of several says of each.
fn words(answer: &Answer) -> Option<Vec<u16>> {
    let words = answer.json::<Words>().filter(|_| answer.status == 207)?;
    Some(words.results.iter().map(|word| word.status).collect())
}
