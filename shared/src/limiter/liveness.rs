//! The other half of the promise: every deferred message is admitted in the end, about as soon as the limits allow,
//! with skewed clocks, a ramp, refusals, quotas, dying functions and the queue's whole seconds in the way.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::{BURSTY, FAST, HOURLY, NOON, PACED, demand, ms};
use super::*;
use crate::timestamp::Timestamp;

const FIVE: Limit = Limit::concurrency("5 at once", 5);
const POINTS: Limit = Limit::bucket("points", 100, 50, std::time::Duration::from_secs(1)).in_cost();

const SETS: [&[&Limit]; 6] = [
    &[&FAST, &BURSTY, &HOURLY],
    &[&BURSTY],
    &[&PACED],
    &[&FIVE],
    &[&FIVE, &BURSTY],
    &[&POINTS, &FAST],
];

/// What the messages of one backlog go through.
#[derive(Clone, Debug)]
struct Day {
    messages: usize,
    cost: u32,
    call_ms: i64,
    skews: Vec<i64>,
    /// Of every so many calls one's function dies with it, and its message comes back a minute later.
    dies_every: usize,
    /// Seconds from the start, seconds until the reset, and what is left until then.
    signals: Vec<(i64, i64, u32)>,
}

fn day() -> impl Strategy<Value = Day> {
    let signal = (0_i64..60, 1_i64..30, 0_u32..20);
    (
        1_usize..300,
        1_u32..20,
        50_i64..3_000,
        vec(-250_i64..=250, 1..10),
        20_usize..100,
        vec(signal, 0..3),
    )
        .prop_map(
            |(messages, cost, call_ms, skews, dies_every, signals)| Day {
                messages,
                cost,
                call_ms,
                skews,
                dies_every,
                signals,
            },
        )
}

/// What happens at some true time, in milliseconds.
#[derive(Clone, Debug)]
enum Event {
    Signal(i64, u32),
    Ended(String, i64),
    Asks,
}

struct Line<'a> {
    limits: &'a [&'a Limit],
    day: &'a Day,
    state: LimitState,
    events: BTreeMap<(i64, usize), Event>,
    number: usize,
    asked: usize,
    admitted: usize,
    calls: usize,
    last: i64,
}

impl Line<'_> {
    fn at(&mut self, truth: i64, event: Event) {
        self.number += 1;
        self.events.insert((truth, self.number), event);
    }

    fn clock(&self, truth: i64) -> Timestamp {
        Timestamp::from_millis(truth + self.day.skews[self.number % self.day.skews.len()])
    }

    fn heed(&mut self, feedback: &Feedback<'_>, now: Timestamp) {
        if let Some(next) = self.state.heed(self.limits, feedback, now) {
            self.state = next;
        }
    }

    fn ask(&mut self, truth: i64) {
        self.asked += 1;
        let now = self.clock(truth);
        let holder = format!("invocation-{}", self.asked);
        let costs = [self.day.cost];
        let share = match truth - NOON.as_millis() {
            ..30_000 => 250,
            30_000..60_000 => 500,
            _ => FULL_RATE,
        };
        let demand = Demand {
            inline_wait: ms(500),
            share,
            holder: &holder,
            deadline: now + ms(10_000),
            ..demand(&costs, now)
        };
        let taken = self.state.take(self.limits, &demand);
        self.state = taken.next.clone().unwrap_or_else(|| self.state.clone());
        if let Some(slot) = taken.slots.first() {
            // The queue hides a message for whole seconds.
            let wait = i64::try_from(slot.since(now).as_millis()).expect("small");
            self.at(truth + (wait + 999) / 1_000 * 1_000, Event::Asks);
            return;
        }
        self.calls += 1;
        if self.calls.is_multiple_of(self.day.dies_every) {
            self.at(truth + 60_000, Event::Asks);
            return;
        }
        self.admitted += 1;
        self.last = truth;
        self.at(truth + self.day.call_ms, Event::Ended(holder, truth));
    }

    fn happen(&mut self, truth: i64, event: Event) {
        let now = self.clock(truth);
        match event {
            Event::Asks => self.ask(truth),
            Event::Ended(holder, since) => {
                let held = ms(u64::try_from(truth - since).expect("later"));
                let release = Some((holder.as_str(), held));
                self.heed(
                    &Feedback {
                        release,
                        ..Feedback::default()
                    },
                    now,
                );
            }
            Event::Signal(seconds, left) => {
                let reset = now + ms(u64::try_from(seconds * 1_000).expect("small"));
                let remaining = self.limits.iter().map(|limit| Remaining {
                    limit: limit.name(),
                    left,
                    reset: Some(reset),
                });
                let signals = Signals {
                    remaining: remaining.collect(),
                    blocked_until: (left == 0).then_some(reset),
                    ..Signals::default()
                };
                self.heed(
                    &Feedback {
                        signals,
                        ..Feedback::default()
                    },
                    now,
                );
            }
        }
    }

    /// Milliseconds that the limits need at least for the backlog.
    fn ideal(&self) -> i64 {
        let calls = i64::try_from(self.day.messages).expect("small");
        let times = self.limits.iter().map(|limit| match limit.permits() {
            Some(permits) => calls * self.day.call_ms / i64::from(permits),
            None => calls * i64::from(limit.units(self.day.cost)) * limit.interval_us() / 1_000,
        });
        times.max().unwrap_or(0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_deferred_message_is_admitted_about_as_soon_as_the_limits_allow(limits in select(&SETS[..]), day in day()) {
        let mut line = Line {
            limits,
            day: &day,
            state: LimitState::default(),
            events: BTreeMap::new(),
            number: 0,
            asked: 0,
            admitted: 0,
            calls: 0,
            last: NOON.as_millis(),
        };
        let start = NOON.as_millis();
        for _ in 0..day.messages {
            line.at(start, Event::Asks);
        }
        let mut stopped = 0;
        for (at, seconds, left) in &day.signals {
            line.at(start + at * 1_000, Event::Signal(*seconds, *left));
            stopped += seconds * 1_000 + 1_000;
        }
        while let Some(((truth, _), event)) = line.events.pop_first() {
            line.happen(truth, event);
            prop_assert!(line.asked < 50 * day.messages + 1_000, "they ask for ever");
        }
        prop_assert_eq!(line.admitted, day.messages);
        // The ramp halves or quarters the first minute, and who died comes back a minute later, to die once more perhaps.
        let most = 2 * line.ideal() + stopped + 60_000 + 2 * 75_000;
        prop_assert!(line.last - start <= most, "{} ms instead of {}", line.last - start, line.ideal());
        // Whoever dies keeps a permit for its lease: everybody may come once too often for it.
        let deaths = line.calls.div_ceil(day.dies_every);
        let asks = (8 + deaths) * day.messages + 50;
        prop_assert!(line.asked <= asks, "{} asked {} times", day.messages, line.asked);
    }
}
