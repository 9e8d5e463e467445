//! Calls that carry several orders: each has a fate of its own, unless the call is refused as a whole.

use std::collections::BTreeSet;

use causeway::provider::{Answer, Wire};
use serde_json::Value;

use super::answers::{lost, overlong, saying, status};
use super::mode::Mode;
use super::{Arrival, Effect, Served, Vendor};
use crate::profile::SECOND;
use crate::providers::{BATCH_REFUSED, Word, Words};
use crate::rng::Rng;

/// What becomes of one element.
#[derive(Clone, Copy)]
enum Fate {
    CarriedOut,
    /// Of a definite refusal that status.
    Refused(u16),
    FailsBefore,
    FailsAfter,
    /// The answer has no word for it, whether it was carried out or not.
    Unmentioned(bool),
}

impl Fate {
    fn draw(elements: f64, rng: &mut Rng) -> Self {
        if !rng.chance(elements) {
            return Self::CarriedOut;
        }
        let fates = [
            Self::Refused(422),
            Self::Refused(429),
            Self::Refused(403),
            Self::FailsBefore,
            Self::FailsAfter,
            Self::Unmentioned(false),
            Self::Unmentioned(true),
        ];
        rng.pick(&fates)
    }

    const fn is_effective(self) -> bool {
        matches!(
            self,
            Self::CarriedOut | Self::FailsAfter | Self::Unmentioned(true)
        )
    }

    const fn status(self) -> Option<u16> {
        match self {
            Self::CarriedOut => Some(200),
            Self::Refused(status) => Some(status),
            Self::FailsBefore | Self::FailsAfter => Some(500),
            Self::Unmentioned(_) => None,
        }
    }
}

impl Vendor {
    /// Carries out a call with `requests` in it. Of two elements for one desk the last one stays, and the answer says
    /// that both were carried out: who sends both has been warned.
    pub(super) fn carry_out_batch(
        &mut self,
        call: Arrival<'_>,
        (mode, elements): (Mode, f64),
        rng: &mut Rng,
    ) -> Served {
        let (desks, now) = (desks(call.wire), call.now);
        if mode == Mode::Rejects {
            // One of several is wrong, and nobody says which.
            let answer = if desks.len() > 1 {
                refused()
            } else {
                status(422)
            };
            return Served {
                at: now + rng.latency(60),
                answer: Ok(answer),
                effects: Vec::new(),
                word: "is rejected as a whole",
            };
        }
        let done_at = now
            + match mode {
                Mode::StallsAfter => rng.between(5 * SECOND, 40 * SECOND),
                Mode::Slow => rng.between(10 * SECOND, 14 * SECOND),
                _ => rng.latency(120),
            };
        let (mut effects, mut words, mut written) = (Vec::new(), Vec::new(), BTreeSet::new());
        // From the last to the first: what comes later is what stays.
        for (desk, request) in desks.iter().zip(call.requests).rev() {
            let fate = Fate::draw(elements, rng);
            if fate.is_effective() && written.insert(desk) {
                effects.push(self.effects.len());
                self.effects.push(Effect {
                    request: *request,
                    at: done_at,
                    visible_at: done_at,
                    reference: None,
                });
            }
            let word = |status| Word {
                desk: desk.clone(),
                status,
            };
            words.extend(fate.status().map(word));
        }
        let (at, answer) = match mode {
            Mode::FailsAfter | Mode::StoresFailure => (done_at, Ok(status(500))),
            Mode::Loses => (done_at, Err(lost())),
            Mode::Unreadable => (done_at, Err(overlong(rng))),
            Mode::StallsAfter => (i64::MAX, Err(lost())),
            _ => (done_at, Ok(told(words, rng))),
        };
        Served {
            at,
            answer,
            effects,
            word: mode.word(),
        }
    }
}

fn desks(wire: &Wire) -> Vec<String> {
    let orders: Vec<Value> = serde_json::from_slice(&wire.body).unwrap_or_default();
    let desks = orders.iter().map(|order| order["desk"].as_str());
    desks.flatten().map(str::to_owned).collect()
}

/// The words in any order.
fn told(mut words: Vec<Word>, rng: &mut Rng) -> Answer {
    for at in (1..words.len()).rev() {
        words.swap(at, rng.index(at + 1));
    }
    let body = serde_json::to_vec(&Words { results: words }).unwrap_or_default();
    Answer {
        body: body.into(),
        ..status(207)
    }
}

fn refused() -> Answer {
    saying(400, BATCH_REFUSED)
}
