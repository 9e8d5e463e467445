//! `GET /v1/requests/{provider}/{connection}/{key}`: where a request stands.

use causeway::Timestamp;
use causeway::ledger::{Record, Status};
use causeway::request::{IdempotencyKey, LedgerKey, Name};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::Api;
use crate::http::Response;
use crate::problem::Problem;

/// Where a request stands: what its lane has written down. A request that still waits in its queue has no record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RequestState {
    /// The provider.
    provider: String,
    /// The connection.
    connection: String,
    /// The idempotency key.
    idempotency_key: String,
    /// `IN_PROGRESS`, `RETRYING`, or how it ended: `COMPLETED`, `REJECTED`, `UNKNOWN`.
    #[schemars(with = "StatusWord")]
    status: Status,
    /// Calls in this series that may have reached the provider.
    attempts: u32,
    /// Whether an attempt may have taken effect and nobody can tell.
    ambiguous: bool,
    /// When its lane first saw it, RFC 3339.
    first_seen: String,
    /// When the last attempt was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<String>,
    /// When the next attempt is due, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    /// Why it ended, or why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The code in more words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What the provider answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ProviderResponse>,
}

/// The words of [`Status`].
#[derive(JsonSchema)]
#[schemars(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "only its schema is used")]
enum StatusWord {
    InProgress,
    Retrying,
    Completed,
    Rejected,
    Unknown,
}

/// What the provider answered.
#[derive(Debug, Serialize, JsonSchema)]
struct ProviderResponse {
    /// HTTP status.
    status: u16,
    /// The provider's id of what was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<String>,
}

/// Answers for the record at `address`: `<provider>/<connection>/<key>`, where the key may hold slashes.
pub(crate) async fn follow(api: &Api, address: &str) -> Response {
    let key = match ledger_key(address) {
        Ok(key) => key,
        Err(problem) => return problem.into(),
    };
    let read = api.ledger.read(&[key.to_string()]).await;
    let record = match read {
        Ok(records) => records.into_iter().next().flatten(),
        Err(error) => {
            tracing::warn!(%error, "the ledger cannot be read");
            return Problem::unavailable("ledger_unavailable", "the ledger does not answer").into();
        }
    };
    match record.filter(|record| !record.is_expired(api.clock.now())) {
        Some(record) => Response::json(StatusCode::OK, &state(&key, record)),
        None => Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_request",
            "no lane has a record of it: it waits in its queue, was never sent, or ended more than 30 days ago",
        )
        .into(),
    }
}

fn ledger_key(address: &str) -> Result<LedgerKey, Problem> {
    let mut parts = address.splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let name = |text: String, field| {
        Name::try_from(text)
            .map_err(|error| Problem::field("invalid_field", field, error.to_string()))
    };
    let provider = name(part(), "provider")?;
    let connection = name(part(), "connection")?;
    let key = IdempotencyKey::try_from(part())
        .map_err(|error| Problem::field("invalid_field", "key", error.to_string()))?;
    Ok(LedgerKey::new(&provider, &connection, &key))
}

fn state(key: &LedgerKey, record: Record) -> RequestState {
    let text = |time: Timestamp| time.to_string();
    RequestState {
        provider: key.provider().to_owned(),
        connection: key.connection().to_owned(),
        idempotency_key: key.key().to_owned(),
        status: record.status,
        attempts: record.attempts,
        ambiguous: record.ambiguous,
        first_seen: text(record.first_seen),
        last_attempt: record.last_attempt.map(text),
        next_attempt_at: record.next_attempt_at.map(text),
        code: record.code.map(|code| code.to_string()),
        detail: record.detail,
        response: record.response.map(|response| ProviderResponse {
            status: response.status,
            object_id: response.object_id,
        }),
    }
}
