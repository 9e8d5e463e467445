//! Replies that get lost on their way back: the write happened, and its writer does not know.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;

/// How a write's reply gets lost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    /// It arrives.
    None,
    /// The client library repeats the write, whose condition then fails on what the first one wrote.
    Repeated,
    /// The caller gets an error.
    Error,
}

/// A ledger whose next writes lose their replies.
#[derive(Default)]
struct Lossy {
    inner: MemoryLedger,
    losses: Mutex<Vec<Loss>>,
}

impl Lossy {
    fn losing(losses: &[Loss]) -> Self {
        Self {
            losses: Mutex::new(losses.iter().rev().copied().collect()),
            ..Self::default()
        }
    }

    fn stored(&self) -> Record {
        self.inner.records()[PK].clone()
    }
}

#[async_trait]
impl LedgerStore for Lossy {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        self.inner.read(keys).await
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        let loss = self.losses.lock().expect("one thread").pop();
        let first = self.inner.write(next, expected).await?;
        match loss.unwrap_or(Loss::None) {
            Loss::None => Ok(first),
            Loss::Repeated => self.inner.write(next, expected).await,
            Loss::Error => Err(StoreError::new("PutItem", "the connection was reset")),
        }
    }
}

#[tokio::test]
async fn a_claim_that_meets_itself_is_granted() {
    let store = Lossy::losing(&[Loss::Repeated]);
    let finding = super::super::claim(&store, &ask(), None)
        .await
        .expect("a store");
    assert_eq!(finding, Finding::Granted(store.stored()));
}

#[tokio::test]
async fn a_settlement_that_meets_itself_has_settled() {
    for settlement in [completed(), retrying(NOON + secs(60)), rejected()] {
        let store = Lossy::losing(&[Loss::None, Loss::Repeated]);
        let Ok(Finding::Granted(record)) = super::super::claim(&store, &ask(), None).await else {
            panic!("the ledger was empty");
        };
        let next = settle(&record, Some(&answered(200)), &settlement, NOON);
        let settled = super::super::settle(&store, &record, &next).await;
        assert_eq!(settled, Ok(Settled::Ours), "{settlement:?}");
        assert_eq!(store.stored(), next);
    }
}

#[tokio::test]
async fn a_closing_claim_that_meets_itself_has_closed() {
    let store = Lossy::losing(&[Loss::None, Loss::Repeated]);
    let unsafe_ask = Ask {
        safety: Safety::Unsafe,
        ..ask()
    };
    let granted = super::super::claim(&store, &unsafe_ask, None).await;
    assert!(matches!(granted, Ok(Finding::Granted(_))));
    let after_crash = Ask {
        safety: Safety::Unsafe,
        ..later(NOON + LEASE, "2")
    };
    let finding = super::super::claim(&store, &after_crash, None).await;
    assert_eq!(finding, Ok(Finding::Closed(store.stored())));
    assert_eq!(store.stored().status, Status::Unknown);
}

#[tokio::test]
async fn a_claim_whose_reply_is_an_error_stands_until_its_lease_ends() {
    let store = Lossy::losing(&[Loss::Error]);
    assert!(super::super::claim(&store, &ask(), None).await.is_err());
    let early = super::super::claim(&store, &later(NOON + secs(5), "2"), None).await;
    assert_eq!(early, Ok(Finding::InProgress(NOON + LEASE)));
    let after = super::super::claim(&store, &later(NOON + LEASE, "3"), None).await;
    assert_eq!(after, Ok(Finding::Suspect));
}

#[tokio::test]
async fn a_settlement_whose_reply_is_an_error_answers_the_next_receive() {
    let store = Lossy::losing(&[Loss::None, Loss::Error]);
    let Ok(Finding::Granted(record)) = super::super::claim(&store, &ask(), None).await else {
        panic!("the ledger was empty");
    };
    let next = settle(&record, Some(&answered(200)), &completed(), NOON);
    assert!(super::super::settle(&store, &record, &next).await.is_err());
    let again = super::super::claim(&store, &later(NOON + secs(5), "2"), None).await;
    assert_eq!(again, Ok(Finding::Duplicate));
}

#[tokio::test]
async fn two_who_claim_at_once_find_one_winner() {
    let store = MemoryLedger::default();
    let first = super::super::claim(&store, &ask(), None).await;
    // The second one looked before the first one wrote.
    let second = super::super::claim(&store, &later(NOON, "2"), None).await;
    assert!(matches!(first, Ok(Finding::Granted(_))));
    assert_eq!(second, Ok(Finding::InProgress(NOON + LEASE)));
}

