use super::*;

/// As many seeds as cost the same at every rate: calls are what takes time.
fn seeds(rate: u32) -> impl Iterator<Item = u64> {
    TUNING.take(600 / rate as usize)
}

/// Minutes into the trouble, with their data.
fn since_onset(trace: &Trace) -> impl Iterator<Item = (u64, &Minute)> {
    let onset = trace.onset.unwrap();
    trace
        .minutes
        .iter()
        .filter(move |minute| minute.at >= onset)
        .map(move |minute| (minute.at - onset, minute))
}

fn share<'m>(minutes: impl Iterator<Item = &'m Minute>, of: impl Fn(&Minute) -> u32) -> f64 {
    let (mut part, mut whole) = (0, 0);
    for minute in minutes {
        part += of(minute);
        whole += minute.calls;
    }
    f64::from(part) / f64::from(whole)
}

fn close(value: f64, expected: f64, by: f64) {
    assert!(
        (value - expected).abs() <= by,
        "{value} is not {expected} ± {by}"
    );
}

#[test]
fn the_two_ranges_of_seeds_are_disjoint_and_know_every_length() {
    assert!(TUNING.into_iter().all(|seed| !SCORING.contains(&seed)));
    let mut lengths: Vec<_> = TUNING.take(51).map(Scenario::minutes_of).collect();
    lengths.sort_unstable();
    assert!(lengths.into_iter().eq(10..=60));
}

#[test]
fn a_healthy_lane_fails_a_little_and_has_the_traffic_that_was_asked_for() {
    for rate in RATES {
        let traces: Vec<_> = TUNING
            .take(15)
            .map(|seed| trace(Scenario::Healthy { days: 14 }, rate, seed))
            .collect();
        let minutes = || traces.iter().flat_map(|trace| &trace.minutes);
        let seen = || minutes().filter(|minute| !minute.missing);
        let calls: u64 = seen().map(|minute| u64::from(minute.calls)).sum();
        close(
            calls as f64 / seen().count() as f64 / f64::from(rate),
            1.0,
            0.05,
        );
        // 0.2 to 1 % of a lane's own, 0.04 % of blips.
        close(share(seen(), |minute| minute.failures), 0.0064, 0.002);
        close(
            1.0 - seen().count() as f64 / minutes().count() as f64,
            0.0055,
            0.002,
        );
        assert!(minutes().all(|minute| minute.throttled == 0));
        assert!(minutes().all(|minute| minute.day_quota_used.unwrap_or(0.0) < 97.0));
        assert!(
            traces
                .iter()
                .all(|trace| trace.onset.is_none() && trace.event.is_none())
        );
    }
}

#[test]
fn nights_are_quieter_than_days_and_weekends_than_weeks() {
    let lane = lane::Lane::of(1, Scenario::Sudden);
    let monday = (20_454 + 4) * DAY;
    let traffic = |day: u64| lane.expected(monday + day * DAY, monday + (day + 1) * DAY);
    assert!(traffic(5) < traffic(2));
    let hours: Vec<_> = (0..24)
        .map(|hour| lane.traffic(monday + 2 * DAY + hour * HOUR))
        .collect();
    let least = hours.iter().copied().fold(f64::MAX, f64::min);
    assert!(least < 0.8, "{least}");
}

#[test]
fn blips_are_short_and_rare() {
    let mut bad = 0;
    let mut longest = 0;
    let mut run = 0;
    for seed in TUNING.take(12) {
        for minute in trace(Scenario::Healthy { days: 14 }, 60, seed).minutes {
            let is_bad = minute.calls >= 5 && minute.failures * 10 >= minute.calls * 4;
            run = if is_bad { run + 1 } else { 0 };
            longest = longest.max(run);
            bad += u32::from(is_bad);
        }
    }
    // 0.5 a day of 1.5 minutes, over 168 days.
    close(f64::from(bad), 126.0, 45.0);
    assert!(longest <= 4, "{longest}");
}

