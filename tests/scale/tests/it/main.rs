//! Small points, whatever the machine: what must hold at any size, and what must not grow with it.

use causeway_scale::breaker::trip;
use causeway_scale::point::{Point, Setup, run};

fn point(environments: u64, requests: u64) -> Point {
    let point = run(Setup {
        environments,
        requests,
        lanes: 2,
        limited: false,
    })
    .expect("a pack");
    assert_eq!(point.lost, 0, "{point:?}");
    assert_eq!(
        (point.doubled, point.letters, point.too_late),
        (0, 0, 0),
        "{point:?}"
    );
    point
}

#[test]
fn every_request_takes_effect_once_and_costs_the_same_at_any_size() {
    let small = point(10, 500);
    let large = point(100, 2_000);
    for point in [&small, &large] {
        // A claim and a settlement; a copy's claim is refused.
        assert!(
            point.ledger_writes >= 2.0 && point.ledger_writes < 2.01,
            "{point:?}"
        );
        assert!(point.receives < 1.01, "{point:?}");
    }
    assert_eq!(
        (small.state_writes, large.state_writes),
        (0.0, 0.0),
        "nobody writes while the lane is healthy"
    );
}

#[test]
fn a_fleet_stops_calling_within_one_batch_of_each_environment() {
    let trip = trip(20).expect("a pack");
    assert!(
        trip.calls_before > 0,
        "the breaker opens by failing calls: {trip:?}"
    );
    // A batch that runs, and one that a closed state of a second before lets in.
    assert!(trip.calls_after <= 20 * 20, "{trip:?}");
    assert!(trip.last_call_after_ms <= 1_500, "{trip:?}");
}
