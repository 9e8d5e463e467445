//! The ledger: one record per request, written by conditional writes, which makes each request take effect once.
//!
//! ```text
//! absent/expired ──claim──▶ IN_PROGRESS(generation+1)
//! IN_PROGRESS ──owner+generation──▶ COMPLETED | RETRYING | REJECTED | UNKNOWN
//! IN_PROGRESS, lease ended ──▶ IN_PROGRESS(generation+1, ambiguous) | UNKNOWN (unsafe, or the 3rd: crash_loop)
//! RETRYING due ──▶ IN_PROGRESS          RETRYING not due ──▶ deferred
//! absent/expired, RETRYING, lease ended ──end without a call──▶ REJECTED | UNKNOWN (where an attempt is in doubt)
//! REJECTED ──redrive──▶ IN_PROGRESS(series+1)
//! UNKNOWN ──redrive of what can still be settled──▶ IN_PROGRESS(same series, ambiguous)
//! UNKNOWN ──resolve──▶ COMPLETED | REJECTED
//! ```
//!
//! `COMPLETED` absorbs; an end is left by a redrive of its own letter alone, which its mark tells. `REJECTED` says that
//! there was no effect and none will come.
//!
//! [`state`] decides, purely; a [`LedgerStore`] keeps; [`claim`], [`end`] and [`settle`] put the two together. The
//! [`index`] lists what is not delivered.

pub mod index;
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
pub use record::{BESIDE, LIFE, OPEN, Record, Response, Status, request_of};
pub use state::{Ask, Claim, Finding, Ruled, Ruling, Settlement, Unresolvable};
pub use store::{Expected, LedgerStore, MAX_READ, Write};

use state::{Closing, Resolution};

use crate::StoreError;

/// How often a claim looks again when another writer came between: each loss means that somebody else got on, and
/// after this many the message simply comes back later.
const CLAIM_TRIES: usize = 4;

/// Claims the request of `ask`, or finds out what the stored record says of it.
///
/// One conditional write where there is no record. `known` is a record read earlier; it saves the losing write.
///
/// # Errors
/// When the store does not answer. The claim may stand all the same: asked again by the same owner, it is granted; else
/// its lease ends by itself.
pub async fn claim(
    store: &dyn LedgerStore,
    ask: &Ask<'_>,
    known: Option<Record>,
) -> Result<Finding, StoreError> {
    write_decided(store, ask, known, |known| state::claim(known, ask)).await
}

/// Ends the request of `ask` for `reason` without a call, or finds out what the stored record says of it.
///
/// One conditional write where there is no record. A request that somebody works on is left to them.
///
/// # Errors
/// When the store does not answer; the end may or may not be written.
pub async fn end(
    store: &dyn LedgerStore,
    ask: &Ask<'_>,
    known: Option<Record>,
    reason: &Closing,
) -> Result<Finding, StoreError> {
    write_decided(store, ask, known, |known| state::end(known, ask, reason)).await
}

async fn write_decided(
    store: &dyn LedgerStore,
    ask: &Ask<'_>,
    mut known: Option<Record>,
    decide: impl Fn(Option<&Record>) -> Claim,
) -> Result<Finding, StoreError> {
    for _ in 0..CLAIM_TRIES {
        let (next, granted) = match decide(known.as_ref()) {
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

/// What became of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is written.
    Ours,
    /// Somebody else came first: the stored record decides.
    Lost(Option<Box<Record>>),
}

/// Ends or releases the claim that `held` stands for with `next`: one conditional write.
///
/// # Errors
/// When the store does not answer; the record may or may not be written. Written again, it is written once.
pub async fn settle(
    store: &dyn LedgerStore,
    held: &Record,
    next: &Record,
) -> Result<Settled, StoreError> {
    match store.write(next, &Expected::unchanged(held)).await? {
        Write::Written => Ok(Settled::Ours),
        Write::Lost(current) => Ok(Settled::Lost(current)),
    }
}

/// What became of a ruling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It is written: the record as it stands now.
    Now(Box<Record>),
    /// It stood so before.
    Already(Box<Record>),
    /// Nobody may rule on this request.
    Refused(Unresolvable),
}

/// Puts an operator's `ruling` on the request under `pk` into its record.
///
/// One read and one conditional write; where others came between, their record decides anew. Ruling twice is ruling
/// once, so that whoever gets an error may simply say it again.
///
/// # Errors
/// When the store does not answer; the record may or may not be written.
pub async fn resolve(
    store: &dyn LedgerStore,
    pk: &str,
    ruling: &Ruling<'_>,
) -> Result<Resolved, StoreError> {
    let keys = [pk.to_owned()];
    let mut known = store.read(&keys).await?.into_iter().next().flatten();
    for _ in 0..CLAIM_TRIES {
        let next = match state::resolve(known.as_ref(), ruling) {
            Resolution::Write(next) => next,
            Resolution::Already(record) => return Ok(Resolved::Already(Box::new(record))),
            Resolution::Refused(why) => return Ok(Resolved::Refused(why)),
        };
        let Some(stored) = &known else { break };
        match store.write(&next, &Expected::unchanged(stored)).await? {
            Write::Written => return Ok(Resolved::Now(Box::new(next))),
            Write::Lost(current) => known = current.map(|record| *record),
        }
    }
    Ok(Resolved::Refused(Unresolvable::Busy))
}
