//! One limit of a vendor, as a provider declares it.

use std::time::Duration;

/// By how much clocks and unforeseen delays may put calls closer together at our socket than their instants say: the
/// part of two clocks that differ, and what passes between a call's last look at its clock and its first byte, together.
/// Lambda's clocks are set by a service that keeps them within milliseconds
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/set-time.html>, for the hosts; unverified for Lambda).
pub const CLOCK_SLACK: Duration = Duration::from_millis(100);

/// The same for limits whose excess the vendor punishes rather than refuses: a stalled function must not cost the account.
pub const PUNISHED_SLACK: Duration = Duration::from_millis(350);

/// A token that was drawn may be used for this part of its window, and lapses then.
const LAPSE: u32 = 50;

/// The longest that tokens are drawn ahead for.
const ALLOTMENT: Duration = Duration::from_secs(1);

/// Shorter lives are not worth drawing ahead for.
const ALLOTMENT_MIN: Duration = Duration::from_millis(500);

/// The buckets of a window. The one that ends it is counted whole, so that a backlog gets 48/49 of what the padded window
/// allows: of the twentieth that the promise leaves for losses, three parts remain for races and waits.
pub(super) const BUCKETS: i64 = 48;

/// The longest window: a month, as some vendors count quotas.
const PER_MAX: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// What a limit counts over: limits of one scope key value share one stored item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScopeKey {
    /// All calls of a connection.
    Account,
    /// The calls of one operation of a connection.
    Operation,
    /// The calls with one value in this top-level payload field, such as Slack's `channel`.
    Field(&'static str),
}

/// The most permits of one limit. A holder has at least one, so that it bounds the stored item to a few KB too.
const PERMITS_MAX: u32 = 100;

/// So many in a window, a bucket with a refill, or a number of calls at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    name: &'static str,
    scope: ScopeKey,
    kind: Kind,
    in_cost: bool,
    punished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `count` in any `per` microseconds.
    Window {
        count: u32,
        per: i64,
    },
    /// `capacity` at once, and one more each `interval` microseconds.
    Bucket {
        capacity: u32,
        interval: i64,
    },
    Concurrency {
        permits: u32,
    },
}

impl Limit {
    /// The vendor's "`count` per `per`": no window of that length, wherever it starts, sees more, and a rested account
    /// may use all of it at once. Counts over the account.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) When `count` is 0, `name` is empty or `per` is not between 1 ms and
    /// 31 days.
    pub const fn window(name: &'static str, count: u32, per: Duration) -> Self {
        assert!(0 < count, "an empty window lets nothing through");
        assert_sound(name, per);
        let per = per.as_micros() as i64;
        Self::new(name, Kind::Window { count, per })
    }

    /// One call per `every`, never two closer together. Counts over the account.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) When `name` is empty or `every` is not between 1 ms and 31 days.
    pub const fn paced(name: &'static str, every: Duration) -> Self {
        Self::window(name, 1, every)
    }

    /// A bucket of `capacity` that the vendor refills with `refill` every `per`, such as Shopify's points: no time `t`
    /// sees more than `capacity + refill × t/per`. Counts over the account.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) When `capacity` or `refill` is 0, `name` is empty, `per` is not between
    /// 1 ms and 31 days, or the bucket is full after less than 1 s: it then could not pay for what clocks may differ by.
    pub const fn bucket(name: &'static str, capacity: u32, refill: u32, per: Duration) -> Self {
        assert!(
            0 < capacity && 0 < refill,
            "an empty bucket lets nothing through"
        );
        assert_sound(name, per);
        // 31 days are 2.7e12 µs: the casts lose nothing (`try_from` is not const). Rounded up: never above the vendor's.
        let interval = per.as_micros().div_ceil(refill as u128) as i64;
        assert!(
            interval * capacity as i64 >= 1_000_000,
            "what fills in less than 1 s is a window"
        );
        Self::new(name, Kind::Bucket { capacity, interval })
    }

