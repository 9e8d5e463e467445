//! The table of shared state as operators look at it: all of it at once, without the tokens that stand there too.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use causeway::Timestamp;
use causeway::breaker::Breaker;
use causeway::credentials::{Pause, Rights};
use causeway::limiter::LimitState;
use causeway_insights::warning::Said;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::stack::Stack;

/// Pages of 1 MB that one look reads: some 100,000 items. A limit of a fine scope (a channel, a device) has an item of
/// its own for some hours.
const PAGES_MAX: usize = 50;

/// The attributes that are asked for. Access and refresh tokens are none of them: they never leave the table.
const ATTRIBUTES: [&str; 26] = [
    "pk",
    // A breaker's.
    "state",
    "epoch",
    "opened",
    "opened_at",
    "open_until",
    "reopenings",
    "successes",
    "closed_at",
    "reason",
    // A limit's.
    "cells",
    "permits",
    "held",
    "format",
    "sums",
    "stopped_until",
    // Credentials'.
    "pause",
    "failures",
    "lapsed",
    "retry_at",
    "refreshes",
    "rights",
    // A warning's.
    "said",
    // Credentials', within a map.
    "token.expires_at",
    "token.refused",
    "lease.until",
];

/// What the table holds.
#[derive(Debug, Default)]
pub struct Items {
    /// Breakers that are, or once were, not closed.
    pub breakers: Vec<(Key, Breaker)>,
    /// Limits that were drawn on.
    pub limits: Vec<(Key, LimitState)>,
    /// Connections with a token or a pause.
    pub credentials: Vec<(Key, Standing)>,
    /// Lanes that early warning watches.
    pub warnings: Vec<(Key, Warning)>,
    /// Whether the look ended before the table did.
    pub cut: bool,
    /// Items that this release cannot read.
    pub unreadable: usize,
}

/// An item's key, `provider#connection#kind[#scope]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The provider.
    pub provider: String,
    connection: String,
    /// Of a limit: `account`, `operation=…` or `<field>=…`.
    pub scope: String,
}

/// A connection's credentials without the credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// No calls are made, but for trials.
    pub pause: Option<Pause>,
    /// Token calls in a row that brought no token.
    pub failures: u32,
    /// No token call is made before.
    pub retry_at: Option<Timestamp>,
    /// When tokens were asked for.
    pub refreshes: Vec<Timestamp>,
    /// Operations that the credentials were refused.
    pub rights: Rights,
    /// The access token's end, and whether the vendor refused it.
    pub token: Option<TokenStanding>,
    /// Somebody asks the vendor for a token.
    pub lease: Option<LeaseStanding>,
}

/// What early warning says of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Warning {
    /// The warning that is on.
    pub said: Option<Said>,
}

/// An access token without the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct TokenStanding {
    /// When the vendor ends it.
    pub expires_at: Timestamp,
    /// The vendor refused it.
    #[serde(default)]
    pub refused: bool,
}

/// The right to ask for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct LeaseStanding {
    /// It ends by itself.
    pub until: Timestamp,
}

impl Key {
    /// The connection; none where the item stands for all of them.
    #[must_use]
    pub fn connection(&self) -> Option<String> {
        (self.connection != "*").then(|| self.connection.clone())
    }
}

/// Looks at the whole table, or at one provider's part of it. Not a consistent read: what was written within the last
/// second may be missing.
///
/// # Errors
/// When the table cannot be read.
pub async fn scan(stack: &Stack, provider: Option<&str>) -> Result<Items, Error> {
    let mut found = Items::default();
    let (projection, names) = projection();
    let mut from = None;
    for _ in 0..PAGES_MAX {
        let scan = stack
            .dynamodb
            .scan()
            .table_name(stack.lanes_table()?)
            .projection_expression(&projection)
            .set_expression_attribute_names(Some(names.clone()))
            .set_exclusive_start_key(from);
        let scan = match provider {
            None => scan,
            Some(provider) => scan
                .filter_expression("begins_with(#a0, :provider)")
                .expression_attribute_values(
                    ":provider",
                    AttributeValue::S(format!("{provider}#")),
                ),
        };
        let page = scan
            .send()
            .await
            .map_err(Error::aws("read the table of shared state"))?;
        for item in page.items.unwrap_or_default() {
            match serde_dynamo::from_item(item) {
                Ok(item) => found.insert(item),
                Err(_) => found.unreadable += 1,
            }
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            found.sort();
            return Ok(found);
        }
    }
    found.cut = true;
    found.sort();
    Ok(found)
}

