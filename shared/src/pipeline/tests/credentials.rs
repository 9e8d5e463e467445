//! Refused credentials: what a message, its connection and the others get to see.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::acme::{Acme, Tokens};
use super::lines::{Lines, listen};
use super::world::{CountedSecrets, lane};
use super::*;
use crate::credentials::{CredentialState, Reason};
use crate::lanes::watched::WatchedStates;
use crate::queue::Message;

const KEY: &str = "acme#default#credentials";

/// What the tokens' tests keep under `default`.
const CLIENT: &str = r#"{"client_id":"id","client_secret":"cl1ent-s3cret"}"#;

/// The vendor's answers to token calls.
const FIRST: Reply = Reply::Status(200, r#"{"access_token":"acc3ss-1","expires_in":3600}"#);
const SECOND: Reply = Reply::Status(200, r#"{"access_token":"acc3ss-2","expires_in":3600}"#);
const REFUSED: Reply = Reply::Status(401, "{}");

/// A world whose vendor wants tokens.
fn tokens() -> World {
    let mut world = World::new();
    world.secrets.put("default", CLIENT);
    world.lane = lane(Tokens, world.seams.clone(), "environment");
    world
}

fn at(connection: &str, key: &str) -> Message {
    let mut request = request(key, "orders.create");
    request["connection"] = connection.into();
    message(key, request.to_string())
}

fn state(world: &World) -> CredentialState {
    let stored = world.states.values().remove(KEY);
    stored.map_or_else(CredentialState::default, |stored| {
        serde_json::from_value(stored.value).expect("a state")
    })
}

fn paused_for(world: &World) -> Option<Reason> {
    state(world).pause.map(|pause| pause.reason)
}

fn is_deferred(outcome: &Outcome, reason: Deferral) -> bool {
    matches!(outcome, Outcome::Deferred { reason: why, .. } if *why == reason)
}

fn shown(world: &World) -> Vec<String> {
    let calls = world.vendor.calls().into_iter();
    let of_api = calls.filter(|call| call.path != "/token");
    of_api.filter_map(|call| call.authorization).collect()
}

#[tokio::test]
async fn a_batch_needs_one_token() {
    let world = tokens();
    world.vendor.script([FIRST]);
    let report = world
        .receive((0..5).map(|n| at("default", &format!("k{n}"))))
        .await;
    assert!(report.retained().is_empty());
    assert_eq!(world.vendor.calls().len(), 6);
    assert_eq!(shown(&world), ["Bearer acc3ss-1"; 5]);
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_the_message_comes_back_for_it() {
    let world = tokens();
    world.vendor.script([FIRST, REFUSED]);
    let first = at("default", "k");
    let outcome = world.outcome(first.clone()).await;
    assert!(
        is_deferred(&outcome, Deferral::CredentialsRefreshing),
        "{outcome:?}"
    );
    assert!(world.hidden_s() <= 3);
    assert_eq!(paused_for(&world), None);
    world.clock.advance(secs(3));
    world.vendor.script([SECOND]);
    assert_eq!(world.outcome(first.again()).await, Outcome::Delivered);
    assert_eq!(shown(&world), ["Bearer acc3ss-1", "Bearer acc3ss-2"]);
    assert_eq!(world.record("k").map(|record| record.attempts), Some(1));
    let token = state(&world).token.expect("a token");
    assert!(!token.on_trial, "it was accepted");
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_too_pauses_its_connection_and_no_other() {
    let world = tokens();
    world.secrets.put("other", CLIENT);
    world.vendor.script([FIRST, REFUSED]);
    let first = at("default", "k");
    world.outcome(first.clone()).await;
    world.clock.advance(secs(3));
    world.vendor.script([SECOND, REFUSED]);
    let outcome = world.outcome(first.again()).await;
    assert!(
        is_deferred(&outcome, Deferral::ConnectionPaused),
        "{outcome:?}"
    );
    assert!((900..1400).contains(&world.hidden_s()));
    assert_eq!(paused_for(&world), Some(Reason::Unauthorised));
    assert_eq!(world.record("k").map(|record| record.attempts), Some(0));
    assert_eq!(world.breaker(), Default::default());

    let before = world.vendor.calls().len();
    world.vendor.script([FIRST]);
    let report = world
        .receive([at("default", "k2"), at("other", "k3")])
        .await;
    assert_eq!(report.retained(), ["k2"]);
    assert_eq!(world.vendor.calls().len(), before + 2, "a token and a call");
}

#[tokio::test]
async fn a_key_that_is_refused_is_read_anew_once_and_then_pauses_the_connection() {
    let world = World::new();
    world.vendor.always(Some(REFUSED));
    let report = world
        .receive((0..10).map(|n| at("default", &format!("k{n}"))))
        .await;
    for entry in &report.entries {
        assert!(is_deferred(&entry.outcome, Deferral::ConnectionPaused));
    }
    assert_eq!(world.secrets.forgotten.load(Ordering::SeqCst), 1);
    assert_eq!(paused_for(&world), Some(Reason::Unauthorised));
}

#[tokio::test]
async fn a_secret_that_was_rotated_meanwhile_pauses_nothing() {
    struct Rotating(Arc<CountedSecrets>);
    #[async_trait::async_trait]
    impl crate::secrets::Secrets for Rotating {
        async fn get(
            &self,
            provider: &str,
            connection: &str,
        ) -> Result<crate::provider::Secret, crate::secrets::SecretsError> {
            self.0.get(provider, connection).await
        }

        /// What was cached is the old one.
        async fn forget(&self, _provider: &str, connection: &str) {
            self.0.put(connection, r#"{"token":"n3w"}"#);
        }
    }
    let mut world = World::new();
    world.seams.secrets = Arc::new(Rotating(world.secrets.clone()));
    world.lane = lane(Acme, world.seams.clone(), "environment");
    world.vendor.script([REFUSED]);
    let first = at("default", "k");
    let outcome = world.outcome(first.clone()).await;
    assert!(
        is_deferred(&outcome, Deferral::CredentialsRefreshing),
        "{outcome:?}"
    );
    world.clock.advance(secs(3));
    assert_eq!(world.outcome(first.again()).await, Outcome::Delivered);
    assert_eq!(shown(&world), ["Bearer t0ken", "Bearer n3w"]);
    assert_eq!(paused_for(&world), None);
}

#[tokio::test]
async fn a_paused_connection_costs_one_read_a_minute_and_no_call_no_claim_and_no_token() {
    let watched = Arc::new(WatchedStates::default());
    let states = watched.clone();
    let world = World::with(|seams| seams.states = states);
    world.vendor.script([REFUSED]);
    world.outcome(at("default", "k")).await;
    world.clock.advance(secs(10));
    watched.trips();
    for minute in 0..5 {
        for batch in 0..5 {
            let keys = (0..10).map(|n| format!("k-{minute}-{batch}-{n}"));
            let of_batch = keys.map(|key| {
                let mut request = request(&key, "orders.replace");
                request["connection"] = "default".into();
                message(&key, request.to_string())
            });
            let report = world.receive(of_batch).await;
            assert_eq!(report.retained().len(), 10);
            world.clock.advance(secs(12));
        }
    }
    let trips = watched.trips();
    assert_eq!(trips.swaps, 0, "neither limits nor breaker are touched");
    assert!((4..=5).contains(&trips.loads), "{trips:?}");
    assert_eq!(world.vendor.calls().len(), 1);
    assert_eq!(world.ledger.records().len(), 1, "no claim is left behind");
    let looked = world.secrets.forgotten.load(Ordering::SeqCst);
    assert_eq!(looked, 5, "at the refusal, and once a minute since");
}

#[tokio::test]
async fn one_message_tries_after_a_quarter_of_an_hour_and_its_success_ends_the_pause() {
    let world = World::new();
    world.vendor.script([REFUSED]);
    world.outcome(at("default", "k")).await;
    world.clock.advance(secs(16 * 60));
    // Refused again: the others of the batch made no call.
    world.vendor.script([REFUSED]);
    let report = world
        .receive((0..5).map(|n| at("default", &format!("a{n}"))))
        .await;
    assert_eq!(
        (report.retained().len(), world.vendor.calls().len()),
        (5, 2)
    );
    // The pause is as old as its first refusal, and waits grow with it.
    world.clock.advance(secs(16 * 60));
    let report = world
        .receive((0..5).map(|n| at("default", &format!("b{n}"))))
        .await;
    assert_eq!(
        (report.retained().len(), world.vendor.calls().len()),
        (4, 3)
    );
    assert_eq!(paused_for(&world), None);
    let report = world
        .receive((0..5).map(|n| at("default", &format!("c{n}"))))
        .await;
    assert!(report.retained().is_empty());
}

#[tokio::test]
async fn a_new_secret_ends_the_pause_within_a_minute_and_an_operator_at_once() {
    let world = World::new();
    world.vendor.script([REFUSED]);
    world.outcome(at("default", "k")).await;
    world.clock.advance(secs(61));
    world.secrets.put("default", r#"{"token":"n3w"}"#);
    assert_eq!(world.outcome(at("default", "a")).await, Outcome::Delivered);
    assert_eq!(paused_for(&world), None);

    world.vendor.script([REFUSED]);
    world.outcome(at("default", "b")).await;
    let paused = world.outcome(at("default", "c")).await;
    assert!(is_deferred(&paused, Deferral::ConnectionPaused));
    let resumed = world.lane.credentials.resume("default").await;
    assert_eq!(resumed, Ok(true));
    assert_eq!(world.outcome(at("default", "d")).await, Outcome::Delivered);
    assert_eq!(world.lane.credentials.resume("default").await, Ok(false));
}

#[tokio::test]
async fn a_missing_secret_is_looked_for_every_minute() {
    let world = World::new();
    let paused = world.outcome(at("nobody", "k")).await;
    assert!(is_deferred(&paused, Deferral::ConnectionPaused));
    world.secrets.add("nobody");
    let paused = world.outcome(at("nobody", "l")).await;
    assert!(is_deferred(&paused, Deferral::ConnectionPaused) || paused == Outcome::Delivered);
    world.clock.advance(secs(61));
    assert_eq!(world.outcome(at("nobody", "m")).await, Outcome::Delivered);
}

#[tokio::test]
async fn a_token_endpoint_that_is_ill_costs_no_attempt_and_is_left_alone() {
    let world = tokens();
    world.vendor.always(Some(Reply::Status(503, "{}")));
    for round in 0..3 {
        let report = world
            .receive((0..5).map(|n| at("default", &format!("{round}-{n}"))))
            .await;
        for entry in &report.entries {
            assert!(is_deferred(&entry.outcome, Deferral::CredentialsRefreshing));
        }
    }
    assert_eq!(world.vendor.calls().len(), 1, "one call, and then a wait");
    let records = world.ledger.records();
    assert!(
        records
            .values()
            .all(|record| record.attempts == 0 && record.first_sent_at.is_none()),
        "nothing was sent"
    );
    world.vendor.always(None);
    world.clock.advance(secs(10));
    world.vendor.script([FIRST]);
    assert_eq!(
        world.outcome(at("default", "late")).await,
        Outcome::Delivered
    );
}

#[tokio::test]
async fn a_refusal_of_the_lookup_is_about_the_credentials() {
    let world = World::new();
    let mut request = request("k", "orders.book");
    request["connection"] = "default".into();
    let first = message("k", request.to_string());
    world.vendor.script([Reply::Lost, REFUSED]);
    world.outcome(first.clone()).await;
    world.clock.advance(secs(120));
    let outcome = world.outcome(first.again()).await;
    assert!(
        is_deferred(&outcome, Deferral::ConnectionPaused),
        "{outcome:?}"
    );
    assert_eq!(paused_for(&world), Some(Reason::Unauthorised));
}

/// Runs what is most talkative about credentials, and looks at everything that comes out of it.
#[tokio::test]
async fn no_secret_and_no_token_is_ever_told() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = listen(subscriber);
    let world = tokens();
    world
        .secrets
        .put("broken", r#"{"client_id":"cl1ent-s3cret"}"#);
    let mut told = String::new();
    let scripts = [
        vec![FIRST, REFUSED],
        vec![SECOND, REFUSED],
        vec![Reply::Status(
            422,
            r#"{"error":"t0ken cl1ent-s3cret acc3ss-1"}"#,
        )],
        vec![Reply::Status(400, r#"{"error":"acc3ss-1"}"#)],
        vec![Reply::Status(200, r#"{"access_token":1,"x":"acc3ss-1"}"#)],
        vec![Reply::Lost],
    ];
    for (round, script) in scripts.into_iter().enumerate() {
        world.vendor.script(script);
        let batch =
            ["default", "broken", "nobody"].map(|name| at(name, &format!("{round}-{name}")));
        let report = world.receive(batch).await;
        told += &format!("{report:?}");
        world.clock.advance(secs(20 * 60));
    }
    world.vendor.on("client_credentials", FIRST);
    let echo = Reply::Status(422, r#"{"you sent":"Bearer acc3ss-1"}"#);
    world.vendor.on("amount", echo);
    world
        .lane
        .credentials
        .resume("default")
        .await
        .expect("a store");
    told += &format!("{:?}", world.receive([at("default", "last")]).await);
    let letters = world.letters();
    assert!(!letters.is_empty(), "something was rejected");
    told += &format!("{letters:?} {:?}", world.ledger.records());
    told += &format!("{:?}", world.secrets.inner_debug());
    for (key, stored) in world.states.values() {
        told += &if key.ends_with("#credentials") {
            let state = serde_json::from_value::<CredentialState>(stored.value);
            format!("{:?}", state.expect("a state"))
        } else {
            format!("{key} {}", stored.value)
        };
    }
    let log = lines.read().join("\n");
    assert!(log.contains("is paused"), "the log was heard: {log}");
    told += &log;
    for secret in ["cl1ent-s3cret", "acc3ss-", "t0ken"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
