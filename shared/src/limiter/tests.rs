//! The limiter's rules as stories. What fleets make of them is measured in `tests/limits`.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::timestamp::Timestamp;

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const SECOND: Limit = Limit::window("second", 3, Duration::from_secs(1));
const MINUTE: Limit = Limit::window("minute", 10, Duration::from_secs(60));
const CREDITS: Limit = Limit::window("credits", 100, Duration::from_secs(60)).in_cost();
const POINTS: Limit = Limit::bucket("points", 100, 10, Duration::from_secs(1)).in_cost();
const FIVE: Limit = Limit::concurrency("5 at once", 5);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn demand(costs: &[u32]) -> Demand<'_> {
    Demand {
        costs,
        share: FULL_RATE,
        holder: "invocation",
        lead: Duration::ZERO,
        deadline: NOON + ms(60_000),
    }
}

/// Draws, and stores what was drawn.
fn take(state: &mut LimitState, limits: &[&Limit], costs: &[u32], now: Timestamp) -> Taken {
    let demand = demand(costs);
    let draw = state.draw(limits, &demand, now);
    *state = draw.next.clone().unwrap_or_else(|| state.clone());
    state.taken(limits, &draw, &demand)
}

fn granted(state: &mut LimitState, limits: &[&Limit], want: usize, now: Timestamp) -> usize {
    take(state, limits, &vec![1; want], now).granted
}

fn heed(
    state: &mut LimitState,
    limits: &[&Limit],
    feedback: &Feedback<'_>,
    now: Timestamp,
) -> bool {
    let next = state.heed(limits, feedback, now);
    let news = next.is_some();
    *state = next.unwrap_or_else(|| state.clone());
    news
}

