//! The vendor: honours keys, can be asked, forgets, fails, stalls, and succeeds without saying so.

mod answers;
mod batches;
mod mode;

use std::collections::HashMap;

use causeway::http_client::CallError;
use causeway::provider::{Answer, Wire};
use http::Method;

pub use self::answers::{PAGE, saying};

use self::answers::{lost, mismatch, overlong, refusal, status};
use self::mode::Mode;
use crate::profile::{SECOND, VendorProfile};
use crate::providers::{BATCH_PATH, KEY_HEADER, REFERENCE, SETTLE, TOKEN_PATH};
use crate::rng::Rng;
use crate::tokens::Tokens;

/// What the vendor knows of a key.
#[derive(Clone, Debug)]
struct Stored {
    first_at: i64,
    done_at: i64,
    status: u16,
    body: Vec<u8>,
}

/// Something that came to be.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The request, by its number.
    pub request: usize,
    /// When it came to be: after the caller's patience, at times.
    pub at: i64,
    /// When a lookup shows it.
    visible_at: i64,
    reference: Option<String>,
}

/// What became of a call.
#[derive(Debug)]
pub struct Served {
    /// When the caller gets `answer`, unless its patience ends before.
    pub at: i64,
    /// What it gets.
    pub answer: Result<Answer, CallError>,
    /// The numbers of the effects that this call made.
    pub effects: Vec<usize>,
    /// In a word, for the trace.
    pub word: &'static str,
}

/// One vendor with all its accounts.
#[derive(Debug, Default)]
pub struct Vendor {
    retention: i64,
    keys: HashMap<String, Stored>,
    /// What it knows of its customers' credentials.
    pub tokens: Tokens,
    wants_tokens: bool,
    /// Everything that came to be, in the order of the calls.
    pub effects: Vec<Effect>,
}

/// A call as it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The call.
    pub wire: &'a Wire,
    /// The numbers of the requests in it.
    pub requests: &'a [usize],
    /// Whose account it is made for; empty for tokens.
    pub connection: &'a str,
    /// When.
    pub now: i64,
}

impl Vendor {
    /// A vendor that remembers keys for `retention` ms, and may want access tokens.
    pub fn new(retention: i64, wants_tokens: bool) -> Self {
        Self {
            retention,
            wants_tokens,
            ..Self::default()
        }
    }

    /// Carries out a call.
    pub fn serve(&mut self, call: Arrival<'_>, profile: &VendorProfile, rng: &mut Rng) -> Served {
        let Arrival { wire, now, .. } = call;
        let at = now + rng.latency(120);
        let told = |answer, word| Served {
            at,
            answer,
            effects: Vec::new(),
            word,
        };
        if wire.path == TOKEN_PATH {
            let answer = self.tokens.exchange(wire, now, profile, rng);
            return told(answer, "is a token call");
        }
        let mode = match Mode::draw(wire, call.connection, now, profile, rng) {
            // Who is sent away is not looked at.
            mode @ (Mode::Unreachable | Mode::Moves | Mode::Blocks) => mode,
            _ if self.wants_tokens && !self.tokens.accepts(wire, now) => Mode::Unauthorized,
            mode => mode,
        };
        if let Some(answer) = refusal(mode, wire, rng) {
            let never = mode == Mode::Stalls;
            return Served {
                at: if never { i64::MAX } else { at },
                ..told(answer, mode.word())
            };
        }
        if wire.method == Method::GET {
            let answer = if mode == Mode::Unreadable {
                Err(overlong(rng))
            } else {
                Ok(self.look_up(wire, now, rng.chance(profile.unclear)))
            };
            return told(answer, "is a lookup");
        }
        if wire.path == BATCH_PATH {
            return self.carry_out_batch(call, (mode, profile.elements), rng);
        }
        self.carry_out(call, mode, rng)
    }

    fn look_up(&self, wire: &Wire, now: i64, unclear: bool) -> Answer {
        let reference = wire.path.rsplit('/').next();
        let found = self
            .effects
            .iter()
            .any(|effect| effect.reference.as_deref() == reference && effect.visible_at <= now);
        status(match (unclear, found) {
            (true, _) => 500,
            (false, true) => 200,
            (false, false) => 404,
        })
    }

    fn carry_out(&mut self, call: Arrival<'_>, mode: Mode, rng: &mut Rng) -> Served {
        let Arrival { wire, now, .. } = call;
        let key = wire.headers.get(KEY_HEADER);
        let key = key.and_then(|key| key.to_str().ok()).map(str::to_owned);
        if let Some(key) = &key {
            self.keys
                .retain(|_, stored| now < stored.first_at + self.retention);
            if let Some(stored) = self.keys.get(key) {
                let (answer, word) = if stored.body != wire.body {
                    (mismatch(), "has the key of another call")
                } else if now < stored.done_at {
                    (status(409), "has a key in use")
                } else {
                    (status(stored.status), "is answered from memory")
                };
                return Served {
                    at: now + rng.latency(60),
                    answer: Ok(answer),
                    effects: Vec::new(),
                    word,
                };
            }
        }
        // A key that is known has told already: what is refused never got that far.
        if mode == Mode::Rejects {
            return Served {
                at: now + rng.latency(60),
                answer: Ok(status(422)),
                effects: Vec::new(),
                word: mode.word(),
            };
        }
        let done_at = now
            + match mode {
                // Work that goes on when nobody waits for it any more.
                Mode::StallsAfter => rng.between(5 * SECOND, 40 * SECOND),
                Mode::Slow => rng.between(10 * SECOND, 14 * SECOND),
                _ => rng.latency(120),
            };
        let effective = mode != Mode::StoresFailure || rng.chance(0.5);
        let effect = effective.then(|| self.take_effect(call, done_at, rng));
        if let Some(key) = key {
            let status = if mode == Mode::StoresFailure {
                500
            } else {
                200
            };
            self.keys.insert(
                key,
                Stored {
                    first_at: now,
                    done_at,
                    status,
                    body: wire.body.to_vec(),
                },
            );
        }
        let (at, answer) = match mode {
            Mode::FailsAfter => (done_at, Ok(status(rng.pick(&[500, 502, 504])))),
            Mode::StoresFailure => (done_at, Ok(status(500))),
            Mode::Loses => (done_at, Err(lost())),
            Mode::Unreadable => (done_at, Err(overlong(rng))),
            Mode::StallsAfter => (i64::MAX, Err(lost())),
            _ => (done_at, Ok(status(200))),
        };
        Served {
            at,
            answer,
            effects: effect.flatten().into_iter().collect(),
            word: mode.word(),
        }
    }

    fn take_effect(&mut self, call: Arrival<'_>, done_at: i64, rng: &mut Rng) -> Option<usize> {
        let reference = reference(&call.wire.body);
        // Shown within the declared time since the call, less what two clocks may differ by.
        let latest = call.now + i64::try_from(SETTLE.as_millis()).unwrap_or(i64::MAX) - SECOND;
        let visible_at = if rng.chance(0.5) {
            rng.between(done_at, latest).max(done_at)
        } else {
            done_at
        };
        self.effects.push(Effect {
            request: *call.requests.first()?,
            at: done_at,
            visible_at,
            reference,
        });
        Some(self.effects.len() - 1)
    }
}

fn reference(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(body.get(REFERENCE)?.as_str()?.to_owned())
}