/// Every name goes by a placeholder: some are DynamoDB's own words.
fn projection() -> (String, HashMap<String, String>) {
    let mut names = HashMap::new();
    let mut placeholders = Vec::new();
    for attribute in ATTRIBUTES {
        let mut path = Vec::new();
        for name in attribute.split('.') {
            let placeholder = format!("#a{}", names.len());
            names.insert(placeholder.clone(), name.to_owned());
            path.push(placeholder);
        }
        placeholders.push(path.join("."));
    }
    (placeholders.join(", "), names)
}

impl Items {
    pub(crate) fn insert(&mut self, mut item: Value) {
        let pk = item["pk"].take();
        let parts: Vec<&str> = pk.as_str().unwrap_or_default().splitn(4, '#').collect();
        let (provider, connection, kind, scope) = match parts.as_slice() {
            [provider, connection, kind] => (*provider, *connection, *kind, ""),
            [provider, connection, kind, scope] => (*provider, *connection, *kind, *scope),
            _ => {
                self.unreadable += 1;
                return;
            }
        };
        let key = Key {
            provider: provider.to_owned(),
            connection: connection.to_owned(),
            scope: scope.to_owned(),
        };
        let was_read = match kind {
            "breaker" => keep(&mut self.breakers, key, item),
            "limit" => keep(&mut self.limits, key, item),
            "credentials" => keep(&mut self.credentials, key, item),
            "warning" => keep(&mut self.warnings, key, item),
            // Another release's.
            _ => true,
        };
        self.unreadable += usize::from(!was_read);
    }

    fn sort(&mut self) {
        let by = |key: &Key| {
            (
                key.provider.clone(),
                key.connection.clone(),
                key.scope.clone(),
            )
        };
        self.breakers.sort_by_cached_key(|(key, _)| by(key));
        self.limits.sort_by_cached_key(|(key, _)| by(key));
        self.credentials.sort_by_cached_key(|(key, _)| by(key));
    }
}

fn keep<T: DeserializeOwned>(into: &mut Vec<(Key, T)>, key: Key, item: Value) -> bool {
    match serde_json::from_value(item) {
        Ok(value) => {
            into.push((key, value));
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use causeway::breaker::State;
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_not_asked_for_and_every_name_has_a_placeholder() {
        let (projection, names) = projection();
        assert!(projection.starts_with("#a0, #a1, "), "{projection}");
        assert_eq!(names["#a0"], "pk");
        let last = "#a23.#a24, #a25.#a26, #a27.#a28";
        assert!(projection.ends_with(last), "{projection}");
        let asked: Vec<_> = names.values().map(String::as_str).collect();
        for secret in ["text", "refresh_token", "spare", "prints"] {
            assert!(!asked.contains(&secret), "{secret}");
        }
    }

    #[test]
    fn items_are_told_apart_by_their_keys_and_strange_ones_are_counted() {
        let mut items = Items::default();
        items.insert(json!({"pk": "stripe#*#breaker", "state": "Open", "epoch": 3}));
        items.insert(json!({"pk": "slack#default#limit#channel=C#1", "turn": 2}));
        items.insert(json!({"pk": "guesty#berlin#credentials",
            "pause": {"reason": "unauthorised", "since": 1, "next_trial": 2}}));
        items.insert(json!({"pk": "guesty#berlin#novelty"}));
        items.insert(json!({"pk": "stripe#*#breaker", "state": "Melted"}));
        items.insert(json!({"pk": "nonsense"}));
        assert_eq!(items.unreadable, 2);
        let (key, breaker) = &items.breakers[0];
        assert_eq!((key.connection(), breaker.state), (None, State::Open));
        assert_eq!(items.limits[0].0.scope, "channel=C#1");
        let (key, standing) = &items.credentials[0];
        assert_eq!(key.connection().as_deref(), Some("berlin"));
        assert!(standing.pause.is_some());
    }
}
