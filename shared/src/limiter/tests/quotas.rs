//! What vendors say is left, and what becomes of items that nobody needs any more.

use super::*;

fn told(state: &LimitState, left: u32, reset_ms: u64, now: Timestamp) -> Option<LimitState> {
    let signals = Signals {
        remaining: vec![Remaining {
            limit: "120/min",
            left,
            reset: Some(NOON + ms(reset_ms)),
        }],
        ..Signals::default()
    };
    state.correct(&[&BURSTY], &signals, now)
}

#[test]
fn a_vendor_that_counts_as_we_do_says_nothing_new() {
    // 27 at once and 90 a minute from then on: whatever is left of the vendor's 120 is more than we would take.
    let mut state = LimitState::default();
    let mut started = 0;
    for second in 0..60 {
        let now = NOON + ms(second * 1_000);
        started += take(&mut state, &[&BURSTY], now, 5).grants.len();
        let left = 120 - u32::try_from(started).expect("small");
        assert_eq!(told(&state, left, 60_000, now), None, "second {second}");
    }
    assert!(started > 100, "{started}");
}

#[test]
fn none_left_is_none_until_the_reset_on_every_clock() {
    let mut state = told(&LimitState::default(), 0, 30_000, NOON).expect("news");
    assert_eq!(state.used_percent(&BURSTY, NOON), 100);
    let refused = take(&mut state, &[&BURSTY], NOON, 2);
    assert_eq!(refused.grants, []);
    assert!(refused.slots[0] >= NOON + ms(30_500));
    let after = take(&mut state, &[&BURSTY], NOON + ms(30_500), 40);
    assert_eq!(after.grants.len(), 27);
}

#[test]
fn answers_that_overtake_each_other_do_not_give_back_what_is_spent() {
    let mut state = told(&LimitState::default(), 3, 30_000, NOON).expect("news");
    assert_eq!(take(&mut state, &[&BURSTY], NOON, 2).grants.len(), 2);
    let older = told(&state, 3, 30_000, NOON + ms(10));
    assert_eq!(older, None, "an older answer");
    let rest = take(&mut state, &[&BURSTY], NOON + ms(10), 2);
    assert_eq!(rest.grants.len(), 1);
    // The next window is a new count.
    let now = NOON + ms(31_000);
    let mut next = told(&state, 9, 90_000, now).expect("news");
    assert_eq!(take(&mut next, &[&BURSTY], now, 40).grants.len(), 9);
}

#[test]
fn the_item_of_a_channel_goes_some_hours_after_it_has_nothing_left_to_say() {
    let mut state = LimitState::default();
    take(&mut state, &[&PACED], NOON, 1);
    let six_hours = Duration::from_secs(6 * 60 * 60);
    let ends = NOON + ms(1_000);
    assert_eq!(state.expires_at, Some((ends + six_hours).as_secs_ceil()));

    let signals = Signals {
        blocked_until: Some(NOON + SIGNAL_MAX),
        ..Signals::default()
    };
    let blocked = state.correct(&[&PACED], &signals, NOON).expect("news");
    let least = (NOON + SIGNAL_MAX + six_hours).as_secs_ceil();
    assert!(blocked.expires_at.is_some_and(|at| at >= least));

    let mut account = LimitState::default();
    take(&mut account, &[&BURSTY], NOON, 1);
    assert_eq!(account.expires_at, None, "accounts are few");
}
