//! `GET /v1/requests?provider=…`: the requests of a provider, or of one connection, that are not delivered.

use std::collections::BTreeMap;

use causeway::Timestamp;
use causeway::ledger::index::{Cursor, LISTED, Query, list as list_index};
use causeway::ledger::{Record, Status, request_of};
use causeway::request::Name;
use form_urlencoded::parse;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::Api;
use crate::follow::{Standing, location};
use crate::http::{Request, Response};
use crate::problem::Problem;

/// What a query may ask by.
const FIELDS: [&str; 5] = ["provider", "connection", "status", "since", "after"];

/// Requests that are not delivered: `UNKNOWN` ones first, then `REJECTED`, then `RETRYING` ones, the latest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Undelivered {
    /// At most 100. There may be fewer, or none, with more behind `next`.
    #[schemars(length(max = 100))]
    requests: Vec<UndeliveredRequest>,
    /// What `after` is for the next page; none on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A request that is not delivered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UndeliveredRequest {
    #[serde(flatten)]
    standing: Standing,
    /// Where it is followed, with an explanation.
    location: String,
}

/// Answers for what the query asks.
pub(crate) async fn list(api: &Api, request: &Request) -> Response {
    let asked = asked(&request.query).and_then(|(query, from)| {
        let connection = query.connection.as_ref().map(Name::as_str);
        let may = api.may(&request.caller);
        may.check(query.provider.as_str(), connection)?;
        Ok((query, from))
    });
    let (query, from) = match asked {
        Ok(asked) => asked,
        Err(problem) => return problem.into(),
    };
    let now = api.clock.now();
    let page = list_index(api.index.as_ref(), api.ledger.as_ref(), &query, from, now).await;
    match page {
        Ok(page) => Response::json(
            StatusCode::OK,
            &Undelivered {
                requests: page.records.into_iter().filter_map(listed).collect(),
                next: page.next.map(|next| next.to_string()),
            },
        ),
        Err(error) => {
            tracing::warn!(%error, "the ledger's index cannot be read");
            Problem::unavailable("ledger_unavailable", "the ledger does not answer").into()
        }
    }
}

fn listed(record: Record) -> Option<UndeliveredRequest> {
    let key = request_of(&record.pk)?;
    Some(UndeliveredRequest {
        location: location(&key),
        standing: Standing::of(&key, record),
    })
}

/// What is asked, and from where on.
fn asked(query: &str) -> Result<(Query, Option<Cursor>), Problem> {
    let wrong = |field: &str, rule: &dyn ToString| {
        Problem::field("query_invalid", field.to_owned(), rule.to_string())
    };
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in parse(query.as_bytes()) {
        let Some(field) = FIELDS.into_iter().find(|field| *field == name) else {
            let rule = format!("the query may have {}", FIELDS.join(", "));
            return Err(wrong(&name, &rule));
        };
        if fields.insert(field, value.into_owned()).is_some() {
            return Err(wrong(field, &"is given twice"));
        }
    }
    let mut name = |field: &str| {
        let text = fields.remove(field);
        let name = text.map(Name::try_from).transpose();
        name.map_err(|error| wrong(field, &error))
    };
    let missing = || Problem::field("missing_field", "provider", "is missing: whose requests?");
    let provider = name("provider")?.ok_or_else(missing)?;
    let query = Query {
        provider,
        connection: name("connection")?,
        status: fields.get("status").map(|text| status(text)).transpose()?,
        since: fields.get("since").map(|text| since(text)).transpose()?,
    };
    let after = fields.get("after").map(|text| query.cursor(text));
    let after = after.transpose().map_err(|error| wrong("after", &error))?;
    Ok((query, after))
}

fn status(text: &str) -> Result<Status, Problem> {
    let found = LISTED.into_iter().find(|status| status.word() == text);
    found.ok_or_else(|| {
        let words = LISTED.map(Status::word).join(", ");
        let rule = format!("must be one of {words}: what is delivered or at work is not listed");
        Problem::field("query_invalid", "status", rule)
    })
}

fn since(text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse_rfc3339(text).map_err(|_| {
        let rule =
            "must be an RFC 3339 time, such as 2026-11-22T10:00:00Z (a `+` in a query is `%2B`)";
        Problem::field("query_invalid", "since", rule)
    })
}

#[cfg(test)]
mod tests;
