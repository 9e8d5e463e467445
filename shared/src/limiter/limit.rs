//! One limit of a vendor, as a provider declares it.

use std::time::Duration;

/// How far apart two clocks of the fleet may be: 250 ms each way.
pub const CLOCK_SLACK: Duration = Duration::from_millis(500);

/// How long tokens drawn ahead live, where a limit's burst can pay for it.
const ALLOTMENT: Duration = Duration::from_secs(1);

/// What is left of every burst above 1: calls start on whole milliseconds, and a token rounded up to the next
/// one must not push all later ones back.
const ROUNDING: Duration = Duration::from_millis(1);

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

/// A rate with a burst, or a number of calls at once, made so that the vendor's own way of counting is never exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    name: &'static str,
    scope: ScopeKey,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rate {
        /// Microseconds that one token takes to come back, rounded up: the rate is never above the vendor's.
        interval: i64,
        /// What the vendor counts over, in microseconds.
        per: i64,
        burst: u32,
        /// Whether it counts what calls cost rather than calls.
        in_cost: bool,
    },
    Concurrency {
        permits: u32,
    },
}

impl Limit {
    /// The vendor's "`count` per `per`", kept as `burst` at once and `(count − burst)/per` from then on: no
    /// window of length `per`, wherever it starts, sees more than `count`. Counts over the account.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) Unless `0 < burst < count`, `name` is not empty and `per`
    /// is between 1 ms and 31 days.
    pub const fn window(name: &'static str, count: u32, per: Duration, burst: u32) -> Self {
        assert!(
            0 < burst && burst < count,
            "the burst must leave something for the rate"
        );
        Self::new(name, per, count - burst, burst)
    }

    /// One call per `every`, never two closer together. Counts over the account.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) When `name` is empty or `every` is not between 1 ms and 31 days.
    pub const fn paced(name: &'static str, every: Duration) -> Self {
        Self::new(name, every, 1, 1)
    }

    /// A bucket of `capacity` that the vendor refills with `refill` every `per`, such as Shopify's points: kept as it
    /// is, the whole bucket at once and the refill from then on. Counts over the account.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) When `capacity` or `refill` is 0, `name` is empty or `per` is not
    /// between 1 ms and 31 days.
    pub const fn bucket(name: &'static str, capacity: u32, refill: u32, per: Duration) -> Self {
        assert!(
            0 < capacity && 0 < refill,
            "an empty bucket lets nothing through"
        );
        Self::new(name, per, refill, capacity)
    }

    /// At most `permits` calls in flight. Counts over the account. A call holds its permit until its batch has ended;
    /// the permits of a function that died come back a moment after it would have been ended.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) When `name` is empty or `permits` is not between 1 and 100.
    pub const fn concurrency(name: &'static str, permits: u32) -> Self {
        assert_named(name);
        assert!(0 < permits && permits <= PERMITS_MAX, "1 to 100 permits");
        Self {
            name,
            scope: ScopeKey::Account,
            kind: Kind::Concurrency { permits },
        }
    }

    /// The same limit in the vendor's cost units (points, credits, complexity) instead of calls: an operation reserves
    /// [`Operation::cost`](crate::provider::Operation::cost), and the answer's
    /// [`Signals::cost`](super::Signals) corrects it.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) For a limit on concurrency.
    #[must_use]
    pub const fn in_cost(mut self) -> Self {
        match &mut self.kind {
            Kind::Rate { in_cost, .. } => *in_cost = true,
            Kind::Concurrency { .. } => panic!("concurrency counts calls"),
        }
        self
    }

    /// The same limit counted over `scope`.
    #[must_use]
    pub const fn scoped(mut self, scope: ScopeKey) -> Self {
        self.scope = scope;
        self
    }

