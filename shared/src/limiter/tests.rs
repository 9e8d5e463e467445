//! The limiter's rules as stories.

mod costs;
mod permits;
mod quotas;
mod slots;
mod used;

use std::time::Duration;

use super::*;
use crate::timestamp::Timestamp;

pub(super) const BURSTY: Limit = Limit::window("120/min", 120, Duration::from_secs(60), 30);
pub(super) const FAST: Limit = Limit::window("15/s", 15, Duration::from_secs(1), 5);
pub(super) const HOURLY: Limit = Limit::window("5000/h", 5_000, Duration::from_secs(3_600), 500);
pub(super) const STEEP: Limit = Limit::window("100/s", 100, Duration::from_secs(1), 20);
pub(super) const PACED: Limit =
    Limit::paced("1/s", Duration::from_secs(1)).scoped(ScopeKey::Field("channel"));

pub(super) const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

pub(super) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A demand of `costs.len()` calls, without a wait and at the full rate.
pub(super) fn demand(costs: &[u32], now: Timestamp) -> Demand<'_> {
    Demand {
        costs,
        now,
        inline_wait: Duration::ZERO,
        share: FULL_RATE,
        holder: "invocation",
        deadline: now + ms(60_000),
    }
}

pub(super) fn take(state: &mut LimitState, limits: &[&Limit], now: Timestamp, want: u32) -> Taken {
    let taken = state.take(limits, &demand(&vec![1; want as usize], now));
    *state = taken.next.clone().unwrap_or_else(|| state.clone());
    taken
}

/// What a rested item grants to calls that can wait.
fn waiting(limit: &Limit, want: usize, inline_ms: u64, share: u16) -> Taken {
    let costs = vec![1; want];
    let demand = Demand {
        inline_wait: ms(inline_ms),
        share,
        ..demand(&costs, NOON)
    };
    LimitState::default().take(&[limit], &demand)
}

/// The last `calls` of a take.
pub(super) fn last(calls: u32) -> Unused {
    Unused { last: calls, calls }
}

#[test]
fn a_window_becomes_a_burst_and_a_rate_that_never_exceed_it_together() {
    assert_eq!(
        BURSTY.interval(),
        Duration::from_micros(666_667),
        "90 a minute, rounded down"
    );
    assert_eq!(BURSTY.burst(), 30);
    assert_eq!(
        (BURSTY.allotment(), PACED.allotment()),
        (Duration::from_secs(1), Duration::ZERO)
    );
    assert!(BURSTY.keeps_true_rate() && !PACED.keeps_true_rate());
    assert_eq!(allotment(&[&BURSTY, &HOURLY]), Duration::from_secs(1));
    assert_eq!(
        allotment(&[&BURSTY, &FAST]),
        Duration::ZERO,
        "the most delicate limit decides"
    );
}

#[test]
fn a_rested_account_grants_its_burst_less_the_clocks_share() {
    let taken = take(&mut LimitState::default(), &[&BURSTY], NOON, 40);
    // 30 tokens of 0.667 s, less 0.5 s for the clocks and 1 s for the allotment.
    assert_eq!(taken.grants, vec![NOON; 27]);
    assert_eq!(taken.slots.len(), 13);
}

#[test]
fn an_inline_wait_spreads_the_grants() {
    let taken = waiting(&PACED, 5, 2_500, FULL_RATE);
    assert_eq!(taken.grants, [NOON, NOON + ms(1_000), NOON + ms(2_000)]);
    assert_eq!(taken.slots, [NOON + ms(3_000), NOON + ms(4_000)]);
}

#[test]
fn starts_on_whole_milliseconds_are_neither_early_nor_slow() {
    let paced = Limit::paced("every 1.5 ms", Duration::from_micros(1_500));
    let taken = waiting(&paced, 4, 10, FULL_RATE);
    assert_eq!(taken.grants, [0, 2, 4, 6].map(|after| NOON + ms(after)));
    let taken = waiting(&STEEP, 81, 2_000, FULL_RATE);
    assert_eq!(
        taken.grants[80],
        NOON + ms(999),
        "80 a second without drift"
    );
}

#[test]
fn the_ramp_makes_each_token_cost_more() {
    let taken = waiting(&PACED, 3, 8_000, 250);
    assert_eq!(taken.grants, [NOON, NOON + ms(4_000), NOON + ms(8_000)]);
}

