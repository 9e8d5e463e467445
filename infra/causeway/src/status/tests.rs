use causeway::ledger::Response;
use causeway::outcome::code;
use time::UtcOffset;

use super::*;
use crate::cli::tests::{ODD, taken, typed};

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn arguments() -> Arguments {
    Arguments {
        target: "stripe".parse().expect("a target"),
        key: key("order-1712").expect("a key"),
        watch: false,
        timeout: Duration::from_secs(1),
    }
}

fn record(status: Status) -> Record {
    Record {
        pk: "stripe#default#order-1712".to_owned(),
        format_version: 1,
        status,
        payload_hash: "00".to_owned(),
        wire_hash: None,
        owner: "me".to_owned(),
        generation: 1,
        series: 1,
        lease_until: Some(NOON + Duration::from_secs(60)),
        claimed_at: None,
        attempts: 2,
        series_since: NOON,
        next_attempt_at: Some(NOON + Duration::from_secs(90)),
        first_seen: NOON - Duration::from_secs(120),
        first_sent_at: None,
        last_attempt: None,
        ambiguous: false,
        alone: false,
        crashes: 0,
        message_id: "m".to_owned(),
        response: None,
        code: None,
        detail: None,
        closing: 0,
        closed_at: None,
        resolved_at: None,
        expires_at: Some(1_795_348_800),
    }
}

fn shown(record: &Record) -> String {
    View::of(&ledger_key(&arguments()), record).paragraph(&Now::at(NOON, UtcOffset::UTC))
}

#[test]
fn a_waiting_request_says_when_it_goes_on_and_why_it_waits() {
    let mut waiting = record(Status::Retrying);
    waiting.code = Some(code::PROVIDER_UNAVAILABLE);
    waiting.detail = Some("HTTP 503".to_owned());
    let text = shown(&waiting);
    let expected = [
        "stripe/default order-1712",
        "  status        RETRYING: it waits for its next attempt",
        "  code          provider_unavailable: HTTP 503",
        "  attempts      2",
        "  first seen    2026-11-22 11:58:00 +00:00 (2 min ago)",
        "  next attempt  2026-11-22 12:01:30 +00:00 (in 1 min 30 s)",
    ];
    assert_eq!(text, expected.join("\n"));
}

#[test]
fn a_completed_request_shows_the_answer_and_no_dates_of_the_past_claim() {
    let mut done = record(Status::Completed);
    done.response = Some(Response {
        status: 200,
        object_id: Some("cus_1".to_owned()),
    });
    let text = shown(&done);
    assert!(
        text.contains("answer        HTTP 200, object cus_1"),
        "{text}"
    );
    assert!(
        !text.contains("claimed until") && !text.contains("next"),
        "{text}"
    );
}

#[test]
fn an_end_that_needs_a_person_names_the_next_command() {
    let text = shown(&record(Status::Unknown));
    assert!(
        text.contains("causeway dlq resolve stripe 'stripe#default#order-1712' --completed"),
        "{text}"
    );
    let text = shown(&record(Status::Rejected));
    assert!(
        text.contains("causeway dlq show stripe 'stripe#default#order-1712'"),
        "{text}"
    );
}

#[test]
fn a_record_is_found_under_the_key_that_lanes_write() {
    let mut arguments = arguments();
    assert_eq!(
        ledger_key(&arguments).to_string(),
        "stripe#default#order-1712"
    );
    arguments.target = "stripe/berlin".parse().expect("a target");
    assert_eq!(
        ledger_key(&arguments).to_string(),
        "stripe#berlin#order-1712"
    );
    assert!(absent(&arguments).to_string().contains("ids are no keys"));
}

/// Every fresh request stood as "attempts 1 in this series, 1 before it": series were taken to count from 0.
#[test]
fn a_first_series_is_not_told_and_a_later_one_is_by_its_number() {
    let line = |series| {
        let text = shown(&Record {
            series,
            ..record(Status::InProgress)
        });
        let line = text.lines().find(|line| line.contains("attempts"));
        line.expect("attempts").to_owned()
    };
    assert_eq!(line(1), "  attempts      2");
    assert_eq!(
        line(2),
        "  attempts      2 in series 2; those before it had no effect"
    );
}

#[test]
fn the_next_command_names_the_same_request_whatever_its_key_is() {
    for connection in ["default", "-x", "berlin"] {
        for odd in ODD {
            for (status, verb) in [
                (Status::Rejected, "dlq show"),
                (Status::Unknown, "dlq resolve"),
            ] {
                let pk = format!("stripe#{connection}#{odd}");
                let key = LedgerKey::parse(&pk).expect("a key");
                let next = View::of(&key, &record(status)).next_command();
                let (taken, matches) = taken(&next.expect("a command"));
                assert_eq!(taken, verb);
                let named = typed(&matches, if verb == "dlq show" { "letter" } else { "key" });
                assert_eq!(named, Some(pk));
            }
        }
    }
}
