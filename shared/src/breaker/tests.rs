//! The breaker's rules as stories.

use std::time::Duration;

use super::CallResult::{Fault, Slow, Success};
use super::*;
use crate::timestamp::Timestamp;

pub(super) const SPEC: BreakerSpec = BreakerSpec::DEFAULT;
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// `seconds` after an arbitrary midday.
pub(super) fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000) + Duration::from_secs_f64(seconds)
}

pub(super) fn batch(results: &[CallResult]) -> BatchResults {
    results.iter().copied().collect()
}

/// Records as a caller does: what is written is what the next one reads.
pub(super) fn feed(
    breaker: &mut Breaker,
    now: Timestamp,
    owner: &str,
    results: &[CallResult],
) -> bool {
    let next = breaker.record(&SPEC, now, owner, breaker.epoch, &batch(results), 0.5);
    let written = next.is_some();
    *breaker = next.unwrap_or_else(|| breaker.clone());
    written
}

fn probe(breaker: &mut Breaker, now: Timestamp, owner: &str, result: CallResult) {
    let Admission::Probe { next } = breaker.admit(&SPEC, now, owner, LEASE) else {
        panic!("no probe at {now}: {breaker:?}");
    };
    *breaker = *next;
    assert!(feed(breaker, now, owner, &[result]));
}

/// An open breaker whose window began at `at(0.0)`.
fn open_breaker() -> Breaker {
    let mut breaker = Breaker::default();
    feed(&mut breaker, at(0.0), "a", &[Fault; 4]);
    feed(&mut breaker, at(0.0), "b", &[Fault; 4]);
    assert_eq!(breaker.state, State::Open);
    breaker
}

#[test]
fn five_faults_seen_by_two_environments_open_for_a_minute() {
    let breaker = open_breaker();
    assert_eq!((breaker.epoch, breaker.opened), (1, 1));
    assert_eq!(breaker.reason.as_deref(), Some("8 consecutive faults"));
    assert_eq!(
        breaker.admit(&SPEC, at(59.0), "a", LEASE),
        Admission::Refuse {
            until: at(60.0),
            reason: Refusal::Open
        }
    );
}

#[test]
fn one_environment_needs_a_second_failing_batch_two_seconds_later() {
    let mut breaker = Breaker::default();
    feed(&mut breaker, at(0.0), "a", &[Fault; 10]);
    feed(&mut breaker, at(1.9), "a", &[Fault; 10]);
    assert_eq!(breaker.state, State::Closed);
    feed(&mut breaker, at(2.0), "a", &[Fault]);
    assert_eq!(breaker.state, State::Open);
}

#[test]
fn an_environment_without_network_cannot_open_the_lane_while_others_succeed() {
    let mut breaker = Breaker::default();
    for tick in 0..100 {
        let now = f64::from(tick);
        feed(&mut breaker, at(now), "cut off", &[Fault; 10]);
        feed(&mut breaker, at(now + 0.5), "healthy", &[Success; 5]);
    }
    assert_eq!(breaker.state, State::Closed);
}

#[test]
fn half_of_twenty_calls_bad_opens() {
    let mut breaker = Breaker::default();
    feed(
        &mut breaker,
        at(0.0),
        "a",
        &[
            Fault, Success, Slow, Success, Fault, Success, Slow, Success, Success,
        ],
    );
    feed(
        &mut breaker,
        at(1.0),
        "a",
        &[
            Fault, Success, Slow, Success, Slow, Slow, Slow, Success, Success,
        ],
    );
    assert_eq!(breaker.state, State::Closed, "18 calls are too few");
    feed(&mut breaker, at(2.0), "a", &[Slow, Success]);
    assert_eq!(breaker.state, State::Open);
    assert_eq!(
        breaker.reason.as_deref(),
        Some("10 of 20 calls in 60 s bad")
    );
}

#[test]
fn bad_calls_leave_the_window_after_a_minute() {
    let mut breaker = Breaker::default();
    feed(
        &mut breaker,
        at(0.0),
        "a",
        &[
            Fault, Success, Fault, Success, Fault, Success, Fault, Success,
        ],
    );
    assert!(
        feed(&mut breaker, at(50.0), "b", &[Success]),
        "successes count while the window holds failures"
    );
    assert!(
        !feed(&mut breaker, at(61.0), "b", &[Success]),
        "and no longer than that"
    );
    feed(&mut breaker, at(62.0), "a", &[Fault, Success].repeat(9));
    assert_eq!(breaker.state, State::Closed);
}

#[test]
fn a_run_of_faults_outlives_the_window_until_an_answer_ends_it() {
    let mut breaker = Breaker::default();
    for minute in 0..4 {
        feed(&mut breaker, at(f64::from(minute) * 120.0), "a", &[Fault]);
    }
    let mut answered = breaker.clone();
    feed(&mut breaker, at(480.0), "a", &[Fault]);
    assert_eq!(
        breaker.state,
        State::Open,
        "a lane with one call every two minutes trips too"
    );
    assert!(feed(&mut answered, at(480.0), "a", &[Success]));
    assert_eq!(answered.consecutive, 0);
}