    const fn new(name: &'static str, per: Duration, rate: u32, burst: u32) -> Self {
        assert_named(name);
        assert!(
            per.as_millis() >= 1 && per.as_millis() <= PER_MAX.as_millis(),
            "1 ms to 31 days"
        );
        // 31 days are 2.7e12 µs: the casts lose nothing (`try_from` is not const).
        let interval = per.as_micros().div_ceil(rate as u128) as i64;
        Self {
            name,
            scope: ScopeKey::Account,
            kind: Kind::Rate {
                interval,
                per: per.as_micros() as i64,
                burst,
                in_cost: false,
            },
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

    /// Calls (or units of cost) allowed at once after a rest, before the clocks' share is taken off; of a limit on
    /// concurrency its permits.
    pub const fn burst(&self) -> u32 {
        match self.kind {
            Kind::Rate { burst, .. } => burst,
            Kind::Concurrency { permits } => permits,
        }
    }

    /// The time in which one token comes back; zero for a limit on concurrency, whose calls bring theirs back.
    pub const fn interval(&self) -> Duration {
        Duration::from_micros(self.interval_us().unsigned_abs())
    }

    /// How many calls may be in flight; none for a rate.
    pub const fn permits(&self) -> Option<u32> {
        match self.kind {
            Kind::Rate { .. } => None,
            Kind::Concurrency { permits } => Some(permits),
        }
    }

    /// Whether it counts what calls cost.
    pub const fn counts_cost(&self) -> bool {
        matches!(self.kind, Kind::Rate { in_cost: true, .. })
    }

    /// The most that one call may cost for the promise to hold with its clocks paid for: what a rested account gives
    /// at once. A dearer one is let through by a full bucket, and the next calls wait for it.
    pub const fn largest_cost(&self) -> u32 {
        match self.kind {
            Kind::Rate { interval, .. } => (self.tolerance_us() / interval + 1) as u32,
            Kind::Concurrency { .. } => 1,
        }
    }

    /// What a call of `cost` takes from this limit.
    pub(super) const fn units(&self, cost: u32) -> u32 {
        if self.counts_cost() { cost } else { 1 }
    }

    /// How long tokens may be drawn ahead of their use; zero: not at all. Only a limit whose burst is worth at
    /// least twice the time that clocks and allotment take off it gets one (3 s of its rate), so that drawing
    /// ahead never costs more than half the burst. Costs and permits are never drawn ahead: nobody knows of how many.
    pub const fn allotment(&self) -> Duration {
        if self.counts_cost() || self.permits().is_some() {
            return Duration::ZERO;
        }
        let price = ALLOTMENT.as_micros() + CLOCK_SLACK.as_micros();
        if self.full_tolerance() as u128 >= 2 * price {
            ALLOTMENT
        } else {
            Duration::ZERO
        }
    }

    /// Whether the burst pays for the clocks: then no window of length `t` sees more than `burst + rate × t`
    /// even though clocks differ by [`CLOCK_SLACK`].
    pub const fn keeps_true_rate(&self) -> bool {
        self.full_tolerance() as u128 >= CLOCK_SLACK.as_micros() + ROUNDING.as_micros()
    }

    /// Microseconds that one token takes to come back.
    pub(super) const fn interval_us(&self) -> i64 {
        match self.kind {
            Kind::Rate { interval, .. } => interval,
            Kind::Concurrency { .. } => 0,
        }
    }

    /// The microseconds that the vendor counts over; zero for a limit on concurrency.
    pub(super) const fn per_us(&self) -> i64 {
        match self.kind {
            Kind::Rate { per, .. } => per,
            Kind::Concurrency { .. } => 0,
        }
    }

    /// Microseconds by which a token may come ahead of `tat`: the burst less what clocks and allotment take.
    /// A smaller burst than that is given up but for the rounding; it was worth less than half a second of waiting.
    pub(super) const fn tolerance_us(&self) -> i64 {
        let full = self.full_tolerance();
        let rounding = ROUNDING.as_micros() as i64;
        let left = full - (CLOCK_SLACK.as_micros() + self.allotment().as_micros()) as i64;
        if left > rounding {
            left
        } else if full > rounding {
            rounding
        } else {
            full
        }
    }

    const fn full_tolerance(&self) -> i64 {
        (self.burst() as i64 - 1).saturating_mul(self.interval_us())
    }
}

const fn assert_named(name: &str) {
    assert!(
        !name.is_empty(),
        "a limit needs a name: it is the cell's key and the metric's property"
    );
}

/// How long tokens that all of `limits` granted may wait for their use: the shortest of their allotments.
pub fn allotment(limits: &[&Limit]) -> Duration {
    limits
        .iter()
        .map(|limit| limit.allotment())
        .min()
        .unwrap_or(Duration::ZERO)
}
