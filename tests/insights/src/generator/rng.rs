//! Chance and the two functions that a processor does not compute exactly, the same on every machine for ever.
//!
//! Crates of distributions promise no stable values from one release to the next, and the standard library's `exp` is
//! the platform's. Here everything is additions, multiplications, divisions and `libm` (software, pinned).

/// What a stream of chance is for. Each aspect has a stream of its own, so that a change of one leaves the others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aspect {
    Lane = 1,
    Trouble,
    Gaps,
    Blips,
    Deploys,
    Bursts,
    Arrivals,
    Calls,
    Latency,
    Traffic,
    Instants,
}

/// SplitMix64: 64 bits of state. It spreads events and guards nothing.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

/// The largest mean that one search may have: `exp(-500)` is still a normal number.
const POISSON_PIECE: f64 = 500.0;

impl Rng {
    /// The stream of `seed` for `aspect`.
    pub(super) const fn new(seed: u64, aspect: Aspect) -> Self {
        Self(mixed(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)) ^ mixed(aspect as u64))
    }

    /// The next 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number in `0.0..1.0`.
    pub(super) const fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with `probability`.
    pub(super) const fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// A number from `low` to `high`.
    pub(super) const fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.fraction()
    }

    /// A whole number in `low..=high`.
    pub(super) const fn whole(&mut self, low: u64, high: u64) -> u64 {
        low + self.bits() % (high - low + 1)
    }

    /// A number of independent events of which `mean` are expected.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let mut left = mean;
        let mut count = 0;
        while left > POISSON_PIECE {
            count += self.poisson_piece(POISSON_PIECE);
            left -= POISSON_PIECE;
        }
        count + self.poisson_piece(left)
    }

    /// Searches the distribution from below. Past twenty standard deviations there is nothing to be found.
    fn poisson_piece(&mut self, mean: f64) -> u32 {
        let most = (mean + 20.0 * mean.sqrt() + 20.0) as u32;
        let mut left = self.fraction();
        let mut probability = libm::exp(-mean);
        for count in 0..most {
            if left < probability {
                return count;
            }
            left -= probability;
            probability *= mean / f64::from(count + 1);
        }
        most
    }
}

const fn mixed(bits: u64) -> u64 {
    let mut bits = bits;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A slow wander around 0: each step keeps `memory` of the last value.
#[derive(Clone, Debug)]
pub(super) struct Drift {
    rng: Rng,
    value: f64,
    memory: f64,
    step: f64,
}

impl Drift {
    /// One with the standard deviation `deviation` that forgets in about `minutes`, one step a minute.
    pub(super) fn new(rng: Rng, deviation: f64, minutes: f64) -> Self {
        let memory = 1.0 - 1.0 / minutes;
        // A uniform number in -1..1 has the variance 1/3.
        let step = deviation * (3.0 * (1.0 - memory * memory)).sqrt();
        Self {
            rng,
            value: 0.0,
            memory,
            step,
        }
    }

    /// The next minute's factor: `exp` of the wander.
    pub(super) fn factor(&mut self) -> f64 {
        self.value = self.memory * self.value + self.rng.between(-self.step, self.step);
        libm::exp(self.value)
    }
}
