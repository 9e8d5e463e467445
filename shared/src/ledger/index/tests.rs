//! The index over the ledger in memory; that the one in DynamoDB answers alike is for the conformance test to say.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::ledger::{BESIDE, Expected, MemoryLedger};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

fn after(seconds: u64) -> Timestamp {
    NOON + std::time::Duration::from_secs(seconds)
}

fn record(pk: &str, status: Status, at: Timestamp) -> Record {
    let item = serde_json::json!({
        "pk": pk, "format_version": 1, "status": status, "payload_hash": "p", "owner": "o", "generation": 1,
        "series": 1, "claimed_at": at, "attempts": 1, "series_since": at, "first_seen": at, "ambiguous": false,
        "message_id": "m",
    });
    serde_json::from_value(item).expect("a record")
}

fn ledger(records: impl IntoIterator<Item = Record>) -> MemoryLedger {
    let ledger = MemoryLedger::default();
    for record in records {
        let absent = Expected::AbsentOrExpired { now: NOON };
        let written = ledger.write(&record, &absent).now_or_never();
        written.expect("at once").expect("it answers");
    }
    ledger
}

fn query(provider: &str) -> Query {
    Query {
        provider: provider.parse().expect("a name"),
        connection: None,
        status: None,
        since: None,
    }
}

fn of(connection: &str, query: Query) -> Query {
    let connection = connection.parse().expect("a name");
    Query {
        connection: Some(connection),
        ..query
    }
}

fn page(ledger: &MemoryLedger, query: &Query, from: Option<Cursor>) -> Page {
    let page = list(ledger, ledger, query, from, NOON).now_or_never();
    page.expect("at once").expect("it answers")
}

fn keys(page: &Page) -> Vec<&str> {
    page.records.iter().map(|record| &*record.pk).collect()
}

#[test]
fn what_is_not_delivered_is_listed_the_unknown_first_and_then_the_latest() {
    let ledger = ledger([
        record("stripe#berlin#retrying", Status::Retrying, after(9)),
        record("stripe#berlin#earlier", Status::Unknown, after(1)),
        record("stripe#paris#later", Status::Unknown, after(2)),
        record("stripe#paris#rejected", Status::Rejected, after(8)),
        record("stripe#paris#completed", Status::Completed, after(7)),
        record("stripe#paris#at-work", Status::InProgress, after(7)),
        record("stripe-eu#paris#another", Status::Unknown, after(3)),
    ]);
    let all = page(&ledger, &query("stripe"), None);
    assert_eq!(
        keys(&all),
        [
            "stripe#paris#later",
            "stripe#berlin#earlier",
            "stripe#paris#rejected",
            "stripe#berlin#retrying"
        ]
    );
    assert_eq!(all.next, None);
    let berlin = page(&ledger, &of("berlin", query("stripe")), None);
    assert_eq!(
        keys(&berlin),
        ["stripe#berlin#earlier", "stripe#berlin#retrying"]
    );
    let late = Query {
        status: Some(Status::Unknown),
        since: Some(after(2)),
        ..query("stripe")
    };
    assert_eq!(keys(&page(&ledger, &late, None)), ["stripe#paris#later"]);
}

/// A conflict's record stands beside the key's own; its connection's list has it all the same.
#[test]
fn what_stands_beside_a_key_is_of_its_connection() {
    let pk = format!("stripe#berlin#order#7{BESIDE}0123456789abcdef");
    let ledger = ledger([record(&pk, Status::Rejected, NOON)]);
    let berlin = page(&ledger, &of("berlin", query("stripe")), None);
    assert_eq!(keys(&berlin), [&*pk]);
    let key = request_of(&pk).expect("a key");
    assert_eq!((key.connection(), key.key()), ("berlin", "order#7"));
}

/// An index that lags behind: it has what the ledger has not any more.
struct Behind<'a> {
    then: &'a MemoryLedger,
    asked: AtomicUsize,
}

#[async_trait]
impl LedgerIndex for Behind<'_> {
    async fn slice(&self, ask: &Ask<'_>) -> Result<Slice, StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.then.slice(ask).await
    }
}

#[test]
fn nothing_is_told_that_no_longer_stands_as_it_says() {
    let then = ledger(
        ["redriven", "expired", "gone", "left"]
            .map(|key| record(&format!("stripe#a#{key}"), Status::Rejected, NOON)),
    );
    let expired = Record {
        expires_at: Some(NOON.as_millis() / 1000 - 1),
        ..record("stripe#a#expired", Status::Rejected, NOON)
    };
    let now = ledger([
        record("stripe#a#redriven", Status::InProgress, NOON),
        record("stripe#a#left", Status::Rejected, NOON),
        expired,
    ]);
    let behind = Behind {
        then: &then,
        asked: AtomicUsize::new(0),
    };
    let page = list(&behind, &now, &query("stripe"), None, NOON).now_or_never();
    let page = page.expect("at once").expect("it answers");
    assert_eq!(keys(&page), ["stripe#a#left"]);
}

