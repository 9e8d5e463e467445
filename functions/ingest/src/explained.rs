//! The explanation that answers carry: where a request stands, and why it is not delivered yet.

use std::time::Duration;

use causeway::Timestamp;
use causeway::ledger::Record;
use causeway::provider::Provider;
use causeway::request::LedgerKey;
use causeway_insights::explain::{Facts, Lane, Seen, Zone, explain, look};
use form_urlencoded::parse;

use crate::api::Api;
use crate::explanation::Explained;
use crate::problem::Problem;

/// How long the look at a lane may take: an explanation that knows less is better than an answer that comes late.
const LOOK_TIME: Duration = Duration::from_secs(1);

/// The zone whose times `query` asks for (`zone=Europe/Berlin`), else UTC.
pub(crate) fn zone(query: &str) -> Result<Zone, Problem> {
    let mut zones = parse(query.as_bytes()).filter(|(name, _)| name == "zone");
    let wrong = |rule: String| Problem::field("query_invalid", "zone", rule);
    match (zones.next(), zones.next()) {
        (None, _) => Ok(Zone::utc()),
        (Some((_, name)), None) => Zone::named(&name).map_err(|error| wrong(error.to_string())),
        (Some(_), Some(_)) => Err(wrong("is given twice".to_owned())),
    }
}

/// What holds up the lane of `key`, and its connection; none where the lane is not deployed, or nobody could look: then the
/// explanation says so, and the answer stands without it.
pub(crate) async fn lane(api: &Api, key: &LedgerKey) -> Option<Lane> {
    let spec = api.lanes.get(key.provider())?.pack.spec();
    let states = api.states.as_ref();
    let looked = look(states, spec, key.connection(), api.clock.now());
    match tokio::time::timeout(LOOK_TIME, looked).await {
        Ok(Ok(lane)) => Some(lane),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a lane's shared state cannot be read");
            None
        }
        Err(_) => {
            tracing::warn!("a lane's shared state was not read in time");
            None
        }
    }
}

/// Where the request under `key` stands, in words.
pub(crate) fn explained(
    api: &Api,
    key: &LedgerKey,
    record: Option<&Record>,
    lane: Option<&Lane>,
    (zone, now): (&Zone, Timestamp),
) -> Explained {
    let seen = record.map(Seen::of);
    let facts = Facts {
        now,
        provider: key.provider(),
        connection: key.connection(),
        key: Some(key.key()),
        // A record keeps neither the operation nor the deadline, and ingest may not look into queues.
        operation: None,
        safety: None,
        deadline: None,
        seen: seen.as_ref(),
        lane,
        waiting: None,
        page: api.lanes.get(key.provider()).map(|lane| lane.pack.page()),
    };
    explain(&facts, zone).into()
}

#[cfg(test)]
mod tests;
