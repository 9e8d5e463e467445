//! An operator says that a connection works again. Tokens stand in the same item: it is changed where it lies, so that
//! whoever resumes needs no right to read them.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use causeway::credentials;
use causeway::lanes::StateStore;

use crate::breaker;
use crate::error::Error;
use crate::items::Standing;
use crate::stack::Stack;

/// What a pause and the counts around it are made of.
const ENDED: &str = "SET mark = :mark, failures = :none, lapsed = :none \
                     REMOVE pause, rights, retry_at, refusals";

/// Ends the pause of `connection` at `provider`, and those of its operations; its lane's environments see so within a
/// minute. True where something was paused. A token that was refused is not tried again.
///
/// # Errors
/// When DynamoDB refuses.
pub async fn resume(stack: &Stack, provider: &str, connection: &str) -> Result<bool, Error> {
    let key = credentials::key(provider, connection);
    if !is_paused(stack, &key).await? {
        return Ok(false);
    }
    // The token goes with a pause for its refusal, and stays with any other.
    let refused = format!("{ENDED}, #token ADD version :one");
    let others = format!("{ENDED} ADD version :one");
    Ok(update(stack, &key, &refused, true).await? || update(stack, &key, &others, false).await?)
}

/// A look at the pause and the rights alone.
async fn is_paused(stack: &Stack, key: &str) -> Result<bool, Error> {
    let looks = breaker::states(stack)?;
    let seen = looks.glance(&[key.to_owned()], &["pause", "rights"]).await;
    let item = seen.map_err(breaker::failed)?.pop().flatten();
    let Some(item) = item else {
        return Ok(false);
    };
    let standing: Standing = serde_json::from_value(item)
        .map_err(|_| Error::new("the connection's item is of another release"))?;
    Ok(standing.pause.is_some() || standing.rights.paused().next().is_some())
}

/// One write, where the pause is the vendor's refusal, or where there is any other; whether there was.
async fn update(stack: &Stack, key: &str, change: &str, is_refusal: bool) -> Result<bool, Error> {
    let number = |number: u8| AttributeValue::N(number.to_string());
    let update = stack
        .dynamodb
        .update_item()
        .table_name(stack.lanes_table()?)
        .key("pk", AttributeValue::S(key.to_owned()))
        .update_expression(change)
        .expression_attribute_values(":mark", AttributeValue::S(breaker::writer()))
        .expression_attribute_values(":none", number(0))
        .expression_attribute_values(":one", number(1));
    let update = if is_refusal {
        update
            .condition_expression("pause.reason = :refused")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":refused", AttributeValue::S("unauthorised".to_owned()))
    } else {
        update.condition_expression("attribute_exists(pause) OR attribute_exists(rights)")
    };
    match update.send().await {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(Error::aws("resume the connection")(error)),
    }
}
