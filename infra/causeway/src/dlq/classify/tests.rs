//! The table: what stands in ledger and letter, and what a redrive would come to.

use causeway_ingest::catalogue;

use super::*;
use crate::dlq::letter::tests::letter;
use causeway_insights::explain::NO_CODE;

const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const HOUR: Duration = Duration::from_secs(60 * 60);
const STRIPE: &str =
    r#""provider":"stripe","operation":"customers.create","payload":{"email":"ada@example.com"}"#;
const SLACK: &str = r#""provider":"slack","operation":"chat.postMessage","payload":{"channel":"C0123456789","text":"hello"}"#;
const SEAM: &str = r#""provider":"seam","operation":"access_codes.create","payload":
    {"device_id":"11111111-2222-4333-8444-555555555555","name":"guest","code":"1234"}"#;
const PAGERDUTY: &str =
    r#""provider":"pagerduty","operation":"events.resolve","payload":{"dedup_key":"srv-1"}"#;

fn body(what: &str) -> String {
    format!(r#"{{{what},"idempotency_key":"order-1","created_at":"2026-11-22T10:00:00Z"}}"#)
}

fn of(what: &str, code: &str) -> Letter {
    letter(&body(what), &[("code", code)])
}

/// The record of `letter`'s request.
fn record(letter: &Letter, status: Status, ambiguous: bool) -> Record {
    let request = letter.request.as_ref().expect("a request");
    Record {
        pk: request.ledger_key().as_str().to_owned(),
        format_version: 1,
        status,
        payload_hash: request.payload_hash.as_str().to_owned(),
        wire_hash: None,
        owner: "environment/1/m".to_owned(),
        generation: 1,
        series: 1,
        lease_until: None,
        claimed_at: None,
        attempts: 1,
        series_since: NOW - HOUR,
        next_attempt_at: None,
        first_seen: NOW - HOUR,
        first_sent_at: Some(NOW - HOUR),
        last_attempt: Some(NOW - HOUR),
        ambiguous,
        alone: false,
        crashes: 0,
        message_id: "m".to_owned(),
        response: None,
        code: None,
        detail: None,
        closing: 3,
        closed_at: None,
        resolved_at: None,
        expires_at: None,
    }
}

fn class(letter: &Letter, record: Option<&Record>) -> Class {
    judge(letter, record).class
}

fn judge(letter: &Letter, record: Option<&Record>) -> Judgement {
    let name = letter
        .request
        .as_ref()
        .map_or("stripe", |request| request.provider.as_str());
    let provider = catalogue::provider(name).expect("in the catalogue");
    classify(letter, provider.spec(), record, NOW)
}

#[test]
fn the_ledger_s_status_decides_where_it_can() {
    use Status::{Completed, InProgress, Rejected, Retrying, Unknown};
    for (what, status, ambiguous, expected) in [
        (STRIPE, Completed, false, Class::AlreadyDone),
        (STRIPE, Rejected, false, Class::Safe),
        (STRIPE, Retrying, false, Class::Safe),
        // In doubt: what the operation declares decides, also of the previous release's rejections.
        (STRIPE, Unknown, true, Class::Safe),
        (PAGERDUTY, Unknown, true, Class::Safe),
        (SEAM, Unknown, true, Class::Safe),
        (SLACK, Unknown, true, Class::Ambiguous),
        (STRIPE, Rejected, true, Class::Safe),
        (STRIPE, InProgress, false, Class::Safe),
        (PAGERDUTY, Rejected, true, Class::Safe),
        (SEAM, Rejected, true, Class::Safe),
        (SLACK, Rejected, true, Class::Ambiguous),
        (SLACK, Retrying, true, Class::Ambiguous),
        (SLACK, InProgress, false, Class::Ambiguous),
        (SLACK, Rejected, false, Class::Safe),
    ] {
        let letter = of(what, "attempts_spent");
        let record = record(&letter, status, ambiguous);
        assert_eq!(
            class(&letter, Some(&record)),
            expected,
            "{what} {status:?} {ambiguous}"
        );
    }
}

#[test]
fn a_key_that_the_vendor_may_forget_before_the_redrive_gets_there_guards_nothing() {
    let letter = of(STRIPE, "attempts_spent");
    let sent = |ago: Duration| Record {
        first_sent_at: Some(NOW - ago),
        ..record(&letter, Status::Rejected, true)
    };
    // Stripe remembers a key for 24 h at least; the lane declares 23.
    assert_eq!(class(&letter, Some(&sent(HOUR * 21))), Class::Safe);
    assert_eq!(
        class(&letter, Some(&sent(HOUR * 22 + Duration::from_secs(1)))),
        Class::Ambiguous
    );
}

#[test]
fn another_payload_under_the_key_is_a_conflict_unless_the_first_had_no_effect() {
    let letter = of(STRIPE, "idempotency_conflict");
    for (status, ambiguous, expected) in [
        (Status::Completed, false, Class::Hopeless),
        (Status::InProgress, false, Class::Hopeless),
        (Status::Retrying, false, Class::Hopeless),
        (Status::Unknown, true, Class::Ambiguous),
        (Status::Rejected, true, Class::Ambiguous),
        (Status::Rejected, false, Class::Safe),
    ] {
        let other = Record {
            payload_hash: "another".to_owned(),
            ..record(&letter, status, ambiguous)
        };
        assert_eq!(
            class(&letter, Some(&other)),
            expected,
            "{status:?} {ambiguous}"
        );
    }
}

#[test]
fn what_the_lane_would_refuse_again_is_hopeless_and_says_which_field() {
    let past = format!(r#"{STRIPE},"deadline":"2026-11-22T09:00:00Z""#);
    for (body, field) in [
        ("not JSON".to_owned(), "body"),
        (
            body(r#""provider":"stripe","operation":"customers.destroy","payload":{}"#),
            "operation",
        ),
        (
            body(r#""provider":"slack","operation":"chat.postMessage","payload":{"text":1}"#),
            "payload",
        ),
        (body(&past), "deadline"),
    ] {
        let letter = letter(&body, &[("code", "whatever")]);
        let judgement = judge(&letter, None);
        assert_eq!(judgement.class, Class::Hopeless, "{body}");
        assert!(judgement.why.contains(field), "{}", judgement.why);
    }
    let stray = of(SLACK, "unknown_provider");
    let stripe = catalogue::provider("stripe").expect("in the catalogue");
    assert_eq!(
        classify(&stray, stripe.spec(), None, NOW).class,
        Class::Hopeless
    );
}

#[test]
fn what_took_effect_is_done_even_if_it_could_not_be_repeated() {
    let letter = of(
        &format!(r#"{STRIPE},"deadline":"2026-11-22T09:00:00Z""#),
        "deadline_exceeded",
    );
    let record = record(&letter, Status::Completed, false);
    assert_eq!(class(&letter, Some(&record)), Class::AlreadyDone);
}

#[test]
fn a_payload_that_a_mapping_makes_is_not_judged_by_its_shape() {
    let mapped = r#""provider":"stripe","operation":"customers.create","mapping":"pms-customer","payload":{"x":1}"#;
    assert_eq!(class(&of(mapped, "mapping_failed"), None), Class::Safe);
}

#[test]
fn without_a_record_nothing_was_tried() {
    for code in ["provider_rejected", "queue_time_spent", NO_CODE] {
        for what in [STRIPE, SLACK] {
            assert_eq!(class(&of(what, code), None), Class::Safe, "{what} {code}");
        }
    }
}

#[test]
fn a_letter_of_an_earlier_end_can_go_since_the_last_one_has_its_own() {
    for (version, expected) in [
        ("2;closing=3", Class::Safe),
        ("2;closing=2", Class::AlreadyDone),
        ("2", Class::Safe),
    ] {
        let said = [("code", "provider_rejected"), ("format_version", version)];
        let letter = letter(&body(STRIPE), &said);
        let record = record(&letter, Status::Rejected, false);
        assert_eq!(class(&letter, Some(&record)), expected, "{version}");
    }
}

#[test]
fn who_can_be_asked_is_asked_after_the_deadline_too() {
    for (what, expected) in [(SEAM, Class::Safe), (PAGERDUTY, Class::Ambiguous)] {
        let late = format!(r#"{what},"deadline":"2026-11-22T09:00:00Z""#);
        let letter = of(&late, "outcome_unknown");
        let record = record(&letter, Status::Unknown, true);
        assert_eq!(class(&letter, Some(&record)), expected, "{what}");
    }
}

#[test]
fn an_expired_record_says_nothing() {
    let letter = of(STRIPE, "provider_rejected");
    let forgotten = Record {
        expires_at: Some(NOW.as_millis() / 1000 - 1),
        ..record(&letter, Status::Completed, false)
    };
    assert_eq!(class(&letter, Some(&forgotten)), Class::Safe);
}
