//! The ledger in memory, for simulation, benches and tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::store::too_many_keys;
use super::{Expected, LedgerStore, MAX_READ, Record, Write};
use crate::StoreError;

/// Records in memory, with the store's exact semantics.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    records: Mutex<BTreeMap<String, Record>>,
}

impl MemoryLedger {
    /// Every record, by key.
    pub fn records(&self) -> BTreeMap<String, Record> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LedgerStore for MemoryLedger {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        if keys.len() > MAX_READ {
            return Err(too_many_keys());
        }
        let records = self.lock();
        Ok(keys.iter().map(|key| records.get(key).cloned()).collect())
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        let mut records = self.lock();
        let current = records.get(&next.pk);
        if !expected.holds(current) {
            return Ok(Write::refused(next, current.cloned()));
        }
        records.insert(next.pk.clone(), next.clone());
        Ok(Write::Written)
    }
}
