//! One lane's stores, in bounded memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use causeway::lanes::{MemoryStates, StateStore, Swap, Versioned};
use causeway::ledger::{Expected, LedgerStore, MAX_READ, Record, Status, Write};
use causeway::provider::Secret;
use causeway::queue::{Again, Letter, Message, Queue};
use causeway::secrets::{Secrets, SecretsError};
use causeway::{StoreError, Timestamp};
use serde_json::Value;

use crate::time::{START, Time};

/// How long a table takes to answer, in virtual ms.
const TABLE_MS: u64 = 5;

/// Messages of a batch: `BatchSize` of the template.
pub const BATCH: u64 = 10;

/// One message in so many is delivered twice. SQS promises at least once and gives no rate; a thousandth is far more
/// than anybody reports.
const COPIED: u64 = 1_000;

/// How long after it a copy comes, in virtual ms: while its first delivery runs, or just after.
const COPY_MS: u64 = 260;

/// Completed records that are kept whole. A thousand environments complete some 12,000 in the time that a copy takes.
pub const KEPT: usize = 25_000;

/// How long a received message stays hidden, as in the template.
const VISIBILITY: Duration = Duration::from_secs(360);

/// Bits by number.
#[derive(Debug)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// `count` bits that are not set.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let words = usize::try_from(count.div_ceil(64)).unwrap_or(usize::MAX);
        Self(vec![0; words])
    }

    /// Sets a bit; whether it was set before.
    pub fn set(&mut self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        let before = self.0[word] & bit != 0;
        self.0[word] |= bit;
        before
    }

    /// Whether a bit is set.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// How many are set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    fn place(number: u64) -> (usize, u64) {
        (
            usize::try_from(number / 64).unwrap_or(usize::MAX),
            1 << (number % 64),
        )
    }
}

/// What is counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Writes to the ledger, refused ones among them.
    pub ledger_writes: u64,
    /// Writes to shared state, refused ones among them.
    pub state_writes: u64,
    /// Of these, lost to another environment.
    pub races_lost: u64,
    /// Items that were read.
    pub reads: u64,
    /// Messages received, each time.
    pub receives: u64,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// When the last of these was, since the start.
    pub last_acknowledged: Duration,
    /// Dead letters.
    pub letters: u64,
    /// Calls to the vendor.
    pub calls: u64,
    /// Second effects.
    pub doubled: u64,
    /// Asked for after only a bit was left.
    pub too_late: u64,
    /// Writes of a breaker's item, by the second of virtual time.
    pub breaker_writes: BTreeMap<u64, u64>,
    /// When a breaker's item first said `Open`.
    pub opened: Option<Timestamp>,
}

/// The ledger: records that may still be asked for, and bits of those that are long completed.
struct Ledger {
    records: HashMap<String, Record>,
    completed: VecDeque<String>,
    settled: Bits,
}

/// Messages: those not yet made, and those that wait.
#[derive(Debug)]
struct Backlog {
    next: u64,
    end: u64,
    waiting: BTreeMap<(i64, u64), Waiting>,
    receipts: HashMap<u64, i64>,
    made: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: u64,
    receives: u32,
}

/// One lane's world.
pub struct World {
    /// Its time.
    pub time: Time,
    counts: Mutex<Counts>,
    ledger: Mutex<Ledger>,
    states: MemoryStates,
    backlog: Mutex<Backlog>,
    secret: Secret,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// A lane with `requests` waiting.
    #[must_use]
    pub fn new(time: Time, requests: u64, secret: Secret) -> Arc<Self> {
        let ledger = Ledger {
            records: HashMap::new(),
            completed: VecDeque::new(),
            settled: Bits::new(requests),
        };
        let backlog = Backlog {
            next: 0,
            end: requests,
            waiting: BTreeMap::new(),
            receipts: HashMap::new(),
            made: 0,
        };
        Arc::new(Self {
            time,
            counts: Mutex::default(),
            ledger: Mutex::new(ledger),
            states: MemoryStates::default(),
            backlog: Mutex::new(backlog),
            secret,
        })
    }

