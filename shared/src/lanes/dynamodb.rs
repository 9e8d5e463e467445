//! Shared state in DynamoDB: one item a key, the value's fields as attributes beside `version` and `mark`.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Added, Additions, MAX_ADDITIONS, MAX_GLANCE, StateStore, Swap, Versioned};
use crate::StoreError;
use crate::aws::failed;
use crate::dynamodb::{Condition, DynamoDb, Item, Operand, Put, Update, Updated};

/// The `Lanes` table.
#[derive(Clone, Debug)]
pub struct DynamoStates {
    dynamodb: DynamoDb,
    table: String,
}

impl DynamoStates {
    /// The state kept in `table`.
    pub fn new(dynamodb: impl Into<DynamoDb>, table: impl Into<String>) -> Self {
        Self {
            dynamodb: dynamodb.into(),
            table: table.into(),
        }
    }
}

#[async_trait]
impl StateStore for DynamoStates {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let item = self.dynamodb.get(&self.table, key).await?;
        item.map(|item| split(item).map(|(stored, _)| stored))
            .transpose()
    }

    async fn glance(
        &self,
        keys: &[String],
        fields: &[&str],
    ) -> Result<Vec<Option<Value>>, StoreError> {
        if keys.is_empty() || keys.len() > MAX_GLANCE {
            return Err(StoreError::new("BatchGetItem", "1 to 100 keys"));
        }
        let reply = self
            .dynamodb
            .sdk()
            .batch_get_item()
            .request_items(&self.table, asked(keys, fields)?)
            .send()
            .await
            .map_err(|error| failed("BatchGetItem", &error))?;
        if reply.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(StoreError::new(
                "BatchGetItem",
                "keys were left unprocessed",
            ));
        }
        // An answer that does not name the table says nothing of its keys: they are not absent.
        let items = reply
            .responses
            .and_then(|mut tables| tables.remove(&self.table))
            .ok_or_else(|| StoreError::new("BatchGetItem", "no answer for the table"))?;
        let mut seen = vec![None; keys.len()];
        for mut item in items {
            let Some(AttributeValue::S(pk)) = item.remove("pk") else {
                return Err(unreadable());
            };
            let value = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
            if let Some(at) = keys.iter().position(|key| *key == pk) {
                seen[at] = Some(value);
            }
        }
        Ok(seen)
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        let version = expected.unwrap_or(0) + 1;
        let Value::Object(fields) = next else {
            return Err(StoreError::new("storing a state", "it is no object"));
        };
        let item = Stored {
            pk: key,
            version,
            mark,
            fields,
        };
        let condition = match expected {
            None => Condition {
                expression: "attribute_not_exists(pk)",
                names: &[],
                values: Vec::new(),
            },
            Some(seen) => Condition {
                expression: "version = :seen",
                names: &[],
                values: vec![(":seen", Operand::number(seen))],
            },
        };
        match self.dynamodb.put_if(&self.table, &item, condition).await? {
            Put::Done => Ok(Swap::Swapped { version }),
            Put::Refused(item) => match item.map(split).transpose()? {
                Some((_, ours)) if ours == mark => Ok(Swap::Swapped { version }),
                current => Ok(Swap::Lost(current.map(|(stored, _)| stored))),
            },
        }
    }

    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        _mark: &str,
    ) -> Result<Added, StoreError> {
        let update = added(additions);
        match self.dynamodb.update_if(&self.table, key, update).await? {
            Updated::Done(item) => split(item).map(|(stored, _)| Added::Added(stored)),
            Updated::Refused(item) => {
                let current = item.map(split).transpose()?;
                Ok(Added::Refused(current.map(|(stored, _)| stored)))
            }
        }
    }
}

/// The expressions that make `additions`, each number and its bound by placeholders: names are the providers'.
fn added(additions: &Additions<'_>) -> Update {
    let mut update = Update {
        expression: "SET version = version + :one".to_owned(),
        condition: "#guard = :guard".to_owned(),
        names: vec![
            ("#guard".to_owned(), additions.guard.0.to_owned()),
            ("#field".to_owned(), additions.field.to_owned()),
        ],
        values: vec![
            (":guard".to_owned(), Operand::number(additions.guard.1)),
            (":one".to_owned(), Operand::number(1)),
        ],
    };
    for (at, addition) in additions.all.iter().take(MAX_ADDITIONS).enumerate() {
        update.expression += &format!(", #field.#n{at} = #field.#n{at} + :a{at}");
        update.condition += &format!(" AND #field.#n{at} <= :m{at}");
        let name = (format!("#n{at}"), addition.name.to_owned());
        update.names.push(name);
        update.values.extend([
            (format!(":a{at}"), Operand::number(addition.amount)),
            (format!(":m{at}"), Operand::number(addition.at_most)),
        ]);
    }
    update
}

/// A state as it stands in the table.
#[derive(Serialize)]
struct Stored<'a> {
    pk: &'a str,
    version: u64,
    mark: &'a str,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

/// Keys, and the only attributes that are asked for; each name by a placeholder, since some are DynamoDB's own words.
fn asked(keys: &[String], fields: &[&str]) -> Result<KeysAndAttributes, StoreError> {
    let mut names = HashMap::new();
    let mut placeholders = Vec::with_capacity(fields.len() + 1);
    for (at, field) in ["pk"].iter().chain(fields).enumerate() {
        let placeholder = format!("#a{at}");
        names.insert(placeholder.clone(), (*field).to_owned());
        placeholders.push(placeholder);
    }
    let key = |key: &String| HashMap::from([("pk".to_owned(), AttributeValue::S(key.clone()))]);
    KeysAndAttributes::builder()
        .set_keys(Some(keys.iter().map(key).collect()))
        .projection_expression(placeholders.join(", "))
        .set_expression_attribute_names(Some(names))
        .build()
        .map_err(|_| StoreError::new("BatchGetItem", "no keys"))
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