fn left(limit: &'static str, left: u32, reset: Option<Timestamp>) -> Feedback<'static> {
    Feedback {
        signals: Signals {
            remaining: vec![Remaining { limit, left, reset }],
            ..Signals::default()
        },
        ..Feedback::default()
    }
}

#[test]
fn a_rested_account_gives_the_whole_window_at_once_and_then_nothing_until_it_has_passed() {
    let mut state = LimitState::default();
    assert_eq!(granted(&mut state, &[&SECOND], 10, NOON), 3);
    let free = state.free_at(&SECOND, NOON);
    // 1.02 s, 0.1 s for clocks, and what was left of the bucket that counts them.
    assert!(
        free >= NOON + ms(1_120) && free <= NOON + ms(1_168),
        "{free}"
    );
    assert_eq!(granted(&mut state, &[&SECOND], 10, free + ms(0) - ms(1)), 0);
    assert_eq!(granted(&mut state, &[&SECOND], 10, free), 3);
}

#[test]
fn all_windows_of_an_item_must_allow_a_call() {
    let mut state = LimitState::default();
    let limits = [&SECOND, &MINUTE];
    let mut now = NOON;
    let mut calls = 0;
    for _ in 0..5 {
        calls += granted(&mut state, &limits, 3, now);
        now = now + ms(1_200);
    }
    assert_eq!(calls, 10);
    assert!(state.free_at(&MINUTE, now) > NOON + ms(61_000));
}

#[test]
fn within_a_bucket_draws_are_additions_and_a_new_bucket_is_swapped_in() {
    let mut state = LimitState::default();
    let first = state.draw(&[&MINUTE], &demand(&[1]), NOON);
    assert_eq!(first.additions, None, "nothing is stored yet");
    state = first.next.expect("granted");
    let second = state.draw(&[&MINUTE], &demand(&[1, 1]), NOON + ms(1));
    assert_eq!(
        second.additions,
        Some(vec![("minute", 2, 8), ("*", 2, i64::MAX)])
    );
    assert_eq!(second.next.as_ref().map(|next| next.turn), Some(state.turn));
    let later = state.draw(&[&MINUTE], &demand(&[1]), NOON + ms(1_400));
    assert_eq!(later.additions, None);
    assert_ne!(later.next.map(|next| next.turn), Some(state.turn));
}

#[test]
fn a_token_lapses_a_fiftieth_of_its_window_after_the_bucket_that_counts_it() {
    let draw = LimitState::default().draw(&[&MINUTE], &demand(&[1]), NOON);
    let lives = draw.until.since(NOON);
    assert!(
        lives >= ms(1_199) && lives <= ms(1_200 + 1_278),
        "{lives:?}"
    );
    let both = LimitState::default().draw(&[&MINUTE, &SECOND], &demand(&[1]), NOON);
    assert!(both.until.since(NOON) <= ms(20 + 24), "the shortest counts");
}

#[test]
fn what_is_not_used_goes_back_to_its_bucket_and_to_none_once_that_has_left() {
    let mut state = LimitState::default();
    let taken = take(&mut state, &[&MINUTE], &[1; 10], NOON);
    let later = NOON + ms(5_000);
    let back = state.give_back(&[&MINUTE], &taken, &[0, 4], later);
    let mut state = back.expect("something comes back");
    assert_eq!(granted(&mut state, &[&MINUTE], 10, later), 2);
    // They count from when they were drawn anew.
    assert_eq!(granted(&mut state, &[&MINUTE], 10, NOON + ms(63_000)), 8);
    let gone = state.give_back(&[&MINUTE], &taken, &[1], NOON + ms(63_000));
    assert_eq!(gone, None);
}

#[test]
fn a_call_that_cost_more_is_paid_for_by_those_that_come_next_and_one_that_cost_less_makes_room() {
    let mut state = LimitState::default();
    let taken = take(&mut state, &[&CREDITS], &[40, 40], NOON);
    let told = |costs: Vec<(usize, u32)>| Feedback {
        costs: Some((&taken, costs)),
        ..Feedback::default()
    };
    let now = NOON + ms(2_000);
    assert!(!heed(&mut state, &[&CREDITS], &told(vec![(0, 40)]), now));
    assert!(heed(&mut state, &[&CREDITS], &told(vec![(0, 10)]), now));
    assert_eq!(
        take(&mut state, &[&CREDITS], &[50, 1], now).granted,
        1,
        "100 − 50"
    );
    assert!(heed(&mut state, &[&CREDITS], &told(vec![(1, 90)]), now));
    assert_eq!(take(&mut state, &[&CREDITS], &[1], now).granted, 0);
    // The owed 50 leave with the window in which they were told, not with the call's.
    assert_eq!(
        take(&mut state, &[&CREDITS], &[50], NOON + ms(63_000)).granted,
        0
    );
    assert_eq!(
        take(&mut state, &[&CREDITS], &[50], NOON + ms(66_000)).granted,
        1
    );
}

#[test]
fn a_call_dearer_than_the_window_goes_alone_and_after_a_rest() {
    let mut state = LimitState::default();
    assert_eq!(take(&mut state, &[&CREDITS], &[1], NOON).granted, 1);
    assert_eq!(take(&mut state, &[&CREDITS], &[150], NOON).granted, 0);
    let rested = NOON + ms(63_000);
    assert_eq!(take(&mut state, &[&CREDITS], &[150, 1], rested).granted, 1);
}

#[test]
fn a_bucket_gives_what_it_holds_and_then_its_refill() {
    let mut state = LimitState::default();
    // 0.2 s of the refill stay in it for clocks and calls that are late.
    assert_eq!(take(&mut state, &[&POINTS], &[98, 1], NOON).granted, 1);
    assert_eq!(state.free_at(&POINTS, NOON), NOON + ms(100));
    assert_eq!(
        take(&mut state, &[&POINTS], &[10], NOON + ms(999)).granted,
        0
    );
    let later = NOON + ms(1_000);
    let draw = state.draw(&[&POINTS], &demand(&[10]), later);
    assert_eq!(
        draw.additions,
        Some(vec![("points", 10, 98), ("*", 1, i64::MAX)]),
        "no turn for a refill"
    );
    // It keeps nothing beyond its capacity.
    assert_eq!(
        take(&mut state, &[&POINTS], &[98, 1], NOON + ms(3_600_000)).granted,
        1
    );
}

#[test]
fn no_more_are_in_flight_than_permits_and_those_of_the_dead_come_back() {
    let mut state = LimitState::default();
    assert_eq!(granted(&mut state, &[&FIVE], 3, NOON), 3);
    assert_eq!(granted(&mut state, &[&FIVE], 3, NOON), 2);
    let release = Feedback {
        release: Some(("invocation", ms(200))),
        ..Feedback::default()
    };
    let mut released = state.clone();
    assert!(heed(&mut released, &[&FIVE], &release, NOON + ms(200)));
    assert_eq!(granted(&mut released, &[&FIVE], 9, NOON + ms(200)), 5);
    let over = NOON + ms(60_000) + CLOCK_SLACK;
    assert_eq!(granted(&mut state, &[&FIVE], 9, over - ms(1)), 0);
    assert_eq!(granted(&mut state, &[&FIVE], 9, over), 5);
}

#[test]
fn what_the_vendor_has_left_until_its_reset_holds_where_it_is_less_than_we_thought() {
    let mut state = LimitState::default();
    granted(&mut state, &[&MINUTE], 1, NOON);
    let reset = NOON + ms(30_000);
    assert!(
        !heed(
            &mut state,
            &[&MINUTE],
            &left("minute", 9, Some(reset)),
            NOON
        ),
        "no news"
    );
    assert!(heed(
        &mut state,
        &[&MINUTE],
        &left("minute", 2, Some(reset)),
        NOON
    ));
    assert_eq!(granted(&mut state, &[&MINUTE], 9, NOON + ms(1)), 2);
    assert_eq!(granted(&mut state, &[&MINUTE], 9, reset), 0);
    assert_eq!(granted(&mut state, &[&MINUTE], 9, reset + CLOCK_SLACK), 7);
}

#[test]
fn what_others_use_of_a_window_without_a_reset_is_the_vendors_last_word() {
    let mut state = LimitState::default();
    granted(&mut state, &[&MINUTE], 1, NOON);
    assert!(!heed(
        &mut state,
        &[&MINUTE],
        &left("minute", 9, None),
        NOON
    ));
    assert!(heed(&mut state, &[&MINUTE], &left("minute", 1, None), NOON));
    assert_eq!(granted(&mut state, &[&MINUTE], 9, NOON + ms(1)), 1);
    // It has begun anew.
    assert!(heed(
        &mut state,
        &[&MINUTE],
        &left("minute", 8, None),
        NOON + ms(2)
    ));
    assert_eq!(granted(&mut state, &[&MINUTE], 9, NOON + ms(3)), 8);
    // More than the window allows is never believed.
    let news = heed(
        &mut state,
        &[&MINUTE],
        &left("minute", 900, None),
        NOON + ms(4),
    );
    assert!(!news);
    assert_eq!(granted(&mut state, &[&MINUTE], 9, NOON + ms(5)), 0);
}

#[test]
fn a_vendors_stop_lets_nothing_through_and_is_cut_to_a_day() {
    let mut state = LimitState::default();
    let stop = |until| Feedback {
        signals: Signals {
            blocked_until: Some(until),
            ..Signals::default()
        },
        ..Feedback::default()
    };
    assert!(heed(&mut state, &[&SECOND], &stop(NOON + ms(5_000)), NOON));
    assert!(!heed(&mut state, &[&SECOND], &stop(NOON + ms(4_000)), NOON));
    assert_eq!(granted(&mut state, &[&SECOND], 1, NOON + ms(5_000)), 0);
    assert_eq!(granted(&mut state, &[&SECOND], 1, NOON + ms(5_100)), 1);
    assert!(heed(
        &mut state,
        &[&SECOND],
        &stop(NOON + SIGNAL_MAX * 9),
        NOON
    ));
    assert_eq!(state.blocked_until, Some(NOON + SIGNAL_MAX + CLOCK_SLACK));
}

/// The release before kept no windows. Its item says nothing of what was called lately: read as empty, it let a whole
/// window through on top of that.
#[test]
fn an_item_of_the_release_before_counts_as_full_for_one_window() {
    let old = json!({"cells": {"second": {"tat": 5, "busy": 4}}, "takes": 3,
        "permits": {"5 at once": {"x": {"count": 2, "until": (NOON + ms(60_000)).as_millis()}}}});
    let mut state: LimitState = serde_json::from_value(old).expect("readable");
    assert_eq!(granted(&mut state, &[&SECOND], 1, NOON), 0);
    let mut kept: LimitState = serde_json::from_value(json!(state)).expect("readable");
    assert_eq!(granted(&mut kept, &[&SECOND], 3, NOON + ms(1_000)), 0);
    assert_eq!(granted(&mut kept, &[&SECOND], 3, NOON + ms(1_200)), 3);
    assert_eq!(
        granted(&mut kept, &[&FIVE], 9, NOON),
        3,
        "permits are what they were"
    );
}

#[test]
fn the_release_before_reads_what_this_one_wrote_as_a_stop_for_a_window() {
    let mut state = LimitState::default();
    granted(&mut state, &[&SECOND], 1, NOON);
    let stored = json!(state);
    let stopped = stored["blocked_until"]
        .as_i64()
        .expect("its name for a stop");
    assert!(stopped >= (NOON + ms(1_140)).as_millis());
    assert_eq!(state.blocked_until, None, "which stops nobody here");
}

#[test]
fn a_cell_that_only_a_clock_gone_wrong_can_have_written_counts_as_full_for_one_window() {
    let mut state = LimitState::default();
    granted(&mut state, &[&SECOND], 1, NOON + ms(3_600_000));
    assert_eq!(granted(&mut state, &[&SECOND], 1, NOON), 0);
    assert_eq!(granted(&mut state, &[&SECOND], 3, NOON + ms(1_000)), 0);
    assert_eq!(granted(&mut state, &[&SECOND], 3, NOON + ms(1_200)), 3);
}

#[test]
fn a_clock_that_is_behind_draws_from_the_bucket_that_the_others_are_in() {
    let mut state = LimitState::default();
    granted(&mut state, &[&SECOND], 1, NOON + ms(90));
    let draw = state.draw(&[&SECOND], &demand(&[1]), NOON);
    assert!(draw.additions.is_some(), "within what clocks may differ by");
    let begins = draw.from.since(NOON);
    assert!(
        begins > ms(60) && begins <= ms(90),
        "it waits for the bucket that counts it: {begins:?}"
    );
    assert!(draw.until > draw.from);
    // Clocks differ by 100 ms, and tokens are drawn for up to 250 ms ahead.
    let far = state.draw(&[&SECOND], &demand(&[1]), NOON - ms(300));
    assert_eq!(
        far.granted, 0,
        "beyond it nobody knows what window that was"
    );
}

#[test]
fn a_ramp_takes_its_share_of_each_window_and_one_at_the_least() {
    let demand = Demand {
        share: 250,
        ..demand(&[1; 10])
    };
    for (limit, calls) in [(&MINUTE, 2), (&SECOND, 1)] {
        let draw = LimitState::default().draw(&[limit], &demand, NOON);
        assert_eq!(draw.granted, calls);
    }
}

#[test]
fn what_was_used_is_told_over_a_minute_at_the_least_and_in_percent_of_what_the_vendor_allows() {
    let mut state = LimitState::default();
    granted(&mut state, &[&SECOND], 3, NOON);
    assert_eq!(state.used_percent(&SECOND, NOON), 1, "3 of 180");
    granted(&mut state, &[&MINUTE], 5, NOON);
    assert_eq!(state.used_percent(&MINUTE, NOON + ms(1_000)), 50);
    assert_eq!(state.used_percent(&MINUTE, NOON + ms(300_000)), 0);
    granted(&mut state, &[&FIVE], 5, NOON);
    let held = Feedback {
        release: Some(("invocation", ms(6_000))),
        ..Feedback::default()
    };
    heed(&mut state, &[&FIVE], &held, NOON + ms(6_000));
    assert_eq!(state.used_percent(&FIVE, NOON + ms(6_000)), 10);
    let spent = left("minute", 0, Some(NOON + ms(20_000)));
    heed(&mut state, &[&MINUTE], &spent, NOON + ms(6_000));
    assert_eq!(state.used_percent(&MINUTE, NOON + ms(6_000)), 100);
}

#[test]
fn only_items_of_fine_scopes_end_and_only_after_all_that_they_say() {
    let channel = MINUTE.scoped(ScopeKey::Field("channel"));
    let mut state = LimitState::default();
    granted(&mut state, &[&channel], 1, NOON);
    let ends = state.expires_at.expect("an end");
    assert!(ends > (NOON + ms(6 * 3_600_000 + 60_000)).as_millis() / 1_000);
    let mut account = LimitState::default();
    granted(&mut account, &[&MINUTE], 1, NOON);
    assert_eq!(account.expires_at, None);
}

#[test]
fn drawing_ahead_is_for_windows_whose_tokens_last() {
    assert_eq!(SECOND.allotment(), Duration::ZERO);
    assert_eq!(MINUTE.allotment(), ms(1_000));
    assert_eq!(CREDITS.allotment(), Duration::ZERO);
    assert_eq!(allotment(&[&MINUTE, &SECOND]), Duration::ZERO);
}

proptest! {
    /// By one clock: no window of buckets ever counts more than the vendor allows, whatever is drawn, returned and owed.
    #[test]
    fn no_window_sees_more_than_the_vendor_allows(
        steps in vec((0_u64..400, 1_usize..6, 0_usize..3), 1..200),
    ) {
        let (mut state, mut now) = (LimitState::default(), NOON);
        let mut starts: Vec<Timestamp> = Vec::new();
        for (pause, want, unused) in steps {
            now = now + ms(pause);
            let taken = take(&mut state, &[&SECOND], &vec![1; want], now);
            let unused: Vec<usize> = (0..taken.granted.min(unused)).collect();
            if let Some(next) = state.give_back(&[&SECOND], &taken, &unused, now) {
                state = next;
            }
            // As late as they may be.
            starts.extend(vec![taken.until; taken.granted - unused.len()]);
            starts.sort_unstable();
            let text = serde_json::to_string(&state).expect("plain data");
            prop_assert!(text.len() < 900, "{} bytes", text.len());
        }
        for window in starts.windows(4) {
            prop_assert!(window[3].since(window[0]) > ms(1_000), "{window:?}");
        }
    }

    /// Nobody starves: what `free_at` says is when something is granted, and not before.
    #[test]
    fn a_full_window_says_when_it_is_free_again(
        steps in vec((0_u64..9_000, 1_usize..6), 1..60),
    ) {
        let (mut state, mut now) = (LimitState::default(), NOON);
        for (pause, want) in steps {
            now = now + ms(pause);
            if granted(&mut state, &[&MINUTE], want, now) < want {
                let free = state.free_at(&MINUTE, now);
                prop_assert!(free > now && free <= now + ms(63_000));
                prop_assert_eq!(state.draw(&[&MINUTE], &demand(&[1]), free - ms(1)).granted, 0);
                prop_assert!(state.draw(&[&MINUTE], &demand(&[1]), free).granted > 0);
            }
        }
    }
}
