//! The limiter's promise, checked on what the vendor would see: true start times of calls that a fleet with
//! skewed clocks makes.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::{BURSTY, FAST, HOURLY, NOON, PACED, STEEP, demand, last, ms, take};
use super::*;
use crate::timestamp::Timestamp;

/// The sets of limits that one item may hold.
const SETS: [&[&Limit]; 5] = [
    &[&FAST, &BURSTY, &HOURLY],
    &[&BURSTY],
    &[&STEEP],
    &[&PACED],
    &[&HOURLY],
];

/// One batch of one environment.
#[derive(Clone, Debug)]
struct Batch {
    /// Milliseconds of true time since the batch before.
    pause: u64,
    /// Which environment, and thus which clock.
    who: usize,
    want: u32,
    inline_ms: u64,
    share: u16,
    /// Permille of the allotment by which its calls start late.
    late: u32,
    /// How many of its tokens it turns out not to need.
    unused: u32,
    /// After how many further batches it gives them back; from 4 on never.
    back_after: usize,
}

fn batch() -> impl Strategy<Value = Batch> {
    let pause = prop_oneof![0_u64..50, 0_u64..2_000, 0_u64..30_000];
    let share = prop_oneof![4 => Just(FULL_RATE), 1 => 250_u16..=1_000];
    (
        pause,
        0_usize..4,
        0_u32..40,
        0_u64..3_000,
        share,
        0_u32..=1_000,
        0_u32..20,
        0_usize..6,
    )
        .prop_map(
            |(pause, who, want, inline_ms, share, late, unused, back_after)| Batch {
                pause,
                who,
                want,
                inline_ms,
                share,
                late,
                unused,
                back_after,
            },
        )
}

/// Plays batches of environments whose clocks are off by `skews` and returns when calls truly started.
fn play(limits: &[&Limit], skews: &[i64; 4], batches: &[Batch]) -> Result<Vec<i64>, TestCaseError> {
    let mut truth = NOON;
    let mut state = LimitState::default();
    let mut starts = Vec::new();
    let mut pending: Vec<(usize, Taken, u32)> = Vec::new();
    for (turn, batch) in batches.iter().enumerate() {
        truth = truth + ms(batch.pause);
        let skew = skews[batch.who];
        let local = Timestamp::from_millis(truth.as_millis() + skew);
        let costs = vec![1; batch.want as usize];
        let demand = Demand {
            inline_wait: ms(batch.inline_ms),
            share: batch.share,
            ..demand(&costs, local)
        };
        let taken = state.take(limits, &demand);
        prop_assert_eq!(taken.grants.len() + taken.slots.len(), batch.want as usize);
        prop_assert!(taken.grants.is_sorted());
        prop_assert!(
            taken
                .grants
                .iter()
                .all(|at| local <= *at && *at <= local + ms(batch.inline_ms))
        );
        prop_assert!(
            taken
                .slots
                .iter()
                .all(|at| *at > local + ms(batch.inline_ms))
        );
        state = taken.next.clone().unwrap_or(state);
        let unused = batch
            .unused
            .min(u32::try_from(taken.grants.len()).expect("small"));
        let late =
            i64::try_from((allotment(limits) * batch.late / 1_000).as_millis()).expect("small");
        let used = taken.grants.len() - unused as usize;
        starts.extend(
            taken.grants[..used]
                .iter()
                .map(|at| at.as_millis() - skew + late),
        );
        if batch.back_after < 4 {
            pending.push((turn + batch.back_after, taken, unused));
        }
        for (_, taken, unused) in pending.extract_if(.., |(due, ..)| *due <= turn) {
            state = state
                .give_back(limits, &taken, last(unused))
                .unwrap_or(state);
        }
        let text = serde_json::to_string(&state).expect("plain data");
        prop_assert!(text.len() < 1_024);
        prop_assert_eq!(
            &serde_json::from_str::<LimitState>(&text).expect("what was written"),
            &state
        );
    }
    starts.sort_unstable();
    Ok(starts)
}

/// Checks that every window of length `t` holds at most `burst + (t + slack)/T` starts.
fn check_windows(limit: &Limit, starts: &[i64], slack: Duration) -> Result<(), TestCaseError> {
    let slack = i64::try_from(slack.as_micros()).expect("small");
    let interval = i64::try_from(limit.interval().as_micros()).expect("small");
    for (first, from) in starts.iter().enumerate() {
        for (count, to) in (1_i64..).zip(&starts[first..]) {
            let over = (count - i64::from(limit.burst())) * interval - slack;
            prop_assert!(
                over <= (to - from) * 1_000,
                "{}: {count} in {} ms",
                limit.name(),
                to - from
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_promise_holds_with_skewed_clocks_late_starts_and_returned_tokens(
        limits in select(&SETS[..]),
        skews in [-250_i64..=250, -250_i64..=250, -250_i64..=250, -250_i64..=250],
        batches in vec(batch(), 1..40),
    ) {
        let starts = play(limits, &skews, &batches)?;
        for limit in limits {
            let slack = if limit.keeps_true_rate() { Duration::ZERO } else { CLOCK_SLACK };
            check_windows(limit, &starts, slack)?;
        }
    }

    #[test]
    fn with_one_clock_no_window_sees_more_than_the_vendor_allows(
        limits in select(&SETS[..]),
        skew in -250_i64..=250,
        batches in vec(batch(), 1..40),
    ) {
        let starts = play(limits, &[skew; 4], &batches)?;
        for limit in limits {
            check_windows(limit, &starts, Duration::ZERO)?;
        }
        for (limit, count, per) in [(&FAST, 15, 1_000), (&BURSTY, 120, 60_000), (&STEEP, 100, 1_000)] {
            if limits.contains(&limit) {
                let most = starts.iter().map(|from| starts.iter().filter(|at| (*from..=from + per).contains(*at)).count());
                prop_assert!(most.max().unwrap_or(0) <= count);
            }
        }
    }

    #[test]
    fn slots_advance_and_every_deferred_message_gets_its_turn(
        limits in select(&SETS[..]),
        messages in 1_u32..400,
        fresh in 0_u64..3,
    ) {
        let mut state = LimitState::default();
        let first = take(&mut state, limits, NOON, messages);
        prop_assert!(first.slots.is_sorted());
        let mut waiting = first.slots;
        let mut asked = 0;
        while let Some(slot) = waiting.iter().copied().min() {
            let due = waiting.extract_if(.., |at| *at <= slot).count();
            // New messages arrive at the same time and compete; fewer than the rate, or nobody could promise.
            let new = u32::from(asked % 4 < fresh && asked < 500);
            let taken = take(&mut state, limits, slot, u32::try_from(due).expect("small") + new);
            waiting.extend(taken.slots);
            asked += 1;
            prop_assert!(asked < 10_000, "{} still wait", waiting.len());
        }
    }

    #[test]
    fn giving_back_everything_at_once_is_as_if_nothing_had_been_taken(
        limits in select(&SETS[..]),
        before in 0_u32..20,
        want in 1_u32..40,
        pause in 0_u64..3_000,
    ) {
        let mut state = LimitState::default();
        take(&mut state, limits, NOON, before);
        let now = NOON + ms(pause);
        let untouched = state.clone();
        let taken = take(&mut state, limits, now, want);
        let granted = u32::try_from(taken.grants.len()).expect("small");
        let state = state.give_back(limits, &taken, last(granted)).unwrap_or(state);
        let again = |state: &LimitState| state.take(limits, &demand(&vec![1; want as usize], now)).grants;
        prop_assert_eq!(again(&state), again(&untouched));
    }
}
