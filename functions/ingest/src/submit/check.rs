//! One request's checks: those of its lane, made where the producer still listens.

use std::borrow::Cow;

use causeway::Timestamp;
use causeway::mapping::FindError;
use causeway::provider::{Operation, Provider};
use causeway::queue::carried_json;
use causeway::request::{DecodeError, LedgerKey, MAX_REQUEST_BYTES, Name, Request};
use http::StatusCode;
use uuid::{NoContext, Uuid};

use super::split::fields;
use crate::api::{Api, Open};
use crate::caller::May;
use crate::problem::{FieldError, Problem};
use crate::providers::{class, safety};

/// A request that may go to its lane.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    /// Its id.
    pub id: String,
    /// Its place in the ledger.
    pub key: LedgerKey,
    /// The queue of its lane.
    pub queue_url: &'a str,
    /// The revision of the pack that accepts it, where its page counts them.
    pub revision: Option<u32>,
    /// What doubt about it comes to, and where that is known from.
    pub safety: (&'static str, &'static str),
    /// What goes there: the producer's own text, with an id, and with escapes for what SQS does not carry.
    pub body: String,
}

/// Whose requests are taken: who sends them, and where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    /// What the caller may use.
    pub may: May<'a>,
    /// The provider and the connection that the path names, where it does.
    pub path: Option<(&'a Name, &'a Name)>,
}

/// Checks the request whose text is `item`.
pub(super) async fn check<'a>(
    api: &'a Api,
    item: &str,
    bounds: Bounds<'_>,
) -> Result<Checked<'a>, Problem> {
    let item = carried_json(item);
    let item = match bounds.path {
        Some(path) => addressed(item, path),
        None => item,
    };
    let mut request = Request::decode(&item).map_err(refused)?;
    if let Some((provider, connection)) = bounds.path {
        is_same("provider", &request.provider, provider)?;
        is_same("connection", &request.connection, connection)?;
    }
    let connection = request.connection.as_str();
    bounds
        .may
        .check(request.provider.as_str(), Some(connection))?;
    let (body, id) = match request.id.take() {
        Some(id) => (item.into_owned(), id),
        None => with_new_id(&item, api.clock.now())?,
    };
    let Some(lane) = api.lanes.get(request.provider.as_str()) else {
        let known: Vec<_> = api.lanes.keys().copied().collect();
        let rule = format!("must be one of {}", known.join(", "));
        return Err(Problem::field("unknown_provider", "provider", rule));
    };
    let operation = check_payload(api, lane, &request).await?;
    let revision = lane.pack.spec().revision;
    Ok(Checked {
        revision: (revision > 0).then_some(revision),
        safety: (safety(operation.safety), class(lane.pack, operation.name)),
        id,
        key: request.ledger_key(),
        queue_url: &lane.queue_url,
        body,
    })
}

/// What a path says of a request need not be said again: a provider or a connection that it does not name is put in.
fn addressed<'a>(item: Cow<'a, str>, (provider, connection): (&Name, &Name)) -> Cow<'a, str> {
    let named = |name: &str| match fields(&item) {
        Ok(fields) if fields.is_empty() => true,
        Ok(fields) => fields.iter().any(|(field, _)| field == name),
        // The decoder says what is wrong with it.
        Err(_) => true,
    };
    let (has_provider, has_connection) = (named("provider"), named("connection"));
    let mut item = item;
    if !has_connection {
        item = with_field(&item, "connection", connection.as_str()).into();
    }
    if !has_provider {
        item = with_field(&item, "provider", provider.as_str()).into();
    }
    item
}

/// An object that has a field, with one more in front: as text, so that everything else stays as it was written.
/// `value` needs no escape.
fn with_field(object: &str, name: &str, value: &str) -> String {
    let fields = object.trim_start().strip_prefix('{').unwrap_or_default();
    format!("{{\"{name}\":\"{value}\",{fields}")
}

