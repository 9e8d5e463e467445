use super::lane::{EVERY, SETTLED};
use super::*;

const START: u32 = 29_900_000 / 60 * 60;

/// A sequence that is spread evenly over `0..1`, the same forever (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn of(&mut self, calls: u32, share: f64) -> u32 {
        (0..calls).map(|_| u32::from(self.next() < share)).sum()
    }
}

/// A lane with 20 calls a minute that has run for `days`, one failure in two hundred.
fn healthy(days: u32) -> (LaneWatch, Noise) {
    let (mut watch, mut noise) = (LaneWatch::default(), Noise(7));
    for at in START..START + days * 1440 {
        let found = watch.observe(&quiet(at, &mut noise));
        assert_eq!(found, [], "minute {at}");
    }
    (watch, noise)
}

fn quiet(at: u32, noise: &mut Noise) -> Minute {
    let day = f64::from(at % 1440) / 1440.0 * std::f64::consts::TAU;
    let median = 200.0 * (0.3 * day.sin() + 0.1 * (noise.next() - 0.5)).exp();
    Minute {
        at,
        calls: 20,
        failures: noise.of(20, 0.005),
        latency_ms: Some(median),
        limit_used: Some(20.0 + 30.0 * noise.next()),
        backlog: Some(0),
        ..Minute::default()
    }
}

/// Shows minutes until a warning begins; the minute within.
fn until_warned(
    watch: &mut LaneWatch,
    minutes: u32,
    mut of: impl FnMut(u32) -> Minute,
) -> Option<(u32, Signal)> {
    let first = watch.seen_to() + 1;
    (0..minutes).find_map(|passed| {
        let found = watch.observe(&Minute {
            at: first + passed,
            ..of(passed)
        });
        found
            .iter()
            .find(|one| one.begins)
            .map(|one| (passed, one.signal))
    })
}

#[test]
fn failures_that_rise_are_told_before_the_breaker_opens() {
    let (mut watch, mut noise) = healthy(2);
    let warned = until_warned(&mut watch, 40, |passed| {
        let share = 0.01 + 0.59 * f64::from(passed) / 30.0;
        Minute {
            failures: noise.of(20, share),
            ..quiet(START, &mut noise)
        }
    });
    let (after, signal) = warned.expect("a warning");
    assert_eq!(signal, Signal::Failures);
    assert!(after <= 12, "after {after} minutes");
    // Half of the calls fail 25 minutes after the ramp's start; the trend knows so by and by.
    let start = watch.seen_to() - after;
    for passed in after + 1..after + 6 {
        let share = 0.01 + 0.59 * f64::from(passed) / 30.0;
        let minute = Minute {
            at: start + passed,
            failures: noise.of(20, share),
            ..quiet(START, &mut noise)
        };
        watch.observe(&minute);
    }
    let opens = watch.forecasts().breaker_opens.expect("a forecast");
    let error = f64::from(opens) - f64::from(start + 25);
    assert!(error.abs() <= 10.0, "{error} minutes off");
}

#[test]
fn a_blip_of_two_minutes_wakes_nobody_and_is_forgotten() {
    let (mut watch, mut noise) = healthy(2);
    for _ in 0..5 {
        let warned = until_warned(&mut watch, 240, |passed| match passed {
            0..3 => Minute {
                failures: 20,
                ..quiet(START, &mut noise)
            },
            _ => quiet(START, &mut noise),
        });
        assert_eq!(warned, None);
    }
}

#[test]
fn throttles_that_rise_are_told_as_throttles() {
    let (mut watch, mut noise) = healthy(2);
    let warned = until_warned(&mut watch, 40, |passed| {
        let share = 0.5 * f64::from(passed) / 30.0;
        Minute {
            throttled: noise.of(20, share),
            ..quiet(START, &mut noise)
        }
    });
    assert_eq!(warned.expect("a warning").1, Signal::Throttles);
}

#[test]
fn answers_that_take_twice_as_long_are_told_whatever_the_hour_of_day() {
    for hour in [0, 6, 12, 18] {
        let (mut watch, mut noise) = healthy(3);
        let hours = until_warned(&mut watch, hour * 60 + 1, |passed| {
            quiet(START + passed, &mut noise)
        });
        assert_eq!(hours, None);
        let from = watch.seen_to() + 1;
        let warned = until_warned(&mut watch, 60, |passed| {
            let minute = quiet(from + passed, &mut noise);
            let slower = 1.0 + f64::from(passed.min(20)) / 20.0;
            Minute {
                latency_ms: minute.latency_ms.map(|ms| ms * slower),
                ..minute
            }
        });
        let (after, signal) = warned.expect("a warning");
        assert_eq!(signal, Signal::Latency);
        assert!(after <= 15, "after {after} minutes at hour {hour}");
    }
}

#[test]
fn a_days_quota_that_fills_is_told_with_its_end() {
    let mut watch = LaneWatch::default();
    let warned = until_warned(&mut watch, 600, |passed| Minute {
        calls: 10,
        limit_used: Some((f64::from(passed) / 6.0).round()),
        ..Minute::default()
    });
    let (after, signal) = warned.expect("a warning");
    assert_eq!(signal, Signal::Limit);
    let spent = watch.forecasts().limit_spent.expect("a forecast");
    let left = f64::from(spent - watch.seen_to());
    assert!(
        (left - f64::from(600 - after)).abs() <= 6.0,
        "{left} after {after}"
    );
}

