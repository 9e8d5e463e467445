//! What the AWS adapters share: how a call fails, and a conditional `PutItem`.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

use crate::StoreError;

/// A DynamoDB item.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// What became of a conditional `PutItem`.
pub(crate) enum Put {
    /// The item is written.
    Done,
    /// The condition failed; this stands there.
    Refused(Option<Item>),
}

/// Sends `put`, whose condition is set; a refusal brings the present item along.
pub(crate) async fn put_if(put: PutItemFluentBuilder) -> Result<Put, StoreError> {
    let put =
        put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let error = match put.send().await {
        Ok(_) => return Ok(Put::Done),
        Err(error) => error,
    };
    if let Some(PutItemError::ConditionalCheckFailedException(refusal)) = error.as_service_error() {
        return Ok(Put::Refused(
            refusal.item.clone().filter(|item| !item.is_empty()),
        ));
    }
    Err(failed("PutItem", &error))
}

/// Service errors by their code, the rest by its causes: never by `Debug`, which would print a reply's body.
pub(crate) fn failed<E>(operation: &'static str, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error.code() {
        Some(code) => StoreError::new(operation, code),
        None => StoreError::caused(operation, error),
    }
}
