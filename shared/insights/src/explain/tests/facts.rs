//! Each fact is in the text, another one gives another text, and what is not known is not said.

use std::time::Duration;

use causeway::breaker::{Breaker, State};
use causeway::credentials::{Pause, Reason};
use causeway::ledger::Status;
use causeway::provider::Safety;

use super::*;
use crate::explain::{Explanation, Facts, Full, Lane, Seen, Stop, Zone, explain};

/// What a test changes.
#[derive(Clone)]
struct World {
    seen: Option<Seen<'static>>,
    lane: Option<Lane>,
    deadline: Option<Timestamp>,
    safety: Option<Safety>,
    waiting: Option<u64>,
    key: &'static str,
    connection: &'static str,
}

fn at(minute: u64) -> Timestamp {
    NOON + Duration::from_secs(60 * minute)
}

fn world() -> World {
    World {
        seen: Some(Seen {
            status: Status::Retrying,
            attempts: Some(3),
            series: 2,
            ambiguous: true,
            first_seen: Some(at(1)),
            first_sent_at: Some(at(2)),
            last_attempt: Some(at(3)),
            next_attempt_at: Some(at(44)),
            claimed_at: None,
            lease_until: None,
            closed_at: None,
            resolved_at: None,
            code: Some("provider_unavailable"),
            detail: Some("vendor_word"),
            provider_status: Some(503),
            object_id: None,
        }),
        lane: Some(Lane {
            breaker: Breaker {
                state: State::Open,
                opened_at: Some(at(5)),
                open_until: Some(at(46)),
                ..Breaker::default()
            },
            pause: Some(Pause {
                reason: Reason::Unauthorised,
                since: at(7),
                next_trial: at(48),
            }),
            limit: Some(Full {
                name: "account".to_owned(),
                by: Stop::Asked,
                until: at(49),
            }),
            ..Lane::default()
        }),
        deadline: Some(at(50)),
        safety: Some(Safety::Natural),
        waiting: Some(4711),
        key: "order-1712",
        connection: "berlin",
    }
}

fn told(world: &World, zone: &str) -> Explanation {
    let stripe = pack("stripe");
    let facts = Facts {
        now: at(10),
        provider: "stripe",
        connection: world.connection,
        key: Some(world.key),
        operation: None,
        safety: world.safety,
        deadline: world.deadline,
        seen: world.seen.as_ref(),
        lane: world.lane.as_ref(),
        waiting: world.waiting,
        page: Some(stripe.page()),
    };
    explain(&facts, &Zone::named(zone).expect("a zone"))
}

/// A changed fact: its name, the change, and what stands in the text of the engineers, and of the support people, then.
type Change = (
    &'static str,
    fn(&mut World),
    &'static str,
    Option<&'static str>,
);

const CHANGES: &[Change] = &[
    (
        "key",
        |world| world.key = "order-9",
        "order-9",
        Some("order-9"),
    ),
    (
        "connection",
        |world| world.connection = "rome",
        "rome",
        Some("rome"),
    ),
    (
        "attempts",
        |world| seen(world).attempts = Some(7),
        "7 attempt",
        Some("is 7."),
    ),
    ("series", |world| seen(world).series = 5, "series 5", None),
    (
        "first seen",
        |world| seen(world).first_seen = Some(at(21)),
        "12:21:00",
        None,
    ),
    (
        "first sent",
        |world| seen(world).first_sent_at = Some(at(22)),
        "12:22:00",
        None,
    ),
    (
        "last attempt",
        |world| seen(world).last_attempt = Some(at(23)),
        "12:23:00",
        Some("12:23:00"),
    ),
    (
        "next attempt",
        |world| seen(world).next_attempt_at = Some(at(24)),
        "12:24:00",
        Some("12:24:00"),
    ),
    (
        "code",
        |world| seen(world).code = Some("connect_failed"),
        "connect_failed",
        Some("could not be reached"),
    ),
    (
        "detail",
        |world| seen(world).detail = Some("other_word"),
        "other_word",
        None,
    ),
    (
        "status of the answer",
        |world| seen(world).provider_status = Some(500),
        "status 500",
        None,
    ),
    (
        "state",
        |world| seen(world).status = Status::Unknown,
        "`UNKNOWN`",
        Some("looks"),
    ),
    (
        "breaker's beginning",
        |world| lane(world).breaker.opened_at = Some(at(25)),
        "12:25:00",
        Some("12:25:00"),
    ),
    (
        "breaker's end",
        |world| lane(world).breaker.open_until = Some(at(26)),
        "12:26:00",
        Some("12:26:00"),
    ),
    (
        "breaker's state",
        |world| lane(world).breaker.state = State::ForcedOpen,
        "ForcedOpen",
        Some("Whoever runs Causeway has put"),
    ),
    (
        "breaker's reason",
        |world| lane(world).breaker.reason = Some("a drill".to_owned()),
        "a drill",
        None,
    ),
    (
        "pause's reason",
        |world| pause(world).reason = Reason::Moved,
        "moved",
        Some("another address"),
    ),
    (
        "pause's beginning",
        |world| pause(world).since = at(27),
        "12:27:00",
        Some("12:27:00"),
    ),
    (
        "pause's next trial",
        |world| pause(world).next_trial = at(28),
        "12:28:00",
        Some("12:28:00"),
    ),
    (
        "limit's end",
        |world| limit(world).until = at(29),
        "12:29:00",
        Some("12:29:00"),
    ),
    (
        "limit's name",
        |world| limit(world).name = "endpoint".to_owned(),
        "`endpoint`",
        None,
    ),
    (
        "limit's kind",
        |world| limit(world).by = Stop::Spent,
        "allowance",
        Some("used up"),
    ),
    (
        "deadline",
        |world| world.deadline = Some(at(31)),
        "12:31:00",
        Some("12:31:00"),
    ),
    (
        "safety",
        |world| world.safety = Some(Safety::Unsafe),
        "unsafe",
        Some("could do it twice"),
    ),
    ("waiting", |world| world.waiting = Some(815), "815", None),
];

