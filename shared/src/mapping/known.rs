//! The mappings that an environment knows: those that come with the provider, and those of single connections.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;

use super::{Mapping, MappingError};
use crate::cache::{Cache, FunctionMemory, Weigh};
use crate::lanes::StateStore;
use crate::{StoreError, Timestamp};

/// How long what was read of a connection's mapping is believed, its absence included: a changed document is in use
/// everywhere a minute later, and a busy lane reads one item a minute, environment and mapping.
pub const STALE_AFTER: Duration = Duration::from_secs(60);

/// Connections' mappings' part of the function's memory: a 16th of 256 MB holds 256 documents.
const MEMORY_PARTS: usize = 16;

/// What a compiled document takes: some tens of kilobytes.
const DOCUMENT_BYTES: usize = 64 * 1024;

/// Why a mapping could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// The table did not answer: the message waits.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is one, and it cannot be used: the message is rejected.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// What the table said about a connection's mapping, or what became of a document: compiled at most once.
type Compiled = Result<Arc<Mapping>, MappingError>;

#[derive(Clone)]
struct Seen {
    at: Timestamp,
    /// The item's version and what its document compiled to; none where there is no item.
    stored: Option<(u64, Compiled)>,
}

impl Weigh for Seen {
    fn bytes(&self) -> usize {
        let document = self.stored.as_ref().map_or(0, |_| DOCUMENT_BYTES);
        size_of::<Self>() + document
    }
}

struct BuiltIn {
    document: &'static str,
    name: String,
    compiled: OnceLock<Compiled>,
}

/// What one environment knows. Nothing is read or compiled before a request asks for it.
pub struct Mappings {
    provider: &'static str,
    documents: &'static [&'static str],
    built_in: OnceLock<Vec<BuiltIn>>,
    store: Arc<dyn StateStore>,
    seen: Cache<Seen>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
}

impl Mappings {
    /// The mappings of `provider`: `documents`, which come with it, and what `store` holds under
    /// `provider#connection#name` as `{"document": {…}}`.
    pub fn new(
        provider: &'static str,
        documents: &'static [&'static str],
        store: Arc<dyn StateStore>,
    ) -> Self {
        Self {
            provider,
            documents,
            built_in: OnceLock::new(),
            store,
            seen: Cache::new(FunctionMemory::USUAL.part(MEMORY_PARTS)),
        }
    }

    /// In its part of `memory`.
    pub fn remembering(self, memory: FunctionMemory) -> Self {
        let seen = Cache::new(memory.part(MEMORY_PARTS));
        Self { seen, ..self }
    }

    /// The mapping `name` as `connection` uses it: its own before the provider's. None where nobody knows the name.
    ///
    /// # Errors
    /// When the table does not answer, the document cannot be used, or it serves another operation.
    pub async fn find(
        &self,
        connection: &str,
        name: &str,
        operation: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Mapping>>, FindError> {
        let key = format!("{}#{connection}#{name}", self.provider);
        let own = match self.remembered(&key, now) {
            Some(known) => known,
            None => self.look_up(&key, now).await?,
        };
        let Some(mapping) = own.or_else(|| self.built_in(name)).transpose()? else {
            return Ok(None);
        };
        if mapping.provider() != self.provider || mapping.operation() != operation {
            return Err(FindError::Mapping(MappingError::OtherOperation {
                mapping: mapping.to_string(),
                serves: format!("{}/{}", mapping.provider(), mapping.operation()),
                asked: format!("{}/{operation}", self.provider),
            }));
        }
        Ok(Some(mapping))
    }

    /// What was read less than [`STALE_AFTER`] ago; the inner option is whether there was something to read.
    fn remembered(&self, key: &str, now: Timestamp) -> Option<Option<Compiled>> {
        let known = self.seen.get(key)?;
        let fresh = known.at <= now && now.since(known.at) < STALE_AFTER;
        fresh.then(|| known.stored.map(|(_, compiled)| compiled))
    }

    async fn look_up(&self, key: &str, now: Timestamp) -> Result<Option<Compiled>, StoreError> {
        let item = self.store.load(key).await?;
        let stored = item.map(|item| {
            let known = self.seen.get(key).and_then(|known| known.stored);
            let same = known.filter(|(version, _)| *version == item.version);
            let same = same.map(|(_, compiled)| compiled);
            let compiled = same.unwrap_or_else(|| compile_stored(&item.value, key));
            (item.version, compiled)
        });
        let answer = stored.as_ref().map(|(_, compiled)| compiled.clone());
        self.seen.insert(key, Seen { at: now, stored });
        Ok(answer)
    }

    fn built_in(&self, name: &str) -> Option<Compiled> {
        let all = self.built_in.get_or_init(|| {
            let listed = |document: &&'static str| {
                // A document without a readable name is in nobody's way: the contract suite finds it.
                let header: Header = serde_json::from_str(document).ok()?;
                Some(BuiltIn {
                    document,
                    name: header.name,
                    compiled: OnceLock::new(),
                })
            };
            self.documents.iter().filter_map(listed).collect()
        });
        let found = all.iter().find(|built_in| built_in.name == name)?;
        let compile = || Mapping::parse(found.document).map(Arc::new);
        Some(found.compiled.get_or_init(compile).clone())
    }
}

