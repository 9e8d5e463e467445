//! How much of a limit is in use, as stories.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// Slack's channels take a message every 1.2 s. A single one used to be "100 %", and the alarm was always on.
#[test]
fn one_message_is_little_of_a_minute() {
    let channel = Limit::paced("channel", ms(1_200));
    let mut state = LimitState::default();
    assert_eq!(state.used_percent(&channel, NOON), 0);
    take(&mut state, &[&channel], NOON, 1);
    assert_eq!(state.used_percent(&channel, NOON), 2);
    for second in 1..=25 {
        take(&mut state, &[&channel], NOON + ms(1_200 * second), 1);
    }
    assert_eq!(state.used_percent(&channel, NOON + ms(30_000)), 52);
    // It fades out with the minute.
    assert_eq!(state.used_percent(&channel, NOON + MINUTE), 52);
    assert_eq!(state.used_percent(&channel, NOON + MINUTE * 3 / 2), 26);
    assert_eq!(state.used_percent(&channel, NOON + MINUTE * 2), 0);
}

#[test]
fn a_backlog_uses_all_of_it() {
    for limit in [PACED, FAST, BURSTY] {
        let mut state = LimitState::default();
        let mut now = NOON;
        for _ in 0..3_600 {
            take(&mut state, &[&limit], now, 20);
            now = now + ms(50);
        }
        let used = state.used_percent(&limit, now);
        assert!((97..=100).contains(&used), "{}: {used}", limit.name());
    }
}

#[test]
fn a_longer_window_is_told_as_a_whole() {
    let mut state = LimitState::default();
    take(&mut state, &[&HOURLY], NOON, 450);
    assert_eq!(state.used_percent(&HOURLY, NOON + MINUTE * 59), 10);
}

#[test]
fn what_was_not_used_does_not_count() {
    let mut state = LimitState::default();
    let taken = take(&mut state, &[&BURSTY], NOON, 20);
    assert_eq!(state.used_percent(&BURSTY, NOON), 22);
    state = state
        .give_back(&[&BURSTY], &taken, last(20))
        .expect("they come back");
    assert_eq!(state.used_percent(&BURSTY, NOON), 0);
}

/// A batch of five fills five permits for a moment: no reason to call anybody.
#[test]
fn permits_are_told_by_how_long_they_were_held() {
    const FIVE: Limit = Limit::concurrency("5 at once", 5);
    let mut state = LimitState::default();
    take(&mut state, &[&FIVE], NOON, 5);
    let feedback = Feedback {
        release: Some(("invocation", ms(30_000))),
        ..Feedback::default()
    };
    let now = NOON + ms(30_000);
    state = state.heed(&[&FIVE], &feedback, now).expect("permits");
    assert_eq!(state.used_percent(&FIVE, now), 50);
}
