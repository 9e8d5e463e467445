//! A vendor as the ledger's worst case: it may take effect and lose the answer.

use causeway::provider::Safety;

/// What the vendor did and remembers. The worker cannot see it, only ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vendor {
    /// How often the request took effect; counted no further than two, one too many.
    pub effects: u8,
    /// The call that took effect last.
    latest: Option<Effect>,
}

/// A call that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Effect {
    series: u32,
    payload: &'static str,
    tick: u8,
}

/// Ticks for which the vendor remembers an idempotency key, from the call that took effect on.
pub const RETENTION_TICKS: u8 = 2;

/// Ticks that may pass until the vendor shows what it has done.
pub const SETTLE_TICKS: u8 = 2;

impl Vendor {
    /// Whether a call with the key of `series` at `tick` is answered from memory, without a new effect.
    pub fn remembers(&self, safety: Safety, series: u32, tick: u8) -> bool {
        let remembered =
            |effect: Effect| effect.series == series && tick - effect.tick < RETENTION_TICKS;
        matches!(safety, Safety::Keyed { .. }) && self.latest.is_some_and(remembered)
    }

    /// Whether what it remembers was asked for with `payload`.
    pub fn remembers_as(&self, payload: &str) -> bool {
        self.latest.is_some_and(|effect| effect.payload == payload)
    }

    /// A call takes effect, as far as it is a new one.
    pub fn take_effect(&mut self, safety: Safety, series: u32, payload: &'static str, tick: u8) {
        if self.remembers(safety, series, tick) {
            return;
        }
        self.latest = Some(Effect {
            series,
            payload,
            tick,
        });
        self.effects = match safety {
            // A second PUT of the same thing changes nothing.
            Safety::Natural => 1,
            _ => (self.effects + 1).min(2),
        };
    }

    /// What a look-up of `series` at `tick` can answer: found, and not found.
    pub fn can_answer(&self, series: u32, tick: u8) -> (bool, bool) {
        match self.latest {
            Some(effect) if effect.series == series => (true, tick < effect.tick + SETTLE_TICKS),
            _ => (false, true),
        }
    }
}
