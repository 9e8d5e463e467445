//! Limits on concurrency as stories.

use super::*;

const FIVE: Limit = Limit::concurrency("5 at once", 5);

fn ask<'a>(costs: &'a [u32], holder: &'a str, now: Timestamp) -> Demand<'a> {
    Demand {
        holder,
        ..demand(costs, now)
    }
}

fn hold(state: &mut LimitState, holder: &str, calls: usize, now: Timestamp) -> Taken {
    let taken = state.take(&[&FIVE], &ask(&vec![1; calls], holder, now));
    *state = taken.next.clone().expect("a write");
    taken
}

fn released<'a>(holder: &'a str, held: Duration) -> Feedback<'a> {
    Feedback {
        release: Some((holder, held)),
        ..Feedback::default()
    }
}

fn release(state: &mut LimitState, holder: &str, held: Duration, now: Timestamp) {
    *state = state
        .heed(&[&FIVE], &released(holder, held), now)
        .expect("permits were held");
}

#[test]
fn permits_are_held_until_the_batch_has_ended() {
    let mut state = LimitState::default();
    assert_eq!(hold(&mut state, "a", 3, NOON).grants.len(), 3);
    assert_eq!(hold(&mut state, "b", 4, NOON).grants.len(), 2);
    release(&mut state, "a", ms(400), NOON + ms(400));
    assert_eq!(hold(&mut state, "c", 4, NOON + ms(400)).grants.len(), 3);
}

#[test]
fn those_that_wait_for_permits_ask_again_as_fast_as_permits_come_back() {
    let mut state = LimitState::default();
    // Nothing has come back yet: a call is thought to take a second, and five of them bring one every 0.2 s.
    let slots = hold(&mut state, "a", 8, NOON).slots;
    assert_eq!(slots, [200, 400, 600].map(|after| NOON + ms(after)));
    release(&mut state, "a", ms(10_000), NOON + ms(10_000));
    let now = NOON + ms(60_000);
    let slots = hold(&mut state, "b", 7, now).slots;
    assert_eq!(slots, [2_000, 4_000].map(|after| now + ms(after)));
}

#[test]
fn permits_of_a_function_that_died_come_back_when_it_would_have_been_ended() {
    let mut state = LimitState::default();
    hold(&mut state, "dead", 5, NOON);
    let deadline = NOON + ms(60_000);
    assert_eq!(hold(&mut state, "b", 1, deadline).grants, []);
    let skewed = deadline + CLOCK_SLACK;
    assert_eq!(hold(&mut state, "b", 9, skewed).grants.len(), 5);
}

#[test]
fn a_release_that_comes_twice_frees_nobody_elses_permits() {
    let mut state = LimitState::default();
    hold(&mut state, "a", 2, NOON);
    hold(&mut state, "b", 3, NOON);
    release(&mut state, "a", ms(100), NOON + ms(100));
    let again = state.heed(&[&FIVE], &released("a", ms(100)), NOON + ms(200));
    assert_eq!(again, None);
    assert_eq!(hold(&mut state, "c", 5, NOON + ms(200)).grants.len(), 2);
}

#[test]
fn permits_of_calls_that_are_not_made_come_back_at_once() {
    let mut state = LimitState::default();
    let taken = hold(&mut state, "a", 5, NOON);
    let unused = Unused { last: 0, calls: 3 };
    state = state
        .give_back(&[&FIVE], &taken, unused)
        .expect("three permits");
    assert_eq!(hold(&mut state, "b", 5, NOON).grants.len(), 3);
}

#[test]
fn a_permit_is_taken_together_with_the_tokens_of_rates_or_not_at_all() {
    let limits: [&Limit; 2] = [&PACED, &FIVE];
    let mut state = LimitState::default();
    let taken = state.take(&limits, &ask(&[1; 3], "a", NOON));
    state = taken.next.expect("a write");
    assert_eq!(taken.grants, [NOON]);
    assert_eq!(taken.slots, [NOON + ms(1_000), NOON + ms(2_000)]);
    assert_eq!(state.permits["5 at once"]["a"].count, 1);
}
