//! How far a refusal reaches: the request, the operation of its connection, the connection, and never farther.

use super::acme::{Shops, Tokens};
use super::world::lane;
use super::*;
use crate::breaker::{Breaker, State};
use crate::credentials::{CredentialState, Reason};
use crate::outcome::Code;

const FORBIDDEN: Reply = Reply::Status(403, r#"{"category":"MISSING_SCOPES"}"#);
const PAGE: Reply = Reply::Status(403, "<html>Blocked</html>");
const RENAMED: Reply = Reply::Status(301, "");
const TOKEN: Reply = Reply::Status(200, r#"{"access_token":"acc3ss","expires_in":3600}"#);

fn of(key: &str, operation: &str) -> Message {
    message(key, body(key, operation))
}

fn at(connection: &str, key: &str) -> Message {
    let mut request = request(key, "orders.create");
    request["connection"] = connection.into();
    message(key, request.to_string())
}

fn code_of(outcome: &Outcome) -> Option<Code> {
    match outcome {
        Outcome::Rejected(reason) => Some(reason.code.clone()),
        _ => None,
    }
}

fn is_paused(outcome: &Outcome) -> bool {
    let reason = Deferral::ConnectionPaused;
    matches!(outcome, Outcome::Deferred { reason: why, .. } if *why == reason)
}

fn state(world: &World, connection: &str) -> CredentialState {
    let stored = world
        .states
        .values()
        .remove(&format!("acme#{connection}#credentials"));
    stored.map_or_else(CredentialState::default, |stored| {
        serde_json::from_value(stored.value).expect("a state")
    })
}

fn breaker(world: &World, key: &str) -> Breaker {
    let stored = world.states.values().remove(key);
    stored.map_or_else(Breaker::default, |stored| {
        serde_json::from_value(stored.value).expect("a breaker")
    })
}

/// Five requests that the vendor forbids, one after the other.
async fn five_forbidden(world: &World) {
    world.vendor.always(Some(FORBIDDEN));
    for number in 0..5 {
        let outcome = world
            .outcome(of(&format!("f{number}"), "orders.replace"))
            .await;
        assert_eq!(code_of(&outcome), Some(code::FORBIDDEN), "{number}");
    }
    world.vendor.always(None);
}

#[tokio::test]
async fn five_403_in_a_row_pause_the_operation_and_the_others_of_the_connection_go_on() {
    let world = World::new();
    five_forbidden(&world).await;
    let calls = world.vendor.calls().len();
    assert!(is_paused(&world.outcome(of("f5", "orders.replace")).await));
    assert_eq!(world.vendor.calls().len(), calls, "no call");
    let other = world.outcome(of("g", "orders.create")).await;
    assert_eq!(other, Outcome::Delivered);
    assert_eq!(world.breaker(), Breaker::default());
}

#[tokio::test]
async fn every_quarter_of_an_hour_one_message_tries_and_one_success_ends_the_pause() {
    let world = World::new();
    five_forbidden(&world).await;
    world.vendor.always(Some(FORBIDDEN));
    world.clock.advance(secs(900));
    let batch = || (5..8).map(|number| of(&format!("f{number}"), "orders.replace"));
    let calls = world.vendor.calls().len();
    let report = world.receive(batch()).await;
    assert!(report.entries.iter().all(|entry| is_paused(&entry.outcome)));
    assert_eq!(world.vendor.calls().len(), calls + 1, "one tries");

    world.vendor.always(None);
    // The one that tried has a record by now, which lets it wait for half as long again.
    world.clock.advance(secs(1400));
    let report = world.receive(batch().map(|message| message.again())).await;
    let delivered = |entry: &&crate::pipeline::Entry| entry.outcome == Outcome::Delivered;
    assert_eq!(report.entries.iter().filter(delivered).count(), 1);
    assert!(state(&world, "default").rights.is_empty());
    assert_eq!(
        world.outcome(of("f9", "orders.replace")).await,
        Outcome::Delivered
    );
}

#[tokio::test]
async fn a_success_between_lets_every_refusal_be_its_own() {
    let world = World::new();
    for round in 0..4 {
        let refused = |number| of(&format!("r{round}-{number}"), "orders.replace");
        world.vendor.always(Some(FORBIDDEN));
        for number in 0..3 {
            let outcome = world.outcome(refused(number)).await;
            assert_eq!(code_of(&outcome), Some(code::FORBIDDEN));
        }
        world.vendor.always(None);
        world.clock.advance(secs(1));
        assert_eq!(world.outcome(refused(3)).await, Outcome::Delivered);
        world.clock.advance(secs(1));
    }
}

/// A right that one operation lacked cost a token every 2.5 s, for days.
#[tokio::test]
async fn a_403_costs_no_token() {
    let mut world = World::new();
    let client = r#"{"client_id":"id","client_secret":"cl1ent-s3cret"}"#;
    world.secrets.put("default", client);
    world.lane = lane(Tokens, world.seams.clone(), "environment");
    world.vendor.script([TOKEN]);
    world.vendor.always(Some(FORBIDDEN));
    for number in 0..8 {
        world
            .outcome(of(&format!("k{number}"), "orders.create"))
            .await;
        world.clock.advance(secs(3));
    }
    let calls = world.vendor.calls();
    let tokens = calls.iter().filter(|call| call.path == "/token");
    assert_eq!(
        (tokens.count(), calls.len()),
        (1, 6),
        "five calls, one token"
    );
    let state = state(&world, "default");
    assert_eq!(state.pause, None, "the connection goes on");
    assert!(!state.token.expect("a token").refused);
}

#[tokio::test]
async fn a_firewall_s_page_is_a_fault_and_no_end() {
    let world = World::new();
    world.vendor.script([PAGE]);
    let outcome = world.outcome(of("k", "orders.replace")).await;
    assert!(
        matches!(&outcome, Outcome::Retry { code, .. } if *code == code::BLOCKED),
        "{outcome:?}"
    );
    assert_eq!(world.breaker().consecutive, 1);
    assert!(state(&world, "default").rights.is_empty());
}

#[tokio::test]
async fn a_call_of_several_that_is_forbidden_is_taken_apart() {
    let world = World::new();
    world.vendor.always(Some(FORBIDDEN));
    let stock = |sku: &str| {
        let mut request = request(sku, "stock.upsert");
        request["payload"] = serde_json::json!({"sku": sku});
        message(sku, request.to_string())
    };
    let report = world.receive([stock("a"), stock("b")]).await;
    for entry in &report.entries {
        let outcome = &entry.outcome;
        let is_apart =
            matches!(outcome, Outcome::Retry { code, .. } if *code == code::BATCH_REFUSED);
        assert!(is_apart, "{outcome:?}");
    }
    assert!(state(&world, "default").rights.is_empty(), "nobody's yet");
}

fn shops() -> World {
    let mut world = World::new();
    for shop in ["a", "b", "c", "d"] {
        world.secrets.put(shop, r#"{"token":"t0ken"}"#);
    }
    world.lane = lane(Shops, world.seams.clone(), "environment");
    world
}

/// One shop was renamed and answered 301; the breaker opened for all, and nine healthy shops waited for minutes.
#[tokio::test]
async fn a_moved_account_pauses_its_connection_and_nothing_else() {
    let world = shops();
    world.vendor.always(Some(RENAMED));
    let report = world
        .receive((0..6).map(|number| at("a", &format!("k{number}"))))
        .await;
    assert!(report.entries.iter().all(|entry| is_paused(&entry.outcome)));
    let state = state(&world, "a");
    assert_eq!(state.pause.map(|pause| pause.reason), Some(Reason::Moved));
    assert_eq!(breaker(&world, "acme#a#breaker"), Breaker::default());
    let record = world.ledger.records().remove("acme#a#k0");
    assert_eq!(record.map(|record| record.attempts), Some(0));

    world.vendor.always(None);
    assert_eq!(world.outcome(at("b", "k9")).await, Outcome::Delivered);
    // A new secret holds the new address.
    world.secrets.put("a", r#"{"token":"n3w-token"}"#);
    world.clock.advance(secs(60));
    assert_eq!(world.outcome(at("a", "k10")).await, Outcome::Delivered);
}

/// Two failing batches of `shop`, 2 s apart: its breaker opens.
async fn fail(world: &World, shop: &str) {
    world.vendor.always(Some(Reply::Status(503, "{}")));
    for batch in 0..2 {
        let key = |number| format!("{shop}-{batch}-{number}");
        world
            .receive((0..3).map(|number| at(shop, &key(number))))
            .await;
        world.clock.advance(secs(2));
    }
    world.vendor.always(None);
    let key = format!("acme#{shop}#breaker");
    assert_eq!(breaker(world, &key).state, State::Open, "{shop}");
}

#[tokio::test]
async fn one_ill_account_stops_itself_and_three_of_four_stop_the_lane() {
    let world = shops();
    assert_eq!(world.outcome(at("d", "before")).await, Outcome::Delivered);
    fail(&world, "a").await;
    assert_eq!(world.outcome(at("d", "one")).await, Outcome::Delivered);
    assert_eq!(world.outcome(at("b", "healthy")).await, Outcome::Delivered);
    fail(&world, "b").await;
    fail(&world, "c").await;
    let lane = breaker(&world, "acme#*#breaker");
    assert_eq!(lane.state, State::Open, "{lane:?}");
    let outcome = world.outcome(at("d", "all")).await;
    assert!(
        matches!(
            outcome,
            Outcome::Deferred {
                reason: Deferral::BreakerOpen,
                ..
            }
        ),
        "{outcome:?}"
    );

    // The provider's probe is any connection's call.
    world.clock.advance(secs(60));
    for key in ["p1", "p2", "p3"] {
        assert_eq!(world.outcome(at("d", key)).await, Outcome::Delivered);
        world.clock.advance(secs(5));
    }
    assert_eq!(breaker(&world, "acme#*#breaker").state, State::Closed);
}

#[tokio::test]
async fn a_refusal_of_a_day_parks_the_connection_without_an_attempt() {
    let world = World::new();
    world.vendor.script([Reply::TryAfter(86_400)]);
    let outcome = world.outcome(of("k", "orders.replace")).await;
    assert!(
        matches!(
            outcome,
            Outcome::Deferred {
                reason: Deferral::QuotaSpent,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(world.record("k").map(|record| record.attempts), Some(0));
    assert_eq!(world.breaker(), Breaker::default());
    let calls = world.vendor.calls().len();
    world.clock.advance(secs(600));
    world.outcome(of("other", "orders.create")).await;
    assert_eq!(world.vendor.calls().len(), calls, "the account is closed");
}
