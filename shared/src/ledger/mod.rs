//! The ledger: one record per request, written by conditional writes, which makes each request take effect once.
//!
//! ```text
//! absent/expired ──claim──▶ IN_PROGRESS(generation+1)
//! IN_PROGRESS ──owner+generation──▶ COMPLETED | RETRYING | REJECTED | UNKNOWN
//! IN_PROGRESS, lease ended ──▶ IN_PROGRESS(generation+1, ambiguous) | UNKNOWN | REJECTED crash_loop
//! RETRYING due ──▶ IN_PROGRESS          RETRYING not due ──▶ deferred
//! COMPLETED and UNKNOWN absorb: only an operator or expiry leaves them.
//! ```
//!
//! [`state`] decides, purely; a [`LedgerStore`] keeps; [`claim`] and [`settle`] put the two together.

pub mod state;

#[cfg(feature = "aws")]
mod dynamodb;
mod memory;
mod record;
mod store;
#[cfg(test)]
mod tests;

#[cfg(feature = "aws")]
pub use dynamodb::DynamoLedger;
pub use memory::MemoryLedger;
pub use record::{LIFE, Record, Response, Status};
pub use state::{Ask, Claim, Finding, Settlement};
pub use store::{Expected, LedgerStore, MAX_READ, Write};

use crate::StoreError;

/// How often a claim looks again when another writer came between: each loss means that somebody else got on, and
/// after this many the message simply comes back later.
const CLAIM_TRIES: usize = 4;

/// Claims the request of `ask`, or finds out what the stored record says of it.
///
/// One conditional write where there is no record. `known` is a record read earlier; it saves the losing write.
///
/// # Errors
/// When the store does not answer. The claim may stand all the same: its lease ends by itself.
pub async fn claim(
    store: &dyn LedgerStore,
    ask: &Ask<'_>,
    mut known: Option<Record>,
) -> Result<Finding, StoreError> {
    for _ in 0..CLAIM_TRIES {
        let (next, granted) = match state::claim(known.as_ref(), ask) {
            Claim::Take(next) => (next, true),
            Claim::Close(next) => (next, false),
            Claim::Found(finding) => return Ok(finding),
        };
        let expected = known.as_ref().map_or(
            Expected::AbsentOrExpired { now: ask.now },
            Expected::unchanged,
        );
        match store.write(&next, &expected).await? {
            Write::Written if granted => return Ok(Finding::Granted(next)),
            Write::Written => return Ok(Finding::Closed(next)),
            Write::Lost(current) => known = current.map(|record| *record),
        }
    }
    Ok(Finding::Busy)
}

/// Ends or releases the claim that `record` holds. False when the claim is no longer ours: the stored record decides.
///
/// # Errors
/// When the store does not answer; the record may or may not be written.
pub async fn settle(
    store: &dyn LedgerStore,
    record: &Record,
    next: &Record,
) -> Result<bool, StoreError> {
    Ok(matches!(
        store.write(next, &Expected::unchanged(record)).await?,
        Write::Written
    ))
}