    /// What is counted.
    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        held(&self.counts)
    }

    /// Whether no message is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let backlog = held(&self.backlog);
        backlog.next == backlog.end && backlog.waiting.is_empty()
    }

    /// When the next message becomes visible, where one waits and none is left to be made.
    #[must_use]
    pub fn next_visible(&self) -> Option<i64> {
        held(&self.backlog).waiting.keys().next().map(|(at, _)| *at)
    }

    /// A batch, made of what became visible and of what was not received before.
    pub fn receive(&self, now: Timestamp) -> Vec<Message> {
        let batch = held(&self.backlog).receive(now.as_millis());
        self.counts().receives += batch.len() as u64;
        batch
    }

    /// Forgets a message.
    pub fn acknowledge(&self, receipt: &str) {
        let mut backlog = held(&self.backlog);
        if let Ok(id) = receipt.parse::<u64>()
            && let Some(at) = backlog.receipts.remove(&id)
        {
            backlog.waiting.remove(&(at, id));
            drop(backlog);
            let mut counts = self.counts();
            counts.acknowledged += 1;
            counts.last_acknowledged = self.time.passed();
        }
    }
}

impl Backlog {
    fn receive(&mut self, now: i64) -> Vec<Message> {
        let mut batch = Vec::with_capacity(BATCH as usize);
        while (batch.len() as u64) < BATCH {
            let (id, waiting) = match self.waiting.first_key_value() {
                Some(((at, id), waiting)) if *at <= now => {
                    let (key, waiting) = ((*at, *id), *waiting);
                    self.waiting.remove(&key);
                    (key.1, waiting)
                }
                _ if self.next < self.end => self.make(now),
                _ => break,
            };
            let waiting = Waiting {
                receives: waiting.receives + 1,
                ..waiting
            };
            let hidden = now + i64::try_from(VISIBILITY.as_millis()).unwrap_or(i64::MAX);
            self.hold(id, hidden, waiting);
            batch.push(message(id, waiting));
        }
        batch
    }

    /// The next message, and now and then its copy.
    fn make(&mut self, now: i64) -> (u64, Waiting) {
        let waiting = Waiting {
            number: self.next,
            receives: 0,
        };
        self.next += 1;
        if waiting.number % COPIED == COPIED / 2 {
            self.made += 1;
            let at = now + i64::try_from(COPY_MS).unwrap_or(i64::MAX);
            self.hold(self.made, at, waiting);
        }
        self.made += 1;
        (self.made, waiting)
    }

    fn hold(&mut self, id: u64, at: i64, waiting: Waiting) {
        self.waiting.insert((at, id), waiting);
        self.receipts.insert(id, at);
    }

    fn hide(&mut self, id: u64, at: i64) {
        if let Some(before) = self.receipts.get(&id).copied()
            && let Some(waiting) = self.waiting.remove(&(before, id))
        {
            self.hold(id, at, waiting);
        }
    }
}

fn message(id: u64, waiting: Waiting) -> Message {
    let number = waiting.number;
    let name = format!("059f36b4-87a3-44ab-83d2-{id:012x}");
    Message {
        origin: name.clone(),
        id: name,
        receipt_handle: id.to_string(),
        body: format!(
            r#"{{"id":"0199d3a0-0000-7000-8000-{number:012x}","provider":"stripe","operation":"customers.create","idempotency_key":"order-{number}","created_at":"2026-11-22T10:00:00Z","payload":{{"email":"guest-{number}@shop.example","name":"Ada Lovelace","metadata":{{"order":"{number}"}}}}}}"#
        ),
        receive_count: waiting.receives,
        sent_at: START,
        first_seen: START,
        mark: None,
        revision: None,
        group_id: None,
        trace_header: None,
    }
}

/// The number behind the last `-` of a key.
fn number(pk: &str) -> Option<u64> {
    pk.rsplit('-').next()?.parse().ok()
}

impl Ledger {
    /// What stands under `pk`; an error where only a bit is left of it.
    fn find(&self, pk: &str) -> Result<Option<&Record>, StoreError> {
        match self.records.get(pk) {
            Some(record) => Ok(Some(record)),
            None if number(pk).is_some_and(|number| self.settled.has(number)) => Err(
                StoreError::new("reading a record", "only a bit is left of it"),
            ),
            None => Ok(None),
        }
    }

