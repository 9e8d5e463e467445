//! DynamoDB as the stores ask it: each call is tried once straight on the wire, and whatever that leaves open is left to
//! the SDK.

mod connector;
mod direct;
mod item;
mod json;
mod signature;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use serde::{Deserialize, Serialize};

use self::direct::{Direct, Tried};
use self::item::{NoItem, quote};
use self::json::Read;
use crate::StoreError;
use crate::aws::failed;

/// A DynamoDB item.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A condition that does not hold.
const REFUSED: &str = "ConditionalCheckFailedException";

/// An absent item comes as an empty one from some.
fn is_there(item: &Item) -> bool {
    !item.is_empty()
}

/// What must hold for an item to be written.
pub(crate) struct Condition {
    pub expression: &'static str,
    /// What stands for names that are DynamoDB's own words.
    pub names: &'static [(&'static str, &'static str)],
    pub values: Vec<(&'static str, Operand)>,
}

/// What a condition compares with.
pub(crate) enum Operand {
    Text(String),
    Number(String),
}

impl Operand {
    /// A whole number.
    pub fn number(number: impl Into<i128>) -> Self {
        Self::Number(number.into().to_string())
    }

    fn json(&self) -> String {
        match self {
            Self::Text(text) => format!(r#"{{"S":{}}}"#, quoted(text)),
            Self::Number(digits) => format!(r#"{{"N":"{digits}"}}"#),
        }
    }
}

impl From<Operand> for AttributeValue {
    fn from(operand: Operand) -> Self {
        match operand {
            Operand::Text(text) => Self::S(text),
            Operand::Number(digits) => Self::N(digits),
        }
    }
}

/// What became of a conditional `PutItem`.
pub(crate) enum Put {
    /// The item is written.
    Done,
    /// The condition failed; this stands there.
    Refused(Option<Item>),
}

/// A change of an item, and what must hold for it.
pub(crate) struct Update {
    pub expression: String,
    pub condition: String,
    /// What stands for names.
    pub names: Vec<(String, String)>,
    pub values: Vec<(String, Operand)>,
}

/// What became of a conditional `UpdateItem`.
pub(crate) enum Updated {
    /// The item was changed, to this.
    Done(Item),
    /// The condition failed; this stands there.
    Refused(Option<Item>),
}

/// DynamoDB in one region. Clones share their connections.
#[derive(Clone, Debug)]
pub struct DynamoDb(Arc<Way>);

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one, behind an Arc")]
enum Way {
    /// Every call goes through the SDK.
    Sdk(Client),
    /// The first try goes straight to the wire.
    Direct {
        direct: Direct,
        config: SdkConfig,
        /// The SDK's client, made where it is first needed.
        sdk: OnceLock<Client>,
        /// The same for what a try left open: it has one try less.
        rest: OnceLock<Client>,
    },
}

/// Every call goes through `client`.
impl From<Client> for DynamoDb {
    fn from(client: Client) -> Self {
        Self(Arc::new(Way::Sdk(client)))
    }
}

impl DynamoDb {
    /// DynamoDB as `config` names it. Where its endpoint is none that can be told without the SDK's rules (FIPS, dual
    /// stack, partitions of their own), every call goes through the SDK.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self(Arc::new(match Direct::new(config) {
            None => Way::Sdk(Client::new(config)),
            Some(direct) => Way::Direct {
                direct,
                config: config.clone(),
                sdk: OnceLock::new(),
                rest: OnceLock::new(),
            },
        }))
    }

    /// Writes `object` to `table`, its fields as attributes, if `condition` holds; a refusal brings the present item
    /// along.
    pub(crate) async fn put_if(
        &self,
        table: &str,
        object: &(impl Serialize + Sync),
        condition: Condition,
    ) -> Result<Put, StoreError> {
        const OPERATION: &str = "PutItem";
        let body = put_body(table, object, &condition).map_err(|NoItem| {
            StoreError::new(OPERATION, "no item can be made of what is stored")
        })?;
        let tried = self.attempt("DynamoDB_20120810.PutItem", body).await;
        match tried {
            // What it says is nothing that is asked for; that it is an object says that DynamoDB has spoken.
            Tried::Done(answer) if read::<Nothing>(&answer).is_some() => return Ok(Put::Done),
            Tried::Refused(code, answer) if code == REFUSED => {
                if let Some(found) = read::<Found>(&answer) {
                    return Ok(Put::Refused(found.item.map(json::item).filter(is_there)));
                }
            }
            Tried::Refused(code, _) => return Err(StoreError::new(OPERATION, code)),
            Tried::Done(_) | Tried::Unclear => {}
        }
        let item = serde_dynamo::to_item(object)
            .map_err(|_| StoreError::new(OPERATION, "no item can be made of what is stored"))?;
        sdk_put(self.rest(), table, item, condition).await
    }

    /// Makes `update` to the item under `pk` of `table` if its condition holds; answers with the item as it is then. One
    /// whose reply was lost may be made twice.
    pub(crate) async fn update_if(
        &self,
        table: &str,
        pk: &str,
        update: Update,
    ) -> Result<Updated, StoreError> {
        let body = update_body(table, pk, &update);
        match self.attempt("DynamoDB_20120810.UpdateItem", body).await {
            Tried::Done(answer) => {
                if let Some(Changed { item }) = read(&answer) {
                    return Ok(Updated::Done(json::item(item)));
                }
            }
            Tried::Refused(code, answer) if code == REFUSED => {
                if let Some(found) = read::<Found>(&answer) {
                    return Ok(Updated::Refused(
                        found.item.map(json::item).filter(is_there),
                    ));
                }
            }
            Tried::Refused(code, _) => return Err(StoreError::new("UpdateItem", code)),
            Tried::Unclear => {}
        }
        sdk_update(self.rest(), table, pk, update).await
    }

    /// The item under `pk` of `table`, as of now.
    pub(crate) async fn get(&self, table: &str, pk: &str) -> Result<Option<Item>, StoreError> {
        let mut body = String::from(r#"{"TableName":"#);
        quote(table, &mut body);
        body.push_str(r#","ConsistentRead":true,"Key":{"pk":{"S":"#);
        quote(pk, &mut body);
        body.push_str("}}}");
        match self.attempt("DynamoDB_20120810.GetItem", body).await {
            Tried::Done(answer) => {
                if let Some(found) = read::<Found>(&answer) {
                    return Ok(found.item.map(json::item));
                }
            }
            Tried::Refused(code, _) => return Err(StoreError::new("GetItem", code)),
            Tried::Unclear => {}
        }
        sdk_get(self.rest(), table, pk).await
    }

    /// The SDK's client, for what is asked seldom.
    pub(crate) fn sdk(&self) -> &Client {
        match &*self.0 {
            Way::Sdk(client) => client,
            Way::Direct { config, sdk, .. } => sdk.get_or_init(|| Client::new(config)),
        }
    }

    /// The SDK's client, for what a try on the wire has left open.
    fn rest(&self) -> &Client {
        match &*self.0 {
            Way::Sdk(client) => client,
            Way::Direct {
                config,
                direct,
                rest,
                ..
            } => rest.get_or_init(|| after_a_try(config, direct)),
        }
    }

    async fn attempt(&self, target: &'static str, body: String) -> Tried {
        match &*self.0 {
            Way::Direct { direct, .. } => direct.attempt(target, body.into_bytes()).await,
            Way::Sdk(_) => Tried::Unclear,
        }
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html>
fn put_body(table: &str, object: &impl Serialize, condition: &Condition) -> Result<String, NoItem> {
    /// A record and its condition.
    const USUAL: usize = 1536;
    let mut body = String::with_capacity(USUAL);
    body.push_str(r#"{"TableName":"#);
    quote(table, &mut body);
    body.push_str(r#","Item":"#);
    item::write(object, &mut body)?;
    body.push_str(r#","ConditionExpression":"#);
    quote(condition.expression, &mut body);
    let names = condition.names.iter();
    let values = condition.values.iter();
    stand_ins(
        &mut body,
        names.map(|(name, stands_for)| (*name, *stands_for)),
        values.map(|(name, value)| (*name, value)),
    );
    body.push_str(r#","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}"#);
    Ok(body)
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html>
fn update_body(table: &str, pk: &str, update: &Update) -> String {
    /// Two limits' additions.
    const USUAL: usize = 768;
    let mut body = String::with_capacity(USUAL);
    body.push_str(r#"{"TableName":"#);
    quote(table, &mut body);
    body.push_str(r#","Key":{"pk":{"S":"#);
    quote(pk, &mut body);
    body.push_str(r#"}},"UpdateExpression":"#);
    quote(&update.expression, &mut body);
    body.push_str(r#","ConditionExpression":"#);
    quote(&update.condition, &mut body);
    let names = update.names.iter();
    let values = update.values.iter();
    stand_ins(
        &mut body,
        names.map(|(name, stands_for)| (&**name, &**stands_for)),
        values.map(|(name, value)| (&**name, value)),
    );
    body.push_str(r#","ReturnValues":"ALL_NEW","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}"#);
    body
}

/// What stands for names and values in expressions.
fn stand_ins<'a>(
    body: &mut String,
    names: impl Iterator<Item = (&'a str, &'a str)>,
    values: impl Iterator<Item = (&'a str, &'a Operand)>,
) {
    let mut member = |called: &str, pairs: &mut dyn Iterator<Item = (&'a str, String)>| {
        let mut before = format!(r#","{called}":{{"#);
        for (name, json) in pairs {
            body.push_str(&before);
            quote(name, body);
            body.push(':');
            body.push_str(&json);
            before = ",".to_owned();
        }
        if before == "," {
            body.push('}');
        }
    };
    member(
        "ExpressionAttributeNames",
        &mut names.map(|(name, stands_for)| (name, quoted(stands_for))),
    );
    member(
        "ExpressionAttributeValues",
        &mut values.map(|(name, value)| (name, value.json())),
    );
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    quote(text, &mut json);
    json
}

/// The SDK's client with what a try has left of a call's tries and time.
fn after_a_try(config: &SdkConfig, direct: &Direct) -> Client {
    let retry = config.retry_config().cloned();
    let retry = retry.unwrap_or_else(RetryConfig::standard);
    let left = retry.max_attempts().saturating_sub(1).max(1);
    let mut rest =
        aws_sdk_dynamodb::config::Builder::from(config).retry_config(retry.with_max_attempts(left));
    if let Some(timeouts) = config.timeout_config()
        && let (Some(all), Some(tried)) = (timeouts.operation_timeout(), direct.longest())
    {
        let left = all.saturating_sub(tried);
        let timeouts = timeouts.to_builder().operation_timeout(left);
        rest = rest.timeout_config(timeouts.build());
    }
    Client::from_conf(rest.build())
}

async fn sdk_put(
    client: &Client,
    table: &str,
    item: Item,
    condition: Condition,
) -> Result<Put, StoreError> {
    let put = client
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression(condition.expression)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let names = condition.names.iter();
    let put = names.fold(put, |put, (name, stands_for)| {
        put.expression_attribute_names(*name, *stands_for)
    });
    let values = condition.values.into_iter();
    let put = values.fold(put, |put, (name, value)| {
        put.expression_attribute_values(name, value.into())
    });
    let error = match put.send().await {
        Ok(_) => return Ok(Put::Done),
        Err(error) => error,
    };
    if let Some(PutItemError::ConditionalCheckFailedException(refusal)) = error.as_service_error() {
        return Ok(Put::Refused(refusal.item.clone().filter(is_there)));
    }
    Err(failed("PutItem", &error))
}

async fn sdk_update(
    client: &Client,
    table: &str,
    pk: &str,
    update: Update,
) -> Result<Updated, StoreError> {
    let call = client
        .update_item()
        .table_name(table)
        .key("pk", AttributeValue::S(pk.to_owned()))
        .update_expression(update.expression)
        .condition_expression(update.condition)
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let call = update
        .names
        .into_iter()
        .fold(call, |call, (name, stands_for)| {
            call.expression_attribute_names(name, stands_for)
        });
    let call = update.values.into_iter().fold(call, |call, (name, value)| {
        call.expression_attribute_values(name, value.into())
    });
    let error = match call.send().await {
        Ok(reply) => {
            let item = reply.attributes.filter(is_there);
            let item = item.ok_or_else(|| StoreError::new("UpdateItem", "no item came back"))?;
            return Ok(Updated::Done(item));
        }
        Err(error) => error,
    };
    if let Some(UpdateItemError::ConditionalCheckFailedException(refusal)) =
        error.as_service_error()
    {
        return Ok(Updated::Refused(refusal.item.clone().filter(is_there)));
    }
    Err(failed("UpdateItem", &error))
}

async fn sdk_get(client: &Client, table: &str, pk: &str) -> Result<Option<Item>, StoreError> {
    let get = client
        .get_item()
        .table_name(table)
        .key("pk", AttributeValue::S(pk.to_owned()))
        .consistent_read(true);
    let reply = get.send().await;
    Ok(reply.map_err(|error| failed("GetItem", &error))?.item)
}

/// An answer, or a refusal, that may bring an item.
#[derive(Deserialize)]
struct Found {
    #[serde(rename = "Item")]
    item: Option<HashMap<String, Read>>,
}

/// An answer that brings the item as it was changed to.
#[derive(Deserialize)]
struct Changed {
    #[serde(rename = "Attributes")]
    item: HashMap<String, Read>,
}

/// An object of which nothing is wanted.
#[derive(Deserialize)]
struct Nothing {}

fn read<T: for<'de> Deserialize<'de>>(answer: &[u8]) -> Option<T> {
    serde_json::from_slice(answer).ok()
}
