//! One look at what holds a lane, or one connection of it, up: breaker, pauses, limits. No token is asked for.

use causeway::breaker::{Breaker, Scope};
use causeway::credentials::{Pause, Rights, key as credentials_key};
use causeway::lanes::StateStore;
use causeway::limiter::{Limit, LimitState, ScopeKey};
use causeway::provider::Spec;
use causeway::{StoreError, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::facts::{Full, Lane};

/// The attributes that are asked for. Access and refresh tokens stand in the same items, and are none of them: whoever
/// looks needs no permission for those.
pub const LANE_FIELDS: [&str; 12] = [
    // A breaker's.
    "state",
    "opened_at",
    "open_until",
    "probe_until",
    "reopenings",
    "reason",
    // Credentials'.
    "pause",
    "rights",
    // A limit's.
    "format",
    "cells",
    "sums",
    "stopped_until",
];

/// What of a connection's credentials is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Standing {
    pause: Option<Pause>,
    rights: Rights,
}

/// Looks at the lane of `spec` and its `connection`: one read of at most four items.
///
/// # Errors
/// When the store does not answer, or holds what this release cannot read.
pub async fn look(
    states: &dyn StateStore,
    spec: &Spec,
    connection: &str,
    now: Timestamp,
) -> Result<Lane, StoreError> {
    let keys = keys(spec, connection);
    let seen = states.glance(&keys, &LANE_FIELDS).await?;
    let mut seen = seen.into_iter();
    let mut next = || seen.next().flatten();
    let limits: Vec<&Limit> = spec
        .limits
        .iter()
        .filter(|limit| limit.scope() == ScopeKey::Account)
        .collect();
    let breaker: Breaker = read(next())?;
    let standing: Standing = read(next())?;
    let limit: LimitState = read(next())?;
    let own_breaker = match spec.breaker.scope {
        Scope::Provider => None,
        Scope::Connection => Some(read(next())?),
    };
    Ok(Lane {
        breaker,
        own_breaker,
        pause: standing.pause,
        rights: standing.rights,
        limit: Full::of(&limit, &limits, now),
    })
}

/// The provider's breaker, the connection's credentials and account-wide limits, and its own breaker where it has one.
fn keys(spec: &Spec, connection: &str) -> Vec<String> {
    let provider = spec.name;
    let mut keys = vec![
        Scope::Provider.key(provider, connection),
        credentials_key(provider, connection),
        format!("{provider}#{connection}#limit#account"),
    ];
    if spec.breaker.scope == Scope::Connection {
        keys.push(Scope::Connection.key(provider, connection));
    }
    keys
}

/// What stands there; its default, which means that all is well, where nothing does.
fn read<T: DeserializeOwned + Default>(seen: Option<Value>) -> Result<T, StoreError> {
    seen.map_or_else(
        || Ok(T::default()),
        |value| {
            serde_json::from_value(value)
                .map_err(|_| StoreError::new("reading a state", "this release cannot read it"))
        },
    )
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use causeway::breaker::State;
    use causeway::lanes::MemoryStates;
    use causeway::provider::Provider;
    use serde_json::json;

    use super::super::tests::{NOON, pack};
    use super::*;

    /// A store in memory is always ready.
    fn now_or_never<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn a_look_reads_what_the_lane_wrote_and_no_token() {
        let (states, stripe) = (MemoryStates::default(), pack("stripe"));
        let later = NOON.as_millis() + 60_000;
        for (key, value) in [
            (
                "stripe#*#breaker",
                json!({"state": "Open", "epoch": 3, "open_until": later}),
            ),
            (
                "stripe#berlin#credentials",
                json!({"token": {"text": "secret"}, "refresh_token": "secret",
                    "pause": {"reason": "moved", "since": 1, "next_trial": later}}),
            ),
            (
                "stripe#berlin#limit#account",
                json!({"format": 2, "cells": {"account": {"quota": {"left": 0, "until": later}}}}),
            ),
            (
                "stripe#rome#credentials",
                json!({"pause": {"reason": "unauthorised", "since": 1, "next_trial": 2}}),
            ),
        ] {
            now_or_never(states.swap(key, None, &value, "test")).expect("stored");
        }
        let glanced =
            now_or_never(states.glance(&["stripe#berlin#credentials".to_owned()], &LANE_FIELDS));
        assert!(!format!("{glanced:?}").contains("secret"));
        let lane = now_or_never(look(&states, stripe.spec(), "berlin", NOON)).expect("a look");
        assert_eq!(lane.breaker.state, State::Open);
        assert_eq!(
            lane.pause.as_ref().map(|pause| pause.reason.code()),
            Some("moved")
        );
        assert_eq!(
            lane.limit.as_ref().map(|full| full.until.as_millis()),
            Some(later)
        );
        assert!(!lane.is_clear() && lane.own_breaker.is_none());
        let well = now_or_never(look(&states, stripe.spec(), "paris", NOON)).expect("a look");
        assert!(well.pause.is_none() && well.limit.is_none());
    }

    #[test]
    fn a_shops_own_breaker_is_looked_at() {
        let (states, shopify) = (MemoryStates::default(), pack("shopify"));
        let open = json!({"state": "ForcedOpen"});
        now_or_never(states.swap("shopify#hats#breaker", None, &open, "test")).expect("stored");
        let lane = now_or_never(look(&states, shopify.spec(), "hats", NOON)).expect("a look");
        assert_eq!(lane.breaker.state, State::Closed);
        assert_eq!(
            lane.own_breaker.map(|own| own.state),
            Some(State::ForcedOpen)
        );
    }

    #[test]
    fn what_cannot_be_read_is_no_good_health() {
        let (states, stripe) = (MemoryStates::default(), pack("stripe"));
        let strange = json!({"state": "Melted"});
        now_or_never(states.swap("stripe#*#breaker", None, &strange, "test")).expect("stored");
        assert!(now_or_never(look(&states, stripe.spec(), "berlin", NOON)).is_err());
    }
}
