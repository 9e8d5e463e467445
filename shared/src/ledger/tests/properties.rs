//! What holds after any sequence of claims and settlements by several workers.

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// One unit of a write in DynamoDB.
const WRITE_UNIT: usize = 1024;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// Time goes on.
    Wait(u64),
    /// Worker asks, in the name of one of its messages, with one of two payloads.
    Claim {
        worker: usize,
        message: usize,
        payload: usize,
        alone: bool,
        /// How far its mark is behind the last end's; none for a message that is no letter.
        behind: Option<u64>,
    },
    /// Worker settles whatever it believes to hold.
    Settle { worker: usize, how: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop_oneof![1_u64..30, 60_u64..100, 86_000_u64..3_000_000].prop_map(Step::Wait),
        5 => (0_usize..3, 0_usize..3, 0_usize..8, any::<bool>(), proptest::option::of(0_u64..3)).prop_map(
            |(worker, message, payload, alone, behind)| {
                Step::Claim { worker, message, payload: payload / 7, alone, behind }
            }
        ),
        5 => (0_usize..3, 0_usize..7).prop_map(|(worker, how)| Step::Settle { worker, how }),
    ]
}

fn settlement(how: usize, now: Timestamp) -> (Option<Attempt>, Settlement) {
    let at = |attempt: Attempt| Some(Attempt { at: now, ..attempt });
    let due = now + secs(30);
    match how {
        0 => (at(answered(200)), completed()),
        1 => (at(answered(503)), retrying(due)),
        2 => (at(lost()), retrying(due)),
        3 => (at(answered(422)), rejected()),
        4 => (at(lost()), rejected()),
        5 => {
            let reason = Closing::new(code::OUTCOME_UNKNOWN, "nobody knows");
            (at(lost()), Settlement::Unknown(reason))
        }
        _ => {
            let reason = Deferral::StoreUnavailable;
            (None, Settlement::Released { due, reason })
        }
    }
}

/// Three workers at one key, and what the ledger must never do.
struct World {
    store: MemoryLedger,
    now: Timestamp,
    claims: u32,
    /// What each worker holds, as it believes.
    held: [Option<Record>; 3],
}

impl World {
    fn stored(&self) -> Option<Record> {
        self.store.records().remove(PK)
    }

    fn claim(
        &mut self,
        worker: usize,
        message: usize,
        payload: usize,
        alone: bool,
        behind: Option<u64>,
    ) -> Result<(), TestCaseError> {
        self.claims += 1;
        let closing = self.stored().map_or(0, |record| record.closing);
        let owner = format!("worker-{worker}/{}", self.claims);
        let ask = Ask {
            owner: &owner,
            message_id: ["m1", "m2", "m3"][message],
            payload_hash: ["a", "b"][payload],
            alone,
            mark: behind.map(|behind| closing.saturating_sub(behind)),
            sent_at: NOON,
            ..later(self.now, "")
        };
        let before = self.stored();
        let finding = super::super::claim(&self.store, &ask, before.clone())
            .now_or_never()
            .expect("memory does not wait")
            .expect("memory does not fail");
        let after = self.stored().expect("a claim leaves a record");
        if let Finding::Granted(record) = &finding {
            let live = before.as_ref().is_some_and(|before| {
                before.status == Status::InProgress
                    && before.lease_until.is_some_and(|until| until > self.now)
            });
            prop_assert!(!live, "two live claims at once: {before:?}");
            prop_assert_eq!(record, &after);
            self.held[worker] = Some(record.clone());
        }
        self.check(before.as_ref(), &after)
    }

    fn settle(&mut self, worker: usize, how: usize) -> Result<(), TestCaseError> {
        let Some(record) = self.held[worker].take() else {
            return Ok(());
        };
        let before = self.stored().expect("somebody claimed");
        let (attempt, settlement) = settlement(how, self.now);
        let next = settle(&record, attempt.as_ref(), &settlement, self.now);
        let settled = super::super::settle(&self.store, &record, &next)
            .now_or_never()
            .expect("memory does not wait")
            .expect("memory does not fail");
        let after = self.stored().expect("nothing is deleted");
        let is_ours = (&before.owner, before.generation) == (&record.owner, record.generation);
        prop_assert_eq!(settled == Settled::Ours, is_ours);
        if !is_ours {
            prop_assert_eq!(&before, &after, "a fenced worker changed the record");
        }
        self.check(Some(&before), &after)
    }