fn seen(world: &mut World) -> &mut Seen<'static> {
    world.seen.as_mut().expect("a record")
}

fn lane(world: &mut World) -> &mut Lane {
    world.lane.as_mut().expect("a lane")
}

fn pause(world: &mut World) -> &mut Pause {
    lane(world).pause.as_mut().expect("a pause")
}

fn limit(world: &mut World) -> &mut Full {
    lane(world).limit.as_mut().expect("a limit")
}

#[test]
fn each_fact_that_changes_is_in_the_text_that_it_changes() {
    let before = told(&world(), "UTC");
    for (name, change, engineer, support) in CHANGES {
        let mut changed = world();
        change(&mut changed);
        let after = told(&changed, "UTC");
        assert!(
            after.engineer.contains(engineer) && !before.engineer.contains(engineer),
            "{name}: {}",
            after.engineer
        );
        if let Some(support) = support.filter(|word| *word != "looks") {
            assert!(
                after.support.contains(support) && !before.support.contains(support),
                "{name}: {}",
                after.support
            );
        }
    }
}

/// A time that was not asked for would be a guess.
#[test]
fn what_is_not_known_is_left_out() {
    let mut bare = world();
    bare.seen = Some(Seen {
        attempts: None,
        ambiguous: false,
        first_seen: None,
        first_sent_at: None,
        last_attempt: None,
        next_attempt_at: None,
        code: None,
        detail: None,
        provider_status: None,
        ..*seen(&mut bare)
    });
    (bare.lane, bare.deadline, bare.safety, bare.waiting) = (None, None, None, None);
    let Explanation { support, engineer } = told(&bare, "UTC");
    for text in [&support, &engineer] {
        let facts = crate::explain::translation::facts_of(text, &["order-1712"]);
        let is_number = |fact: &String| {
            fact.chars()
                .all(|c| c.is_ascii_digit() || " :-".contains(c))
        };
        assert!(!facts.keys().any(is_number), "{facts:?}");
    }
    assert!(engineer.contains("could not be read"), "{engineer}");
}

#[test]
fn times_are_the_readers() {
    let berlin = told(&world(), "Europe/Berlin");
    assert!(
        berlin.support.contains("2026-11-22 13:44:00"),
        "{}",
        berlin.support
    );
    assert!(
        berlin
            .support
            .ends_with("All times are in the time zone Europe/Berlin.")
    );
    assert!(
        berlin.engineer.contains("2026-11-22T13:44:00+01:00"),
        "{}",
        berlin.engineer
    );
}

/// A translation that keeps the facts passes, and each fact of ours that it lost is found.
#[test]
fn the_facts_of_an_explanation_are_what_a_translation_is_held_to() {
    use crate::explain::translation::check;
    let names = ["Stripe", "order-1712", "berlin"];
    let Explanation { support, engineer } = told(&world(), "UTC");
    for text in [support, engineer] {
        assert_eq!(check(&text, &text, &names), Ok(()));
        for (fact, _) in crate::explain::translation::facts_of(&text, &names) {
            let lost = text.replacen(&fact, "…", 1);
            assert!(check(&text, &lost, &names).is_err(), "{fact}");
        }
    }
}
