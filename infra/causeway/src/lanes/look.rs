//! One look at all lanes: a scan of the shared state, the queues' numbers, the event sources.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_sqs::types::QueueAttributeName;
use causeway::Timestamp;
use causeway::breaker::State;
use causeway::credentials::Reason;
use causeway_insights::warning::Credential;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::limits::{Fullest, fullest};
use super::source::{Source, sources};
use crate::error::Error;
use crate::items::{self, Items};
use crate::stack::{Lane, Stack};
use crate::{breaker, connection, target, when};

/// Connections that a warning names at most.
const NAMED_MAX: usize = 3;

/// Lanes whose queues are asked side by side; each takes two calls.
const SIDE_BY_SIDE: usize = 8;

/// All lanes, as of one moment.
#[derive(Debug, Serialize)]
pub struct Look {
    /// By provider.
    pub lanes: Vec<LaneView>,
    /// What could not be read, a line each.
    pub problems: Vec<String>,
}

/// One lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LaneView {
    /// The provider.
    pub provider: String,
    /// Its breakers that are not closed, or one that is.
    pub breakers: Vec<breaker::View>,
    /// The fullest of its limits; none where nothing was drawn on, or this release does not know the provider.
    pub limit: Option<Fullest>,
    /// Its queue; none where it could not be read.
    pub queue: Option<Queued>,
    /// Its dead-letter queue; none where it could not be read.
    pub dead_letters: Option<Queued>,
    /// Its event source; none where it could not be read.
    pub source: Option<Source>,
    /// Its paused connections.
    pub paused: Vec<PausedConnection>,
    /// What early warning says of it; none where it says nothing, or was not heard of for a while.
    pub warning: Option<Warned>,
}

/// A warning in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warned {
    /// When early warning's began; none where it is about tokens alone.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub since: Option<Timestamp>,
    /// What is likely to come.
    pub text: String,
}

/// A paused connection in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PausedConnection {
    /// The connection.
    pub connection: String,
    /// The operation, where it alone is paused.
    pub operation: Option<String>,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for PausedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connection, reason) = (&self.connection, self.reason.code());
        match &self.operation {
            None => write!(f, "{connection} ({reason})"),
            Some(operation) => write!(f, "{connection} ({reason}: {operation})"),
        }
    }
}

/// How many messages a queue holds, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Queued {
    /// Waiting to be received.
    pub ready: u64,
    /// Received and not yet gone: under way, or put off.
    pub hidden: u64,
    /// Sent to be put off.
    pub delayed: u64,
}

impl Queued {
    /// All of them.
    #[must_use]
    pub const fn all(self) -> u64 {
        self.ready + self.hidden + self.delayed
    }
}

/// Looks at all lanes of `stack`. What cannot be read is among the problems.
///
/// # Errors
/// When the stack is of a release without shared state.
pub async fn look(stack: &Stack, now: Timestamp) -> Result<Look, Error> {
    stack.lanes_table()?;
    let (items, sources, queues) =
        futures_util::join!(items::scan(stack, None), sources(stack), queues(stack));
    let mut problems = Vec::new();
    let items = items.unwrap_or_else(|error| {
        problems.push(error.to_string());
        Items::default()
    });
    if items.cut {
        problems.push("the table of shared state is larger than one look".to_owned());
    }
    if items.unreadable > 0 {
        let count = items.unreadable;
        problems.push(format!(
            "{count} items of shared state are of another release"
        ));
    }
    let sources = sources.unwrap_or_else(|error| {
        problems.push(error.to_string());
        BTreeMap::new()
    });
    let mut lanes = Vec::new();
    for (lane, (queue, dead_letters)) in stack.lanes().iter().zip(queues) {
        let mut note = |read: Result<Queued, Error>| {
            read.map_err(|error| problems.push(format!("{}: {error}", lane.provider)))
                .ok()
        };
        let (queue, dead_letters) = (note(queue), note(dead_letters));
        let source = sources.get(&lane.function_name).cloned();
        lanes.push(LaneView {
            queue,
            dead_letters,
            source,
            ..view(lane, &items, now)
        });
    }
    Ok(Look { lanes, problems })
}

/// What the shared state says of one lane.
fn view(lane: &Lane, items: &Items, now: Timestamp) -> LaneView {
    let provider = lane.provider.as_str();
    let breakers = items
        .breakers
        .iter()
        .filter(|(key, _)| key.provider == provider);
    let mut breakers: Vec<_> = breakers
        .map(|(key, found)| breaker::view(key.connection(), found))
        .collect();
    if breakers
        .iter()
        .any(|breaker| breaker.state != State::Closed)
    {
        breakers.retain(|breaker| breaker.state != State::Closed);
    } else {
        breakers.truncate(1);
    }
    if breakers.is_empty() {
        breakers.push(breaker::view(None, &causeway::breaker::Breaker::default()));
    }
    let limits = items
        .limits
        .iter()
        .filter(|(key, _)| key.provider == provider);
    let credentials = connection::views(&items.credentials, now).into_iter();
    let paused = credentials
        .filter(|connection| connection.provider == provider)
        .flat_map(paused_parts);
    LaneView {
        provider: provider.to_owned(),
        breakers,
        limit: target::spec(provider).and_then(|spec| fullest(spec, limits, now)),
        queue: None,
        dead_letters: None,
        source: None,
        paused: paused.collect(),
        warning: warning(provider, items, now),
    }
}

