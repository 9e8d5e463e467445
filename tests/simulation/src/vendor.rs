//! The vendor: honours keys, can be asked, forgets, fails, stalls, and succeeds without saying so.

mod batches;

use std::collections::HashMap;

use causeway::http_client::CallError;
use causeway::provider::{Answer, Wire};
use http::{HeaderMap, HeaderValue, Method};

use crate::profile::{Outage, SECOND, VendorProfile};
use crate::providers::{BATCH_PATH, KEY_HEADER, KEY_MISMATCH, REFERENCE, SETTLE, TOKEN_PATH};
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Normal,
    Fails,
    FailsAfter,
    Stalls,
    StallsAfter,
    Loses,
    StoresFailure,
    Throttles,
    Unreachable,
    Slow,
    Rejects,
    Unauthorized,
}

impl Mode {
    const fn word(self) -> &'static str {
        match self {
            Self::Normal => "is carried out",
            Self::Fails => "fails without effect",
            Self::FailsAfter => "takes effect and fails",
            Self::Stalls => "stalls without effect",
            Self::StallsAfter => "takes effect and stalls",
            Self::Loses => "takes effect and loses the answer",
            Self::StoresFailure => "fails, and the key remembers it",
            Self::Throttles => "is throttled",
            Self::Unreachable => "cannot be sent",
            Self::Slow => "is carried out slowly",
            Self::Rejects => "is rejected",
            Self::Unauthorized => "has the wrong credentials",
        }
    }
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

    /// Carries out a call that arrives at `now`, of the requests numbered `requests`.
    pub fn serve(
        &mut self,
        wire: &Wire,
        requests: &[usize],
        now: i64,
        profile: &VendorProfile,
        rng: &mut Rng,
    ) -> Served {
        let at = now + rng.latency(120);
        if wire.path == TOKEN_PATH {
            let chances = (profile.token_fails, profile.token_loses);
            return Served {
                at,
                answer: self.tokens.exchange(wire, now, chances, rng),
                effects: Vec::new(),
                word: "is a token call",
            };
        }
        let mode = match mode(now, profile, rng) {
            Mode::Unreachable => Mode::Unreachable,
            _ if self.wants_tokens && !self.tokens.accepts(wire, now) => Mode::Unauthorized,
            mode => mode,
        };
        let (answer, word) = match mode {
            Mode::Unreachable => (
                Err(CallError::NotSent("connection refused".into())),
                mode.word(),
            ),
            Mode::Fails => (Ok(status(rng.pick(&[500, 502, 503, 504]))), mode.word()),
            Mode::Stalls => (Err(lost()), mode.word()),
            Mode::Throttles => (Ok(throttle(rng)), mode.word()),
            Mode::Unauthorized => (Ok(refused(wire)), mode.word()),
            _ if wire.method == Method::GET => {
                let unclear = rng.chance(profile.unclear);
                (Ok(self.look_up(wire, now, unclear)), "is a lookup")
            }
            _ if wire.path == BATCH_PATH => {
                return self.carry_out_batch(wire, requests, now, (mode, profile.elements), rng);
            }
            _ => return self.carry_out(wire, requests.first().copied(), now, mode, rng),
        };
        let never = mode == Mode::Stalls;
        Served {
            at: if never { i64::MAX } else { at },
            answer,
            effects: Vec::new(),
            word,
        }
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

    fn carry_out(
        &mut self,
        wire: &Wire,
        request: Option<usize>,
        now: i64,
        mode: Mode,
        rng: &mut Rng,
    ) -> Served {
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
        let effect = effective.then(|| self.take_effect(wire, request, now, done_at, rng));
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

    fn take_effect(
        &mut self,
        wire: &Wire,
        request: Option<usize>,
        now: i64,
        done_at: i64,
        rng: &mut Rng,
    ) -> Option<usize> {
        let reference = reference(&wire.body);
        // Shown within the declared time since the call, less what two clocks may differ by.
        let latest = now + i64::try_from(SETTLE.as_millis()).unwrap_or(i64::MAX) - SECOND;
        let visible_at = if rng.chance(0.5) {
            rng.between(done_at, latest).max(done_at)
        } else {
            done_at
        };
        self.effects.push(Effect {
            request: request?,
            at: done_at,
            visible_at,
            reference,
        });
        Some(self.effects.len() - 1)
    }
}

fn mode(now: i64, profile: &VendorProfile, rng: &mut Rng) -> Mode {
    let outage = profile
        .outages
        .iter()
        .find(|(from, until, _)| (*from..*until).contains(&now));
    if let Some((_, _, outage)) = outage {
        return match outage {
            Outage::Unavailable => Mode::Fails,
            Outage::Unreachable => Mode::Unreachable,
            Outage::Silent => Mode::Stalls,
            Outage::BadGateway => Mode::FailsAfter,
        };
    }
    for (chance, mode) in [
        (profile.fails, Mode::Fails),
        (profile.fails_after, Mode::FailsAfter),
        (profile.stalls, Mode::Stalls),
        (profile.stalls_after, Mode::StallsAfter),
        (profile.loses, Mode::Loses),
        (profile.stores_failure, Mode::StoresFailure),
        (profile.throttles, Mode::Throttles),
        (profile.unreachable, Mode::Unreachable),
        (profile.slow, Mode::Slow),
        (profile.rejects, Mode::Rejects),
        (profile.unauthorized, Mode::Unauthorized),
    ] {
        if rng.chance(chance) {
            return mode;
        }
    }
    Mode::Normal
}

fn reference(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(body.get(REFERENCE)?.as_str()?.to_owned())
}

/// Repeats what it was shown, as careless vendors do.
fn refused(wire: &Wire) -> Answer {
    let shown = wire.headers.get(http::header::AUTHORIZATION);
    let shown = shown.and_then(|shown| shown.to_str().ok()).unwrap_or("");
    Answer {
        body: format!(r#"{{"error":"bad credentials: {shown}"}}"#).into(),
        ..status(401)
    }
}

fn lost() -> CallError {
    CallError::Ambiguous("the connection was reset".into())
}

fn mismatch() -> Answer {
    Answer {
        body: KEY_MISMATCH.into(),
        ..status(400)
    }
}

fn status(status: u16) -> Answer {
    let body = if status == 200 {
        r#"{"id":"obj"}"#
    } else {
        "{}"
    };
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
    }
}

fn throttle(rng: &mut Rng) -> Answer {
    let mut answer = status(429);
    if rng.chance(0.7) {
        let seconds = rng.between(1, 20);
        answer
            .headers
            .insert("retry-after", HeaderValue::from(seconds));
    }
    answer
}
