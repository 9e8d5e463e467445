//! The promise over some drawn fleets, that it can be broken, and a few windows' shares.

use std::time::Duration;

use causeway::limiter::Limit;
use causeway_limits::drawn::{Allowance, excess};
use causeway_limits::vendors::{self, Window};

#[test]
fn no_drawn_fleet_shows_the_vendor_more_than_its_window_allows() {
    let mut calls = 0;
    for seed in 0..300 {
        let (too_many, outcome) = excess(seed, Allowance::Full);
        assert_eq!(too_many, 0, "seed {seed}");
        calls += outcome.starts.len();
    }
    assert!(calls > 5_000, "{calls} calls show little");
}

#[test]
fn without_an_allowance_for_clocks_and_delays_windows_see_too_many() {
    let broken = (0..300).filter(|seed| excess(*seed, Allowance::None).0 > 0);
    assert!(broken.count() >= 3);
}

#[test]
fn a_backlog_gets_what_the_promise_says_with_five_environments_and_most_of_it_with_fifty() {
    for (count, seconds) in [(25, 1), (100, 10)] {
        let window = Window {
            provider: "some".to_owned(),
            limit: Limit::window("window", count, Duration::from_secs(seconds)),
        };
        let row = vendors::measure(&window);
        assert_eq!(row.over_n, 0);
        assert!(row.share.five >= row.target, "{row:?}");
        assert!(row.share.fifty >= 0.9 * row.target, "{row:?}");
        assert!(row.share.thousand >= 0.8 * row.target, "{row:?}");
    }
}

#[test]
fn the_packs_document_windows() {
    let windows = vendors::windows(&vendors::functions()).expect("sound packs");
    for (provider, count) in [
        ("stripe", 25),
        ("guesty", 15),
        ("hubspot", 100),
        ("slack", 1),
    ] {
        let found = windows
            .iter()
            .any(|window| window.provider == provider && window.limit.burst() == count);
        assert!(found, "{provider}: {count}");
    }
}
