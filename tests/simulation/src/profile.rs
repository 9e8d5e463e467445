//! What a seed's world is like: most faults are rare or absent in most seeds, and rage in some. A world in which
//! everything fails a little never shows what one failure alone, or one failure all the time, does.

use crate::providers::OPERATIONS;
use crate::rng::Rng;

/// One second, in the simulation's milliseconds.
pub const SECOND: i64 = 1_000;
/// One minute.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour.
pub const HOUR: i64 = 60 * MINUTE;
/// One day.
pub const DAY: i64 = 24 * HOUR;

/// How often what goes wrong: probabilities per occasion.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// A trip to a seam kills the environment, before or after it was carried out.
    pub crash: f64,
    /// A trip fails before it is carried out: throttled, or timed out on the way.
    pub refuse: f64,
    /// A trip is carried out and its reply is lost; the caller gets an error.
    pub lose: f64,
    /// A trip is carried out, its reply is lost, and the client sends it again.
    pub repeat: f64,
    /// A trip hangs for seconds.
    pub hangs: f64,
    /// One entry of a batch fails, the others do not.
    pub partial: f64,
    /// Typical latency of a trip to AWS, in ms.
    pub latency: i64,
    /// A message is delivered to two environments at once.
    pub twice: f64,
    /// A deleted message is delivered once more.
    pub ghost: f64,
    /// The lane's queue is said to be full of waiting messages.
    pub crowded: f64,
    /// An acknowledgement is lost on the way to the queue.
    pub unacknowledged: f64,
    /// Environments' clocks differ by up to this much from the truth, either way, in ms.
    pub skew: i64,
    /// The vendor's.
    pub vendor: VendorProfile,
}

/// What the vendor does with a call, besides carrying it out.
#[derive(Clone, Debug, Default)]
pub struct VendorProfile {
    /// 5xx without effect.
    pub fails: f64,
    /// Takes effect and answers 500, 502 or 504.
    pub fails_after: f64,
    /// Never answers, without effect.
    pub stalls: f64,
    /// Never answers, with effect, possibly long after the caller went.
    pub stalls_after: f64,
    /// Takes effect, and the connection breaks.
    pub loses: f64,
    /// Stores a 500 under the key and replays it.
    pub stores_failure: f64,
    /// Refuses with 429.
    pub throttles: f64,
    /// Refuses the connection.
    pub unreachable: f64,
    /// Answers, but slower than the breaker likes.
    pub slow: f64,
    /// Refuses for good.
    pub rejects: f64,
    /// Refuses the credentials.
    pub unauthorized: f64,
    /// Refuses one object by name: 403.
    pub withholds: f64,
    /// Refuses with a 403 of its own that names nothing.
    pub forbids: f64,
    /// A firewall in front of it answers with a page: 403.
    pub blocks: f64,
    /// Takes effect, and answers what nobody reads.
    pub unreadable: f64,
    /// A token call fails.
    pub token_fails: f64,
    /// A token call is carried out and its answer lost.
    pub token_loses: f64,
    /// A token call is answered by a firewall's page, or with a success that holds no token.
    pub token_pages: f64,
    /// A token is said to end as it begins.
    pub token_ends: f64,
    /// Answers a lookup with nothing that tells.
    pub unclear: f64,
    /// An element of a batch goes another way than its call.
    pub elements: f64,
    /// Outages: start, end, kind.
    pub outages: Vec<(i64, i64, Outage)>,
    /// What single connections meet for a while.
    pub spells: Vec<Spell>,
}

/// A time in which one connection meets what the others do not.
#[derive(Clone, Debug)]
pub struct Spell {
    /// When it begins and ends.
    pub from: i64,
    /// From here on it is over.
    pub until: i64,
    /// Whose it is.
    pub connection: String,
    /// What it meets.
    pub kind: Kind,
}

/// What one connection meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its account has another address: every call is redirected there for good.
    Moved,
    /// It lacks the right to do this, and the vendor says so.
    Without(&'static str),
}

/// How the vendor is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Answers 503 and does nothing.
    Unavailable,
    /// Takes no connection.
    Unreachable,
    /// Takes the call and says nothing.
    Silent,
    /// Carries out and answers 502.
    BadGateway,
}

impl Profile {
    /// A world without a fault.
    pub fn calm() -> Self {
        Self {
            latency: 8,
            ..Self::default()
        }
    }

    /// The world of a seed that is under way from `begins` to `ends`.
    pub fn draw(rng: &mut Rng, begins: i64, ends: i64) -> Self {
        let mut profile = Self::calm();
        profile.skew = rng.pick(&[0, 50, 250, 250]);
        profile.latency = rng.pick(&[4, 8, 8, 15, 40]);
        if rng.chance(0.04) {
            return profile;
        }
        // Each fault by itself: off in most worlds, rare in some, frequent in few.
        let mut level = |often: f64| {
            let share = rng.fraction();
            if share < 0.55 {
                0.0
            } else if share < 0.9 {
                often * rng.fraction() * 0.25
            } else {
                often
            }
        };
        profile.crash = level(0.04);
        profile.refuse = level(0.10);
        profile.lose = level(0.08);
        profile.repeat = level(0.20);
        profile.hangs = level(0.03);
        profile.partial = level(0.40);
        profile.twice = level(0.30);
        profile.ghost = level(0.15);
        profile.crowded = level(0.80);
        profile.unacknowledged = level(0.20);
        profile.vendor = VendorProfile {
            fails: level(0.30),
            fails_after: level(0.25),
            stalls: level(0.10),
            stalls_after: level(0.15),
            loses: level(0.25),
            stores_failure: level(0.20),
            throttles: level(0.40),
            unreachable: level(0.20),
            slow: level(0.10),
            rejects: level(0.10),
            unauthorized: level(0.10),
            withholds: level(0.10),
            forbids: level(0.10),
            blocks: level(0.10),
            unreadable: level(0.20),
            token_fails: level(0.30),
            token_loses: level(0.10),
            token_pages: level(0.50),
            token_ends: level(1.00),
            unclear: level(0.30),
            elements: level(0.30),
            outages: Vec::new(),
            spells: Vec::new(),
        };
        for _ in 0..rng.pick(&[0, 0, 0, 1, 1, 2]) {
            let from = rng.between(begins, ends);
            let kinds = [
                Outage::Unavailable,
                Outage::Unreachable,
                Outage::Silent,
                Outage::BadGateway,
            ];
            let lasts = rng.pick(&[20 * SECOND, 2 * MINUTE, 10 * MINUTE]);
            profile
                .vendor
                .outages
                .push((from, from + lasts, rng.pick(&kinds)));
        }
        for _ in 0..rng.pick(&[0, 0, 0, 1, 1, 2]) {
            profile.vendor.spells.push(Spell::draw(rng, begins, ends));
        }
        profile
    }
}

impl Spell {
    fn draw(rng: &mut Rng, begins: i64, ends: i64) -> Self {
        let from = rng.between(begins, ends);
        Self {
            from,
            until: from + rng.pick(&[2 * MINUTE, 20 * MINUTE, 2 * HOUR]),
            connection: format!("c{}", rng.between(0, 2)),
            kind: if rng.chance(0.4) {
                Kind::Moved
            } else {
                Kind::Without(rng.pick(&OPERATIONS))
            },
        }
    }
}
