//! The ledger in DynamoDB: one item a request, one conditional `PutItem` a transition.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use serde::Serialize;

use super::store::too_many_keys;
use super::{Expected, LedgerStore, MAX_READ, Record, Write};
use crate::StoreError;
use crate::aws::failed;
use crate::dynamodb::{Condition, DynamoDb, Item, Operand, Put};

/// How often keys that DynamoDB left unprocessed are asked for again before the read counts as failed.
const READ_TRIES: usize = 3;

/// The `Requests` table.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    dynamodb: DynamoDb,
    table: String,
}

impl DynamoLedger {
    /// The ledger kept in `table`.
    pub fn new(dynamodb: impl Into<DynamoDb>, table: impl Into<String>) -> Self {
        Self {
            dynamodb: dynamodb.into(),
            table: table.into(),
        }
    }
}

/// A record as it stands in the table. It is written whole: what the [index](super::index) is to forget goes by not being
/// there.
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    record: &'a Record,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<String>,
}

#[async_trait]
impl LedgerStore for DynamoLedger {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        // DynamoDB refuses a batch that is empty or names a key twice.
        let distinct: BTreeSet<&String> = keys.iter().collect();
        let mut found = HashMap::with_capacity(distinct.len());
        let mut wanted = match distinct.len() {
            0 => return Ok(Vec::new()),
            _ if keys.len() > MAX_READ => return Err(too_many_keys()),
            _ => Some(wanted(distinct)?),
        };
        for _ in 0..READ_TRIES {
            let Some(ask) = wanted.take() else { break };
            let reply = self
                .dynamodb
                .sdk()
                .batch_get_item()
                .request_items(&self.table, ask)
                .send()
                .await
                .map_err(|error| failed("BatchGetItem", &error))?;
            // An answer that does not name the table says nothing of its keys: they are not absent.
            let items = reply
                .responses
                .and_then(|mut tables| tables.remove(&self.table))
                .ok_or_else(|| StoreError::new("BatchGetItem", "no answer for the table"))?;
            for item in items {
                let record = read_item(item)?;
                found.insert(record.pk.clone(), record);
            }
            wanted = reply
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.table);
        }
        if wanted.is_some() {
            // An unprocessed key is not an absent record.
            return Err(StoreError::new(
                "BatchGetItem",
                "keys were left unprocessed",
            ));
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        let stored = Stored {
            record: next,
            open: next.open(),
        };
        let put = self
            .dynamodb
            .put_if(&self.table, &stored, condition(expected));
        match put.await? {
            Put::Done => Ok(Write::Written),
            Put::Refused(item) => Ok(Write::refused(next, item.map(read_item).transpose()?)),
        }
    }
}

fn condition(expected: &Expected) -> Condition {
    match expected {
        Expected::AbsentOrExpired { now } => Condition {
            expression: "attribute_not_exists(pk) OR expires_at < :now",
            names: &[],
            values: vec![(":now", Operand::number(now.as_secs_ceil()))],
        },
        Expected::Unchanged {
            owner,
            generation,
            status,
        } => Condition {
            expression: "#owner = :owner AND generation = :generation AND #status = :status",
            names: &[("#owner", "owner"), ("#status", "status")],
            values: vec![
                (":owner", Operand::Text(owner.clone())),
                (":generation", Operand::number(*generation)),
                (":status", Operand::Text(status.word().to_owned())),
            ],
        },
    }
}

fn wanted(keys: BTreeSet<&String>) -> Result<KeysAndAttributes, StoreError> {
    let keys = keys
        .into_iter()
        .map(|key| HashMap::from([("pk".to_owned(), AttributeValue::S(key.clone()))]));
    KeysAndAttributes::builder()
        .set_keys(Some(keys.collect()))
        .consistent_read(true)
        .build()
        .map_err(|error| StoreError::new("BatchGetItem", error.to_string()))
}

fn read_item(item: Item) -> Result<Record, StoreError> {
    serde_dynamo::from_item(item).map_err(|_| StoreError::unreadable("reading a record"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Status;

    #[test]
    fn the_condition_spells_a_status_as_the_item_does() {
        for status in [
            Status::InProgress,
            Status::Retrying,
            Status::Completed,
            Status::Rejected,
            Status::Unknown,
        ] {
            let value: AttributeValue = serde_dynamo::to_attribute_value(status).expect("a word");
            assert_eq!(value, AttributeValue::S(status.word().to_owned()));
        }
    }
}
