//! The ledger: one record per request, written by conditional writes, which makes each request take effect once.
//!
//! ```text
//! absent/expired ──claim──▶ IN_PROGRESS(generation+1)
//! IN_PROGRESS ──owner+generation──▶ COMPLETED | RETRYING | REJECTED | UNKNOWN
//! IN_PROGRESS, lease ended ──▶ IN_PROGRESS(generation+1, ambiguous) | UNKNOWN | REJECTED crash_loop
//! RETRYING due ──▶ IN_PROGRESS          RETRYING not due ──▶ deferred
//! absent/expired ──guarded by the vendor's key, one write──▶ COMPLETED | RETRYING | REJECTED | UNKNOWN
//! COMPLETED and UNKNOWN absorb: only expiry leaves them, and UNKNOWN an operator's ruling:
//! UNKNOWN, or REJECTED in doubt ──resolve──▶ COMPLETED | REJECTED (unambiguous)
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
pub use state::{Ask, Claim, Finding, Ruled, Ruling, Settlement, Unresolvable};
pub use store::{Expected, LedgerStore, MAX_READ, Write};

use state::Resolution;

use crate::bugs::{self, Bug};
use crate::{StoreError, Timestamp};

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
            Write::Lost(_) if bugs::is(Bug::CallWithoutClaim) => return Ok(Finding::Granted(next)),
            Write::Lost(current) => known = current.map(|record| *record),
        }
    }
    Ok(Finding::Busy)
}

/// A right to carry out a request.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The request's record, as held.
    pub record: Record,
    /// What must still hold when it ends.
    expected: Expected,
}

impl Hold {
    /// By a claim: `record` stands in the ledger.
    pub fn claimed(record: Record) -> Self {
        let expected = Expected::unchanged(&record);
        Self { record, expected }
    }

    /// By the vendor's idempotency key alone: nothing stands in the ledger, as a read of just now (`now`) has shown.
    pub const fn guarded(record: Record, now: Timestamp) -> Self {
        let expected = Expected::AbsentOrExpired { now };
        Self { record, expected }
    }

    const fn is_guarded(&self) -> bool {
        matches!(self.expected, Expected::AbsentOrExpired { .. })
    }
}

/// What became of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is written.
    Ours,
    /// Somebody else came first: the stored record decides.
    Lost(Option<Box<Record>>),
}

/// Ends or releases `hold` with `next`.
///
/// One conditional write. Where it loses against somebody who came between a guarded call and its end, what the call
/// has proven is [merged](state::merge) into the stored record.
///
/// # Errors
/// When the store does not answer; the record may or may not be written.
pub async fn settle(
    store: &dyn LedgerStore,
    hold: &Hold,
    next: &Record,
) -> Result<Settled, StoreError> {
    let mut current = match store.write(next, &hold.expected).await? {
        Write::Written => return Ok(Settled::Ours),
        Write::Lost(current) => current,
    };
    for _ in 0..CLAIM_TRIES {
        let merged = current
            .as_deref()
            .filter(|_| hold.is_guarded())
            .and_then(|stored| Some((Expected::unchanged(stored), state::merge(stored, next)?)));
        let Some((expected, merged)) = merged else {
            break;
        };
        match store.write(&merged, &expected).await? {
            Write::Written if merged.status == Status::Completed => return Ok(Settled::Ours),
            Write::Written => return Ok(Settled::Lost(Some(Box::new(merged)))),
            Write::Lost(newer) => current = newer,
        }
    }
    Ok(Settled::Lost(current))
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

/// Notes that the request of `ask` waits, and whether it may have been sent: in a record of its own, or, where another
/// message made one that does not know of it, in that.
///
/// # Errors
/// When the store does not answer; the record may or may not be written.
pub async fn note_put_off(store: &dyn LedgerStore, ask: &Ask<'_>) -> Result<(), StoreError> {
    let mut next = state::waiting(ask);
    let mut expected = Expected::AbsentOrExpired { now: ask.now };
    for _ in 0..CLAIM_TRIES {
        let Write::Lost(Some(current)) = store.write(&next, &expected).await? else {
            break;
        };
        let Some(doubted) = state::doubted(&current, ask) else {
            break;
        };
        expected = Expected::unchanged(&current);
        next = doubted;
    }
    Ok(())
}
