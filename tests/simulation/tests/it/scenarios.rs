//! Worlds that are set up by hand: what the design promises in so many words.

use std::collections::{BTreeMap, BTreeSet};

use causeway::ledger::Status;
use causeway_simulation::profile::{DAY, HOUR, Kind, MINUTE, Outage, Profile, SECOND, Spell};
use causeway_simulation::providers;
use causeway_simulation::rng::Rng;
use causeway_simulation::sim::{Fleet, Simulation};
use causeway_simulation::workload::{Fatal, Request, Workload, good};
use causeway_simulation::world::{Event, START};

fn play(
    requests: Vec<Request>,
    events: Vec<(i64, Event)>,
    fleet: Fleet,
    set_up: impl Fn(&mut Profile),
) -> Simulation {
    let ends = events.iter().map(|(at, _)| *at + 1).max().unwrap_or(START);
    let workload = Workload {
        provider: providers::FLEET,
        requests,
        events,
        ends,
    };
    let mut profile = Profile::calm();
    set_up(&mut profile);
    let mut simulation = Simulation::new(Rng::new(1), profile, workload, fleet, false);
    simulation.play();
    simulation
}

fn requests(count: usize, operations: &[&str]) -> Vec<Request> {
    let request = |number| {
        let operation = operations[number % operations.len()];
        good(providers::FLEET, number, operation, "c0")
    };
    (0..count).map(request).collect()
}

fn all_at_once(requests: &[Request]) -> Vec<(i64, Event)> {
    (0..requests.len())
        .map(|number| (START, Event::Send(number)))
        .collect()
}

const REPEATABLE: [&str; 3] = ["orders.create", "orders.replace", "orders.book"];

#[test]
fn a_batch_of_one_killer_and_nine_good_requests_ends_nine_times_delivered() {
    let one_batch = Fleet {
        environments: 1,
        batch: 10,
        window: 0,
    };
    for killer in 0..REPEATABLE.len() {
        let mut batch = requests(10, &REPEATABLE);
        batch[killer].fatal = Some(Fatal::Call);
        let events = all_at_once(&batch);
        let simulation = play(batch, events, one_batch, |_| {});
        {
            let world = simulation.world();
            for (number, request) in world.requests.iter().enumerate() {
                let key = request.ledger_key.as_deref().expect("a good request");
                let status = world.record(key).map(|record| record.status);
                let expected = if number == killer {
                    Status::Unknown
                } else {
                    Status::Completed
                };
                assert_eq!(
                    status,
                    Some(expected),
                    "r{number} of the batch with killer r{killer}"
                );
            }
            let letters: Vec<_> = world.queue.letters.iter().collect();
            assert_eq!(letters.len(), 1);
            let detail = &letters[0].letter.reason.detail;
            assert!(detail.starts_with("crash_loop: "), "{detail}");
        }
        assert!(simulation.end().violations.is_empty());
    }
}

#[test]
fn after_a_trip_each_of_fifty_environments_makes_at_most_one_bad_batch() {
    let fleet = Fleet {
        environments: 50,
        batch: 10,
        window: 0,
    };
    let requests = requests(4_000, &["orders.create", "orders.replace"]);
    let events = all_at_once(&requests);
    let down = (START + 300, START + 5 * MINUTE, Outage::Unavailable);
    let simulation = play(requests, events, fleet, |profile| {
        profile.vendor.outages.push(down)
    });
    {
        let world = simulation.world();
        assert!(world.counts.openings >= 1);
        let stragglers = &world.watch.stragglers;
        assert!(
            !stragglers.is_empty(),
            "fifty environments were at work when it opened"
        );
        let mut new: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        for straggler in stragglers.iter().filter(|straggler| straggler.is_new) {
            new.entry(straggler.environment)
                .or_default()
                .insert(straggler.invocation);
        }
        assert!(new.values().all(|batches| batches.len() == 1), "{new:?}");
        assert!(stragglers.len() <= 50 * 10, "{} calls", stragglers.len());
    }
    // Every call that was made all the same, and every probe, is held against the breaker by the invariants.
    assert!(simulation.end().violations.is_empty());
}

