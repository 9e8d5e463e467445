//! Limits that count costs, and costs that are only known afterwards.

use super::*;

/// Shopify's: a bucket of 1,000 points that gets 50 a second.
const POINTS: Limit = Limit::bucket("points", 1_000, 50, Duration::from_secs(1)).in_cost();

fn spend(state: &mut LimitState, costs: &[u32], now: Timestamp) -> Taken {
    let taken = state.take(&[&POINTS], &demand(costs, now));
    *state = taken.next.clone().expect("a write");
    taken
}

fn settle(state: &mut LimitState, taken: &Taken, costs: &[(usize, u32)], now: Timestamp) {
    let feedback = Feedback {
        costs: Some((taken, costs.to_vec())),
        ..Feedback::default()
    };
    *state = state.heed(&[&POINTS], &feedback, now).expect("news");
}

fn in_bucket(left: u32) -> Signals {
    Signals {
        remaining: vec![Remaining {
            limit: "points",
            left,
            reset: None,
        }],
        ..Signals::default()
    }
}

#[test]
fn a_call_takes_what_it_costs_and_other_limits_count_it_once() {
    assert_eq!(
        (POINTS.largest_cost(), POINTS.allotment()),
        (975, Duration::ZERO)
    );
    let limits: [&Limit; 2] = [&POINTS, &BURSTY];
    let taken = LimitState::default().take(&limits, &demand(&[300; 5], NOON));
    assert_eq!(
        taken.grants, [NOON; 3],
        "975 points at once, less what clocks take"
    );
    // The fourth has 75 of 300 points to go by; a slot apart is the time of 300.
    assert_eq!(taken.slots, [NOON + ms(4_500), NOON + ms(10_500)]);
    let state = taken.next.expect("a write");
    assert_eq!(
        state.cells["120/min"].tat,
        (NOON + ms(2_000)).as_millis() * 1_000 + 1
    );
}

#[test]
fn what_a_call_cost_less_comes_back() {
    let mut state = LimitState::default();
    let taken = spend(&mut state, &[300; 3], NOON);
    assert_eq!(spend(&mut state.clone(), &[300], NOON).grants, []);
    settle(&mut state, &taken, &[(0, 100), (2, 100)], NOON + ms(100));
    let next = spend(&mut state, &[300, 300], NOON + ms(100));
    assert_eq!(next.grants.len(), 1);
}

#[test]
fn a_refund_leaves_the_calls_that_waited_for_it_in_their_places() {
    // The second call starts half a second later because of the first. Were the first given back whole, the second
    // would be paid as if it had started with it.
    const SCARCE: Limit = Limit::bucket("20, 1/s", 20, 1, Duration::from_secs(1)).in_cost();
    let demand = Demand {
        inline_wait: ms(1_000),
        ..demand(&[19, 1], NOON)
    };
    let taken = LimitState::default().take(&[&SCARCE], &demand);
    assert_eq!(taken.grants, [NOON, NOON + ms(500)]);
    let feedback = Feedback {
        costs: Some((&taken, vec![(0, 0)])),
        ..Feedback::default()
    };
    let state = taken.next.clone().expect("a write");
    let state = state
        .heed(&[&SCARCE], &feedback, NOON + ms(700))
        .expect("19 came back");
    let full_again = (NOON + ms(1_500)).as_millis() * 1_000;
    assert_eq!(state.cells["20, 1/s"].tat, full_again);
}

#[test]
fn what_a_call_cost_more_is_paid_by_those_who_come_next() {
    let mut state = LimitState::default();
    let taken = spend(&mut state, &[10], NOON);
    settle(&mut state, &taken, &[(0, 2_010)], NOON + ms(500));
    assert_eq!(
        state.used_percent(&POINTS, NOON + ms(500)),
        67,
        "of 50 a second"
    );
    let refused = spend(&mut state, &[10], NOON + ms(500));
    // 2,010 points are 40.2 s of refill; 975 may be owed at once.
    assert_eq!(refused.slots, [NOON + ms(40_200 - 19_500 + 200)]);
}

#[test]
fn a_call_dearer_than_the_bucket_waits_for_a_full_one_and_not_for_ever() {
    let mut state = LimitState::default();
    assert_eq!(spend(&mut state, &[2_000], NOON).grants, [NOON]);
    let next = spend(&mut state, &[2_000], NOON).slots;
    assert_eq!(next, [NOON + ms(40_000)]);
    assert_eq!(spend(&mut state, &[2_000], next[0]).grants, next);
}

#[test]
fn a_bill_of_any_size_holds_for_a_day_at_most() {
    let mut state = LimitState::default();
    let taken = spend(&mut state, &[10], NOON);
    settle(&mut state, &taken, &[(0, u32::MAX)], NOON);
    let soon = spend(&mut state.clone(), &[1], NOON + ms(1_000));
    assert_eq!(soon.grants, []);
    let later = NOON + SIGNAL_MAX + ms(1_000);
    assert_eq!(spend(&mut state, &[1], later).grants, [later]);
}

#[test]
fn what_the_vendors_bucket_holds_is_all_that_starts_at_once() {
    let mut state = LimitState::default()
        .correct(&[&POINTS], &in_bucket(66), NOON)
        .expect("news");
    assert_eq!(spend(&mut state, &[10; 10], NOON).grants.len(), 6);
    let full = in_bucket(1_000);
    assert_eq!(LimitState::default().correct(&[&POINTS], &full, NOON), None);
}