    fn put(&mut self, next: &Record) {
        if next.status == Status::Completed {
            self.completed.push_back(next.pk.clone());
        }
        self.records.insert(next.pk.clone(), next.clone());
        if self.completed.len() > KEPT
            && let Some(oldest) = self.completed.pop_front()
        {
            self.records.remove(&oldest);
            if let Some(number) = number(&oldest) {
                self.settled.set(number);
            }
        }
    }
}

#[async_trait]
impl LedgerStore for World {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        if keys.len() > MAX_READ {
            return Err(StoreError::new(
                "BatchGetItem",
                "more keys than one read takes",
            ));
        }
        self.time.sleep(TABLE_MS).await;
        self.counts().reads += keys.len() as u64;
        let ledger = held(&self.ledger);
        let found: Result<Vec<Option<Record>>, StoreError> = keys
            .iter()
            .map(|key| Ok(ledger.find(key)?.cloned()))
            .collect();
        if found.is_err() {
            self.counts().too_late += 1;
        }
        found
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        self.time.sleep(TABLE_MS).await;
        self.counts().ledger_writes += 1;
        let mut ledger = held(&self.ledger);
        let current = ledger
            .find(&next.pk)
            .inspect_err(|_| self.counts().too_late += 1)?;
        if !expected.holds(current) {
            return Ok(Write::refused(next, current.cloned()));
        }
        ledger.put(next);
        Ok(Write::Written)
    }
}

#[async_trait]
impl StateStore for World {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.time.sleep(TABLE_MS).await;
        self.counts().reads += 1;
        self.states.load(key).await
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        self.time.sleep(TABLE_MS).await;
        let swap = self.states.swap(key, expected, next, mark).await?;
        let mut counts = self.counts();
        counts.state_writes += 1;
        let lost = matches!(swap, Swap::Lost(_));
        counts.races_lost += u64::from(lost);
        if key.ends_with("#breaker") {
            let second = self.time.passed().as_secs();
            *counts.breaker_writes.entry(second).or_default() += 1;
            if !lost && next["state"] == "Open" && counts.opened.is_none() {
                counts.opened = Some(START + self.time.passed());
            }
        }
        Ok(swap)
    }
}

#[async_trait]
impl Queue for World {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        self.counts().letters += letters.len() as u64;
        vec![Ok(()); letters.len()]
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        self.time.sleep(TABLE_MS).await;
        let now = START + self.time.passed();
        let mut backlog = held(&self.backlog);
        for (receipt, wait) in messages {
            if let Ok(id) = receipt.parse() {
                backlog.hide(id, (now + *wait).as_millis());
            }
        }
        vec![Ok(()); messages.len()]
    }

    /// A lane in memory has room for all that wait.
    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>> {
        vec![Err(StoreError::new("SendMessageBatch", "not in this world")); messages.len()]
    }

    async fn in_flight(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[async_trait]
impl Secrets for World {
    async fn get(&self, _provider: &str, _connection: &str) -> Result<Secret, SecretsError> {
        Ok(self.secret.clone())
    }

    async fn forget(&self, _provider: &str, _connection: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_set_once() {
        let mut bits = Bits::new(130);
        assert!(!bits.set(129) && bits.set(129) && bits.has(129) && !bits.has(128));
        assert_eq!(bits.count(), 1);
    }

    #[test]
    fn a_backlog_brings_every_message_once_and_some_twice() {
        let secret = Secret::parse("{}").expect("an object");
        let world = World::new(Time::default(), 2_000, secret);
        let mut received = 0;
        let mut now = START;
        while !world.is_over() {
            let batch = world.receive(now);
            received += batch.len();
            batch
                .iter()
                .for_each(|message| world.acknowledge(&message.receipt_handle));
            now = now + Duration::from_millis(COPY_MS);
        }
        assert_eq!(received, 2_002);
        assert_eq!(world.counts().acknowledged, 2_002);
    }
}