#[test]
fn a_retry_after_blocks_the_scope_and_nothing_shortens_it() {
    let signal = |after| Signals {
        blocked_until: Some(NOON + ms(after)),
        ..Signals::default()
    };
    let mut state = LimitState::default()
        .correct(&[&BURSTY], &signal(30_000), NOON)
        .expect("news");
    assert!(state.correct(&[&BURSTY], &signal(5_000), NOON).is_none());
    assert_eq!(state.used_percent(&BURSTY, NOON), 100);
    let refused = take(&mut state, &[&BURSTY], NOON, 2);
    assert_eq!(refused.grants, []);
    assert!(refused.slots[0] >= NOON + ms(30_500) && refused.slots[1] > refused.slots[0]);
    assert_eq!(
        take(&mut state, &[&BURSTY], NOON + ms(30_500), 1)
            .grants
            .len(),
        1
    );
}

#[test]
fn what_the_vendor_has_left_is_all_that_starts_before_its_reset() {
    let left = Remaining {
        limit: "120/min",
        left: 10,
        reset: Some(NOON + ms(30_000)),
    };
    let signal = Signals {
        remaining: vec![left],
        ..Signals::default()
    };
    let mut state = LimitState::default()
        .correct(&[&BURSTY], &signal, NOON)
        .expect("news");
    let started: usize = (0..30)
        .map(|s| {
            take(&mut state, &[&BURSTY], NOON + ms(s * 1_000), 10)
                .grants
                .len()
        })
        .sum();
    assert_eq!(started, 10, "at once, and no more");
    let plenty = Remaining {
        limit: "120/min",
        left: 119,
        reset: Some(NOON + ms(30_000)),
    };
    let signal = Signals {
        remaining: vec![plenty],
        ..Signals::default()
    };
    assert!(
        LimitState::default()
            .correct(&[&BURSTY], &signal, NOON)
            .is_none()
    );
}

#[test]
fn tokens_that_nobody_built_upon_come_back_whole() {
    let mut state = LimitState::default();
    let taken = take(&mut state, &[&PACED], NOON, 1);
    let state = state
        .give_back(&[&PACED], &taken, last(1))
        .expect("the only token");
    assert_eq!(state.take(&[&PACED], &demand(&[1], NOON)).grants, [NOON]);
}

#[test]
fn a_token_from_before_the_last_rest_does_not_come_back() {
    // Were it given back, the account would start burst + 1 calls at once.
    let mut state = LimitState::default();
    let old = take(&mut state, &[&BURSTY], NOON, 1);
    take(&mut state, &[&BURSTY], NOON + Duration::from_secs(60), 27);
    assert_eq!(state.give_back(&[&BURSTY], &old, last(1)), None);
}

#[test]
fn tokens_drawn_ahead_do_not_come_back_to_the_item() {
    // Their instants are moved up to now when they are used, so that they look younger than they are.
    let mut state = LimitState::default();
    let mut drawn = take(&mut state, &[&BURSTY], NOON, 3);
    drawn.next = None;
    assert_eq!(state.give_back(&[&BURSTY], &drawn, last(3)), None);
}

#[test]
fn two_givers_cannot_both_give_back_what_a_later_token_was_built_upon() {
    let mut state = LimitState::default();
    take(&mut state, &[&BURSTY], NOON - Duration::from_secs(60), 5);
    let one = take(&mut state, &[&BURSTY], NOON, 5);
    let two = take(&mut state, &[&BURSTY], NOON, 5);
    let later = NOON + ms(4_000);
    take(&mut state, &[&BURSTY], later, 1);
    for taken in [one, two] {
        state = state
            .give_back(&[&BURSTY], &taken, last(5))
            .unwrap_or(state);
    }
    // 27 at once from a full bucket, one of which has started.
    assert_eq!(take(&mut state, &[&BURSTY], later, 40).grants.len(), 26);
}

#[test]
fn an_item_from_a_clock_gone_wrong_heals() {
    let mut state = LimitState::default();
    let ahead = NOON + Duration::from_secs(40 * 24 * 60 * 60);
    take(&mut state, &[&PACED], ahead, 1);
    state.blocked_until = Some(ahead);
    assert_eq!(take(&mut state, &[&PACED], NOON, 1).grants, [NOON]);
}
