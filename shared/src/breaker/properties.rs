//! The breaker's rules as properties over random histories of three environments.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::CallResult::{Fault, Slow, Success};
use super::tests::{LEASE, SPEC, at, batch, feed};
use super::*;
use crate::timestamp::Timestamp;

/// One thing that some environment does.
#[derive(Clone, Debug)]
enum Step {
    /// Asks, and remembers an admission.
    Admit,
    /// Records results for its latest admission (or epoch 0).
    Record(Vec<CallResult>),
    Release,
    ForceOpen(u64),
    ForceClose,
}

fn result() -> impl Strategy<Value = CallResult> {
    prop_oneof![3 => Just(Success), 1 => Just(Slow), 4 => Just(Fault)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Admit),
        8 => vec(result(), 0..12).prop_map(Step::Record),
        1 => Just(Step::Release),
        1 => (1_u64..4_000).prop_map(Step::ForceOpen),
        1 => Just(Step::ForceClose),
    ]
}

/// Steps by one of three environments, each some milliseconds after the one before.
fn history() -> impl Strategy<Value = Vec<(u64, usize, Step, f64)>> {
    vec(
        (
            prop_oneof![0_u64..3_000, 0_u64..120_000],
            0_usize..3,
            step(),
            0.0..1.0,
        ),
        1..120,
    )
}

/// Plays a history, checking every transition, and returns the state reached with the time.
fn play(history: &[(u64, usize, Step, f64)]) -> Result<(Breaker, Timestamp), TestCaseError> {
    let mut now = at(0.0);
    let mut breaker = Breaker::default();
    let mut admitted = [0_u64; 3];
    for (pause, who, step, jitter) in history {
        now = now + Duration::from_millis(*pause);
        let owner = ["a", "b", "c"][*who];
        let next = match step {
            Step::Admit => {
                let admission = breaker.admit(&SPEC, now, owner, LEASE);
                check_admission(&breaker, now, owner, &admission)?;
                match admission {
                    Admission::Probe { next } => {
                        admitted[*who] = next.epoch;
                        Some(*next)
                    }
                    Admission::All | Admission::Share { .. } => {
                        admitted[*who] = breaker.epoch;
                        None
                    }
                    Admission::Refuse { .. } => None,
                }
            }
            Step::Record(results) => {
                let results = batch(results);
                let next = breaker.record(&SPEC, now, owner, admitted[*who], &results, *jitter);
                prop_assert!(
                    next.is_none() || admitted[*who] >= breaker.epoch,
                    "a stale epoch wrote"
                );
                next
            }
            Step::Release => breaker.release_probe(owner),
            Step::ForceOpen(s) => breaker
                .force_open(now, "drill", now + Duration::from_secs(*s))
                .ok(),
            Step::ForceClose => Some(breaker.force_close(now)),
        };
        if let Some(next) = next {
            check_transition(&breaker, now, &next)?;
            breaker = next;
        }
    }
    Ok((breaker, now))
}

fn check_admission(
    breaker: &Breaker,
    now: Timestamp,
    owner: &str,
    admission: &Admission,
) -> Result<(), TestCaseError> {
    let lease_lives = breaker.probe_until.is_some_and(|until| now < until);
    let window_lives = breaker.open_until.is_some_and(|until| now < until);
    match admission {
        Admission::All | Admission::Share { .. } => prop_assert_eq!(breaker.state, State::Closed),
        Admission::Probe { next } => {
            prop_assert!(!lease_lives, "two live leases");
            prop_assert!(!window_lives, "a probe before open_until");
            prop_assert_eq!(next.probe_owner.as_deref(), Some(owner));
            prop_assert_eq!(next.probe_until, Some(now + LEASE));
        }
        Admission::Refuse { until, .. } => {
            prop_assert!(*until > now && (lease_lives || window_lives))
        }
    }
    Ok(())
}

fn check_transition(
    before: &Breaker,
    now: Timestamp,
    after: &Breaker,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        after.epoch - before.epoch,
        u64::from(before.state != after.state)
    );
    prop_assert_eq!(after.probe_owner.is_some(), after.probe_until.is_some());
    prop_assert!(
        after.state == State::HalfOpen || after.probe_owner.is_none(),
        "a lease outlived its state"
    );
    if after.state == State::Open {
        let window = after
            .open_until
            .expect("an open breaker has an end")
            .since(now);
        prop_assert!(
            (SPEC.open..=SPEC.open_max).contains(&window),
            "{:?}",
            window
        );
    }
    prop_assert!(after.window.len() <= 13 && after.suspects.len() <= 2);
    let text = serde_json::to_string(after).expect("plain data");
    prop_assert!(text.len() < 1_024);
    prop_assert_eq!(
        &serde_json::from_str::<Breaker>(&text).expect("what was written"),
        after
    );
    Ok(())
}

proptest! {
    #[test]
    fn every_history_keeps_the_breaker_s_rules(history in history()) {
        play(&history)?;
    }

    #[test]
    fn a_run_of_successes_closes_any_reachable_state(history in history()) {
        let (mut breaker, mut now) = play(&history)?;
        for _ in 0..16 {
            match breaker.admit(&SPEC, now, "a", LEASE) {
                Admission::Refuse { until, .. } => now = until,
                Admission::Probe { next } => {
                    breaker = *next;
                    feed(&mut breaker, now, "a", &[Success]);
                }
                Admission::All | Admission::Share { .. } => break,
            }
        }
        prop_assert_eq!(breaker.state, State::Closed);
        let later = now + SPEC.ramp_step * 2 + SPEC.window;
        prop_assert_eq!(breaker.admit(&SPEC, later, "a", LEASE), Admission::All);
        feed(&mut breaker, later, "a", &[Success]);
        prop_assert!(!feed(&mut breaker, later, "a", &[Success]), "a healthy lane writes");
    }

    #[test]
    fn a_healthy_lane_never_writes(sizes in vec(1_usize..50, 1..50)) {
        for size in sizes {
            prop_assert!(!feed(&mut Breaker::default(), at(0.0), "a", &vec![Success; size]));
        }
    }

    #[test]
    fn faults_of_one_environment_within_two_seconds_open_nothing(
        batches in vec((0_u64..2_000, 1_usize..40), 1..20),
    ) {
        let mut breaker = Breaker::default();
        let mut offsets: Vec<_> = batches.into_iter().collect();
        offsets.sort_unstable();
        let first = offsets[0].0;
        for (offset, size) in offsets {
            feed(&mut breaker, at(0.0) + Duration::from_millis(offset - first), "a", &vec![Fault; size]);
        }
        prop_assert_eq!(breaker.state, State::Closed);
    }

    #[test]
    fn openings_never_exceed_the_cap_and_never_shrink_before_it(n in 0_u32..80, jitter in 0.0..1.0_f64) {
        let window = SPEC.open_for(n, jitter);
        prop_assert!(window >= SPEC.open && window <= SPEC.open_max);
        let doubled = SPEC.open.saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX)).min(SPEC.open_max);
        prop_assert!(window >= doubled.mul_f64(0.9));
    }
}
