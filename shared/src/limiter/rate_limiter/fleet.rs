//! The limiter's promise, kept by a whole fleet: any number of environments with skewed clocks, each with what it
//! remembers and has drawn ahead, that crash, give back, learn costs and hear signals. Checked on what the vendor sees.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::lanes::MemoryStates;
use crate::limiter::state::span;
use crate::limiter::{CLOCK_SLACK, Remaining, Signals};

const KEY: &str = "acme#default#limit#account";
const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const FAST: Limit = Limit::window("15/s", 15, secs(1), 5);
const MINUTE: Limit = Limit::window("120/min", 120, secs(60), 30);
const HOUR: Limit = Limit::window("5000/h", 5_000, secs(3_600), 500);
/// Small, and yet worth drawing ahead for: whatever is drawn too much shows.
const AHEAD: Limit = Limit::bucket("40, 10/s", 40, 10, secs(1));
const PACED: Limit = Limit::paced("1/s", secs(1));
const FIVE: Limit = Limit::concurrency("5 at once", 5);
const TWELVE: Limit = Limit::concurrency("12 at once", 12);
const POINTS: Limit = Limit::bucket("points", 100, 50, secs(1)).in_cost();
/// So slow that a few units too many show.
const SCARCE: Limit = Limit::bucket("20, 1/s", 20, 1, secs(1)).in_cost();
const CREDITS: Limit = Limit::window("100 credits/5 min", 100, secs(300), 40).in_cost();

/// The sets of limits that one item may hold: one window, several, costs, permits, all together.
const SETS: [&[&Limit]; 13] = [
    &[&AHEAD],
    &[&AHEAD],
    &[&SCARCE],
    &[&SCARCE],
    &[&AHEAD],
    &[&MINUTE, &HOUR],
    &[&FAST, &MINUTE, &HOUR],
    &[&PACED],
    &[&POINTS],
    &[&CREDITS, &MINUTE],
    &[&FIVE],
    &[&FIVE, &MINUTE],
    &[&TWELVE, &POINTS, &FAST],
];

/// One batch of one environment.
#[derive(Clone, Debug)]
struct Batch {
    /// Milliseconds of true time since the batch before.
    pause: u64,
    /// Which environment, counted around.
    who: usize,
    /// What each call reserves, and what it costs in truth.
    costs: Vec<(u32, u32)>,
    inline_ms: u64,
    share: u16,
    /// How long its calls take.
    call_ms: u64,
    /// How long its function may run; calls of one that died may go on for that long.
    function_ms: u64,
    /// How many of the last calls turn out not to be made.
    unused: usize,
    fate: Fate,
}

/// Where an environment dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Lives,
    /// Tokens and permits were taken, and nothing is called.
    DiesBeforeItsCalls,
    /// The calls are under way at the vendor and last as long as they can.
    DiesInItsCalls,
    /// The calls have ended, and nobody is told.
    DiesBeforeTelling,
}

/// Batches `pace_ms` apart on the whole, with a rest now and then.
fn batch(pace_ms: u64) -> impl Strategy<Value = Batch> {
    let fate = prop_oneof![
        12 => Just(Fate::Lives),
        1 => Just(Fate::DiesBeforeItsCalls),
        2 => Just(Fate::DiesInItsCalls),
        1 => Just(Fate::DiesBeforeTelling),
    ];
    let reserve = prop_oneof![3 => 1_u32..4, 1 => 1_u32..39];
    let cost = reserve.prop_flat_map(|reserve| {
        let cost = prop_oneof![
            4 => Just(reserve),
            1 => Just(0),
            1 => 0..=reserve + reserve / 2,
        ];
        (Just(reserve), cost)
    });
    let costs = prop_oneof![vec(cost.clone(), 1..3), vec(cost, 1..20)];
    let share = prop_oneof![6 => Just(FULL_RATE), 1 => 250_u16..=1_000];
    let pause = prop_oneof![12 => 0..=pace_ms, 1 => 0..=pace_ms * 20];
    let inline = prop_oneof![Just(0), 0_u64..1_000];
    // A few environments do most of the work.
    let who = prop_oneof![0_usize..2, 0_usize..50];
    let call = prop_oneof![1_u64..3_000, 1_u64..25_000];
    let numbers = (pause, inline, share, call, 0_usize..3);
    let function = select(vec![4_000_u64, 30_000]);
    (who, costs, numbers, function, fate).prop_map(
        |(who, costs, (pause, inline_ms, share, call_ms, unused), function_ms, fate)| Batch {
            pause,
            who,
            costs,
            inline_ms,
            share,
            call_ms,
            function_ms,
            unused,
            fate,
        },
    )
}

