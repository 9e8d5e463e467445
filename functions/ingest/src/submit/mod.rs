//! `POST /v1/requests`, and `POST /v1/requests/{provider}/{connection}` for one connection: one request, or up to a hundred. Each is checked and answered on its own; those that are right
//! go to their lanes' queues, at most ten in a call and the lanes side by side.
//!
//! Nothing is kept here: a process that dies before it answers has sent some, all or none. The producer sends the same
//! again, and the ledger makes one request of the copies.

mod check;
mod split;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use causeway::queue::{Post, PutError};
use causeway::request::{LedgerKey, Name};
use causeway::trace::TraceContext;
use futures_util::future::join_all;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

pub use split::MAX_ITEMS;

use crate::api::Api;
use crate::follow::location;
use crate::http::{MAX_BODY_BYTES, Request, Response, Sent};
use crate::problem::Problem;
use check::{Bounds, Checked, check};
use split::{Submission, split};

/// The queue takes it never, as it is.
const QUEUE_REFUSED: &str = "queue_refused";

/// The queue did not answer, or not for this request.
const QUEUE_UNAVAILABLE: &str = "queue_unavailable";

/// A request that was taken: it is on its lane's queue.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// Always 202.
    status: u16,
    /// The request's id: the producer's, or a new one (UUIDv7).
    id: String,
    /// The key under which it is followed: the producer's, or the hash of its content.
    idempotency_key: String,
    /// Where it is followed.
    location: String,
    /// What doubt about it comes to: `keyed` and `natural` are sent again, `lookup` is asked about, `unsafe` ends as
    /// `UNKNOWN`.
    safety: &'static str,
    /// Where that is known from: `reviewed`, `inferred` or `default`.
    class: &'static str,
}

/// What became of one request.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Taken {
    /// It is on its lane's queue.
    Accepted(Accepted),
    /// It is not, or nobody knows.
    Refused(Problem),
}

/// What became of each request of a list, in its order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TakenList {
    /// One result a request.
    results: Vec<Taken>,
}

/// Answers a POST; `address` is the `<provider>/<connection>` of its path, where that names them.
pub(crate) async fn submit(api: &Api, request: &Request, address: Option<&str>) -> Response {
    let path = match address.map(path_names).transpose() {
        Ok(path) => path,
        Err(problem) => return problem.into(),
    };
    let path = path
        .as_ref()
        .map(|(provider, connection)| (provider, connection));
    let may = api.may(&request.caller);
    if let Some((provider, connection)) = path
        && let Err(problem) = may.check(provider.as_str(), Some(connection.as_str()))
    {
        return problem.into();
    }
    submit_from(api, request, Bounds { may, path }).await
}

/// The names in `<provider>/<connection>`.
fn path_names(address: &str) -> Result<(Name, Name), Problem> {
    let (provider, connection) = address.split_once('/').unwrap_or((address, ""));
    let name = |field, text: &str| {
        Name::try_from(text.to_owned())
            .map_err(|error| Problem::field("invalid_field", field, error.to_string()))
    };
    Ok((name("provider", provider)?, name("connection", connection)?))
}

async fn submit_from(api: &Api, request: &Request, bounds: Bounds<'_>) -> Response {
    if request.body.len() > MAX_BODY_BYTES {
        let detail = format!(
            "the body has {} bytes, at most {MAX_BODY_BYTES} are taken",
            request.body.len()
        );
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).into();
    }
    match split(&request.body) {
        Ok(Submission::One(item)) => {
            let (mut taken, sent, again) = take(api, &[item], request, bounds).await;
            let response = match taken.pop() {
                Some(Taken::Accepted(accepted)) => {
                    let location = accepted.location.clone();
                    Response::json(StatusCode::ACCEPTED, &accepted).at(location)
                }
                Some(Taken::Refused(problem)) => Response {
                    retry_after_s: again,
                    ..problem.into()
                },
                None => Problem::internal().into(),
            };
            Response { sent, ..response }
        }
        Ok(Submission::List(items)) => {
            let (results, sent, again) = take(api, &items, request, bounds).await;
            let all = results
                .iter()
                .all(|taken| matches!(taken, Taken::Accepted(_)));
            let status = if all {
                StatusCode::ACCEPTED
            } else {
                StatusCode::MULTI_STATUS
            };
            Response {
                sent,
                retry_after_s: again,
                ..Response::json(status, &TakenList { results })
            }
        }
        Err(problem) => problem.into(),
    }
}

