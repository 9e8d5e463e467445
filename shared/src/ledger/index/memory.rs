//! The index over the ledger in memory: it never lags behind.

use async_trait::async_trait;

use super::{Ask, Entry, LedgerIndex, Slice};
use crate::StoreError;
use crate::ledger::MemoryLedger;

#[async_trait]
impl LedgerIndex for MemoryLedger {
    async fn slice(&self, ask: &Ask<'_>) -> Result<Slice, StoreError> {
        let records = self.records();
        let mut entries: Vec<Entry> = records
            .into_values()
            .filter(|record| record.status == ask.status && record.provider() == ask.provider)
            .filter_map(|record| {
                let at = record.claimed_at?;
                Some(Entry { at, pk: record.pk })
            })
            .filter(|entry| entry.at >= ask.since && ask.after.is_none_or(|after| entry < after))
            .collect();
        entries.sort_unstable_by(|one, other| other.cmp(one));
        let is_more = entries.len() > ask.limit;
        entries.truncate(ask.limit);
        Ok(Slice { entries, is_more })
    }
}