#[tokio::test]
async fn a_late_settlement_of_a_fenced_holder_changes_nothing() {
    let store = MemoryLedger::default();
    let Ok(Finding::Granted(dead)) = super::super::claim(&store, &ask(), None).await else {
        panic!("the ledger was empty");
    };
    let heir = Ask {
        alone: true,
        ..later(NOON + LEASE, "2")
    };
    let granted = super::super::claim(&store, &heir, None).await;
    assert!(matches!(granted, Ok(Finding::Granted(_))));
    let before = store.records();
    let next = settle(&dead, Some(&answered(200)), &completed(), NOON + LEASE);
    let settled = super::super::settle(&store, &dead, &next).await;
    assert_eq!(
        settled,
        Ok(Settled::Lost(before.get(PK).cloned().map(Box::new)))
    );
    assert_eq!(store.records(), before);
}

/// A ledger with a request whose outcome is unknown, written by the first two of `losses`.
async fn unknown(losses: &[Loss]) -> Lossy {
    let store = Lossy::losing(losses);
    let Ok(Finding::Granted(record)) = super::super::claim(&store, &ask(), None).await else {
        panic!("the ledger was empty");
    };
    let unknown = Settlement::Unknown(Closing::new(code::OUTCOME_UNKNOWN, "no answer"));
    let next = settle(&record, Some(&lost()), &unknown, NOON);
    let settled = super::super::settle(&store, &record, &next).await;
    assert_eq!(settled, Ok(Settled::Ours));
    store
}

fn ruling(ruled: Ruled, mark: &'static str) -> Ruling<'static> {
    Ruling {
        ruled,
        by: "ada",
        reason: "looked",
        mark,
        now: NOON + secs(600),
    }
}

#[tokio::test]
async fn a_ruling_that_meets_itself_is_written() {
    let store = unknown(&[Loss::None, Loss::None, Loss::Repeated]).await;
    let resolved = resolve(&store, PK, &ruling(Ruled::Completed, "1")).await;
    assert_eq!(resolved, Ok(Resolved::Now(Box::new(store.stored()))));
}

#[tokio::test]
async fn a_ruling_whose_reply_is_an_error_may_be_said_again() {
    let store = unknown(&[Loss::None, Loss::None, Loss::Error]).await;
    assert!(
        resolve(&store, PK, &ruling(Ruled::Completed, "1"))
            .await
            .is_err()
    );
    let again = resolve(&store, PK, &ruling(Ruled::Completed, "2")).await;
    assert_eq!(again, Ok(Resolved::Already(Box::new(store.stored()))));
    assert_eq!(store.stored().owner, "operator/ada/1");
}

#[tokio::test]
async fn of_two_opposite_rulings_the_first_one_stands() {
    let store = unknown(&[]).await;
    let first = resolve(&store, PK, &ruling(Ruled::Completed, "1")).await;
    assert!(matches!(first, Ok(Resolved::Now(_))), "{first:?}");
    let second = resolve(&store, PK, &ruling(Ruled::Rejected, "2")).await;
    assert_eq!(
        second,
        Ok(Resolved::Refused(Unresolvable::Settled(Status::Completed)))
    );
    let nobody = resolve(&store, "acme#default#other", &ruling(Ruled::Rejected, "3")).await;
    assert_eq!(nobody, Ok(Resolved::Refused(Unresolvable::Absent)));
}

/// A store that answers reads with what stood there before somebody else's last write.
struct Stale<'a> {
    inner: &'a Lossy,
    before: Record,
}

#[async_trait]
impl LedgerStore for Stale<'_> {
    async fn read(&self, _: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        Ok(vec![Some(self.before.clone())])
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        self.inner.write(next, expected).await
    }
}

#[tokio::test]
async fn a_ruling_on_what_was_ruled_on_meanwhile_does_not_overrule_it() {
    let store = unknown(&[]).await;
    let before = store.stored();
    let first = resolve(&store, PK, &ruling(Ruled::Completed, "1")).await;
    assert!(matches!(first, Ok(Resolved::Now(_))), "{first:?}");
    let stale = Stale {
        inner: &store,
        before,
    };
    let second = resolve(&stale, PK, &ruling(Ruled::Rejected, "2")).await;
    assert_eq!(
        second,
        Ok(Resolved::Refused(Unresolvable::Settled(Status::Completed)))
    );
    assert_eq!(store.stored().status, Status::Completed);
}
