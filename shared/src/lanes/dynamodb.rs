//! Shared state in DynamoDB: one item a key, the value's fields as attributes beside `version` and `mark`.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use serde_json::Value;

use super::{Added, Additions, MAX_ADDITIONS, MAX_GLANCE, StateStore, Swap, Versioned};
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

    async fn glance(
        &self,
        keys: &[String],
        fields: &[&str],
    ) -> Result<Vec<Option<Value>>, StoreError> {
        if keys.is_empty() || keys.len() > MAX_GLANCE {
            return Err(StoreError::new("BatchGetItem", "1 to 100 keys"));
        }
        let reply = self
            .client
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

    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        _mark: &str,
    ) -> Result<Added, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(key.to_owned()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let error = match added(update, additions).send().await {
            Ok(reply) => {
                let item = reply.attributes.ok_or_else(unreadable)?;
                return split(item).map(|(stored, _)| Added::Added(stored));
            }
            Err(error) => error,
        };
        let Some(UpdateItemError::ConditionalCheckFailedException(refusal)) =
            error.as_service_error()
        else {
            return Err(failed("UpdateItem", &error));
        };
        let current = refusal.item.clone().filter(|item| !item.is_empty());
        let current = current.map(split).transpose()?;
        Ok(Added::Refused(current.map(|(stored, _)| stored)))
    }
}

/// The expressions that make `additions`, each number and its bound by placeholders: names are the providers'.
fn added(update: UpdateItemFluentBuilder, additions: &Additions<'_>) -> UpdateItemFluentBuilder {
    let number = |number: String| AttributeValue::N(number);
    let mut set = "version = version + :one".to_owned();
    let mut only_if = "#guard = :guard".to_owned();
    let mut update = update
        .expression_attribute_names("#guard", additions.guard.0)
        .expression_attribute_values(":guard", number(additions.guard.1.to_string()))
        .expression_attribute_values(":one", number("1".to_owned()))
        .expression_attribute_names("#field", additions.field);
    for (at, addition) in additions.all.iter().take(MAX_ADDITIONS).enumerate() {
        set += &format!(", #field.#n{at} = #field.#n{at} + :a{at}");
        only_if += &format!(" AND #field.#n{at} <= :m{at}");
        update = update
            .expression_attribute_names(format!("#n{at}"), addition.name)
            .expression_attribute_values(format!(":a{at}"), number(addition.amount.to_string()))
            .expression_attribute_values(format!(":m{at}"), number(addition.at_most.to_string()));
    }
    update
        .update_expression(format!("SET {set}"))
        .condition_expression(only_if)
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