/// How far each environment's clock is off, in milliseconds: all alike, or up to 250 either way.
fn skews() -> impl Strategy<Value = Vec<i64>> {
    let count = prop_oneof![2_usize..4, 2_usize..=50];
    let skew = prop_oneof![Just(-250), Just(250), -250_i64..=250];
    let apart = count
        .clone()
        .prop_flat_map(move |count| vec(skew.clone(), count));
    let alike = (count, -250_i64..=250).prop_map(|(count, skew)| vec![skew; count]);
    prop_oneof![alike, apart]
}

/// A call as the vendor sees it, in true time.
#[derive(Clone, Copy, Debug)]
struct Seen {
    start: i64,
    end: i64,
    reserved: u32,
    cost: u32,
}

/// A batch whose calls are under way.
struct Running {
    who: usize,
    holder: String,
    since: Timestamp,
    taken: Taken,
    costs: Vec<(usize, u32)>,
}

struct Fleet<'a> {
    limits: &'a [&'a Limit],
    environments: Vec<RateLimiter>,
    skews: Vec<i64>,
    /// By the true time of their end.
    running: BTreeMap<(i64, usize), Running>,
    seen: Vec<Seen>,
    turn: usize,
}

impl<'a> Fleet<'a> {
    fn new(limits: &'a [&'a Limit], skews: Vec<i64>) -> Self {
        let states: Arc<dyn StateStore> = Arc::new(MemoryStates::default());
        let environment = |number: usize| RateLimiter::new(states.clone(), format!("e{number}"));
        Self {
            limits,
            environments: (0..skews.len()).map(environment).collect(),
            skews,
            running: BTreeMap::new(),
            seen: Vec::new(),
            turn: 0,
        }
    }

    /// What the clock of `who` shows at `truth`.
    fn clock(&self, who: usize, truth: i64) -> Timestamp {
        Timestamp::from_millis(truth + self.skews[who])
    }

    fn take(&mut self, batch: &Batch, truth: i64) {
        self.turn += 1;
        let who = batch.who % self.skews.len();
        let now = self.clock(who, truth);
        let holder = format!("invocation-{}", self.turn);
        // What every provider is held to: a rested account can pay for a call.
        let counting = self.limits.iter().filter(|limit| limit.counts_cost());
        let dearest = counting.map(|limit| limit.largest_cost()).min();
        let reserve = |cost: &(u32, u32)| cost.0.min(dearest.unwrap_or(u32::MAX));
        let costs: Vec<u32> = batch.costs.iter().map(reserve).collect();
        let demand = Demand {
            costs: &costs,
            now,
            inline_wait: Duration::from_millis(batch.inline_ms),
            share: batch.share,
            holder: &holder,
            deadline: now + Duration::from_millis(batch.function_ms),
        };
        let environment = &self.environments[who];
        let taken = at_once(environment.take(KEY, self.limits, &demand));
        let granted = taken.grants.len();
        assert_eq!(granted + taken.slots.len(), costs.len());
        if batch.fate == Fate::DiesBeforeItsCalls {
            return;
        }
        let unused = batch.unused.min(granted);
        let count = u32::try_from(unused).expect("small");
        let back = Unused {
            last: count,
            calls: count,
        };
        at_once(environment.give_back(KEY, self.limits, &taken, back, now));
        let last = (now + Duration::from_millis(batch.function_ms)).as_millis() - self.skews[who];
        let mut ended = truth;
        for (at, grant) in taken.grants[..granted - unused].iter().enumerate() {
            // Tokens drawn ahead are used when they are asked for.
            let start = grant.max(&now).as_millis() - self.skews[who];
            let usual = start + i64::try_from(batch.call_ms).expect("small");
            let end = match batch.fate {
                Fate::DiesInItsCalls => last,
                _ => usual.min(last),
            };
            let (reserved, cost) = (costs[at], batch.costs[at].1);
            self.seen.push(Seen {
                start,
                end,
                reserved,
                cost,
            });
            ended = ended.max(end);
        }
        if batch.fate == Fate::Lives {
            let costs = batch.costs[..granted - unused].iter().enumerate();
            let running = Running {
                who,
                holder,
                since: now,
                costs: costs.map(|(at, (_, cost))| (at, *cost)).collect(),
                taken,
            };
            self.running.insert((ended, self.turn), running);
        }
    }

    /// The batches that have ended by `truth` tell what they learned.
    fn tell_until(&mut self, truth: i64) {
        while let Some(entry) = self.running.first_entry() {
            let ((ended, turn), running) = (*entry.key(), entry);
            if ended > truth {
                return;
            }
            let running = running.remove();
            let now = self.clock(running.who, ended);
            let feedback = Feedback {
                costs: Some((&running.taken, running.costs.clone())),
                release: Some((&running.holder, now.since(running.since))),
                // Every third batch hears what is left, which is never less than what we believe.
                signals: if turn.is_multiple_of(3) {
                    plenty(self.limits, now)
                } else {
                    Signals::default()
                },
            };
            at_once(self.environments[running.who].heed(KEY, self.limits, &feedback, now));
        }
    }
}