/// Checks and sends `items`; one result an item, in their order, what went to queues, and in how many seconds it makes
/// sense to come again, where the producer's quota let some wait.
async fn take(
    api: &Api,
    items: &[&str],
    request: &Request,
    bounds: Bounds<'_>,
) -> (Vec<Taken>, Vec<Sent>, Option<u64>) {
    let now = api.clock.now();
    let drawn = match &api.quota {
        Some(quota) => {
            let subject = &request.caller.subject;
            Some(quota.draw(subject, items.len(), api.clock.as_ref()).await)
        }
        None => None,
    };
    let granted = drawn.map_or(items.len(), |drawn| drawn.granted);
    let (taken, waiting) = items.split_at(granted);
    let (mut results, sent) = send(api, taken, request, bounds).await;
    let refused = drawn.map(|drawn| drawn.refused(now));
    results.extend(
        refused
            .into_iter()
            .cycle()
            .take(waiting.len())
            .map(Taken::Refused),
    );
    let again = drawn.filter(|_| !waiting.is_empty());
    (results, sent, again.map(|drawn| drawn.wait_s(now)))
}

/// Checks and sends `items`; one result an item, in their order, and what went to queues.
async fn send(
    api: &Api,
    items: &[&str],
    request: &Request,
    bounds: Bounds<'_>,
) -> (Vec<Taken>, Vec<Sent>) {
    let checked = join_all(items.iter().map(|item| check(api, item, bounds))).await;
    let mut by_queue: BTreeMap<&str, Vec<(usize, &Checked)>> = BTreeMap::new();
    for (at, checked) in checked.iter().enumerate() {
        if let Ok(checked) = checked {
            let queue = by_queue.entry(checked.queue_url).or_default();
            queue.push((at, checked));
        }
    }
    let sends = by_queue
        .into_iter()
        .map(|(queue_url, requests)| async move {
            let started = api.clock.now();
            let context = |checked: &Checked| request.send_context(&checked.id, started);
            let posts: Vec<Post> = requests
                .iter()
                .map(|(_, checked)| post(checked, context(checked)))
                .collect();
            let results = api.producer.put(queue_url, &posts).await;
            let ended = api.clock.now();
            let sent = requests.into_iter().zip(results);
            let sent = sent.map(|((at, checked), result)| {
                let sent = Sent {
                    context: context(checked),
                    request_id: checked.id.clone(),
                    provider: checked.key.provider().to_owned(),
                    queue_url: queue_url.to_owned(),
                    started,
                    ended,
                    error: result.as_ref().err().map(|error| match error {
                        PutError::Refused { .. } => QUEUE_REFUSED,
                        PutError::Failed(_) => QUEUE_UNAVAILABLE,
                    }),
                };
                (at, (sent, result))
            });
            sent.collect::<Vec<_>>()
        });
    let mut sent: BTreeMap<usize, _> = join_all(sends).await.into_iter().flatten().collect();
    let mut spans = Vec::with_capacity(sent.len());
    let results = checked.into_iter().enumerate().map(|(at, checked)| {
        let checked = match checked {
            Ok(checked) => checked,
            Err(problem) => return Taken::Refused(problem),
        };
        let result = sent.remove(&at).map(|(sent, result)| {
            spans.push(sent);
            result
        });
        match result {
            Some(Ok(())) => Taken::Accepted(accepted(checked)),
            Some(Err(error)) => {
                tracing::warn!(%error, request_id = checked.id, "the queue took a request not, or did not say so");
                Taken::Refused(not_sent(&checked.key, error))
            }
            None => Taken::Refused(Problem::internal()),
        }
    });
    let results = results.collect();
    (results, spans)
}

fn post(checked: &Checked, context: TraceContext) -> Post {
    Post {
        body: checked.body.clone(),
        group_id: Some(checked.key.connection().to_owned()),
        trace_header: Some(context.xray()),
        revision: checked.revision,
        ..Post::default()
    }
}

fn accepted(checked: Checked) -> Accepted {
    let (safety, class) = checked.safety;
    Accepted {
        safety,
        class,
        status: StatusCode::ACCEPTED.as_u16(),
        location: location(&checked.key),
        idempotency_key: checked.key.key().to_owned(),
        id: checked.id,
    }
}

/// What the queue refuses it would refuse again. The answer of a queue that failed may have been lost on its way: what
/// it took is a copy that the ledger knows.
fn not_sent(key: &LedgerKey, error: PutError) -> Problem {
    match error {
        PutError::Refused { code, reason } => {
            let reason = reason.map(|reason| format!(": {reason}"));
            let reason = reason.unwrap_or_default();
            let detail = format!("the lane's queue cannot carry it: {code}{reason}");
            Problem::new(StatusCode::BAD_REQUEST, QUEUE_REFUSED, detail)
        }
        PutError::Failed(_) => {
            let detail = format!(
                "the lane's queue did not confirm it; send it again with the idempotency key `{}`",
                key.key()
            );
            Problem::unavailable(QUEUE_UNAVAILABLE, detail)
        }
    }
}
