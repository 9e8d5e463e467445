//! Shared state in DynamoDB: one item a key, the value's fields as attributes beside `version` and `mark`.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::{StateStore, Swap, Versioned};
use crate::StoreError;
use crate::aws::{Item, Put, failed, put_if};

/// The `Lanes` table.
#[derive(Clone, Debug)]
pub struct DynamoStates {
    client: Client,
    table: String,
}

impl DynamoStates {
    /// The state kept in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }
}

#[async_trait]
impl StateStore for DynamoStates {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let reply = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(key.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("GetItem", &error))?;
        reply
            .item
            .map(|item| split(item).map(|(stored, _)| stored))
            .transpose()
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        let version = expected.unwrap_or(0) + 1;
        let mut item: Item = serde_dynamo::to_item(next)
            .map_err(|_| StoreError::new("storing a state", "no item can be made of it"))?;
        item.insert("pk".into(), AttributeValue::S(key.to_owned()));
        item.insert("version".into(), AttributeValue::N(version.to_string()));
        item.insert("mark".into(), AttributeValue::S(mark.to_owned()));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .condition_expression("version = :seen")
                .expression_attribute_values(":seen", AttributeValue::N(seen.to_string())),
        };
        match put_if(put).await? {
            Put::Done => Ok(Swap::Swapped { version }),
            Put::Refused(item) => match item.map(split).transpose()? {
                Some((_, ours)) if ours == mark => Ok(Swap::Swapped { version }),
                current => Ok(Swap::Lost(current.map(|(stored, _)| stored))),
            },
        }
    }
}

/// An item's value and version, and the mark of its last write.
fn split(mut item: Item) -> Result<(Versioned, String), StoreError> {
    item.remove("pk");
    let version = item
        .remove("version")
        .map(serde_dynamo::from_attribute_value)
        .transpose();
    let version = version.map_err(|_| unreadable())?.unwrap_or(0);
    let mark = match item.remove("mark") {
        Some(AttributeValue::S(mark)) => mark,
        _ => String::new(),
    };
    let value = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    Ok((Versioned { version, value }, mark))
}

fn unreadable() -> StoreError {
    StoreError::unreadable("reading a state")
}
