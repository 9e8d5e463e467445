//! The requests that wait: an equal part for each of the lane's operations, whose limits the vendor counts apart.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::PROVIDER;
use crate::demo::{DemoError, Field, send_batch};

/// SQS takes ten messages a batch.
const BATCH_MAX: usize = 10;
/// Batches under way at once.
const CONCURRENCY: usize = 4;

/// Sends `messages` requests.
pub(super) async fn send(field: &Field<'_>, messages: usize) -> Result<(), DemoError> {
    let Some(lane) = field.lanes.iter().find(|lane| lane.provider == PROVIDER) else {
        return Ok(());
    };
    let bodies: Vec<String> = (0..messages).map(body).collect();
    let batches: Vec<Vec<&str>> = bodies
        .chunks(BATCH_MAX)
        .map(|some| some.iter().map(String::as_str).collect())
        .collect();
    stream::iter(batches)
        .map(|bodies| send_batch(field, lane, bodies))
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await
}

fn body(number: usize) -> String {
    let marker = format!("outage-{number:05}");
    let metadata = json!({"request": marker});
    let (operation, payload): (&str, Value) = match number % 3 {
        0 => (
            "customers.create",
            json!({"email": format!("guest{number}@example.com"), "metadata": metadata}),
        ),
        1 => (
            "payment_intents.create",
            json!({
                "amount": 1999, "currency": "usd", "confirm": true, "payment_method": "pm_card_visa",
                "metadata": metadata,
            }),
        ),
        // Of a payment intent that the fake knows as settled.
        _ => (
            "refunds.create",
            json!({"payment_intent": format!("pi_settled_{marker}"), "metadata": metadata}),
        ),
    };
    json!({
        "provider": PROVIDER, "operation": operation, "idempotency_key": marker,
        "created_at": "2026-11-22T10:00:00Z", "payload": payload,
    })
    .to_string()
}
