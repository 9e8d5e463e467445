//! The ledger in DynamoDB: one item a request, one conditional `PutItem` a transition.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use super::record::OPEN;
use super::store::too_many_keys;
use super::{Expected, LedgerStore, MAX_READ, Record, Write};
use crate::StoreError;
use crate::aws::{Item, Put, failed, put_if};

/// How often keys that DynamoDB left unprocessed are asked for again before the read counts as failed.
const READ_TRIES: usize = 3;

/// The `Requests` table.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

impl DynamoLedger {
    /// The ledger kept in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
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
                .client
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
        let mut item: Item = serde_dynamo::to_item(next)
            .map_err(|_| StoreError::new("PutItem", "no item can be made of the record"))?;
        // The whole item is written anew: what the index is to forget goes by not being there.
        if let Some(open) = next.open() {
            item.insert(OPEN.to_owned(), AttributeValue::S(open));
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        let put = match expected {
            Expected::AbsentOrExpired { now } => put
                .condition_expression("attribute_not_exists(pk) OR expires_at < :now")
                .expression_attribute_values(
                    ":now",
                    AttributeValue::N(now.as_secs_ceil().to_string()),
                ),
            Expected::Unchanged {
                owner,
                generation,
                status,
            } => {
                put.condition_expression(
                    "#owner = :owner AND generation = :generation AND #status = :status",
                )
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":owner", AttributeValue::S(owner.clone()))
                .expression_attribute_values(
                    ":generation",
                    AttributeValue::N(generation.to_string()),
                )
                .expression_attribute_values(":status", AttributeValue::S(status.word().to_owned()))
            }
        };
        match put_if(put).await? {
            Put::Done => Ok(Write::Written),
            Put::Refused(item) => Ok(Write::refused(next, item.map(read_item).transpose()?)),
        }
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
