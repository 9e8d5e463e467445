use serde_json::json;
use time::UtcOffset;

use super::*;
use crate::when::Now;

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn line(value: &serde_json::Value) -> Line {
    Line::read(NOON, &value.to_string()).expect("a line")
}

fn ended(connection: &str, message_id: &str) -> Line {
    line(&json!({
        "timestamp": "2026-11-22T12:00:00Z", "level": "INFO", "target": "causeway::telemetry",
        "message": "request ended", "provider": "stripe", "outcome": "Rejected", "code": "provider_rejected",
        "operation": "customers.create", "connection": connection, "request_id": "r-1", "message_id": message_id,
        "trace_id": "00",
    }))
}

fn wanted(level: Level, connection: Option<&str>, request: Option<(&str, &str)>) -> Wanted {
    let owned = |(pk, message): (&str, &str)| (pk.to_owned(), message.to_owned());
    Wanted {
        level,
        provider: Some("stripe".to_owned()),
        connection: connection.map(str::to_owned),
        request: request.map(owned),
    }
}

#[test]
fn a_line_is_short_and_begins_with_what_became_of_the_request() {
    assert_eq!(
        ended("berlin", "m-1").short(&Now::at(NOON, UtcOffset::UTC)),
        "2026-11-22 12:00:00 +00:00 INFO  request ended  outcome=Rejected  code=provider_rejected  \
         operation=customers.create  connection=berlin  request_id=r-1"
    );
}

#[test]
fn metrics_and_what_lambda_says_of_good_invocations_are_left_out() {
    for left_out in [
        "",
        "START RequestId: 1 Version: 3",
        "REPORT RequestId: 1\tDuration: 12.34 ms\tBilled Duration: 13 ms",
        r#"{"_aws": {"CloudWatchMetrics": []}, "Delivered": 1}"#,
    ] {
        assert_eq!(Line::read(NOON, left_out), None, "{left_out}");
    }
    for shown in [
        "REPORT RequestId: 1\tDuration: 30000.00 ms\tStatus: timeout",
        "2026-11-22T12:00:00.000Z 1 Task timed out after 30.00 seconds",
        "memory allocation of 64 bytes failed",
        r#"{"no": "message"}"#,
    ] {
        let line = Line::read(NOON, shown).expect(shown);
        assert_eq!((line.level, &*line.message), (None, shown));
        // What kills a function has no level, and is what is looked for at ERROR.
        assert!(wanted(Level::Error, None, None).has(&line), "{shown}");
    }
}

#[test]
fn lines_are_picked_by_level_connection_and_request() {
    let good = ended("berlin", "m-1");
    assert!(wanted(Level::Info, None, None).has(&good));
    assert!(!wanted(Level::Warn, None, None).has(&good));
    assert!(wanted(Level::Info, Some("berlin"), None).has(&good));
    assert!(!wanted(Level::Info, Some("berli"), None).has(&good));
    let failed = line(&json!({
        "level": "WARN", "message": "the ledger's write failed", "pk": "stripe#berlin#order-1", "error": "throttled",
    }));
    assert!(wanted(Level::Warn, Some("berlin"), None).has(&failed));
    let of_key = wanted(Level::Info, None, Some(("stripe#berlin#order-1", "m-1")));
    assert!(of_key.has(&good) && of_key.has(&failed));
    assert!(!of_key.has(&ended("berlin", "m-2")));
}

#[test]
fn cloudwatch_is_asked_for_lines_that_may_be_wanted_and_never_for_too_few() {
    let pattern = |connection, request| wanted(Level::Info, connection, request).pattern();
    assert_eq!(pattern(None, None), None);
    assert_eq!(
        pattern(Some("berlin"), None).as_deref(),
        Some(
            r#"{ ($.connection = "berlin") || ($.pk = "stripe#berlin#*") || ($.key = "stripe#berlin#*") }"#
        )
    );
    let key = ("stripe#berlin#order 1", "m-1");
    assert_eq!(
        pattern(Some("berlin"), Some(key)).as_deref(),
        Some(r#"{ ($.message_id = "m-1") || ($.pk = "stripe#berlin#order 1") }"#)
    );
    assert_eq!(pattern(None, Some(("stripe#berlin#a\"b", "m-1"))), None);
}

#[test]
fn what_was_left_out_is_said() {
    let read = |older, cut| Read {
        newest: VecDeque::new(),
        older,
        cut,
    };
    assert_eq!(read(0, None).more(), None);
    assert!(
        read(3, None)
            .more()
            .is_some_and(|told| told.starts_with("3 older"))
    );
    let cut = read(3, Some(NOON)).more();
    assert!(cut.is_some_and(|told| told.contains("after 2026-11-22T12:00:00Z")));
}
