//! What a lane still holds: messages, letters, and records that wait for a person.

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use serde::Serialize;

use super::look::{Queued, queue};
use crate::error::Error;
use crate::stack::{Lane, Stack};

/// Pages of 1 MB of the ledger that are read at most: 200 MB, some $0.03.
const PAGES_MAX: usize = 200;

/// What a lane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its queue.
    pub queue: Queued,
    /// Its dead-letter queue.
    pub dead_letters: Queued,
    /// Records that never expire: ends that nobody knows, until a person says.
    pub open_records: u64,
    /// Whether the ledger is larger than what was read of it.
    pub cut: bool,
}

impl Held {
    /// Whether anything waits.
    #[must_use]
    pub const fn waits(self) -> bool {
        self.queue.all() + self.dead_letters.all() + self.open_records > 0
    }

    /// A line for each kind.
    #[must_use]
    pub fn text(self) -> String {
        let Queued {
            ready,
            hidden,
            delayed,
        } = self.queue;
        let (letters, open) = (self.dead_letters.all(), self.open_records);
        let least = if self.cut { "at least " } else { "" };
        format!(
            "  waiting                 {ready}\n  under way, put off      {hidden}\n  sent again, delayed     {delayed}\n  dead letters            {letters}\n  records without an end  {least}{open}"
        )
    }
}

/// Counts what `lane` holds; the numbers of its queues are approximate, as SQS's are.
///
/// # Errors
/// When AWS cannot be asked.
pub async fn held(stack: &Stack, lane: &Lane) -> Result<Held, Error> {
    let (waiting, letters, records) = futures_util::join!(
        queue(stack, &lane.queue_url),
        queue(stack, &lane.dlq_url),
        open_records(stack, &lane.provider)
    );
    let (open_records, cut) = records?;
    Ok(Held {
        queue: waiting?,
        dead_letters: letters?,
        open_records,
        cut,
    })
}

/// The records of `provider` that never expire, and whether the ledger is larger than what was read.
async fn open_records(stack: &Stack, provider: &str) -> Result<(u64, bool), Error> {
    let (mut count, mut from) = (0, None);
    for _ in 0..PAGES_MAX {
        let page = stack
            .dynamodb
            .scan()
            .table_name(stack.requests_table()?)
            .select(Select::Count)
            .filter_expression("begins_with(pk, :provider) AND attribute_not_exists(expires_at)")
            .expression_attribute_values(":provider", AttributeValue::S(format!("{provider}#")))
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(Error::aws("count the ledger's open records"))?;
        count += u64::try_from(page.count).unwrap_or(0);
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok((count, false));
        }
    }
    Ok((count, true))
}