#[test]
fn a_ramp_begins_at_one_percent_and_ends_at_sixty() {
    let traces: Vec<_> = TUNING
        .take(400)
        .map(|seed| trace(Scenario::Ramp { minutes: 60 }, 2, seed))
        .collect();
    let all = || traces.iter().flat_map(since_onset);
    // From 1.5 % in the first minute to 6.4 % in the sixth.
    let first = all()
        .filter(|(into, _)| *into < 6)
        .map(|(_, minute)| minute);
    close(share(first, |minute| minute.failures), 0.0395, 0.009);
    // The breaker opened before in most; of those in which it did not, the minutes after the end are a fair sample.
    let whole = traces
        .iter()
        .filter(|trace| trace.event == trace.onset.map(|onset| onset + 60));
    let last = whole
        .flat_map(since_onset)
        .filter(|(into, _)| *into >= 60)
        .map(|(_, minute)| minute);
    close(share(last, |minute| minute.failures), 0.60, 0.05);
}

#[test]
fn refusals_climb_as_failures_do_and_are_not_counted_twice() {
    let traces: Vec<_> = TUNING
        .take(400)
        .map(|seed| trace(Scenario::ThrottleRamp { minutes: 60 }, 2, seed))
        .collect();
    let first = || {
        traces
            .iter()
            .flat_map(since_onset)
            .filter(|(into, _)| *into < 6)
            .map(|(_, minute)| minute)
    };
    close(share(first(), |minute| minute.throttled), 0.0395, 0.009);
    close(share(first(), |minute| minute.failures), 0.006, 0.004);
}

#[test]
fn an_event_lies_between_the_onset_and_the_end_of_the_ramp() {
    for rate in RATES {
        for seed in seeds(2 * rate) {
            let minutes = Scenario::minutes_of(seed);
            for scenario in [
                Scenario::Ramp { minutes },
                Scenario::ThrottleRamp { minutes },
            ] {
                let trace = trace(scenario, rate, seed);
                let (onset, event) = (trace.onset.unwrap(), trace.event.unwrap());
                assert!(onset >= trace.scored_from);
                assert_eq!(trace.scored_from - trace.minutes[0].at, HISTORY);
                assert!(
                    onset < event && event <= onset + u64::from(minutes),
                    "{scenario:?} {rate} {seed}"
                );
                assert_eq!(
                    trace.minutes.last().map(|minute| minute.at),
                    Some(event + 4)
                );
            }
        }
    }
}

#[test]
fn minutes_follow_one_another_and_the_missing_ones_show_nothing() {
    let trace = trace(Scenario::Backlog, 10, 3);
    assert!(
        trace
            .minutes
            .windows(2)
            .all(|two| two[1].at == two[0].at + 1)
    );
    let mut missing = trace
        .minutes
        .iter()
        .filter(|minute| minute.missing)
        .peekable();
    assert!(missing.peek().is_some());
    assert!(missing.all(|minute| *minute == Minute::missing(minute.at)));
}

#[test]
fn trouble_begins_at_any_hour_and_at_the_calls_a_minute_that_were_asked_for() {
    let mut hours = [0; 24];
    let mut calls = 0;
    let mut seen = 0;
    for seed in TUNING.take(600) {
        let trace = trace(Scenario::Sudden, 2, seed);
        let onset = trace.onset.unwrap();
        hours[(onset % DAY / HOUR) as usize] += 1;
        let at_onset = trace
            .minutes
            .iter()
            .find(|minute| minute.at == onset && !minute.missing);
        calls += at_onset.map_or(0, |minute| minute.calls);
        seen += u32::from(at_onset.is_some());
    }
    assert!(hours.iter().all(|count| *count >= 8), "{hours:?}");
    close(f64::from(calls) / f64::from(seen), 2.0, 0.2);
}

#[test]
fn a_sudden_failure_leaves_no_time() {
    for rate in RATES {
        for seed in seeds(rate) {
            let trace = trace(Scenario::Sudden, rate, seed);
            let after = trace.event.unwrap() - trace.onset.unwrap();
            assert!(after <= 12, "{after}");
            assert!(since_onset(&trace).all(|(_, minute)| minute.failures == minute.calls));
        }
    }
}