#[test]
fn three_probes_close_and_admission_ramps() {
    let mut breaker = open_breaker();
    for second in 0..3 {
        probe(&mut breaker, at(60.0 + f64::from(second)), "a", Success);
    }
    assert_eq!(
        (breaker.state, breaker.epoch, breaker.opened),
        (State::Closed, 3, 1)
    );
    let admission = |after: f64| breaker.admit(&SPEC, at(62.0 + after), "a", LEASE);
    assert_eq!(admission(0.0), Admission::Share { permille: 250 });
    assert_eq!(admission(29.9), Admission::Share { permille: 250 });
    assert_eq!(admission(30.0), Admission::Share { permille: 500 });
    assert_eq!(admission(60.0), Admission::All);
}

#[test]
fn each_failed_probe_doubles_the_window_up_to_a_quarter_of_an_hour() {
    let mut breaker = open_breaker();
    let mut windows = Vec::new();
    for _ in 0..6 {
        let now = breaker.open_until.expect("an open breaker has an end");
        probe(&mut breaker, now, "a", Slow);
        windows.push(breaker.open_until.expect("an end").since(now).as_secs());
    }
    assert_eq!(
        windows,
        [126, 252, 504, 855, 855, 855],
        "with jitter 0.5: 5 % more, at the cap 5 % less"
    );
    assert_eq!((breaker.opened, breaker.reopenings), (1, 6));
}

#[test]
fn a_released_lease_and_an_ended_one_let_the_next_probe() {
    let Admission::Probe { next } = open_breaker().admit(&SPEC, at(60.0), "a", LEASE) else {
        panic!("no probe")
    };
    assert_eq!(
        next.admit(&SPEC, at(60.0), "b", LEASE),
        Admission::Refuse {
            until: at(65.0),
            reason: Refusal::Probing
        }
    );
    assert!(
        next.release_probe("b").is_none(),
        "only the holder releases"
    );
    let released = next.release_probe("a").expect("the holder's lease");
    assert!(matches!(
        released.admit(&SPEC, at(60.0), "b", LEASE),
        Admission::Probe { .. }
    ));
    let Admission::Probe { next: taken } = next.admit(&SPEC, at(90.0), "b", LEASE) else {
        panic!("no probe")
    };
    assert!(
        taken
            .record(&SPEC, at(91.0), "a", taken.epoch, &batch(&[Fault]), 0.0)
            .is_none(),
        "a came too late"
    );
}

#[test]
fn operators_force_open_for_seven_days_at_most_and_close() {
    let healthy = Breaker::default();
    let days = |n: u64| at(0.0) + Duration::from_secs(n * 24 * 60 * 60);
    assert_eq!(
        healthy.force_open(at(0.0), "vendor asked", at(0.0)),
        Err(ForceError::EndPassed)
    );
    assert_eq!(
        healthy.force_open(at(0.0), "vendor asked", days(8)),
        Err(ForceError::TooLong)
    );
    assert_eq!(
        healthy.force_open(at(0.0), "", days(7)),
        Err(ForceError::Reason)
    );
    let forced = healthy
        .force_open(at(0.0), "vendor asked", days(7))
        .expect("7 days are allowed");
    assert_eq!(
        forced.admit(&SPEC, days(6), "a", LEASE),
        Admission::Refuse {
            until: days(7),
            reason: Refusal::Forced
        }
    );
    assert!(matches!(
        forced.admit(&SPEC, days(7), "a", LEASE),
        Admission::Probe { .. }
    ));
    let closed = forced.force_close(days(1));
    assert_eq!(
        (closed.state, closed.epoch, closed.opened),
        (State::Closed, 2, 0)
    );
    assert_eq!(
        closed.admit(&SPEC, days(1), "a", LEASE),
        Admission::Share { permille: 250 }
    );
}

#[test]
fn the_fullest_item_stays_one_write_unit() {
    let owner = |n: u8| {
        format!(
            "2026/11/22/[$LATEST]{}",
            char::from(b'a' + n).to_string().repeat(44)
        )
    };
    let mut breaker = open_breaker().force_close(at(1.0));
    (breaker.epoch, breaker.opened) = (u64::from(u32::MAX), u64::from(u32::MAX));
    for tick in 0..200_u32 {
        let owner = owner(u8::try_from(tick % 3).expect("small"));
        feed(
            &mut breaker,
            at(f64::from(tick)),
            &owner,
            &[Fault, Success, Success, Success],
        );
        let size = serde_json::to_string(&breaker).expect("plain data").len();
        assert!(size < 1_024, "{size} bytes at {tick}");
    }
}

#[test]
fn an_item_of_another_release_is_read_with_defaults() {
    let breaker: Breaker =
        serde_json::from_str(r#"{"state":"Open","version":7,"novelty":{"x":1}}"#)
            .expect("unknown fields are ignored");
    assert!(matches!(
        breaker.admit(&SPEC, at(0.0), "a", LEASE),
        Admission::Probe { .. }
    ));
}
