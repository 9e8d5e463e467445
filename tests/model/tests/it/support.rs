//! Searching a model and saying what was found.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// Whether the large worlds are searched too: minutes instead of seconds.
pub fn is_deep() -> bool {
    std::env::var_os("CAUSEWAY_MODEL").is_some_and(|depth| depth == "deep")
}

/// Visits every state of every world in `worlds`; fails with a shortest counterexample, or where something that should
/// be possible is possible in none of them.
pub fn hold<M>(name: &str, worlds: Vec<(&str, M)>)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let mut possible = BTreeSet::new();
    let mut reached = BTreeSet::new();
    for (world, model) in worlds {
        let checker = model
            .checker()
            .finish_when(HasDiscoveries::AnyFailures)
            .spawn_bfs()
            .join();
        eprintln!(
            "| {name}, {world} | {} | {} | {} |",
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth()
        );
        let mut found = checker.discoveries();
        for property in checker.model().properties() {
            let path = found.remove(property.name);
            match property.expectation {
                Expectation::Sometimes => {
                    possible.insert(property.name);
                    reached.extend(path.map(|_| property.name));
                }
                Expectation::Always | Expectation::Eventually => {
                    if let Some(path) = path {
                        panic!("{name}, {world}: not always {}:\n{path}", property.name);
                    }
                }
            }
        }
    }
    let missed: Vec<_> = possible.difference(&reached).collect();
    assert!(missed.is_empty(), "{name}: never {missed:?}");
}

/// Searches until the mistake in `model` shows as a counterexample to `property`.
pub fn is_caught<M>(mistake: impl Debug, model: M, property: &'static str)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let checker = model
        .checker()
        .finish_when(HasDiscoveries::AnyOf([property].into()))
        .spawn_bfs()
        .join();
    let Some(path) = checker.discovery(property) else {
        let found: Vec<_> = checker.discoveries().into_keys().collect();
        panic!("{mistake:?}: {property}: not caught; but {found:?}");
    };
    eprintln!(
        "| `{mistake:?}` | {property} | {} |",
        path.into_actions().len()
    );
}
