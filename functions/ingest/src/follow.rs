//! `GET /v1/requests/{provider}/{connection}/{key}`: where a request stands. Where a path may not hold the key as it
//! is, it is asked for with `GET /v1/requests/{provider}/{connection}?key=`.

use causeway::Timestamp;
use causeway::ledger::{Record, Status};
use causeway::request::{IdempotencyKey, LedgerKey, Name};
use futures_util::future::join;
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::{Api, REQUESTS};
use crate::explained;
use crate::explanation::Explained;
use crate::http::{Request, Response};
use crate::problem::Problem;

/// Where a request stands: what its lane has written down. A request that still waits in its queue has no record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RequestState {
    #[serde(flatten)]
    standing: Standing,
    /// The same in words, with why it is not delivered yet where it is not.
    explanation: Explained,
}

/// What its lane has written down of a request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Standing {
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

/// What stands for itself, in a path as in a query. <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where the request under `key` is followed. On its way a path is normalised, decoded and signed by many, and not by
/// all in the same way: only a key that none of them would change goes there, any other into the query.
pub(crate) fn location(key: &LedgerKey) -> String {
    let encoded = utf8_percent_encode(key.key(), &UNRESERVED).to_string();
    let is_plain = encoded == key.key() && ![".", ".."].contains(&key.key());
    let how = if is_plain { "/" } else { "?key=" };
    let (provider, connection) = (key.provider(), key.connection());
    format!("{REQUESTS}/{provider}/{connection}{how}{encoded}")
}

/// Answers for the record at `address`: `<provider>/<connection>/<key>`, where the key may hold slashes, or
/// `<provider>/<connection>` with the key in the query.
pub(crate) async fn follow(api: &Api, address: &str, request: &Request) -> Response {
    let query = &*request.query;
    let asked = ledger_key(address, query).and_then(|key| {
        let may = api.may(&request.caller);
        may.check(key.provider(), Some(key.connection()))?;
        Ok((key, explained::zone(query)?))
    });
    let (key, zone) = match asked {
        Ok(asked) => asked,
        Err(problem) => return problem.into(),
    };
    let keys = [key.to_string()];
    let (read, lane) = join(api.ledger.read(&keys), explained::lane(api, &key)).await;
    let record = match read {
        Ok(records) => records.into_iter().next().flatten(),
        Err(error) => {
            tracing::warn!(%error, "the ledger cannot be read");
            return Problem::unavailable("ledger_unavailable", "the ledger does not answer").into();
        }
    };
    let now = api.clock.now();
    let record = record.filter(|record| !record.is_expired(now));
    let explanation = explained::explained(api, &key, record.as_ref(), lane.as_ref(), (&zone, now));
    match record {
        Some(record) => {
            let standing = Standing::of(&key, record);
            let state = RequestState {
                standing,
                explanation,
            };
            Response::json(StatusCode::OK, &state)
        }
        None => {
            let detail = "no lane has a record of it: it waits in its queue, was never sent, or ended more than 30 days ago";
            Problem::new(StatusCode::NOT_FOUND, "no_such_request", detail)
                .explained(explanation)
                .into()
        }
    }
}

fn ledger_key(address: &str, query: &str) -> Result<LedgerKey, Problem> {
    let mut parts = address.splitn(3, '/');
    let name = |text: String, field| {
        Name::try_from(text)
            .map_err(|error| Problem::field("invalid_field", field, error.to_string()))
    };
    let mut part = || parts.next().map(str::to_owned);
    let provider = name(part().unwrap_or_default(), "provider")?;
    let connection = name(part().unwrap_or_default(), "connection")?;
    let key = part().map_or_else(|| asked_for(query), Ok)?;
    let key = IdempotencyKey::try_from(key)
        .map_err(|error| Problem::field("invalid_field", "key", error.to_string()))?;
    Ok(LedgerKey::new(&provider, &connection, &key))
}

/// The one `key` of a query.
fn asked_for(query: &str) -> Result<String, Problem> {
    let mut keys = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "key");
    match (keys.next(), keys.next()) {
        (Some((_, key)), None) => Ok(key.into_owned()),
        (None, _) => Err(Problem::field(
            "missing_field",
            "key",
            "is missing: it stands behind the connection, or in the query",
        )),
        (Some(_), Some(_)) => Err(Problem::field("invalid_field", "key", "is given twice")),
    }
}

impl Standing {
    /// Of the request under `key`.
    pub(crate) fn of(key: &LedgerKey, record: Record) -> Self {
        let text = |time: Timestamp| time.to_string();
        Self {
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> LedgerKey {
        let name = |text: &str| Name::try_from(text.to_owned()).expect("a name");
        let key = IdempotencyKey::try_from(text.to_owned()).expect("a key");
        LedgerKey::new(&name("stripe"), &name("berlin"), &key)
    }

    #[test]
    fn a_location_has_nothing_that_a_path_would_change() {
        for (text, rest) in [
            ("order-7_1.~", "/order-7_1.~"),
            ("..", "?key=.."),
            ("a/b", "?key=a%2Fb"),
            ("50% off?&key=x+y", "?key=50%25%20off%3F%26key%3Dx%2By"),
        ] {
            let expected = format!("/v1/requests/stripe/berlin{rest}");
            assert_eq!(location(&key(text)), expected);
        }
    }

    #[test]
    fn a_query_has_one_key() {
        for (query, code) in [
            ("", "missing_field"),
            ("kez=1", "missing_field"),
            ("key=", "invalid_field"),
            ("key=a&key=b", "invalid_field"),
            ("key=%00", "invalid_field"),
            ("key=%ff", "invalid_field"),
        ] {
            let problem = ledger_key("stripe/berlin", query).expect_err(query);
            assert!(problem.to_json().contains(code), "{query}");
        }
        let plus = ledger_key("stripe/berlin", "x=1&key=a+b").expect("a key");
        assert_eq!(plus, key("a b"));
    }

    proptest! {
        #[test]
        fn what_is_followed_is_what_was_located(text in "[ -~]{1,255}") {
            let location = location(&key(&text));
            let (path, query) = location.split_once('?').unwrap_or((&location, ""));
            let address = path.strip_prefix(REQUESTS).and_then(|rest| rest.strip_prefix('/'));
            prop_assert_eq!(ledger_key(address.expect("below it"), query).expect("a key"), key(&text));
        }
    }
}