#[test]
fn latency_climbs_for_ten_minutes_before_the_first_error() {
    let traces: Vec<_> = TUNING
        .take(100)
        .map(|seed| trace(Scenario::LatencyFirst, 10, seed))
        .collect();
    let first = traces
        .iter()
        .flat_map(since_onset)
        .filter(|(into, _)| *into < 10)
        .map(|(_, minute)| minute);
    close(share(first, |minute| minute.failures), 0.006, 0.004);
    let mut climbs: Vec<f64> = Vec::new();
    for trace in &traces {
        let median = |from: u64| {
            let of = since_onset(trace).filter(|(into, _)| (from..from + 3).contains(into));
            of.filter_map(|(_, minute)| Some(minute.latency?.p50))
                .sum::<f64>()
        };
        if trace.event.unwrap() >= trace.onset.unwrap() + 15 {
            climbs.push(median(12) / median(0));
        }
    }
    climbs.sort_unstable_by(f64::total_cmp);
    // From the second minute to the fourteenth, of 22: exp(12/22.5 · ln 7) is 2.8.
    close(climbs[climbs.len() / 2], 2.8, 0.4);
}

#[test]
fn latency_first_leaves_a_quarter_of_an_hour_to_be_warned_in() {
    for rate in RATES {
        let room: Vec<_> = seeds(rate)
            .map(|seed| trace(Scenario::LatencyFirst, rate, seed))
            .collect();
        let enough = room
            .iter()
            .filter(|trace| trace.lead(trace.onset.unwrap()).unwrap() >= 15);
        assert!(enough.count() * 20 >= room.len() * 19);
    }
}

#[test]
fn a_quota_is_spent_hours_after_the_backfill_began() {
    for rate in RATES {
        for seed in seeds(2 * rate) {
            let trace = trace(Scenario::Quota, rate, seed);
            let (onset, event) = (trace.onset.unwrap(), trace.event.unwrap());
            assert!(event >= onset + HOUR, "{rate} {seed}");
            let full = |minute: &Minute| minute.day_quota_used == Some(100.0);
            let before = trace.minutes.iter().filter(|minute| minute.at < event);
            assert!(!before.clone().any(full));
            assert!(
                since_onset(&trace)
                    .filter(|(_, minute)| minute.at >= event && !minute.missing)
                    .all(|(_, minute)| full(minute))
            );
        }
    }
}

#[test]
fn a_backlog_reaches_a_quarter_of_an_hour_of_delivery() {
    for rate in RATES {
        let takes: Vec<_> = seeds(rate)
            .map(|seed| {
                let trace = trace(Scenario::Backlog, rate, seed);
                trace.event.unwrap() - trace.onset.unwrap()
            })
            .collect();
        assert!(takes.iter().all(|minutes| *minutes >= 5), "{takes:?}");
        close(
            takes.iter().sum::<u64>() as f64 / takes.len() as f64,
            42.0,
            15.0,
        );
    }
}

#[test]
fn a_lead_counts_from_the_minutes_end() {
    let mut trace = trace(Scenario::Sudden, 2, 1);
    trace.event = Some(trace.minutes[0].at + 10);
    assert_eq!(trace.lead(trace.minutes[0].at), Some(9));
    assert_eq!(trace.lead(trace.minutes[0].at + 10), Some(-1));
    trace.event = None;
    assert_eq!(trace.lead(5), None);
}

#[test]
fn counts_have_the_mean_and_the_spread_of_independent_events() {
    let mut rng = rng::Rng::new(7, rng::Aspect::Lane);
    for mean in [0.1, 2.0, 60.0, 1_200.0] {
        let draws: Vec<f64> = (0..20_000).map(|_| f64::from(rng.poisson(mean))).collect();
        let average = draws.iter().sum::<f64>() / draws.len() as f64;
        let spread = draws
            .iter()
            .map(|draw| (draw - average).powi(2))
            .sum::<f64>()
            / draws.len() as f64;
        close(average / mean, 1.0, 0.05);
        close(spread / mean, 1.0, 0.06);
    }
}