#[test]
fn an_episode_is_told_once_and_takes_in_what_comes_with_it() {
    let (mut watch, mut noise) = healthy(2);
    let mut begun = 0;
    let mut joined = Vec::new();
    let first = watch.seen_to() + 1;
    for passed in 0..120 {
        let minute = quiet(first + passed, &mut noise);
        // Failing in two waves, ten quiet minutes between them; the second one is slow as well.
        let ill = passed < 30 || (40..80).contains(&passed);
        let minute = Minute {
            failures: if ill {
                noise.of(20, 0.4)
            } else {
                minute.failures
            },
            latency_ms: minute
                .latency_ms
                .map(|ms| if passed >= 40 && ill { ms * 3.0 } else { ms }),
            ..minute
        };
        let found = watch.observe(&minute);
        begun += found.iter().filter(|one| one.begins).count();
        joined.extend(found.iter().map(|one| one.signal));
    }
    assert_eq!(begun, 1);
    assert_eq!(joined, [Signal::Failures, Signal::Latency]);
    watch.pass(first + 120 + 200);
    assert_eq!(watch.episode(), None);
}

/// An open breaker lets no call through: the statistic stood at its highest when the lane came back, and its first good
/// minute was told as a new warning.
#[test]
fn a_lane_that_comes_back_from_an_outage_is_not_warned_of_again() {
    let (mut watch, mut noise) = healthy(2);
    let first = watch.seen_to() + 1;
    for at in first..first + 20 {
        let minute = quiet(at, &mut noise);
        watch.observe(&Minute {
            failures: 20,
            ..minute
        });
    }
    assert!(watch.episode().is_some());
    for to in first + 20..first + 60 {
        watch.pass(to);
    }
    assert_eq!(watch.episode(), None);
    for at in first + 60..first + 120 {
        assert_eq!(watch.observe(&quiet(at, &mut noise)), []);
    }
}

#[test]
fn a_minute_that_was_seen_or_comes_late_changes_nothing() {
    let (mut watch, mut noise) = healthy(1);
    let before = watch.clone();
    for back in [0, 1, 30] {
        let again = Minute {
            at: before.seen_to() - back,
            failures: 20,
            ..quiet(START, &mut noise)
        };
        assert_eq!(watch.observe(&again), []);
    }
    assert_eq!(watch, before);
}

#[test]
fn a_lanes_state_stays_below_a_kilobyte_and_goes_on_after_storing() {
    let mut sizes = Vec::new();
    for days in [2, 9] {
        let (mut watch, mut noise) = healthy(days);
        let text = serde_json::to_string(&watch).expect("JSON");
        sizes.push(text.len());
        assert!(text.len() <= 1024, "{} bytes: {text}", text.len());
        let mut stored: LaneWatch = serde_json::from_str(&text).expect("what was written");
        let at = watch.seen_to() + 1;
        let ramp = |noise: &mut Noise, passed| Minute {
            at: at + passed,
            failures: 6,
            ..quiet(START, noise)
        };
        for passed in 0..10 {
            let minute = ramp(&mut noise, passed);
            let (one, other) = (watch.observe(&minute), stored.observe(&minute));
            assert_eq!(one.len(), other.len(), "minute {passed}");
        }
        assert!(stored.episode().is_some());
    }
    assert!(sizes[1].abs_diff(sizes[0]) < 100, "{sizes:?}");
}

#[test]
fn state_of_another_version_is_begun_anew() {
    let mut watch: LaneWatch = serde_json::from_str(r#"{"version": 9, "at": 5}"#).expect("a state");
    watch.observe(&Minute {
        at: START,
        calls: 5,
        ..Minute::default()
    });
    assert_eq!(watch.seen_to(), START);
}

#[test]
fn a_quiet_lane_is_looked_at_every_five_minutes_and_a_suspicious_one_each_minute() {
    let (mut watch, mut noise) = healthy(1);
    let now = watch.seen_to() + SETTLED;
    assert_eq!(watch.due(now + EVERY - 1), None);
    let to = watch.seen_to() + EVERY;
    assert_eq!(watch.due(now + EVERY), Some(watch.seen_to() + 1..=to));
    let at = watch.seen_to() + 1;
    for minute in [at, at + 1] {
        watch.observe(&Minute {
            at: minute,
            failures: 10,
            ..quiet(START, &mut noise)
        });
    }
    assert!(watch.is_suspicious() && watch.episode().is_none());
    assert_eq!(
        watch.due(watch.seen_to() + SETTLED + 1),
        Some(at + 2..=at + 2)
    );
    // Whoever was away for long looks back a quarter of an hour.
    let late = watch.due(at + 1000).expect("it is due");
    assert_eq!(late.count(), 15);
}

#[test]
fn a_warning_says_what_since_when_how_sure_what_next_and_what_first() {
    let (mut watch, mut noise) = healthy(2);
    let warned = until_warned(&mut watch, 40, |passed| {
        let share = 0.01 + 0.59 * f64::from(passed) / 30.0;
        Minute {
            failures: noise.of(20, share),
            ..quiet(START, &mut noise)
        }
    });
    assert!(warned.is_some());
    let text = text::message("stripe", &watch, true);
    for part in [
        "lane stripe",
        "failures rising",
        "Since: 20",
        "is usual",
        "once in",
        "asked to lower",
        "First: causeway lanes",
        "RUNBOOK.md#early-warning",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let subject = text::subject(
        "a-provider-with-the-longest-name-that-is-allowed-0123456789-0123",
        &watch,
    );
    assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
    assert_eq!(text::message("stripe", &LaneWatch::default(), false), "");
}
