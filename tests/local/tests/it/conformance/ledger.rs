//! The ledger: batch reads, conditional writes, and the index of what is not delivered.

use std::collections::BTreeMap;

use causeway::StoreError;
use causeway::Timestamp;
use causeway::dynamodb::DynamoDb;
use causeway::ledger::index::{Ask, DynamoIndex, Entry, LISTED, LedgerIndex};
use causeway::ledger::{
    DynamoLedger, Expected, LedgerStore, MAX_READ, MemoryLedger, Record, Response, Status, Write,
};
use causeway::outcome::Code;
use causeway_local::stack::BareEmulator;

use super::{agree, seeds};
use crate::random::Random;

/// Operations of one walk.
const STEPS: usize = 60;

/// Few keys, so that writes meet each other's records.
const KEYS: usize = 5;

/// The walks' present, in milliseconds: expiry is judged around it.
const NOW_MS: i64 = 1_795_341_600_000;

const STATUSES: [Status; 5] = [
    Status::InProgress,
    Status::Retrying,
    Status::Completed,
    Status::Rejected,
    Status::Unknown,
];

#[derive(Clone, Debug)]
enum Operation {
    Read(Vec<String>),
    Write(Box<Record>, Expected),
    /// All that the index has of a provider and a status since a time, piece by piece.
    List(&'static str, Status, Timestamp, usize),
}

/// What a store answered; an error counts, its words do not.
#[derive(Debug, PartialEq)]
enum Seen {
    Read(Vec<Option<Record>>),
    Wrote(Write),
    Listed(Vec<Entry>),
    Failed,
}

/// How often each kind of answer came: a walk that meets only one kind proves little.
#[derive(Debug, Default, PartialEq)]
struct Kinds {
    written: usize,
    repeated: usize,
    lost_to_absent: usize,
    lost_to_record: usize,
    found: usize,
    absent: usize,
    listed: usize,
    failed: usize,
}

/// A ledger and its index.
struct Store<'a> {
    ledger: &'a dyn LedgerStore,
    index: &'a dyn LedgerIndex,
}

#[tokio::test]
async fn memory_and_dynamodb_answer_alike_to_every_walk() {
    let emulator = BareEmulator::up("test-conformance-ledger")
        .await
        .unwrap_or_else(|error| panic!("{}", error.report()));
    let mut kinds = Kinds::default();
    for seed in seeds() {
        let table = format!("Requests-{seed}");
        emulator.make_ledger(&table).await.expect("a new table");
        let config = emulator.sdk_config();
        let memory = MemoryLedger::default();
        let ledger = DynamoLedger::new(DynamoDb::new(&config), table.clone());
        let index = DynamoIndex::new(aws_sdk_dynamodb::Client::new(&config), table);
        let memory = Store {
            ledger: &memory,
            index: &memory,
        };
        let aws = Store {
            ledger: &ledger,
            index: &index,
        };
        walk(seed, &memory, &aws, &mut kinds).await;
    }
    if seeds().count() > 1 {
        let Kinds {
            written,
            repeated,
            lost_to_absent,
            lost_to_record,
            found,
            absent,
            listed,
            failed,
        } = kinds;
        let all = [
            written,
            repeated,
            lost_to_absent,
            lost_to_record,
            found,
            absent,
            listed,
            failed,
        ];
        assert!(
            all.iter().all(|count| *count >= 5),
            "every kind of answer, often: {all:?}"
        );
    }
}

