//! The ledger's protocol in every interleaving, and with mistakes.

use causeway::provider::Safety;
use causeway_model::ledger::property::{
    ABSORBING, AT_MOST_ONE_EFFECT, COMPLETED_IS_TRUE, NOTHING_LOST, ONE_SERIES_AN_END,
    REJECTED_IS_TRUE,
};
use causeway_model::ledger::{Bug, KEYED, LOOKUP, Ledger};

use crate::support::{hold, is_caught, is_deep};

/// Messages, workers and last tick, each of which is searched to the end.
fn worlds(
    safety: Safety,
    small: &[(usize, usize, u8)],
    large: &[(usize, usize, u8)],
) -> Vec<(&'static str, Ledger)> {
    let large = large.iter().filter(|_| is_deep());
    let sizes = small.iter().chain(large);
    sizes
        .map(|&(messages, workers, horizon)| {
            let name = format!("{messages} messages, {workers} workers, {horizon} ticks");
            let name: &'static str = name.leak();
            (name, Ledger::new(safety, messages, workers, horizon))
        })
        .collect()
}

/// The second message has the same key and another payload.
fn conflict(safety: Safety, workers: usize, horizon: u8) -> (&'static str, Ledger) {
    let name = format!("another payload, {workers} workers, {horizon} ticks");
    let world = Ledger {
        payloads: vec!["a", "b"],
        ..Ledger::new(safety, 2, workers, horizon)
    };
    (name.leak(), world)
}

#[test]
fn keyed_requests_take_effect_once() {
    let mut all = worlds(
        KEYED,
        &[(2, 1, 3), (1, 2, 2), (2, 2, 0)],
        &[(2, 1, 4), (1, 3, 1), (1, 2, 3), (2, 2, 1)],
    );
    all.extend([conflict(KEYED, 1, 3)]);
    all.extend(is_deep().then(|| conflict(KEYED, 2, 0)));
    hold("keyed", all);
}

#[test]
fn natural_requests_are_settled_or_in_doubt() {
    let small = [(2, 1, 4), (2, 2, 0), (1, 2, 2)];
    hold("natural", worlds(Safety::Natural, &small, &[(2, 2, 1)]));
}

#[test]
fn looked_up_requests_take_effect_once() {
    let small = [(2, 1, 4), (2, 2, 1), (1, 3, 1)];
    let mut all = worlds(LOOKUP, &small, &[(2, 2, 2)]);
    all.extend([conflict(LOOKUP, 1, 3)]);
    hold("lookup", all);
}

#[test]
fn unsafe_requests_take_effect_at_most_once() {
    let small = [(2, 1, 3), (2, 2, 1), (1, 3, 1)];
    let mut all = worlds(Safety::Unsafe, &small, &[(2, 2, 2), (2, 3, 1)]);
    all.extend([conflict(Safety::Unsafe, 2, 1)]);
    hold("unsafe", all);
}

#[test]
fn every_mistake_has_a_counterexample() {
    let two = |safety| Ledger::new(safety, 2, 2, 2);
    let one = |safety| Ledger::new(safety, 1, 2, 3);
    for (world, bug, property) in [
        (
            one(Safety::Unsafe),
            Bug::ClaimUnconditionally,
            AT_MOST_ONE_EFFECT,
        ),
        (two(Safety::Unsafe), Bug::SettleUnconditionally, ABSORBING),
        (one(Safety::Unsafe), Bug::ShareOwner, AT_MOST_ONE_EFFECT),
        (one(LOOKUP), Bug::CallAfterLease, AT_MOST_ONE_EFFECT),
        (one(LOOKUP), Bug::ForgetDoubt, AT_MOST_ONE_EFFECT),
        (one(LOOKUP), Bug::BelieveEarlyMiss, AT_MOST_ONE_EFFECT),
        (
            one(Safety::Natural),
            Bug::BelieveAnyRefusal,
            REJECTED_IS_TRUE,
        ),
        (one(KEYED), Bug::ForgetRetention, AT_MOST_ONE_EFFECT),
        (two(KEYED), Bug::TakeCopyForRedrive, ONE_SERIES_AN_END),
        (
            one(Safety::Natural),
            Bug::TakeLossForSuccess,
            COMPLETED_IS_TRUE,
        ),
        (one(Safety::Unsafe), Bug::AckBeforeLetter, NOTHING_LOST),
        (
            one(Safety::Unsafe),
            Bug::TakeLossForFailure,
            AT_MOST_ONE_EFFECT,
        ),
        (one(Safety::Unsafe), Bug::RuleBlindly, REJECTED_IS_TRUE),
    ] {
        is_caught(bug, world.with(bug), property);
    }
}
