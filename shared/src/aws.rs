//! What the AWS adapters share: how a call fails.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::StoreError;

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
