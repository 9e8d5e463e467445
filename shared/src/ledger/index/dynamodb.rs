//! The index in DynamoDB: a global secondary index of the ledger's table, sparse, keys only.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use super::{Ask, Entry, INDEX, LedgerIndex, Slice};
use crate::aws::failed;
use crate::dynamodb::Item;
use crate::ledger::record::{OPEN, open};
use crate::{StoreError, Timestamp};

/// The index's second key: an attribute that every record has, so that only [`OPEN`] is written for its sake.
const AT: &str = "claimed_at";

/// The index of the `Requests` table.
#[derive(Clone, Debug)]
pub struct DynamoIndex {
    client: Client,
    table: String,
}

impl DynamoIndex {
    /// The index over the ledger kept in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
}

/// What an entry is read from.
#[derive(Deserialize)]
struct Keys {
    pk: String,
    claimed_at: Timestamp,
}

#[async_trait]
impl LedgerIndex for DynamoIndex {
    async fn slice(&self, ask: &Ask<'_>) -> Result<Slice, StoreError> {
        let partition = AttributeValue::S(open(ask.provider, ask.status));
        let at = |at: Timestamp| AttributeValue::N(at.as_millis().to_string());
        let start = ask.after.map(|entry| {
            HashMap::from([
                (OPEN.to_owned(), partition.clone()),
                (AT.to_owned(), at(entry.at)),
                ("pk".to_owned(), AttributeValue::S(entry.pk.clone())),
            ])
        });
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("#open = :open AND #at >= :since")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_names("#at", AT)
            .expression_attribute_values(":open", partition)
            .expression_attribute_values(":since", at(ask.since))
            .scan_index_forward(false)
            .limit(i32::try_from(ask.limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| failed("Query", &error))?;
        // A page without items says so; an answer that does not is none.
        let items = reply
            .items
            .ok_or_else(|| StoreError::new("Query", "no list in the answer"))?;
        let entries = items.into_iter().map(entry);
        Ok(Slice {
            entries: entries.collect::<Result<_, _>>()?,
            is_more: reply.last_evaluated_key.is_some(),
        })
    }
}

fn entry(item: Item) -> Result<Entry, StoreError> {
    let keys: Keys = serde_dynamo::from_item(item)
        .map_err(|_| StoreError::unreadable("reading an entry of the index"))?;
    Ok(Entry {
        at: keys.claimed_at,
        pk: keys.pk,
    })
}
