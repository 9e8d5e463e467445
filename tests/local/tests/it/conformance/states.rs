//! Shared state: reads and compare-and-swap.

use std::collections::BTreeMap;

use causeway::StoreError;
use causeway::dynamodb::DynamoDb;
use causeway::lanes::{
    Added, Addition, Additions, DynamoStates, MemoryStates, StateStore, Swap, Versioned,
};
use causeway_local::stack::BareEmulator;
use serde_json::{Map, Value, json};

use super::{agree, seeds};
use crate::random::Random;

/// Operations of one walk.
const STEPS: usize = 60;

/// Names as limits have them.
const SUMS: [&str; 2] = ["15/s", "5 at once"];

/// Few keys, so that writes meet each other's values.
const KEYS: usize = 3;

#[derive(Clone, Debug)]
enum Operation {
    Load(String),
    /// Every key's fields of these names.
    Glance(Vec<String>),
    Swap {
        key: String,
        expected: Option<u64>,
        next: Value,
        mark: String,
    },
    /// To one of the sums that some values keep.
    Add {
        key: String,
        turn: u64,
        amounts: Vec<(&'static str, i64, i64)>,
    },
}

/// What a store answered; an error counts, its words do not.
#[derive(Debug, PartialEq)]
enum Seen {
    Loaded(Option<Versioned>),
    Glanced(Vec<Option<Value>>),
    Swap(Swap),
    Added(Added),
    Failed,
}

/// How often each kind of answer came.
#[derive(Debug, Default)]
struct Kinds {
    swapped: usize,
    repeated: usize,
    lost_to_nothing: usize,
    lost_to_value: usize,
    loaded: usize,
    added: usize,
    not_added: usize,
}

#[tokio::test]
async fn memory_and_dynamodb_answer_alike_to_every_walk() {
    let emulator = BareEmulator::up("test-conformance-states")
        .await
        .unwrap_or_else(|error| panic!("{}", error.report()));
    let mut kinds = Kinds::default();
    for seed in seeds() {
        let table = format!("Lanes-{seed}");
        emulator.make_table(&table).await.expect("a new table");
        let dynamodb = DynamoDb::new(&emulator.sdk_config());
        walk(
            seed,
            &MemoryStates::default(),
            &DynamoStates::new(dynamodb, table),
            &mut kinds,
        )
        .await;
    }
    if seeds().count() > 1 {
        let Kinds {
            swapped,
            repeated,
            lost_to_nothing,
            lost_to_value,
            loaded,
            added,
            not_added,
        } = kinds;
        let lost = [lost_to_nothing, lost_to_value, not_added];
        let all = [[swapped, repeated, loaded], lost].concat();
        assert!(added >= 2, "{added} additions");
        assert!(
            all.iter().all(|count| *count >= 5),
            "every kind of answer, often: {all:?}"
        );
    }
}

async fn walk(seed: u64, memory: &dyn StateStore, aws: &dyn StateStore, kinds: &mut Kinds) {
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
    for number in 0..KEYS {
        let load = Operation::Load(key(number));
        let (ours, theirs) = (apply(memory, &load).await, apply(aws, &load).await);
        agree(seed, STEPS, &load, &ours, &theirs);
    }
}

async fn apply(store: &dyn StateStore, operation: &Operation) -> Seen {
    let answer: Result<Seen, StoreError> = match operation {
        Operation::Load(key) => store.load(key).await.map(Seen::Loaded),
        Operation::Glance(fields) => {
            let keys: Vec<String> = (0..=KEYS).map(key).collect();
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            store.glance(&keys, &fields).await.map(Seen::Glanced)
        }
        Operation::Swap {
            key,
            expected,
            next,
            mark,
        } => store.swap(key, *expected, next, mark).await.map(Seen::Swap),
        Operation::Add { key, turn, amounts } => {
            let addition = |(name, amount, at_most): &(&'static str, i64, i64)| Addition {
                name,
                amount: *amount,
                at_most: *at_most,
            };
            let all: Vec<Addition<'_>> = amounts.iter().map(addition).collect();
            let additions = Additions {
                guard: ("turn", *turn),
                field: "sums",
                all: &all,
            };
            store.add(key, &additions, "adder").await.map(Seen::Added)
        }
    };
    answer.unwrap_or(Seen::Failed)
}

fn key(number: usize) -> String {
    format!("stripe#*#limit#account-{number}")
}

/// One walk, as far as it has gone.
struct Path {
    random: Random,
    versions: BTreeMap<String, u64>,
    swaps: Vec<Operation>,
    marks: usize,
}

impl Path {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            versions: BTreeMap::new(),
            swaps: Vec::new(),
            marks: 0,
        }
    }

    fn next(&mut self) -> Operation {
        match self.random.below(14) {
            11..=13 => self.add(),
            10 => Operation::Glance(vec!["field_0".to_owned(), "field_3".to_owned()]),
            0..=1 => Operation::Load(key(self.random.below(KEYS))),
            // The same write once more, at once or after others: the SDK's retry of one whose reply was lost.
            2..=3 if !self.swaps.is_empty() => self.swaps[self.swaps.len() - 1].clone(),
            4 if !self.swaps.is_empty() => self.random.pick(&self.swaps).clone(),
            _ => self.swap(),
        }
    }

    fn swap(&mut self) -> Operation {
        let key = key(self.random.below(KEYS));
        let current = self.versions.get(&key).copied();
        let expected = match self.random.below(8) {
            0 => None,
            1 => current.map(|version| version + 1),
            2 => current.map(|version| version.saturating_sub(1)),
            3 => Some(7),
            4 => current.or(Some(1)),
            _ => current,
        };
        self.marks += 1;
        Operation::Swap {
            key,
            expected,
            next: self.object(),
            mark: format!("environment/{}", self.marks),
        }
    }

    fn add(&mut self) -> Operation {
        let mut amounts = Vec::new();
        for name in SUMS {
            if self.random.one_in(2) {
                let (amount, at_most) = (self.random.below(9), self.random.below(60));
                let signed = |number: usize| i64::try_from(number).expect("small");
                amounts.push((name, signed(amount) - 2, signed(at_most)));
            }
        }
        if amounts.is_empty() {
            amounts.push((SUMS[0], 1, 1_000));
        }
        Operation::Add {
            key: key(self.random.below(KEYS)),
            turn: self.random.below(2) as u64,
            amounts,
        }
    }

    /// Fields as breaker, limiter and their like store them: nested, empty, large, negative, absent.
    fn object(&mut self) -> Value {
        let mut fields = Map::new();
        for number in 0..self.random.below(6) {
            fields.insert(format!("field_{number}"), self.value(2));
        }
        if !self.random.one_in(3) {
            fields.insert("turn".to_owned(), json!(self.random.below(2)));
            let sums = SUMS.map(|name| (name.to_owned(), json!(self.random.below(50))));
            fields.insert("sums".to_owned(), sums.into_iter().collect());
        }
        Value::Object(fields)
    }

    fn value(&mut self, depth: usize) -> Value {
        let random = &mut self.random;
        match random.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(random.one_in(2)),
            2 => json!(random.below(1_000_000)),
            3 => random
                .pick(&[
                    json!(-1),
                    json!(1_795_341_600_000_i64),
                    json!(u64::MAX),
                    json!(i64::MIN),
                ])
                .clone(),
            4 => random
                .pick(&[json!(0.5), json!(1.25e-3), json!(-17.125)])
                .clone(),
            5 => json!(random.text(20)),
            6 => (0..random.below(4))
                .map(|_| self.value(depth - 1))
                .collect(),
            _ => json!({"inner": self.value(depth - 1)}),
        }
    }

    fn note(&mut self, operation: &Operation, seen: &Seen, kinds: &mut Kinds) {
        match (operation, seen) {
            (Operation::Swap { key, expected, .. }, Seen::Swap(swap)) => {
                let held = self.versions.get(key).copied() == *expected;
                match swap {
                    Swap::Swapped { version } if held => {
                        kinds.swapped += 1;
                        self.versions.insert(key.clone(), *version);
                    }
                    Swap::Swapped { .. } => kinds.repeated += 1,
                    Swap::Lost(None) => kinds.lost_to_nothing += 1,
                    Swap::Lost(Some(_)) => kinds.lost_to_value += 1,
                }
                self.swaps.push(operation.clone());
            }
            (Operation::Add { key, .. }, Seen::Added(Added::Added(stored))) => {
                kinds.added += 1;
                self.versions.insert(key.clone(), stored.version);
            }
            (_, Seen::Added(_)) => kinds.not_added += 1,
            (_, Seen::Loaded(Some(_))) => kinds.loaded += 1,
            _ => {}
        }
    }
}