    /// At most `permits` calls in flight. Counts over the account. A call holds its permit until its batch has ended;
    /// the permits of a function that died come back a moment after it would have been ended.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) When `name` is empty or `permits` is not between 1 and 100.
    pub const fn concurrency(name: &'static str, permits: u32) -> Self {
        assert_sound(name, PER_MAX);
        assert!(0 < permits && permits <= PERMITS_MAX, "1 to 100 permits");
        Self::new(name, Kind::Concurrency { permits })
    }

    /// The same limit in the vendor's cost units (points, credits, complexity) instead of calls: an operation reserves
    /// [`Operation::cost`](crate::provider::Operation::cost), and the answer's
    /// [`Signals::cost`](super::Signals) corrects it.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) For a limit on concurrency.
    #[must_use]
    pub const fn in_cost(mut self) -> Self {
        assert!(self.permits().is_none(), "concurrency counts calls");
        self.in_cost = true;
        self
    }

    /// The same limit counted over `scope`.
    #[must_use]
    pub const fn scoped(mut self, scope: ScopeKey) -> Self {
        self.scope = scope;
        self
    }

    /// The same limit of a vendor that punishes an excess (suspends, locks out) instead of refusing the call: kept with
    /// [`PUNISHED_SLACK`].
    #[must_use]
    pub const fn punished(mut self) -> Self {
        self.punished = true;
        self
    }

    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            scope: ScopeKey::Account,
            kind,
            in_cost: false,
            punished: false,
        }
    }

    /// The limit's name: the key of its cell, unique within a provider.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the limit counts over.
    pub const fn scope(&self) -> ScopeKey {
        self.scope
    }

    /// Calls (or units of cost) allowed at once after a rest; of a limit on concurrency its permits.
    pub const fn burst(&self) -> u32 {
        match self.kind {
            Kind::Window { count, .. } => count,
            Kind::Bucket { capacity, .. } => capacity,
            Kind::Concurrency { permits } => permits,
        }
    }

    /// The window that the vendor counts over; none where it does not count windows.
    pub const fn per(&self) -> Option<Duration> {
        match self.kind {
            Kind::Window { per, .. } => Some(Duration::from_micros(per.unsigned_abs())),
            _ => None,
        }
    }

    /// The time in which one token comes back in the long run; zero for a limit on concurrency, whose calls bring
    /// theirs back.
    pub const fn interval(&self) -> Duration {
        Duration::from_micros(self.interval_us().unsigned_abs())
    }

    /// How many calls may be in flight; none for a rate.
    pub const fn permits(&self) -> Option<u32> {
        match self.kind {
            Kind::Concurrency { permits } => Some(permits),
            _ => None,
        }
    }

    /// Whether it counts what calls cost.
    pub const fn counts_cost(&self) -> bool {
        self.in_cost
    }

    /// The most that one call may cost for the promise to hold: what a rested account gives at once. A dearer one is let
    /// through by a rested account, and the next calls wait for it.
    pub const fn largest_cost(&self) -> u32 {
        match self.kind {
            Kind::Concurrency { .. } => 1,
            _ => self.most() as u32,
        }
    }

    /// By how much instants and true times may differ.
    pub const fn slack(&self) -> Duration {
        if self.punished {
            PUNISHED_SLACK
        } else {
            CLOCK_SLACK
        }
    }

    /// How long after the end of the bucket that counts it a token may still be used; a refilled bucket has none.
    pub const fn lapse(&self) -> Duration {
        match self.kind {
            Kind::Window { per, .. } => Duration::from_micros(per.unsigned_abs() / LAPSE as u64),
            // A stall of Lambda's, and no more than that: the bucket's capacity pays for it.
            Kind::Bucket { .. } => CLOCK_SLACK,
            Kind::Concurrency { .. } => PER_MAX,
        }
    }

    /// How far ahead of its instant a token is drawn at most.
    pub(super) const fn lead_max(&self) -> Duration {
        match self.kind {
            Kind::Window { per, .. } => {
                Duration::from_micros(per.unsigned_abs() / LEAD_PART as u64)
            }
            // Its capacity pays for what is late, not for what is early.
            Kind::Bucket { .. } => LEAD,
            Kind::Concurrency { .. } => PER_MAX,
        }
    }

    /// How long tokens may be drawn ahead of their use; zero: not at all. Costs and permits are never drawn ahead:
    /// nobody knows of how many.
    pub const fn allotment(&self) -> Duration {
        let lapse = self.lapse();
        if self.counts_cost()
            || self.permits().is_some()
            || lapse.as_millis() < ALLOTMENT_MIN.as_millis()
        {
            Duration::ZERO
        } else if lapse.as_millis() < ALLOTMENT.as_millis() {
            lapse
        } else {
            ALLOTMENT
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// What a call of `cost` takes from this limit.
    pub(super) const fn units(&self, cost: u32) -> i64 {
        if self.in_cost { cost as i64 } else { 1 }
    }

    /// The units that a rested account gives: of a bucket less what comes back while clocks and lapse allow for.
    pub(super) const fn most(&self) -> i64 {
        match self.kind {
            Kind::Window { count, .. } => count as i64,
            Kind::Bucket { capacity, interval } => {
                let held_back = (self.slack().as_micros() + self.lapse().as_micros()) as i64;
                let left = capacity as i64 - (held_back + interval - 1) / interval;
                if left > 1 { left } else { 1 }
            }
            Kind::Concurrency { permits } => permits as i64,
        }
    }

    /// The microseconds of a window and all that may stretch it: `1.02 × per + D`.
    pub(super) const fn padded_us(&self) -> i64 {
        match self.kind {
            Kind::Window { per, .. } => {
                per + (self.lapse().as_micros() + self.slack().as_micros()) as i64
            }
            Kind::Bucket { capacity, interval } => interval.saturating_mul(capacity as i64),
            Kind::Concurrency { .. } => 0,
        }
    }

    /// By how many microseconds nothing but a clock gone wrong begins a bucket ahead of another clock. Short of that whoever
    /// is behind waits: it would make room where those ahead see some already.
    pub(super) const fn astray_us(&self) -> i64 {
        self.padded_us() + ASTRAY.as_micros() as i64
    }

    /// The microseconds of one bucket of a window; rounded up.
    pub(super) const fn bucket_us(&self) -> i64 {
        (self.padded_us() + BUCKETS - 1) / BUCKETS
    }

    /// Microseconds in which one token comes back.
    pub(super) const fn interval_us(&self) -> i64 {
        match self.kind {
            Kind::Window { count, .. } => self.padded_us() / count as i64,
            Kind::Bucket { interval, .. } => interval,
            Kind::Concurrency { .. } => 0,
        }
    }
}

const fn assert_sound(name: &str, per: Duration) {
    assert!(
        !name.is_empty(),
        "a limit needs a name: it is the cell's key and the metric's property"
    );
    assert!(
        per.as_millis() >= 1 && per.as_millis() <= PER_MAX.as_millis(),
        "1 ms to 31 days"
    );
}

/// How far ahead of its clock an environment draws that knows nothing better: for the time that the write and the claim
/// take, so that few tokens lapse on the way.
const LEAD: Duration = Duration::from_millis(10);

/// Clocks that are further apart than a window and that are wrong.
const ASTRAY: Duration = Duration::from_secs(1);

/// No token is drawn further ahead than this part of its window: others in the bucket that counts it wait for it too.
const LEAD_PART: u32 = 4;

/// How far ahead tokens of all of `limits` are drawn where calls start `way` after their draw, as they lately did: for then,
/// if their tokens might have lapsed by then, else half of the shortest lapse at the most.
pub(super) fn lead<'a>(limits: impl Iterator<Item = &'a Limit>, way: Duration) -> Duration {
    let of_one = |limit: &Limit| (limit.lapse() / 2, limit.lead_max());
    let shortest = |(half, most): (Duration, Duration), (other, cap): (Duration, Duration)| {
        (half.min(other), most.min(cap))
    };
    let Some((half, most)) = limits.map(of_one).reduce(shortest) else {
        return Duration::ZERO;
    };
    if way <= half {
        half.min(LEAD)
    } else {
        way.min(most)
    }
}

/// How long tokens that all of `limits` granted may wait for their use: the shortest of their allotments.
pub fn allotment(limits: &[&Limit]) -> Duration {
    limits
        .iter()
        .map(|limit| limit.allotment())
        .min()
        .unwrap_or(Duration::ZERO)
}