async fn walk(seed: u64, memory: &Store<'_>, aws: &Store<'_>, kinds: &mut Kinds) {
    let mut path = Path::new(seed);
    for step in 0..STEPS {
        let operation = path.next();
        let (ours, theirs) = (
            apply(memory, &operation).await,
            apply(aws, &operation).await,
        );
        agree(seed, step, &operation, &ours, &theirs);
        path.note(&operation, &ours, kinds);
    }
    // In the end the stores hold the same.
    let since = Timestamp::from_millis(0);
    let listed = LISTED.map(|status| PROVIDERS.map(|one| Operation::List(one, status, since, 2)));
    let everything = Operation::Read((0..KEYS).map(key).collect());
    for operation in listed.into_iter().flatten().chain([everything]) {
        let (ours, theirs) = (
            apply(memory, &operation).await,
            apply(aws, &operation).await,
        );
        agree(seed, STEPS, &operation, &ours, &theirs);
    }
}

async fn apply(store: &Store<'_>, operation: &Operation) -> Seen {
    let ledger = store.ledger;
    let answer: Result<Seen, StoreError> = match operation {
        Operation::Read(keys) => ledger.read(keys).await.map(Seen::Read),
        Operation::Write(next, expected) => ledger.write(next, expected).await.map(Seen::Wrote),
        Operation::List(provider, status, since, limit) => {
            let listed = entries(store.index, provider, *status, *since, *limit).await;
            listed.map(Seen::Listed)
        }
    };
    answer.unwrap_or(Seen::Failed)
}

/// Every entry, `limit` at a time. Whether there is more behind a piece that ends with the last one, no store need know.
async fn entries(
    index: &dyn LedgerIndex,
    provider: &str,
    status: Status,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut all: Vec<Entry> = Vec::new();
    // No more records than keys, and one piece that may be empty.
    for _ in 0..=KEYS {
        let ask = Ask {
            provider,
            status,
            since,
            after: all.last(),
            limit,
        };
        let slice = index.slice(&ask).await?;
        assert!(slice.entries.len() <= limit);
        all.extend(slice.entries);
        if !slice.is_more {
            return Ok(all);
        }
    }
    panic!("an index that has no end: {all:?}");
}

/// The longest name, and a usual one.
const PROVIDERS: [&str; 2] = [
    "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
    "stripe",
];

fn key(number: usize) -> String {
    // The longest key there may be is among them.
    match number {
        0 => format!("{}#{}#{}", PROVIDERS[0], "c".repeat(64), "k".repeat(255)),
        _ => format!("{}#default#order #{number}/é", PROVIDERS[1]),
    }
}

/// One walk, as far as it has gone.
struct Path {
    random: Random,
    /// What stands under each key now.
    stored: BTreeMap<String, Record>,
    /// The writes so far, for repetition.
    writes: Vec<Operation>,
    owners: usize,
}

