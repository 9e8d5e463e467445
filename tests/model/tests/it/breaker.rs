//! The breaker's protocol in every interleaving, and with mistakes.

use causeway_model::breaker::property::{ONE_PROBE, RULES};
use causeway_model::breaker::{Bug, Fleet};

use crate::support::{hold, is_caught, is_deep};

#[test]
fn the_fleet_keeps_the_breaker_s_rules() {
    let mut all = vec![
        ("2 environments, 5 ticks, 5 batches", Fleet::new(2, 5, 5, 0)),
        (
            "2 environments, 3 ticks, 3 batches, 2 commands",
            Fleet::new(2, 3, 3, 2),
        ),
        ("3 environments, 3 ticks, 4 batches", Fleet::new(3, 3, 4, 0)),
    ];
    if is_deep() {
        all.push(("2 environments, 6 ticks, 6 batches", Fleet::new(2, 6, 6, 0)));
        all.push((
            "2 environments, 3 ticks, 4 batches, 2 commands",
            Fleet::new(2, 3, 4, 2),
        ));
        all.push(("3 environments, 4 ticks, 6 batches", Fleet::new(3, 4, 6, 0)));
        all.push((
            "3 environments, 3 ticks, 5 batches, 1 command",
            Fleet::new(3, 3, 5, 1),
        ));
    }
    hold("breaker", all);
}

#[test]
fn every_mistake_of_an_environment_has_a_counterexample() {
    for (bug, property) in [
        (Bug::ForgetVersion, RULES),
        (Bug::ProbeUnelected, ONE_PROBE),
        (Bug::ForgetLease, ONE_PROBE),
        (Bug::ForgetWindow, RULES),
        (Bug::ForgetEpoch, RULES),
    ] {
        is_caught(bug, Fleet::new(2, 4, 6, 1).with(bug), property);
    }
}
