//! What happens to a healthy lane all the time and means nothing: deploys, blips, bulk sends, minutes without data.

use std::ops::Range;

use super::DAY;
use super::lane::Lane;
use super::rng::{Aspect, Rng};

/// What one minute has of it.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    /// Share of calls that fail on top.
    pub(super) failing: f64,
    /// Share of calls that are slow, and how many times as long they take.
    pub(super) slow: (f64, f64),
    /// Share of what the lane can deliver that it does deliver.
    pub(super) delivers: f64,
    /// Minutes of what the lane ordinarily delivers at most, put on its queue at once.
    pub(super) burst: f64,
    /// Whether the minute's data is missing.
    pub(super) missing: bool,
}

const NONE: Noise = Noise {
    failing: 0.0,
    slow: (0.0, 1.0),
    delivers: 1.0,
    burst: 0.0,
    missing: false,
};

/// Blips a day: a vendor's restarts, a broken connection pool. Every other day one.
const BLIPS_A_DAY: f64 = 0.5;
/// Deploys, ours or the vendor's, on a working day.
const DEPLOYS_A_DAY: f64 = 0.6;
/// Bulk sends a day of lanes that have them.
const BURSTS_A_DAY: f64 = 1.0;
/// Single minutes without data, of a thousand.
const MISSING: f64 = 0.003;
/// Longer gaps a day: one in five days.
const GAPS_A_DAY: f64 = 0.2;

/// The noise of `length` minutes from `start` on. In `quiet` (the trouble and the half-hour before) there are neither
/// blips nor deploys nor bulk sends, so that it is the trouble alone that makes the event.
pub(super) fn noise(
    lane: &Lane,
    seed: u64,
    start: u64,
    length: usize,
    quiet: &Range<u64>,
) -> Vec<Noise> {
    let mut noise = vec![NONE; length];
    gaps(&mut noise, seed);
    let mut blips = Rng::new(seed, Aspect::Blips);
    let mut deploys = Rng::new(seed, Aspect::Deploys);
    let mut bursts = Rng::new(seed, Aspect::Bursts);
    for minute in 0..length {
        let at = start + minute as u64;
        // Chance is asked first: what is left out in the quiet must not shift what comes before.
        let blip = blips.chance(BLIPS_A_DAY / DAY as f64);
        let deploy = deploys.chance(DEPLOYS_A_DAY / (8.0 * 60.0)) && lane.is_working(at);
        let burst = bursts.chance(BURSTS_A_DAY / DAY as f64) && lane.has_bursts;
        let rest = &mut noise[minute..];
        if quiet.contains(&at) {
            continue;
        }
        if blip {
            self::blip(rest, &mut blips);
        }
        if deploy {
            self::deploy(rest, &mut deploys);
        }
        if burst {
            rest[0].burst = bursts.between(3.0, 8.0);
        }
    }
    noise
}

/// One or two minutes in which half of the calls or all fail.
fn blip(rest: &mut [Noise], rng: &mut Rng) {
    let length = rng.whole(1, 2) as usize;
    let failing = rng.between(0.5, 1.0);
    for minute in rest.iter_mut().take(length) {
        minute.failing = failing;
    }
}

/// The lane delivers nothing or half for a minute or two, catches up, and some of its calls are slow at first.
fn deploy(rest: &mut [Noise], rng: &mut Rng) {
    let pause = rng.whole(1, 2) as usize;
    let delivers = rng.between(0.0, 0.5);
    for minute in rest.iter_mut().take(pause) {
        minute.delivers = delivers;
    }
    let slow = (rng.between(0.1, 0.3), rng.between(3.0, 8.0));
    let warm = pause + rng.whole(1, 3) as usize;
    for minute in rest.iter_mut().take(warm) {
        minute.slow = slow;
    }
}

fn gaps(noise: &mut [Noise], seed: u64) {
    let mut rng = Rng::new(seed, Aspect::Gaps);
    for minute in 0..noise.len() {
        let length = if rng.chance(GAPS_A_DAY / DAY as f64) {
            rng.whole(5, 30) as usize
        } else {
            usize::from(rng.chance(MISSING))
        };
        for missing in noise[minute..].iter_mut().take(length) {
            missing.missing = true;
        }
    }
}