impl Path {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            stored: BTreeMap::new(),
            writes: Vec::new(),
            owners: 0,
        }
    }

    fn next(&mut self) -> Operation {
        match self.random.below(10) {
            0..=1 => Operation::Read(self.keys()),
            2 => self.list(),
            3 if !self.writes.is_empty() => self.random.pick(&self.writes).clone(),
            4 if !self.writes.is_empty() => self.writes[self.writes.len() - 1].clone(),
            _ => self.write(),
        }
    }

    /// Any number of keys: none, the same one twice, one more than a batch holds.
    fn keys(&mut self) -> Vec<String> {
        if self.random.one_in(12) {
            return (0..=MAX_READ)
                .map(|n| format!("stripe#default#{n}"))
                .collect();
        }
        (0..self.random.below(8))
            .map(|_| key(self.random.below(KEYS + 2)))
            .collect()
    }

    /// Times are those that claims are drawn from.
    fn list(&mut self) -> Operation {
        let random = &mut self.random;
        let since = NOW_MS + [0, 50_000, 100_000][random.below(3)];
        Operation::List(
            random.pick::<&str>(&PROVIDERS),
            *random.pick(&LISTED),
            Timestamp::from_millis(since),
            1 + random.below(KEYS),
        )
    }

    fn write(&mut self) -> Operation {
        let pk = key(self.random.below(KEYS));
        let current = self.stored.get(&pk).cloned();
        let expected = self.expected(current.as_ref());
        let generation = current.as_ref().map_or(0, |record| record.generation);
        let generation = generation + u64::from(self.random.one_in(2));
        let next = self.record(pk, generation);
        Operation::Write(Box::new(next), expected)
    }

    /// Right, or wrong in one of the ways in which a late or repeated writer is wrong.
    fn expected(&mut self, current: Option<&Record>) -> Expected {
        let Some(current) = current.filter(|_| !self.random.one_in(4)) else {
            // A second before and after what the records expire at, and the very moment.
            let now = NOW_MS + [-1_000, -1, 0, 1, 999, 1_000, 1_001][self.random.below(7)];
            let now = Timestamp::from_millis(now);
            return match self.random.below(4) {
                0 => Expected::Unchanged {
                    owner: "nobody".into(),
                    generation: 1,
                    status: Status::InProgress,
                },
                _ => Expected::AbsentOrExpired { now },
            };
        };
        let mut expected = Expected::unchanged(current);
        if let Expected::Unchanged {
            owner,
            generation,
            status,
        } = &mut expected
        {
            match self.random.below(8) {
                0 => *owner += "x",
                1 => *generation += 1,
                2 => *generation = generation.saturating_sub(1),
                3 => *status = *self.random.pick(&STATUSES),
                _ => {}
            }
        }
        expected
    }

    /// A record with every field in some of its forms. An owner writes several records, as in production: that of a
    /// claim and that of its settlement.
    fn record(&mut self, pk: String, generation: u64) -> Record {
        self.owners += usize::from(self.random.one_in(2));
        let random = &mut self.random;
        let at =
            |random: &mut Random| Timestamp::from_millis(NOW_MS + random.below(100_000) as i64);
        Record {
            pk,
            format_version: 1,
            status: *random.pick(&STATUSES),
            payload_hash: random.text(64),
            wire_hash: random.maybe(|random| random.text(64)),
            owner: format!("owner-{}", self.owners),
            generation,
            series: 1 + random.below(3) as u32,
            lease_until: random.maybe(at),
            claimed_at: random.maybe(at),
            attempts: random.below(9) as u32,
            series_since: at(random),
            next_attempt_at: random.maybe(at),
            first_seen: at(random),
            first_sent_at: random.maybe(at),
            last_attempt: random.maybe(at),
            ambiguous: random.one_in(2),
            alone: random.one_in(2),
            crashes: random.below(3) as u32,
            message_id: random.text(36),
            response: random.maybe(|random| Response {
                status: 200 + random.below(300) as u16,
                object_id: random.maybe(|random| random.text(30)),
            }),
            code: random.maybe(|_| Code::new("provider_rejected")),
            detail: random.maybe(|random| random.text(80)),
            closing: random.below(9) as u64,
            closed_at: random.maybe(at),
            resolved_at: random.maybe(at),
            expires_at: random.maybe(|random| NOW_MS / 1000 + random.below(3) as i64 - 1),
        }
    }

    fn note(&mut self, operation: &Operation, seen: &Seen, kinds: &mut Kinds) {
        match (operation, seen) {
            (Operation::Write(next, expected), Seen::Wrote(write)) => {
                let held = expected.holds(self.stored.get(&next.pk));
                match write {
                    Write::Written if held => {
                        kinds.written += 1;
                        self.stored.insert(next.pk.clone(), (**next).clone());
                    }
                    Write::Written => kinds.repeated += 1,
                    Write::Lost(None) => kinds.lost_to_absent += 1,
                    Write::Lost(Some(_)) => kinds.lost_to_record += 1,
                }
                self.writes.push(operation.clone());
            }
            (_, Seen::Read(records)) => {
                let found = records.iter().flatten().count();
                kinds.found += found;
                kinds.absent += records.len() - found;
            }
            (_, Seen::Listed(entries)) => kinds.listed += entries.len(),
            _ => kinds.failed += 1,
        }
    }
}
