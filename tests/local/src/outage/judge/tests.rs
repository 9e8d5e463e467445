//! A judgement that only ever says yes proves nothing.

use causeway::breaker::Breaker;
use causeway::lane_control::EventSource;
use causeway_fakes::journal::ProviderReport;

use super::super::evidence::{Batch, Receive};
use super::super::watch::{Sample, Watched};
use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000) + Duration::from_secs(seconds)
}

fn sample(seconds: u64, breaker: Breaker, concurrency: Option<u16>) -> Sample {
    Sample {
        at: at(seconds),
        breaker,
        source: EventSource {
            enabled: concurrency.is_some(),
            maximum_concurrency: concurrency.or(Some(2)),
            is_changing: false,
        },
    }
}

fn open(from: u64, to: u64) -> Breaker {
    Breaker {
        state: State::Open,
        opened_at: Some(at(from)),
        open_until: Some(at(to)),
        ..Breaker::default()
    }
}

fn closed(since: u64) -> Breaker {
    Breaker {
        closed_at: Some(at(since)),
        ..Breaker::default()
    }
}

/// Two requests, an outage of three minutes, two open windows, and nothing amiss.
fn good() -> Evidence {
    let samples = vec![
        sample(10, open(5, 65), Some(2)),
        sample(100, open(66, 190), None),
        sample(200, closed(199), Some(5)),
    ];
    let receive = |seconds, message: &str| Receive {
        at: at(seconds),
        message_id: message.to_owned(),
    };
    let batch = |seconds, delivered| Batch {
        at: at(seconds),
        delivered,
    };
    Evidence {
        watched: Watched {
            samples,
            began: at(0),
            ended: at(180),
            drained: Some(at(260)),
            full_concurrency: 5,
        },
        receives: vec![receive(20, "m1"), receive(21, "m2"), receive(75, "m1")],
        batches: vec![batch(20, 0), batch(75, 0), batch(200, 2)],
        calls_started: 3,
        completed: 2,
        attempts: 8,
        letters: 0,
        vendor: ProviderReport {
            calls: 8,
            effects: 2,
            faults: [("error_500".to_owned(), 6)].into(),
            effects_by_marker: [("m1".to_owned(), 1), ("m2".to_owned(), 1)].into(),
            ..ProviderReport::default()
        },
        updates: 3,
    }
}

fn broken(evidence: &Evidence) -> Vec<String> {
    let options = Options {
        messages: 2,
        outage: Duration::from_secs(180),
        summary: "summary.json".into(),
    };
    judge(&options, evidence).broken
}

#[test]
fn a_good_run_keeps_every_promise() {
    assert_eq!(broken(&good()), Vec::<String>::new());
}

#[test]
fn every_broken_promise_is_named() {
    type Harm = fn(&mut Evidence);
    let harms: [(&str, Harm); 13] = [
        ("left metrics", |run| run.calls_started = 4),
        ("completed in the ledger", |run| run.completed = 1),
        ("took effect twice", |run| {
            run.vendor.effects_by_marker.insert("m1".to_owned(), 2);
        }),
        ("dead-letter", |run| run.letters = 1),
        ("attempts in the ledger", |run| run.attempts = 9),
        ("calls failed", |run| {
            run.vendor.faults.insert("error_500".to_owned(), 103);
        }),
        ("100 function calls in minute 3", |run| {
            let more = vec![run.batches[1].clone(); 100];
            let shifted = more.into_iter().map(|batch| Batch {
                at: at(130),
                ..batch
            });
            run.batches.extend(shifted);
        }),
        ("received 2 times in open window 1", |run| {
            run.receives[1].message_id = "m1".to_owned();
        }),
        ("never turned down", |run| {
            run.watched.samples[0].source.maximum_concurrency = Some(5);
        }),
        ("never disabled", |run| {
            run.watched.samples[1].source.enabled = true
        }),
        ("ended as", |run| {
            run.watched.samples[2].source.maximum_concurrency = Some(2)
        }),
        ("step of the ramp", |run| run.batches[2].delivered = 400),
        ("never empty", |run| run.watched.drained = None),
    ];
    for (named, harm) in harms {
        let mut evidence = good();
        harm(&mut evidence);
        let broken = broken(&evidence);
        assert!(
            broken.iter().any(|one| one.contains(named)),
            "{named}: {broken:?}"
        );
    }
}
