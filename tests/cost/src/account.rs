//! An AWS account in memory that counts what it would bill: tables, secrets, and how long each call takes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use causeway::StoreError;
use causeway::lanes::{MemoryStates, StateStore, Swap, Versioned};
use causeway::ledger::{Expected, LedgerStore, MemoryLedger, OPEN, Record, Write};
use causeway::provider::Secret;
use causeway::queue::{Again, Letter, Queue, attributes};
use causeway::secrets::{MemorySecrets, Secrets, SecretsError};
use futures_util::FutureExt;
use serde_json::Value;

use crate::counts::Counts;
use crate::queue::Messages;
use crate::units::{ITEM_OVERHEAD, item_bytes, read_units, sqs_calls, write_units};
use causeway_scale::time::Time;

/// How long a table takes to answer, in ms: a usual one of a warm client in the same region.
const TABLE_MS: u64 = 5;

/// How long SQS takes to answer, in ms.
const QUEUE_MS: u64 = 10;

/// How long Secrets Manager takes to answer, in ms.
const SECRETS_MS: u64 = 20;

/// Everything of AWS that a lane reaches.
pub struct Account {
    /// Its time.
    pub time: Time,
    counts: Mutex<Counts>,
    ledger: MemoryLedger,
    states: MemoryStates,
    messages: Mutex<Messages>,
    secrets: MemorySecrets,
    /// Writes so far of the items whose changes the gatekeeper hears of.
    breaker_writes: Mutex<u64>,
}

impl Account {
    /// An account with the secret of one connection.
    #[must_use]
    pub fn new(time: Time, provider: &str, secret: Secret) -> Arc<Self> {
        Arc::new(Self {
            time,
            counts: Mutex::default(),
            ledger: MemoryLedger::default(),
            states: MemoryStates::default(),
            messages: Mutex::default(),
            secrets: MemorySecrets::default().with(provider, "default", secret),
            breaker_writes: Mutex::default(),
        })
    }

    /// Counts something.
    pub fn count(&self, add: impl FnOnce(&mut Counts)) {
        add(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The lane's queue.
    pub fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often an item was written so far whose changes the gatekeeper hears of.
    pub fn breaker_writes(&self) -> u64 {
        *self
            .breaker_writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted, with what stands in the ledger now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let stored = self.ledger.records();
        counts.ledger_bytes = stored
            .values()
            .map(|record| (record_bytes(record) + ITEM_OVERHEAD) as u64)
            .sum();
        counts
    }

    /// What stands in the ledger under `key`.
    fn stored(&self, key: &str) -> Option<Record> {
        self.ledger
            .read(&[key.to_owned()])
            .now_or_never()?
            .ok()?
            .pop()?
    }
}

/// Bytes of a record, with the attribute by which the index lists it.
fn record_bytes(record: &Record) -> usize {
    item_bytes(record) + record.open().map_or(0, |open| OPEN.len() + open.len())
}

/// Writes to the index that a record's write takes: one for a place that it enters or leaves, two for another place.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html>
fn index_writes(before: Option<&Record>, next: &Record) -> u64 {
    let place = |record: &Record| record.open().map(|open| (open, record.claimed_at));
    match (before.and_then(place), place(next)) {
        (None, None) => 0,
        (Some(old), Some(new)) if old == new => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    }
}

#[async_trait]
impl LedgerStore for Account {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        self.time.sleep(TABLE_MS).await;
        let found = self.ledger.read(keys).await?;
        let units: u64 = found
            .iter()
            .map(|record| read_units(record.as_ref().map_or(0, record_bytes)))
            .sum();
        self.count(|counts| counts.reads += units);
        Ok(found)
    }

    /// A write is billed by the larger of the old item and the new one; one whose condition fails, by the old one.
    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        self.time.sleep(TABLE_MS).await;
        let before = self.stored(&next.pk);
        let old = before.as_ref().map_or(0, record_bytes);
        let write = self.ledger.write(next, expected).await?;
        let (bytes, listed) = match write {
            Write::Written => (
                old.max(record_bytes(next)),
                index_writes(before.as_ref(), next),
            ),
            Write::Lost(_) => (old, 0),
        };
        self.count(|counts| {
            counts.ledger_writes += write_units(bytes);
            counts.index_writes += listed;
        });
        Ok(write)
    }
}

#[async_trait]
impl StateStore for Account {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.time.sleep(TABLE_MS).await;
        let found = self.states.load(key).await?;
        let bytes = found.as_ref().map_or(0, |stored| item_bytes(&stored.value));
        self.count(|counts| counts.reads += read_units(bytes));
        Ok(found)
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        self.time.sleep(TABLE_MS).await;
        let before = self.states.load(key).await?;
        // Key, version and mark stand in the item beside the value.
        let beside = "pk".len() + key.len() + "version".len() + 5 + "mark".len() + mark.len();
        let old = before.map_or(0, |stored| item_bytes(&stored.value) + beside);
        let swap = self.states.swap(key, expected, next, mark).await?;
        let bytes = match swap {
            Swap::Swapped { .. } => old.max(item_bytes(next) + beside),
            Swap::Lost(_) => old,
        };
        self.count(|counts| counts.state_writes += write_units(bytes));
        // As the filter of the template's `GatekeeperChanges` has it.
        if key.ends_with("#*#breaker") || key.ends_with("#credentials") {
            *self
                .breaker_writes
                .lock()
                .unwrap_or_else(PoisonError::into_inner) += 1;
        }
        Ok(swap)
    }
}

#[async_trait]
impl Secrets for Account {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        self.time.sleep(SECRETS_MS).await;
        self.count(|counts| counts.secrets += 1);
        self.secrets.get(provider, connection).await
    }

    async fn forget(&self, _provider: &str, _connection: &str) {}
}

/// Messages in one call of SQS.
const MOST_IN_A_CALL: usize = 10;

#[async_trait]
impl Queue for Account {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        self.time.sleep(QUEUE_MS).await;
        for some in letters.chunks(MOST_IN_A_CALL) {
            let bytes: usize = some
                .iter()
                .map(|letter| attributes::size(&letter.body, &attributes::of_letter(letter)))
                .sum();
            self.count(|counts| counts.other_calls += sqs_calls(bytes));
        }
        vec![Ok(()); letters.len()]
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        self.time.sleep(QUEUE_MS).await;
        let calls = messages.len().div_ceil(MOST_IN_A_CALL) as u64;
        self.count(|counts| counts.hides += calls);
        let now = self.time.passed();
        let mut queue = self.messages();
        for (receipt, wait) in messages {
            queue.hide(receipt, now + *wait);
        }
        vec![Ok(()); messages.len()]
    }

    /// Nothing here comes near the number of waiting messages from which on they are sent again.
    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>> {
        vec![
            Err(StoreError::new(
                "SendMessageBatch",
                "nobody waits here in such numbers"
            ));
            messages.len()
        ]
    }

    async fn in_flight(&self) -> Result<u64, StoreError> {
        self.time.sleep(QUEUE_MS).await;
        self.count(|counts| counts.other_calls += 1);
        Ok(self.messages().in_flight(self.time.passed()))
    }
}
