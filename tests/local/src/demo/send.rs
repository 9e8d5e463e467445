//! The producer: batches cut by count and by bytes, a few under way at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::plan::Plan;
use super::{DemoError, Field, LaneQueues};

/// SQS takes ten messages a batch.
const BATCH_MAX: usize = 10;
/// SQS takes 1 MiB a batch, all bodies together.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Batches under way at once.
const CONCURRENCY: usize = 4;
/// How often the entries that SQS refused are sent again.
const TRIES: usize = 5;

/// Sends the whole plan in its order, and counts in `sent` what SQS has taken.
pub(crate) async fn all(
    field: &Field<'_>,
    plan: &Plan,
    sent: &AtomicUsize,
) -> Result<(), DemoError> {
    let batches = batches(field, plan);
    stream::iter(batches)
        .map(|(lane, bodies)| async move {
            let count = bodies.len();
            batch(field, lane, bodies).await?;
            sent.fetch_add(count, Ordering::Relaxed);
            Ok(())
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await
}

/// Fills a batch per lane and gives it out when the next body does not fit.
fn batches<'a>(field: &'a Field<'_>, plan: &'a Plan) -> Vec<(&'a LaneQueues, Vec<&'a str>)> {
    let mut full = Vec::new();
    let mut open: Vec<(&LaneQueues, Vec<&str>)> =
        field.lanes.iter().map(|lane| (lane, Vec::new())).collect();
    for request in plan.order.iter().map(|at| &plan.requests[*at]) {
        let Some((lane, bodies)) = open
            .iter_mut()
            .find(|(lane, _)| lane.provider == request.provider)
        else {
            continue;
        };
        let bytes: usize = bodies.iter().map(|body| body.len()).sum();
        if bodies.len() == BATCH_MAX || bytes + request.body.len() > BATCH_BYTES_MAX {
            full.push((*lane, std::mem::take(bodies)));
        }
        bodies.push(&request.body);
    }
    full.extend(open.into_iter().filter(|(_, bodies)| !bodies.is_empty()));
    full
}

pub(crate) async fn batch(
    field: &Field<'_>,
    lane: &LaneQueues,
    mut bodies: Vec<&str>,
) -> Result<(), DemoError> {
    const WHAT: &str = "sending a batch";
    let mut reason = String::new();
    for _ in 0..TRIES {
        let entries = bodies.iter().enumerate().map(|(at, body)| {
            SendMessageBatchRequestEntry::builder()
                .id(at.to_string())
                .message_body(*body)
                .build()
        });
        let entries: Vec<_> = entries
            .collect::<Result<_, _>>()
            .map_err(DemoError::stack(WHAT))?;
        let call = field
            .sqs
            .send_message_batch()
            .queue_url(&lane.queue_url)
            .set_entries(Some(entries));
        let answer = call.send().await.map_err(DemoError::stack(WHAT))?;
        let failed: Vec<usize> = answer
            .failed()
            .iter()
            .filter_map(|entry| entry.id().parse().ok())
            .collect();
        let Some(first) = answer.failed().first() else {
            return Ok(());
        };
        reason = format!("{}: {}", first.code(), first.message().unwrap_or_default());
        bodies = failed.into_iter().map(|at| bodies[at]).collect();
    }
    Err(DemoError::Stack {
        what: WHAT,
        cause: reason,
    })
}