/// What is likely to come: what early warning says, and tokens that end soon and could not be exchanged lately, which
/// only operators may look at.
fn warning(provider: &str, items: &Items, now: Timestamp) -> Option<Warned> {
    let minute = minute_of(now);
    let of_the_lane = |key: &items::Key| key.provider == provider;
    let said = items.warnings.iter().find(|(key, _)| of_the_lane(key));
    let said = said.and_then(|(_, warning)| warning.said.as_ref());
    let told = said.and_then(|said| said.cell(minute));
    let since = said
        .filter(|_| told.is_some())
        .map(|said| Timestamp::from_millis(i64::from(said.since) * 60_000));
    let connections = items.credentials.iter().filter(|(key, _)| of_the_lane(key));
    let ending = connections.filter_map(|(key, standing)| {
        let credential = Credential {
            expires: minute_of(standing.token?.expires_at),
            failures: standing.failures,
        };
        let left = credential.lost(minute)? - minute;
        let connection = key.connection().unwrap_or_default();
        Some(format!("token of {connection} ends in ~{left} min"))
    });
    let parts: Vec<String> = told.into_iter().chain(ending.take(NAMED_MAX)).collect();
    (!parts.is_empty()).then(|| Warned {
        since,
        text: parts.join(", "),
    })
}

fn minute_of(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis() / 60_000).unwrap_or(0)
}

/// What of a connection is paused: all of it, or some operations.
fn paused_parts(view: connection::View) -> Vec<PausedConnection> {
    let part = |operation: Option<String>, reason| PausedConnection {
        connection: view.connection.clone(),
        operation,
        reason,
    };
    let whole = view.paused.map(|reason| part(None, reason));
    let operations = view.forbidden.iter();
    let operations = operations.map(|one| part(Some(one.operation.clone()), Reason::Forbidden));
    whole.into_iter().chain(operations).collect()
}

type Both = (Result<Queued, Error>, Result<Queued, Error>);

/// Both queues of every lane, in the lanes' order.
async fn queues(stack: &Stack) -> Vec<Both> {
    let both = stack.lanes().iter().map(|lane| async {
        futures_util::join!(queue(stack, &lane.queue_url), queue(stack, &lane.dlq_url))
    });
    stream::iter(both).buffered(SIDE_BY_SIDE).collect().await
}

pub(super) async fn queue(stack: &Stack, url: &str) -> Result<Queued, Error> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages as Ready, ApproximateNumberOfMessagesDelayed as Delayed,
        ApproximateNumberOfMessagesNotVisible as Hidden,
    };
    let asked = stack.sqs.get_queue_attributes().queue_url(url);
    let asked = asked.set_attribute_names(Some(vec![Ready, Delayed, Hidden]));
    let reply = asked
        .send()
        .await
        .map_err(Error::aws("read a queue's numbers"))?;
    let number = |name: &QueueAttributeName| {
        let found = reply.attributes().and_then(|all| all.get(name));
        found.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    Ok(Queued {
        ready: number(&Ready),
        hidden: number(&Hidden),
        delayed: number(&Delayed),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    #[test]
    fn a_lane_shows_what_is_not_closed_and_who_is_paused_and_nothing_of_others() {
        let mut items = Items::default();
        items.insert(json!({"pk": "shopify#shop-1#breaker", "state": "Closed"}));
        items.insert(json!({"pk": "shopify#shop-2#breaker", "state": "Open", "open_until": 5}));
        items.insert(json!({"pk": "stripe#*#breaker", "state": "ForcedOpen"}));
        items.insert(json!({"pk": "shopify#shop-3#credentials",
            "pause": {"reason": "unauthorised", "since": 1, "next_trial": 2}}));
        let lane = Lane {
            provider: "shopify".to_owned(),
            pascal: "Shopify".to_owned(),
            queue_url: "q".to_owned(),
            dlq_url: "d".to_owned(),
            function_name: "f".to_owned(),
        };
        let seen = view(&lane, &items, NOON);
        let open: Vec<_> = seen
            .breakers
            .iter()
            .map(|one| one.connection.as_deref())
            .collect();
        assert_eq!(open, [Some("shop-2")]);
        assert_eq!(seen.paused[0].connection, "shop-3");
        assert_eq!(seen.paused.len(), 1);

        let healthy = view(&lane, &Items::default(), NOON);
        assert_eq!(healthy.breakers[0].state, State::Closed);
        assert_eq!(healthy.warning, None);
    }

    #[test]
    fn a_warning_is_shown_while_somebody_looks_at_the_lane() {
        let minute = NOON.as_millis() / 60_000;
        let of = |seen: i64| {
            let mut items = Items::default();
            items.insert(json!({"pk": "shopify#*#warning", "said":
                {"since": minute - 30, "seen": seen, "signals": ["failures"], "breaker_opens": minute + 12}}));
            assert_eq!(items.unreadable, 0);
            warning("shopify", &items, NOON)
        };
        let on = of(minute - 2).expect("a warning");
        assert_eq!(on.text, "failures rising, breaker opens in ~12 min");
        assert_eq!(
            on.since.map(|since| NOON.since(since).as_secs()),
            Some(1800)
        );
        assert_eq!(of(minute - 60), None);
    }

    #[test]
    fn a_token_that_ends_soon_and_could_not_be_exchanged_is_a_warning() {
        let ends = NOON.as_millis() + 20 * 60_000;
        let of = |failures: u32| {
            let mut items = Items::default();
            items.insert(
                json!({"pk": "guesty#berlin#credentials", "failures": failures,
                "token": {"expires_at": ends}}),
            );
            warning("guesty", &items, NOON).map(|warned| warned.text)
        };
        assert_eq!(of(3).as_deref(), Some("token of berlin ends in ~20 min"));
        assert_eq!(of(0), None);
    }
}