fn compile_stored(item: &serde_json::Value, key: &str) -> Compiled {
    let broken = |rule: &str| {
        let path = "document".to_owned();
        let rule = rule.to_owned();
        Err(MappingError::Document { path, rule })
    };
    let Some(document) = item.get("document") else {
        return broken("must be given in the table's item");
    };
    let mapping = Mapping::parse(&document.to_string())?;
    if !key.ends_with(&format!("#{}", mapping.name())) {
        return broken("its name is not the one that the item's key tells");
    }
    Ok(Arc::new(mapping))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::watched::{Trips, WatchedStates};
    use serde_json::{Value, json};

    const BUILT_IN: &[&str] = &[
        r#"{"name": "pms-guest", "version": 1, "provider": "acme", "operation": "guests.create", "description": "d",
            "source": {}, "expression": "{\"name\": a}", "examples": [{"name": "e", "input": {}, "output": {}}]}"#,
        r#"{"name": "broken", "version": 2, "provider": "acme", "operation": "guests.create", "description": "d",
            "source": {}, "expression": "{\"name\": ", "examples": [{"name": "e", "input": {}, "output": {}}]}"#,
    ];

    const KEY: &str = "acme#berlin#pms-guest";

    fn document(version: u32, expression: &str) -> Value {
        json!({"document": {
            "name": "pms-guest", "version": version, "provider": "acme", "operation": "guests.create",
            "description": "d", "source": {}, "expression": expression,
            "examples": [{"name": "e", "input": {}, "output": {}}]
        }})
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    async fn store(states: &WatchedStates, expected: Option<u64>, value: &Value) {
        let swapped = states.inner.swap(KEY, expected, value, "operator").await;
        swapped.expect("a store in memory");
    }

    async fn made(mappings: &Mappings, connection: &str, now: Timestamp) -> Value {
        let found = mappings
            .find(connection, "pms-guest", "guests.create", now)
            .await;
        let mapping = found.expect("answered").expect("known");
        mapping.apply(&json!({"a": "x"}), now).expect("mapped")
    }

    #[tokio::test]
    async fn a_connections_own_mapping_wins_and_the_others_keep_the_built_in_one() {
        let states = Arc::new(WatchedStates::default());
        store(&states, None, &document(7, "{\"own\": a}")).await;
        let mappings = Mappings::new("acme", BUILT_IN, states);
        assert_eq!(made(&mappings, "berlin", at(0)).await, json!({"own": "x"}));
        assert_eq!(
            made(&mappings, "default", at(0)).await,
            json!({"name": "x"})
        );
        let unknown = mappings.find("default", "nobody", "guests.create", at(0));
        assert!(unknown.await.expect("answered").is_none());
    }

    #[tokio::test]
    async fn a_change_is_seen_within_a_minute_and_costs_one_read_a_minute() {
        let states = Arc::new(WatchedStates::default());
        let mappings = Mappings::new("acme", BUILT_IN, states.clone());
        assert_eq!(made(&mappings, "berlin", at(0)).await, json!({"name": "x"}));
        store(&states, None, &document(7, "{\"own\": a}")).await;
        states.trips();
        assert_eq!(
            made(&mappings, "berlin", at(59)).await,
            json!({"name": "x"})
        );
        assert_eq!(states.trips(), Trips::default());
        assert_eq!(made(&mappings, "berlin", at(60)).await, json!({"own": "x"}));
        store(&states, Some(1), &document(8, "{\"newer\": a}")).await;
        assert_eq!(
            made(&mappings, "berlin", at(119)).await,
            json!({"own": "x"})
        );
        assert_eq!(
            made(&mappings, "berlin", at(120)).await,
            json!({"newer": "x"})
        );
        assert_eq!(states.trips().loads, 2);
    }

    #[tokio::test]
    async fn a_store_that_fails_defers_and_a_document_that_does_not_compile_rejects() {
        let states = Arc::new(WatchedStates::default());
        let mappings = Mappings::new("acme", BUILT_IN, states.clone());
        let find = |name: &'static str, operation: &'static str| {
            mappings.find("berlin", name, operation, at(0))
        };
        states.fail(true);
        let error = find("pms-guest", "guests.create")
            .await
            .expect_err("throttled");
        assert!(matches!(error, FindError::Store(_)), "{error}");
        states.fail(false);

        let error = find("broken", "guests.create")
            .await
            .expect_err("no JSONata");
        assert!(matches!(error, FindError::Mapping(_)), "{error}");
        assert!(
            error.to_string().contains("broken@2: expression line 1"),
            "{error}"
        );

        let error = find("pms-guest", "guests.update")
            .await
            .expect_err("another operation");
        assert_eq!(
            error.to_string(),
            "mapping pms-guest@1: serves `acme/guests.create`, the request asks for `acme/guests.update`"
        );

        store(&states, None, &json!({"mapping": {}})).await;
        let later = mappings
            .find("berlin", "pms-guest", "guests.create", at(60))
            .await;
        let error = later.expect_err("no document");
        assert!(
            error.to_string().contains("document: must be given"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let states = Arc::new(WatchedStates::default());
        for n in 0..6 {
            let (key, value) = (format!("acme#c{n}#pms-guest"), document(7, "{\"own\": a}"));
            let swapped = states.inner.swap(&key, None, &value, "operator").await;
            swapped.expect("a store in memory");
        }
        // A 16th of 4 MB is room for three.
        let mappings = Mappings::new("acme", BUILT_IN, states.clone())
            .remembering(FunctionMemory::megabytes(4));
        let loads = async |connection: &str| {
            made(&mappings, connection, at(0)).await;
            states.trips().loads
        };
        for connection in ["c0", "c1", "c2", "c3", "c4", "c5"] {
            assert_eq!(loads(connection).await, 1, "{connection}");
        }
        for connection in ["c5", "c4", "c3"] {
            assert_eq!(loads(connection).await, 0, "{connection}");
        }
        assert_eq!(loads("c2").await, 1, "it made way");
    }
}
