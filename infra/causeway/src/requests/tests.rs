use causeway::ledger::{BESIDE, Expected, MemoryLedger};
use clap::Parser;
use serde_json::json;

use super::*;
use crate::cli::tests::{ODD, taken, typed};

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn record(pk: &str, status: Status, at: Timestamp) -> Record {
    let item = json!({
        "pk": pk, "format_version": 1, "status": status, "payload_hash": "p", "owner": "o", "generation": 1,
        "series": 1, "claimed_at": at, "attempts": 2, "series_since": at, "first_seen": at, "ambiguous": false,
        "message_id": "m", "code": "provider_unavailable",
    });
    serde_json::from_value(item).expect("a record")
}

fn next_of(pk: &str) -> String {
    let record = record(pk, Status::Rejected, NOON);
    Listed::of(&record).expect("a key").next
}

#[test]
fn the_next_command_is_one_that_a_shell_takes_as_it_stands() {
    assert_eq!(
        next_of("stripe#default#order-1"),
        "causeway status stripe order-1"
    );
    assert_eq!(
        next_of("stripe#berlin#o'clock #5"),
        r"causeway status stripe/berlin 'o'\''clock #5'"
    );
    assert_eq!(
        next_of("stripe#berlin#-v"),
        "causeway status -- stripe/berlin -v"
    );
    // The conflict's letter, not the request that has the key.
    assert_eq!(
        next_of(&format!("stripe#berlin#k{BESIDE}0123456789abcdef")),
        "causeway dlq show stripe 'stripe#berlin#k'"
    );
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    which: Which,
}

#[test]
fn a_beginning_is_a_duration_or_a_time_and_a_wrong_one_is_told_both() {
    let since =
        |text: &str| Line::try_parse_from(["x", "--since", text]).map(|line| line.which.since);
    let from = |text: &str| since(text).expect("it is one").expect("given").time(NOON);
    assert_eq!(from("2h"), NOON - Duration::from_secs(7_200));
    assert_eq!(
        from("2026-11-22T12:00:00+01:00").to_string(),
        "2026-11-22T11:00:00Z"
    );
    for wrong in ["", "2", "10:00", "2026-11-22T10:00:00", "yesterday"] {
        let told = since(wrong).expect_err(wrong).to_string();
        assert!(told.contains("--since") && told.contains("90s"), "{told}");
        assert!(told.contains("2026-11-22T10:00:00+01:00"), "{told}");
    }
    assert!(Line::try_parse_from(["x", "--limit", "0"]).is_err());
}

#[tokio::test]
async fn lanes_are_asked_in_turn_up_to_the_limit() {
    let ledger = MemoryLedger::default();
    for provider in ["slack", "stripe"] {
        for n in 0..120 {
            let status = [Status::Unknown, Status::Retrying][n % 2];
            let record = record(&format!("{provider}#a#{n:03}"), status, NOON);
            let absent = Expected::AbsentOrExpired { now: NOON };
            ledger.write(&record, &absent).await.expect("it answers");
        }
    }
    let query = |provider: &str| Query {
        provider: provider.parse().expect("a name"),
        connection: None,
        status: None,
        since: None,
    };
    let queries = || vec![query("slack"), query("stripe")];
    let all = find(&ledger, &ledger, queries(), 240, NOON)
        .await
        .expect("it answers");
    assert_eq!((all.requests.len(), all.more), (240, false));
    let some = find(&ledger, &ledger, queries(), 130, NOON)
        .await
        .expect("it answers");
    assert_eq!((some.requests.len(), some.more), (130, true));
    assert_eq!(some.requests[129].view.provider, "stripe");

    let table = table(&some.requests, NOON + Duration::from_secs(90));
    let row = table.lines().nth(1).expect("a row");
    for word in [
        "UNKNOWN",
        "slack/a",
        "provider_unavailable",
        "1 min 30 s",
        "causeway status slack/a ",
    ] {
        assert!(row.contains(word), "{row}");
    }
}

#[test]
fn the_next_command_names_the_same_key_and_connection_whatever_they_are() {
    for connection in ["default", "-x", "berlin"] {
        for odd in ODD {
            let next = next_of(&format!("stripe#{connection}#{odd}"));
            let (verb, matches) = taken(&next);
            assert_eq!(verb, "status");
            assert_eq!(typed(&matches, "key"), Some(odd.to_owned()));
            let target: Target = typed(&matches, "target")
                .expect("a target")
                .parse()
                .expect("one");
            let named = target.connection.unwrap_or_else(Name::default_connection);
            assert_eq!(named.as_str(), connection);
        }
    }
}
