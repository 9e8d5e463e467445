//! What is not delivered: requests that are `RETRYING`, `REJECTED` or `UNKNOWN`, found by provider, connection, status and
//! time.
//!
//! The table has an index, `Open`, whose keys are `open` (`provider#STATUS`, written with these three statuses only) and
//! `claimed_at` (when a lane last had the request in hand). A healthy request never has the first, and costs the index
//! nothing. A record that comes into one of the statuses, or leaves it, costs one write unit more, so that a retry
//! comes to four in place of two, and a rejected request to three; what expires costs none.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes>
//!
//! One partition of it takes 1,000 writes a second, and more would throttle the table's writes of the same partition:
//! some 500 retries a second of one provider (its breaker opens long before where half of its calls fail). What is
//! healthy is not held up by it: it does not write there.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/gsi-throttling.html>
//!
//! Time comes first, not the connection, because that is how people ask at night: what ended like this since ten
//! o'clock. One connection's requests are picked from the provider's, a thousand keys in one read of some 30 units.
//!
//! The index tells keys; what is said of them is read from the ledger as it is now. Hence a request may be missing for a
//! second, but none is told that no longer stands as it says. Records of a release before the index, and those that such a
//! release still writes, are missing.

#[cfg(feature = "aws")]
mod dynamodb;
mod memory;
mod store;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[cfg(feature = "aws")]
pub use dynamodb::DynamoIndex;
pub use store::{Ask, Entry, LedgerIndex, Slice};

use super::{LedgerStore, MAX_READ, Record, Status, request_of};
use crate::request::Name;
use crate::{StoreError, Timestamp};

/// The index's name in the table.
pub const INDEX: &str = "Open";

/// The statuses that are listed, in the order in which a list has them: the first needs a person most.
pub const LISTED: [Status; 3] = [Status::Unknown, Status::Rejected, Status::Retrying];

/// Requests of one page: as many records as one read takes.
pub const PAGE: usize = MAX_READ;

/// Entries that are asked for at once where a connection's are picked from all of a provider's: with the longest keys
/// some 600 KB, within the 1 MB that a query answers with.
const PICKED_FROM: usize = 1000;

/// Reads of the index for one page. A connection with few requests among very many of its provider gets a short page,
/// perhaps an empty one, and goes on from there.
const SLICES_MAX: usize = 10;

/// What is asked of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose requests.
    pub provider: Name,
    /// Of one connection; of all otherwise.
    pub connection: Option<Name>,
    /// In one of the [`LISTED`] statuses; in any of them otherwise.
    pub status: Option<Status>,
    /// Those that a lane had in hand at this time or later; all otherwise.
    pub since: Option<Timestamp>,
}

/// A page of requests, by status in the order of [`LISTED`], then the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records as they stand now; there may be fewer than [`PAGE`], or none, with more to come.
    pub records: Vec<Record>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Cursor>,
}

/// Where a page begins. Its text says nothing to others, and may change with a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    status: Status,
    /// Behind this one; at the status's beginning otherwise.
    after: Option<Entry>,
}

/// The text is no [`Cursor`], or one of another question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of a page of the same provider and status")]
pub struct InvalidCursor;

impl Query {
    /// The cursor that `text` is.
    ///
    /// # Errors
    /// When it is none of this question's.
    pub fn cursor(&self, text: &str) -> Result<Cursor, InvalidCursor> {
        let cursor: Cursor = text.parse()?;
        let is_asked = |status| self.status.is_none_or(|asked| asked == status);
        let is_own = |entry: &Entry| {
            request_of(&entry.pk).is_some_and(|key| key.provider() == self.provider.as_str())
        };
        let is_fit = is_asked(cursor.status) && cursor.after.as_ref().is_none_or(is_own);
        is_fit.then_some(cursor).ok_or(InvalidCursor)
    }

    fn has(&self, entry: &Entry) -> bool {
        self.connection.as_ref().is_none_or(|connection| {
            request_of(&entry.pk).is_some_and(|key| key.connection() == connection.as_str())
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.status.word().to_owned();
        if let Some(entry) = &self.after {
            text += &format!("#{}#{}", entry.at.as_millis(), entry.pk);
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let (word, rest) = match text.split_once('#') {
            Some((word, rest)) => (word, Some(rest)),
            None => (text.as_str(), None),
        };
        let status = LISTED.into_iter().find(|status| status.word() == word);
        let after = rest.map(|rest| {
            let (at, pk) = rest.split_once('#')?;
            let at = Timestamp::from_millis(at.parse().ok()?);
            let pk = pk.to_owned();
            Some(Entry { at, pk })
        });
        match (status, after) {
            (Some(status), None) => Ok(Self {
                status,
                after: None,
            }),
            (Some(status), Some(Some(entry))) => Ok(Self {
                status,
                after: Some(entry),
            }),
            _ => Err(InvalidCursor),
        }
    }
}

/// The page of `query` that begins at `from`, the first one where that is none.
///
/// At most ten reads of the index and one of the ledger, which is consistent: what has changed, or expired,
/// since the index heard of it is left out.
///
/// # Errors
/// When the store does not answer.
pub async fn list(
    index: &dyn LedgerIndex,
    store: &dyn LedgerStore,
    query: &Query,
    from: Option<Cursor>,
    now: Timestamp,
) -> Result<Page, StoreError> {
    let (found, next) = find(index, query, from).await?;
    let keys: Vec<String> = found.iter().map(|(_, entry)| entry.pk.clone()).collect();
    let read = store.read(&keys).await?;
    let stands = found
        .into_iter()
        .zip(read)
        .filter_map(|((status, _), record)| {
            record.filter(|record| record.status == status && !record.is_expired(now))
        });
    Ok(Page {
        records: stands.collect(),
        next,
    })
}

/// At most [`PAGE`] entries, with the status that the index has them under, and where the next ones begin.
async fn find(
    index: &dyn LedgerIndex,
    query: &Query,
    from: Option<Cursor>,
) -> Result<(Vec<(Status, Entry)>, Option<Cursor>), StoreError> {
    let begins = from.as_ref().map(|from| from.status);
    let mut open = LISTED
        .into_iter()
        .filter(|status| query.status.is_none_or(|asked| asked == *status))
        .skip_while(|status| begins.is_some_and(|begins| begins != *status))
        .map(|status| Cursor {
            status,
            after: None,
        });
    let first = open.next();
    let mut place = from.or(first);
    let since = query.since.unwrap_or(Timestamp::from_millis(0));
    let limit = match query.connection {
        Some(_) => PICKED_FROM,
        None => PAGE,
    };
    let mut found = Vec::new();
    for _ in 0..SLICES_MAX {
        let Some(Cursor { status, after }) = place.take() else {
            break;
        };
        let ask = Ask {
            provider: query.provider.as_str(),
            status,
            since,
            after: after.as_ref(),
            limit,
        };
        // A place before the time that is asked for has nothing behind it.
        let slice = match &after {
            Some(entry) if entry.at < since => Slice::default(),
            _ => index.slice(&ask).await?,
        };
        let last = slice.entries.last().cloned();
        for entry in slice.entries.into_iter().filter(|entry| query.has(entry)) {
            let after = Some(entry.clone());
            found.push((status, entry));
            if found.len() == PAGE {
                return Ok((found, Some(Cursor { status, after })));
            }
        }
        place = match slice.is_more {
            true => Some(Cursor {
                status,
                after: last.or(after),
            }),
            false => open.next(),
        };
    }
    Ok((found, place))
}