    fn check(&self, before: Option<&Record>, after: &Record) -> Result<(), TestCaseError> {
        if let Some(before) = before.filter(|before| *before != after) {
            let by_claim = before.owner != after.owner;
            let grown = after.generation - before.generation;
            prop_assert_eq!(grown, u64::from(by_claim), "generation counts claims");
            let expired = before.is_expired(self.now);
            prop_assert!(before.status != Status::Completed || expired, "it was left");
            let taken_up = before.status == Status::Unknown && after.status == Status::InProgress;
            prop_assert!(!taken_up || after.ambiguous && after.series == before.series);
            let doubt_gone = before.ambiguous && !after.ambiguous;
            prop_assert!(!doubt_gone || after.status == Status::Completed);
            prop_assert!(after.series == before.series || !before.ambiguous);
        }
        prop_assert!(
            after.status != Status::Rejected || !after.ambiguous,
            "{after:?}"
        );
        let is_end = matches!(after.status, Status::Rejected | Status::Unknown);
        prop_assert!(!is_end || after.closing == after.generation);
        let forgettable = after.expires_at.is_some();
        let settled = after.status != Status::InProgress;
        prop_assert_eq!(forgettable, settled && !after.ambiguous);
        prop_assert!(item_size(after) <= WRITE_UNIT);
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_interleaving_breaks_the_fence(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World {
            store: MemoryLedger::default(),
            now: NOON,
            claims: 0,
            held: [None, None, None],
        };
        for step in steps {
            match step {
                Step::Wait(seconds) => world.now = world.now + secs(seconds),
                Step::Claim { worker, message, payload, alone, behind } => {
                    world.claim(worker, message, payload, alone, behind)?;
                }
                Step::Settle { worker, how } => world.settle(worker, how)?,
            }
        }
    }

    #[test]
    fn a_ruled_record_is_one_write_unit_whatever_is_said(
        key in "[ -~]{1,255}", by in "\\PC{0,60}", reason in "\\PC{0,400}",
    ) {
        let record = widest(&format!("{}#{}#{key}", "p".repeat(64), "c".repeat(64)));
        let unknown = Settlement::Unknown(Closing::new(code::OUTCOME_UNKNOWN, "x".repeat(300)));
        let record = settle(&record, Some(&lost()), &unknown, NOON);
        let mark = "i".repeat(36);
        let ruling = Ruling { ruled: Ruled::Rejected, by: &by, reason: &reason, mark: &mark, now: NOON };
        let Resolution::Write(next) = state::resolve(Some(&record), &ruling) else {
            panic!("an unknown end can be ruled on");
        };
        prop_assert!(item_size(&next) <= WRITE_UNIT, "{} bytes: {next:?}", item_size(&next));
    }

    #[test]
    fn a_record_is_one_write_unit_whatever_key_and_reason_it_has(
        key in "[ -~]{1,255}", connection in "[a-z]{1,64}", detail in "\\PC{0,400}", object_id in "[a-z0-9_]{0,64}",
    ) {
        let record = widest(&format!("{}#{connection}#{key}", "p".repeat(64)));
        for settlement in [
            Settlement::Rejected(Closing::new(code::IDEMPOTENCY_CONFLICT, detail)),
            Settlement::Completed { status: 200, object_id: Some(object_id) },
            retrying(NOON),
        ] {
            let next = settle(&record, Some(&answered(422)), &settlement, NOON);
            prop_assert!(item_size(&next) <= WRITE_UNIT, "{} bytes: {next:?}", item_size(&next));
        }
    }
}

#[test]
fn a_key_of_usual_length_leaves_the_detail_its_256_bytes() {
    let reason = Closing::new(code::PROVIDER_REJECTED, "x".repeat(1000));
    let record = settle(
        &widest(&format!("stripe#default#{}", "k".repeat(64))),
        Some(&answered(422)),
        &Settlement::Rejected(reason),
        NOON,
    );
    assert_eq!(record.detail.map(|detail| detail.len()), Some(256));
}

/// A held record whose every field is as long as it gets.
fn widest(pk: &str) -> Record {
    let (hash, id) = ("f".repeat(64), "i".repeat(36));
    let owner = format!("{}/{id}/{id}", "e".repeat(32));
    let ask = Ask {
        pk,
        payload_hash: &hash,
        owner: &owner,
        message_id: &id,
        ..ask()
    };
    Record {
        wire_hash: Some(hash.clone()),
        generation: 999,
        attempts: 99,
        series: 99,
        first_sent_at: Some(NOON),
        last_attempt: Some(NOON),
        ..taken(claim(None, &ask))
    }
}

/// Bytes of `record` as an item: names and UTF-8 text, numbers in half a byte a digit and one, a byte a boolean, and
/// for a map three bytes and one an entry.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn item_size(record: &Record) -> usize {
    fn size(value: &Value) -> usize {
        match value {
            Value::Null | Value::Bool(_) => 1,
            Value::Number(number) => number.to_string().len().div_ceil(2) + 1,
            Value::String(text) => text.len(),
            Value::Array(items) => 3 + items.iter().map(|item| 1 + size(item)).sum::<usize>(),
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| 1 + name.len() + size(value));
                3 + fields.sum::<usize>()
            }
        }
    }
    let Ok(Value::Object(fields)) = serde_json::to_value(record) else {
        panic!("a record is an object");
    };
    let fields = fields.iter().map(|(name, value)| name.len() + size(value));
    let listed = record.open().map_or(0, |open| OPEN.len() + open.len());
    fields.sum::<usize>() + listed
}