fn is_same(field: &'static str, named: &Name, path: &Name) -> Result<(), Problem> {
    if named == path {
        return Ok(());
    }
    let rule = format!("must be `{}`, as the path says", path.as_str());
    Err(Problem::field("invalid_field", field, rule))
}

/// The text with a new id, and that id.
fn with_new_id(item: &str, now: Timestamp) -> Result<(String, String), Problem> {
    let millis = u64::try_from(now.as_millis()).unwrap_or_default();
    let nanos = u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000;
    let time = uuid::Timestamp::from_unix(NoContext, millis / 1000, nanos);
    let id = Uuid::new_v7(time).to_string();
    let body = with_field(item, "id", &id);
    match body.len() {
        // The lane counts the id, too.
        bytes if bytes > MAX_REQUEST_BYTES => Err(refused(DecodeError::TooLarge { bytes })),
        _ => Ok((body, id)),
    }
}

async fn check_payload(
    api: &Api,
    lane: &Open,
    request: &Request,
) -> Result<&'static Operation, Problem> {
    let spec = lane.pack.spec();
    let Some(operation) = spec.operation(&request.operation) else {
        let rule = spec.operations.unknown(&request.operation);
        return Err(Problem::field("unknown_operation", "operation", rule));
    };
    if let Some(mapping) = &request.mapping {
        check_source(api, lane, request, mapping).await?;
        return Ok(operation);
    }
    let wrong = api
        .schemas
        .payload(spec.name, operation, &request.payload)
        .map_err(|_| Problem::internal())?;
    if !wrong.is_empty() {
        return Err(Problem::fields("payload_invalid", wrong));
    }
    // What the type knows and its schema cannot say.
    operation
        .prepare(&request.payload)
        .map(|_| operation)
        .map_err(|error| Problem::field("payload_invalid", error.path, error.rule))
}

/// Holds a payload in its source's own shape against what the mapping says of that.
async fn check_source(
    api: &Api,
    lane: &Open,
    request: &Request,
    mapping: &str,
) -> Result<(), Problem> {
    let connection = request.connection.as_str();
    let found = lane
        .mappings
        .find(connection, mapping, &request.operation, api.clock.now())
        .await;
    let mapping = match found {
        Ok(Some(mapping)) => mapping,
        Ok(None) => {
            let rule = format!("`{mapping}` is not known to {}", lane.pack.spec().name);
            return Err(Problem::field("mapping_failed", "mapping", rule));
        }
        Err(FindError::Mapping(error)) => {
            return Err(Problem::field(
                "mapping_failed",
                "mapping",
                error.to_string(),
            ));
        }
        Err(FindError::Store(error)) => {
            tracing::warn!(%error, "a mapping cannot be read");
            let detail = "the table of mappings does not answer";
            return Err(Problem::unavailable("mappings_unavailable", detail));
        }
    };
    let wrong = api.schemas.source(&mapping, &request.payload);
    let wrong = wrong.unwrap_or_else(|error| vec![FieldError::new("mapping", error.to_string())]);
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Problem::fields("mapping_failed", wrong)),
    }
}

fn refused(error: DecodeError) -> Problem {
    let code = error.code();
    match error {
        DecodeError::TooLarge { bytes } => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            code,
            format!(
                "the request has {bytes} bytes, its id among them; at most {MAX_REQUEST_BYTES} are taken"
            ),
        ),
        DecodeError::Malformed { .. } | DecodeError::TooDeep => {
            Problem::new(StatusCode::BAD_REQUEST, code, error.to_string())
        }
        DecodeError::MissingField { field, rule } | DecodeError::InvalidField { field, rule } => {
            Problem::field(code, field, rule)
        }
        DecodeError::UnknownField { path } => {
            Problem::field(code, path, "is not a field of a request")
        }
        DecodeError::DuplicateField { path } => {
            Problem::field(code, path, "must be given only once")
        }
        DecodeError::NumberNotExact { path, .. } => {
            Problem::field(code, path, "must be exact as a double")
        }
    }
}