fn plenty(limits: &[&Limit], now: Timestamp) -> Signals {
    let remaining = limits.iter().map(|limit| Remaining {
        limit: limit.name(),
        left: 1_000_000,
        reset: Some(now + secs(60)),
    });
    Signals {
        remaining: remaining.collect(),
        ..Signals::default()
    }
}

/// Memory answers at once, and not so often at the same time that an update fails.
fn at_once<T>(work: impl Future<Output = Result<T, StoreError>>) -> T {
    work.now_or_never().expect("no wait").expect("memory")
}

/// Every window of length `t` holds at most `burst + (t + slack)/T`, and what calls cost beyond what they reserved. With
/// clocks all alike what is kept back for them is left.
fn check_rate(limit: &Limit, alike: bool, seen: &[Seen]) -> Result<(), TestCaseError> {
    let full = (i64::from(limit.burst()) - 1) * limit.interval_us();
    let reach = match (limit.keeps_true_rate(), alike) {
        (true, true) => full - span(CLOCK_SLACK),
        (true, false) => full,
        (false, true) => full.min(1_000),
        (false, false) => full + span(CLOCK_SLACK),
    };
    let interval = i64::try_from(limit.interval().as_micros()).expect("small");
    for (first, from) in seen.iter().enumerate() {
        let mut units = 0;
        for to in &seen[first..] {
            units += if limit.counts_cost() {
                i64::from(to.cost.min(to.reserved))
            } else {
                1
            };
            let over = (units - 1) * interval - reach;
            prop_assert!(
                over <= (to.start - from.start) * 1_000,
                "{}: {units} in {} ms",
                limit.name(),
                to.start - from.start
            );
        }
    }
    Ok(())
}

/// At no time are more calls in flight than there are permits.
fn check_permits(limit: &Limit, permits: u32, seen: &[Seen]) -> Result<(), TestCaseError> {
    for call in seen {
        let in_flight = seen
            .iter()
            .filter(|other| other.start <= call.start && call.start < other.end)
            .count();
        prop_assert!(
            in_flight <= permits as usize,
            "{}: {in_flight} in flight",
            limit.name()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_fleet_breaks_a_limit_whatever_its_clocks_and_crashes(
        limits in select(&SETS[..]),
        skews in skews(),
        batches in prop_oneof![Just(40), Just(400), Just(4_000)].prop_flat_map(|pace| vec(batch(pace), 1..60)),
    ) {
        let alike = skews.iter().all(|skew| *skew == skews[0]);
        let mut fleet = Fleet::new(limits, skews);
        let mut truth = NOON.as_millis();
        for batch in &batches {
            truth += i64::try_from(batch.pause).expect("small");
            fleet.tell_until(truth);
            fleet.take(batch, truth);
        }
        let mut seen = fleet.seen;
        seen.sort_by_key(|call| call.start);
        for limit in limits {
            match limit.permits() {
                Some(permits) => check_permits(limit, permits, &seen)?,
                None => check_rate(limit, alike, &seen)?,
            }
        }
    }
}
