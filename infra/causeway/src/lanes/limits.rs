//! Which of a lane's rate limits is the fullest.

use causeway::Timestamp;
use causeway::limiter::{Limit, LimitState, ScopeKey};
use causeway::provider::Spec;
use serde::Serialize;

use crate::items::Key;
use crate::when;

/// A limit and how much of it is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fullest {
    /// The limit's name.
    pub name: &'static str,
    /// The connection whose limit it is.
    pub connection: String,
    /// What it counts over: `account`, `operation=…` or `<field>=…`.
    pub scope: String,
    /// Of what the limit lets through in a minute, or in its window where that is longer; 100 where the vendor says that
    /// nothing is left.
    pub used_percent: u8,
    /// When all of it is free again, if nothing is called until then.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub free_at: Option<Timestamp>,
}

/// The fullest of the limits that `items` hold; none where nothing was drawn on.
#[must_use]
pub fn fullest<'a>(
    spec: &'static Spec,
    items: impl Iterator<Item = &'a (Key, LimitState)>,
    now: Timestamp,
) -> Option<Fullest> {
    let of_item = |(key, state): &(Key, LimitState)| {
        let limits = limits_of(spec, &key.scope).into_iter();
        let used = limits.map(|limit| (state.used_percent(limit, now), limit));
        let (used_percent, limit) = used.max_by_key(|(percent, _)| *percent)?;
        Some(Fullest {
            name: limit.name(),
            connection: key.connection().unwrap_or_default(),
            scope: key.scope.clone(),
            used_percent,
            free_at: state.rested_at(limit, now),
        })
    };
    items
        .filter_map(of_item)
        .max_by_key(|fullest| fullest.used_percent)
}

/// The limits that share the item of `scope`: the provider's own, and those of single operations.
fn limits_of(spec: &'static Spec, scope: &str) -> Vec<&'static Limit> {
    let operations = spec.operations.iter();
    let all = spec
        .limits
        .iter()
        .map(|limit| (limit, None))
        .chain(operations.flat_map(|operation| {
            let own = operation.limits.iter();
            own.map(|limit| (limit, Some(operation.name)))
        }));
    let (field, value) = scope.split_once('=').unwrap_or((scope, ""));
    let is_here = |limit: &Limit, of: Option<&str>| match limit.scope() {
        ScopeKey::Account => scope == "account",
        ScopeKey::Operation => field == "operation" && of.is_none_or(|name| name == value),
        ScopeKey::Field(name) => field == name && scope != "account",
    };
    all.filter(|(limit, of)| is_here(limit, *of))
        .map(|(limit, _)| limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use causeway::limiter::Demand;
    use serde_json::json;

    use super::*;
    use crate::items::Items;
    use crate::target;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    fn drawn(spec: &'static Spec, scope: &str, calls: usize) -> (Key, LimitState) {
        let limits = limits_of(spec, scope);
        let demand = Demand {
            costs: &vec![1; calls],
            share: 1000,
            holder: "me",
            lead: Duration::ZERO,
            deadline: NOON + Duration::from_secs(60),
        };
        let taken = LimitState::default().draw(&limits, &demand, NOON);
        let mut items = Items::default();
        let mut item = json!(taken.next.expect("something was taken"));
        item["pk"] = format!("{}#default#limit#{scope}", spec.name).into();
        items.insert(item);
        items.limits.remove(0)
    }

    #[test]
    fn the_fullest_limit_is_named_with_its_scope_and_the_end_of_its_fullness() {
        let spec = target::spec("slack").expect("slack is known");
        let channel = drawn(spec, "channel=C1", 1);
        let items = [channel];
        let found = fullest(spec, items.iter(), NOON).expect("a limit");
        assert_eq!(found.scope, "channel=C1");
        assert!(found.used_percent > 0, "{found:?}");
        let free_at = found.free_at.expect("it will be free");
        assert!(
            free_at > NOON && free_at <= NOON + Duration::from_secs(2),
            "{free_at}"
        );
        // What was used fades out with the minute.
        let later = fullest(spec, items.iter(), NOON + Duration::from_secs(120));
        let later = later.expect("the item is still there");
        assert_eq!((later.used_percent, later.free_at), (0, None));
    }

    #[test]
    fn an_item_of_a_scope_that_no_limit_has_says_nothing() {
        let spec = target::spec("slack").expect("slack is known");
        assert_eq!(limits_of(spec, "planet=mars"), Vec::<&Limit>::new());
        assert_eq!(fullest(spec, [].iter(), NOON), None);
    }
}
