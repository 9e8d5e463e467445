//! Twelve requests in twelve states, each with its two paragraphs: `states.txt` is what a reader sees.

use std::fmt::Write;
use std::time::Duration;

use causeway::breaker::{Breaker, State};
use causeway::credentials::{Pause, Reason};
use causeway::ledger::{Record, Response, Status};
use causeway::provider::{KeyPlace, Safety};

use super::*;
use crate::explain::{Explanation, Facts, Full, Lane, Seen, Stop, Zone, explain};

fn after(minutes: u64) -> Timestamp {
    NOON + Duration::from_secs(60 * minutes)
}

fn ago(minutes: u64) -> Timestamp {
    NOON - Duration::from_secs(60 * minutes)
}

fn answered(status: u16, object_id: Option<&str>) -> Option<Response> {
    Some(Response {
        status,
        object_id: object_id.map(str::to_owned),
    })
}

fn open() -> Breaker {
    Breaker {
        state: State::Open,
        opened_at: Some(ago(3)),
        open_until: Some(after(1)),
        reason: Some("5 faults in a row".to_owned()),
        ..Breaker::default()
    }
}

/// A case: its name, the record, what holds the lane up, and what its operation's doubt comes to.
pub(super) type Case = (&'static str, Option<Record>, Lane, Option<Safety>);

pub(super) fn cases() -> Vec<Case> {
    let retrying = |change: &dyn Fn(&mut Record)| {
        let mut record = Record {
            next_attempt_at: Some(after(2)),
            ..record(Status::Retrying)
        };
        change(&mut record);
        Some(record)
    };
    let keyed = Safety::Keyed {
        place: KeyPlace::Header("idempotency-key"),
        retention: Duration::from_secs(23 * 3600),
        looks_up_first: true,
    };
    let lookup = Safety::Lookup {
        place: None,
        settle: Duration::from_secs(60),
    };
    let lane = Lane::default;
    vec![
        ("waits, and nothing holds it up", None, lane(), None),
        ("waits behind an outage", None, Lane { breaker: open(), ..lane() }, None),
        (
            "is being worked on",
            Some(Record { lease_until: Some(after(1)), ..record(Status::InProgress) }),
            lane(),
            None,
        ),
        (
            "its holder died",
            Some(Record {
                lease_until: Some(ago(1)),
                ambiguous: true,
                first_sent_at: Some(ago(2)),
                ..record(Status::InProgress)
            }),
            lane(),
            Some(lookup),
        ),
        (
            "is tried again after an outage",
            retrying(&|record| {
                record.code = code("provider_unavailable");
                record.response = answered(503, None);
                record.ambiguous = true;
                record.first_sent_at = Some(ago(9));
            }),
            Lane { breaker: open(), ..lane() },
            Some(keyed),
        ),
        (
            "is put off by a limit",
            retrying(&|record| {
                record.attempts = 0;
                record.last_attempt = None;
            }),
            Lane {
                limit: Some(Full { name: "account".to_owned(), by: Stop::Line, until: after(2) }),
                ..lane()
            },
            None,
        ),
        (
            "waits for credentials",
            retrying(&|record| record.attempts = 0),
            Lane {
                pause: Some(Pause {
                    reason: Reason::Unauthorised,
                    since: ago(5),
                    next_trial: after(10),
                }),
                ..lane()
            },
            None,
        ),
        (
            "was carried out",
            Some(Record { response: answered(200, Some("cus_Nffr")), ..record(Status::Completed) }),
            lane(),
            None,
        ),
        (
            "was declined",
            Some(Record {
                code: code("provider_rejected"),
                detail: Some("type=card_error code=card_declined param=".to_owned()),
                response: answered(402, None),
                ..record(Status::Rejected)
            }),
            lane(),
            None,
        ),
        (
            "used up its tries",
            Some(Record {
                code: code("attempts_spent"),
                detail: Some("last failure: connect_failed".to_owned()),
                attempts: 8,
                ..record(Status::Rejected)
            }),
            lane(),
            None,
        ),
        (
            "may have been carried out",
            Some(Record {
                code: code("outcome_unknown"),
                detail: Some(
                    "provider_timeout: the call may have taken effect, and sending it again cannot tell".to_owned(),
                ),
                ambiguous: true,
                first_sent_at: Some(ago(1)),
                ..record(Status::Unknown)
            }),
            lane(),
            Some(Safety::Unsafe),
        ),
        (
            "was ruled on",
            Some(Record {
                code: code("resolved"),
                detail: Some("found in the dashboard".to_owned()),
                resolved_at: Some(ago(0)),
                ..record(Status::Completed)
            }),
            lane(),
            None,
        ),
    ]
}

pub(super) fn explained(case: &Case, pack: &Pack) -> Explanation {
    let (_, record, lane, safety) = case;
    let seen = record.as_ref().map(Seen::of);
    let facts = Facts {
        now: NOON,
        provider: "stripe",
        connection: "berlin",
        key: Some("order-1712"),
        operation: None,
        safety: *safety,
        deadline: None,
        seen: seen.as_ref(),
        lane: Some(lane),
        waiting: None,
        page: Some(pack.page()),
    };
    explain(&facts, &Zone::named("Europe/Berlin").expect("a zone"))
}

/// `CAUSEWAY_BLESS=1` writes it anew.
#[test]
fn a_request_in_each_state_is_explained_as_written_down() {
    let stripe = pack("stripe");
    let mut now = String::new();
    for case in cases() {
        let Explanation { support, engineer } = explained(&case, &stripe);
        writeln!(now, "# {}\n\n{support}\n\n{engineer}\n", case.0).expect("a text");
    }
    // The cause within a cause once named nobody: "{vendor} could not be reached".
    assert!(!now.contains('{'), "a place is not filled in:\n{now}");
    let path = root().join("shared/insights/src/explain/tests/states.txt");
    if std::env::var_os("CAUSEWAY_BLESS").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let known = std::fs::read_to_string(&path).expect("states.txt");
    assert!(
        known == now,
        "states.txt is not what the code says: CAUSEWAY_BLESS=1\n{now}"
    );
}

#[test]
fn no_two_states_read_the_same() {
    let stripe = pack("stripe");
    let mut seen = std::collections::BTreeSet::new();
    for case in cases() {
        let Explanation { support, engineer } = explained(&case, &stripe);
        assert!(seen.insert(support) && seen.insert(engineer), "{}", case.0);
    }
}

/// Each state with each thing that can hold a lane up: whole sentences, and no word of the trade for support people.
#[test]
fn every_state_with_every_obstacle_is_whole_sentences_without_jargon() {
    let stripe = pack("stripe");
    let breakers = [
        State::Closed,
        State::Open,
        State::HalfOpen,
        State::ForcedOpen,
    ]
    .map(|state| Breaker { state, ..open() });
    let reasons = [
        Reason::Unauthorised,
        Reason::ReauthoriseNeeded,
        Reason::SecretMissing,
        Reason::RefreshBudget,
        Reason::Moved,
        Reason::Forbidden,
    ];
    let stops = [Stop::Asked, Stop::Spent, Stop::Line];
    let mut explained_cases = 0;
    for case in cases() {
        for breaker in &breakers {
            for (reason, stop) in reasons.iter().zip(stops.iter().cycle()) {
                let lane = Lane {
                    breaker: breaker.clone(),
                    own_breaker: Some(breaker.clone()),
                    pause: Some(Pause {
                        reason: *reason,
                        since: ago(5),
                        next_trial: after(10),
                    }),
                    limit: Some(Full {
                        name: "account".to_owned(),
                        by: *stop,
                        until: after(2),
                    }),
                    ..Lane::default()
                };
                let case = (case.0, case.1.clone(), lane, case.3);
                let Explanation { support, engineer } = explained(&case, &stripe);
                ratchet::without_jargon(&support, case.0);
                for text in [&support, &engineer] {
                    assert!(
                        text.ends_with('.') && !text.contains("  ") && !text.contains(".."),
                        "{text}"
                    );
                }
                explained_cases += 1;
            }
        }
    }
    assert_eq!(explained_cases, 12 * 4 * 6);
}