#[test]
fn two_weeks_in_the_queue_and_two_in_the_dead_letter_queue_lose_nothing() {
    let requests = requests(6, &REPEATABLE);
    let mut events = all_at_once(&requests);
    // Nobody can be called for 26 days; the letters are redriven on the last day of their retention.
    events.push((START, Event::Spoil(0, 2)));
    let reauthorised = START + 26 * DAY + 20 * HOUR;
    events.push((reauthorised, Event::Reauthorise(0)));
    events.extend((0..8).map(|n| (reauthorised + MINUTE + n * SECOND, Event::Redrive)));
    events.push((reauthorised + 2 * HOUR, Event::Calm));
    let simulation = play(
        requests,
        events,
        Fleet {
            environments: 2,
            batch: 10,
            window: 0,
        },
        |_| {},
    );
    {
        let world = simulation.world();
        let codes: BTreeSet<_> = world
            .queue
            .letters
            .iter()
            .map(|dead| dead.letter.reason.code.as_str().to_owned())
            .collect();
        assert_eq!(codes, BTreeSet::from(["queue_time_spent".to_owned()]));
        for dead in &world.queue.letters {
            assert!(
                dead.at < START + 14 * DAY,
                "before the queue gives up by itself"
            );
            assert_eq!(dead.letter.first_seen.as_millis(), START);
            assert!(dead.gone, "redriven within its own 14 days");
        }
        assert_eq!(world.queue.letters.len(), 6);
        for request in &world.requests {
            let key = request.ledger_key.as_deref().expect("a good request");
            assert_eq!(
                world.record(key).map(|record| record.status),
                Some(Status::Completed)
            );
        }
    }
    assert!(simulation.end().violations.is_empty());
}

/// What one connection meets for an hour.
fn spell(connection: &str, kind: Kind) -> Spell {
    Spell {
        from: START,
        until: START + HOUR,
        connection: connection.to_owned(),
        kind,
    }
}

const SMALL: Fleet = Fleet {
    environments: 3,
    batch: 5,
    window: 0,
};

/// A shop that was renamed answered every call with a redirect: the breaker opened, and nine healthy shops waited.
#[test]
fn an_account_that_moved_stops_nobody_but_itself() {
    let request = |number| {
        let connection = format!("c{}", number % 2);
        good(providers::FLEET, number, "orders.replace", &connection)
    };
    let requests: Vec<Request> = (0..40).map(request).collect();
    let events = all_at_once(&requests);
    let simulation = play(requests, events, SMALL, |profile| {
        profile.vendor.spells.push(spell("c0", Kind::Moved));
    });
    {
        let world = simulation.world();
        assert_eq!(world.counts.openings, 0);
        assert_eq!(world.vendor.effects.len(), 40);
        for effect in &world.vendor.effects {
            let moved = effect.request % 2 == 0;
            let after = effect.at - START;
            assert!(
                if moved { after >= HOUR } else { after < MINUTE },
                "{effect:?}"
            );
        }
    }
    assert!(simulation.end().violations.is_empty());
}

/// A token without one scope: contacts worked, deals did not, and everything of the connection stood still.
#[test]
fn a_right_that_is_missing_ends_some_requests_parks_the_rest_and_leaves_other_operations_going() {
    let operations = ["orders.create", "orders.replace"];
    let requests = requests(60, &operations);
    let events = all_at_once(&requests);
    let simulation = play(requests, events, SMALL, |profile| {
        let lacks = Kind::Without("orders.create");
        profile.vendor.spells.push(spell("c0", lacks));
    });
    {
        let world = simulation.world();
        let letters = &world.queue.letters;
        let codes: BTreeSet<_> = letters
            .iter()
            .map(|dead| dead.letter.reason.code.as_str())
            .collect();
        assert_eq!(codes, BTreeSet::from(["forbidden"]));
        // Five in a row, and what was under way beside the fifth.
        let under_way = SMALL.environments * SMALL.batch;
        assert!(
            (5..5 + under_way).contains(&letters.len()),
            "{}",
            letters.len()
        );
        assert_eq!(world.vendor.effects.len() + letters.len(), 60);
        for effect in &world.vendor.effects {
            let lacked = effect.request % 2 == 0;
            let after = effect.at - START;
            assert!(
                if lacked {
                    after >= HOUR
                } else {
                    after < MINUTE
                },
                "{effect:?}"
            );
        }
    }
    assert!(simulation.end().violations.is_empty());
}