/// One connection's few among a provider's very many: the work for a page is bounded, and the next page goes on.
#[test]
fn a_connection_is_picked_from_all_within_a_bounded_number_of_reads() {
    let many = (0..PICKED_FROM * (SLICES_MAX + 1))
        .map(|n| record(&format!("stripe#busy#{n:06}"), Status::Rejected, after(60)));
    let rare = record("stripe#rare#1", Status::Rejected, NOON);
    let then = ledger(many.chain([rare]));
    let behind = Behind {
        then: &then,
        asked: AtomicUsize::new(0),
    };
    let rejected = Query {
        status: Some(Status::Rejected),
        ..of("rare", query("stripe"))
    };
    let first = list(&behind, &then, &rejected, None, NOON).now_or_never();
    let first = first.expect("at once").expect("it answers");
    assert_eq!(behind.asked.load(Ordering::Relaxed), SLICES_MAX);
    assert!(first.records.is_empty() && first.next.is_some());
    let second = page(&then, &rejected, first.next);
    assert_eq!(keys(&second), ["stripe#rare#1"]);
    assert_eq!(second.next, None);
}

#[test]
fn a_cursor_is_taken_back_by_its_own_question_alone() {
    let ledger = ledger((0..PAGE + 1).map(|n| {
        record(
            &format!("stripe#a#k #{n}"),
            Status::Rejected,
            after(n as u64),
        )
    }));
    let next = page(&ledger, &query("stripe"), None)
        .next
        .expect("one more");
    let text = next.to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    assert!(text.chars().all(is_plain), "{text}");
    assert_eq!(query("stripe").cursor(&text), Ok(next.clone()));
    let unknown = Query {
        status: Some(Status::Unknown),
        ..query("stripe")
    };
    for other in [query("slack"), unknown] {
        assert_eq!(other.cursor(&text), Err(InvalidCursor), "{other:?}");
    }
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for wrong in [
        "",
        "?",
        "REJECTED",
        &encoded("COMPLETED"),
        &encoded("REJECTED#x#stripe#a#k"),
    ] {
        assert_eq!(query("stripe").cursor(wrong), Err(InvalidCursor), "{wrong}");
    }
    // Asked with a later beginning, nothing is behind the place.
    let later = Query {
        since: Some(after(1_000_000)),
        ..query("stripe")
    };
    assert_eq!(page(&ledger, &later, Some(next)), Page::default());
}

proptest! {
    #[test]
    fn pages_are_the_whole_list_each_request_once(
        records in proptest::collection::btree_map("[a-c]#[a-z]{1,4}", (0_usize..5, 0_u64..20), 0..350),
        connection in proptest::option::of("[a-c]"),
        since in proptest::option::of(0_u64..20),
    ) {
        const ALL: [Status; 5] = [
            Status::InProgress, Status::Retrying, Status::Completed, Status::Rejected, Status::Unknown,
        ];
        let records: Vec<Record> = records
            .into_iter()
            .map(|(key, (status, at))| record(&format!("stripe#{key}"), ALL[status], after(at)))
            .collect();
        let wanted: BTreeSet<String> = records
            .iter()
            .filter(|record| record.status.is_listed())
            .filter(|record| since.is_none_or(|since| record.claimed_at >= Some(after(since))))
            .filter(|record| connection.as_ref().is_none_or(|one| record.pk.starts_with(&format!("stripe#{one}#"))))
            .map(|record| record.pk.clone())
            .collect();
        let ledger = ledger(records);
        let query = Query {
            connection: connection.map(|one| one.parse().expect("a name")),
            since: since.map(after),
            ..query("stripe")
        };
        let (mut seen, mut from) = (Vec::new(), None);
        for _ in 0..10 {
            let page = page(&ledger, &query, from.take());
            prop_assert!(page.records.len() <= PAGE);
            seen.extend(page.records);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        prop_assert_eq!(from, None);
        let order = |record: &Record| {
            let rank = LISTED.iter().position(|status| *status == record.status);
            (rank, std::cmp::Reverse(record.claimed_at))
        };
        prop_assert!(seen.is_sorted_by_key(order));
        let keys: BTreeSet<String> = seen.iter().map(|record| record.pk.clone()).collect();
        prop_assert_eq!(keys.len(), seen.len(), "each once");
        prop_assert_eq!(keys, wanted);
    }
}
