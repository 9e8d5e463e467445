//! One story per decision.

mod endpoints;

use std::time::Duration;

use super::settle::{Exchange, ShownPrints};
use super::*;
use crate::Timestamp;
use crate::provider::{Grant, Granted, Secret, Token, TokenAnswer, TokenBudget, TokenScheme};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

const CLIENT: TokenScheme = TokenScheme::client_credentials("/token");
const SINGLE_USE: TokenScheme = TokenScheme::refresh_token("/token", true);
const GRACE: TokenScheme = TokenScheme {
    grant: Grant::RefreshToken {
        rotating: true,
        grace: true,
    },
    ..SINGLE_USE
};
/// As Guesty has it: five a day.
const FIVE_A_DAY: TokenScheme = TokenScheme {
    budget: Some(TokenBudget::new(5, Duration::from_secs(24 * 60 * 60))),
    ..CLIENT
};

fn secret(client_secret: &str, refresh_token: &str) -> Prints {
    secret_of("id", client_secret, refresh_token)
}

fn secret_of(id: &str, client_secret: &str, refresh_token: &str) -> Prints {
    let text = serde_json::json!({
        "client_id": id, "client_secret": client_secret, "refresh_token": refresh_token,
    });
    Prints::of(&Secret::parse(&text.to_string()).expect("an object of strings"))
}

fn decide(
    state: &CredentialState,
    scheme: &TokenScheme,
    prints: &Prints,
    now: Timestamp,
) -> Decision {
    state.decide(&Ask {
        scheme: Some(scheme),
        prints,
        owner: "me",
        may_refresh: true,
        now,
        jitter: 0.5,
    })
}

fn leased(
    state: &CredentialState,
    scheme: &TokenScheme,
    prints: &Prints,
    now: Timestamp,
) -> CredentialState {
    match decide(state, scheme, prints, now) {
        Decision::Refresh { next } => *next,
        other => panic!("{other:?}"),
    }
}

fn exchange_of(state: &CredentialState) -> Exchange {
    let lease = state.lease.as_ref().expect("a lease");
    Exchange {
        owner: lease.owner.clone(),
        base: state.generation,
        prints: state.prints.clone(),
        since: lease.since,
        called_at: lease.since,
    }
}

fn granted(number: u32) -> TokenAnswer {
    TokenAnswer::Granted(Box::new(Granted {
        access_token: Token::new(format!("access-{number}")),
        refresh_token: Some(Token::new(format!("refresh-{number}"))),
        lifetime: HOUR,
    }))
}

fn ended(
    state: &CredentialState,
    scheme: &TokenScheme,
    answer: &TokenAnswer,
    now: Timestamp,
) -> CredentialState {
    let next = state.ended(&exchange_of(state), answer, scheme, now, 0.0);
    next.expect("the lease ends")
}

/// A state with a token of an hour that was obtained at noon.
fn with_token(scheme: &TokenScheme) -> CredentialState {
    let first = leased(
        &CredentialState::default(),
        scheme,
        &secret("s", "refresh-0"),
        NOON,
    );
    ended(&first, scheme, &granted(1), NOON)
}

fn shown(state: &CredentialState) -> ShownPrints {
    ShownPrints {
        prints: state.prints.clone(),
        generation: state.generation,
        on_trial: false,
    }
}

fn reason(state: &CredentialState) -> Option<Reason> {
    state.pause.as_ref().map(|pause| pause.reason)
}

fn text(token: Option<&Token>) -> Option<&str> {
    token.map(Token::reveal)
}

#[test]
fn one_gets_the_lease_and_it_outlasts_the_call() {
    let prints = secret("s", "refresh-0");
    let state = leased(&CredentialState::default(), &CLIENT, &prints, NOON);
    let lease = state.lease.clone().expect("a lease");
    assert!(lease.until.since(NOON) > CLIENT.timeout);
    let Decision::Wait { until } = decide(&state, &CLIENT, &prints, NOON + MINUTE / 60) else {
        panic!("there is no token yet");
    };
    assert!(
        until.since(NOON) <= Duration::from_secs(6),
        "it looks again soon"
    );
}

#[test]
fn a_token_is_refreshed_ahead_of_its_end_while_the_others_use_it() {
    let state = with_token(&CLIENT);
    let prints = state.prints.clone();
    let at = |minutes: u32| NOON + MINUTE * minutes;
    assert_eq!(
        decide(&state, &CLIENT, &prints, at(50)),
        Decision::Use { next: None }
    );
    let refreshing = leased(&state, &CLIENT, &prints, at(57));
    assert_eq!(
        decide(&refreshing, &CLIENT, &prints, at(57)),
        Decision::Use { next: None }
    );
    // Environments differ in when they begin: the one with jitter 1 minutes before the one with 0.
    let begins = |jitter| {
        (0..3600).find(|second| {
            let now = NOON + Duration::from_secs(*second);
            let ask = Ask {
                scheme: Some(&CLIENT),
                prints: &prints,
                owner: "me",
                may_refresh: true,
                now,
                jitter,
            };
            matches!(state.decide(&ask), Decision::Refresh { .. })
        })
    };
    assert_eq!((begins(1.0), begins(0.0)), (Some(3_290), Some(3_440)));
    assert!(!state.is_usable(NOON + HOUR - Duration::from_secs(10)));
}

#[test]
fn a_new_refresh_token_takes_the_old_ones_place_in_the_same_write() {
    let state = with_token(&SINGLE_USE);
    assert_eq!(text(state.refresh_token.as_ref()), Some("refresh-1"));
    let next = leased(&state, &SINGLE_USE, &state.prints, NOON + HOUR);
    assert_eq!(
        text(next.refresh_token.as_ref()),
        Some("refresh-1"),
        "kept until there is another"
    );
    let next = ended(&next, &SINGLE_USE, &granted(2), NOON + HOUR);
    assert_eq!(text(next.refresh_token.as_ref()), Some("refresh-2"));
    assert_eq!((next.generation, next.lapsed, next.lease), (2, 0, None));
}

#[test]
fn after_a_death_the_old_refresh_token_is_tried_once() {
    let prints = secret("s", "refresh-0");
    let died = leased(&CredentialState::default(), &SINGLE_USE, &prints, NOON);
    let second = leased(&died, &SINGLE_USE, &prints, NOON + MINUTE);
    assert_eq!(second.lapsed, 1);
    // Refused: it is gone.
    let refused = TokenAnswer::DeadGrant;
    let lost = ended(&second, &SINGLE_USE, &refused, NOON + MINUTE);
    assert_eq!(reason(&lost), Some(Reason::ReauthoriseNeeded));
    // No word from the second either: it is not tried a third time, but where the vendor takes it again.
    let Decision::Paused { next, paused } =
        decide(&second, &SINGLE_USE, &prints, NOON + MINUTE * 2)
    else {
        panic!("two deaths are enough");
    };
    assert_eq!(paused.reason, Reason::ReauthoriseNeeded);
    assert_eq!(next.and_then(|next| reason(&next)), Some(paused.reason));
    let patient = leased(&second, &GRACE, &prints, NOON + MINUTE * 2);
    assert_eq!(patient.lapsed, 2);
}

#[test]
fn no_trial_wakes_a_dead_refresh_token_unless_the_vendor_has_a_grace() {
    let prints = secret("s", "refresh-0");
    let refused = TokenAnswer::DeadGrant;
    let paused_by = |scheme: &TokenScheme| {
        let state = leased(&CredentialState::default(), scheme, &prints, NOON);
        ended(&state, scheme, &refused, NOON)
    };
    let later = NOON + HOUR * 5;
    assert!(matches!(
        paused_by(&SINGLE_USE).standing(Some(&SINGLE_USE), later),
        Standing::Paused(_)
    ));
    assert!(matches!(
        paused_by(&GRACE).standing(Some(&GRACE), later),
        Standing::TrialDue(_)
    ));
}

#[test]
fn who_comes_late_adds_what_it_has_and_overwrites_nothing() {
    let prints = secret("s", "refresh-0");
    let first = leased(&CredentialState::default(), &GRACE, &prints, NOON);
    let late = exchange_of(&first);
    let mut second = leased(&first, &GRACE, &prints, NOON + MINUTE);
    second.lease.as_mut().expect("a lease").owner = "other".into();
    let refused = TokenAnswer::DeadGrant;
    assert_eq!(
        second.ended(&late, &refused, &GRACE, NOON + MINUTE, 0.0),
        None,
        "the other one is at it"
    );
    let stored = ended(&second, &GRACE, &granted(2), NOON + MINUTE);
    let merged = stored
        .ended(&late, &granted(1), &GRACE, NOON + MINUTE, 0.0)
        .expect("a token more");
    assert_eq!(text(merged.refresh_token.as_ref()), Some("refresh-2"));
    assert_eq!(text(merged.spare.as_ref()), Some("refresh-1"));
    assert_eq!(merged.token, stored.token);
    // A late refusal says nothing about the token that was stored since.
    assert_eq!(
        stored.ended(&late, &refused, &GRACE, NOON + MINUTE, 0.0),
        None
    );
    // The spare one is tried before the connection is given up.
    let again = leased(&merged, &GRACE, &prints, NOON + HOUR * 2);
    let again = ended(&again, &GRACE, &refused, NOON + HOUR * 2);
    assert_eq!(text(again.refresh_token.as_ref()), Some("refresh-1"));
    assert_eq!((again.spare, again.pause), (None, None));
}

#[test]
fn a_spent_budget_waits_for_the_oldest_token_to_fall_out_of_the_window() {
    let prints = secret("s", "refresh-0");
    let mut state = CredentialState::default();
    for number in 0..5 {
        let now = NOON + HOUR * number;
        state = ended(
            &leased(&state, &FIVE_A_DAY, &prints, now),
            &FIVE_A_DAY,
            &granted(number),
            now,
        );
        state.token = None;
    }
    let now = NOON + HOUR * 5;
    let Decision::Paused { next: None, paused } = decide(&state, &FIVE_A_DAY, &prints, now) else {
        panic!("five are five");
    };
    let free = NOON + HOUR * 24 + FIVE_A_DAY.lease_time();
    assert_eq!(
        (paused.reason, paused.until),
        (Reason::RefreshBudget, Some(free))
    );
    assert!(matches!(
        state.standing(Some(&FIVE_A_DAY), now),
        Standing::Paused(_)
    ));
    assert!(paused.ask_again(now, 0.0) >= free);
    leased(&state, &FIVE_A_DAY, &prints, free);
    // A call that was never sent is no token; another client has a budget of its own.
    let unsent = leased(&state, &FIVE_A_DAY, &prints, free);
    let unsent = ended(&unsent, &FIVE_A_DAY, &TokenAnswer::NotSent, free);
    assert_eq!(unsent.refreshes.len(), 4);
    leased(&state, &FIVE_A_DAY, &secret_of("id-2", "s", "r"), now);
}

/// Found by the interleavings: the instant of a call that was never sent was taken out by its value, and took a
/// token that was asked for in the same millisecond along. The sixth call of a day went out.
#[test]
fn two_tokens_of_one_millisecond_are_two() {
    let prints = secret("s", "refresh-0");
    let first = leased(&CredentialState::default(), &FIVE_A_DAY, &prints, NOON);
    let mut first = ended(&first, &FIVE_A_DAY, &granted(1), NOON);
    first.token = None;
    let second = leased(&first, &FIVE_A_DAY, &prints, NOON);
    let unsent = ended(&second, &FIVE_A_DAY, &TokenAnswer::NotSent, NOON);
    assert_eq!(unsent.refreshes, [NOON]);
}

#[test]
fn a_failing_token_endpoint_is_left_alone_for_longer_and_longer() {
    let prints = secret("s", "refresh-0");
    let (mut state, mut now) = (CredentialState::default(), NOON);
    let mut waits = Vec::new();
    for _ in 0..8 {
        state = ended(
            &leased(&state, &CLIENT, &prints, now),
            &CLIENT,
            &TokenAnswer::Later { after: None },
            now,
        );
        let until = state.retry_at.expect("a wait");
        let early = decide(&state, &CLIENT, &prints, until - MINUTE / 60);
        assert_eq!(early, Decision::Wait { until });
        waits.push(until.since(now).as_millis());
        now = until;
    }
    assert_eq!(waits[..4], [2_500, 5_000, 10_000, 20_000]);
    assert_eq!(waits[7], 150_000);
    let after = Some(MINUTE * 20);
    let throttled = ended(
        &leased(&state, &CLIENT, &prints, now),
        &CLIENT,
        &TokenAnswer::Later { after },
        now,
    );
    assert_eq!(throttled.retry_at, Some(now + MINUTE * 20));
}

/// A token endpoint behind a firewall that answers 403 to one address: the first page of it used to end the grant.
#[test]
fn a_refusal_without_a_word_is_asked_again_and_calls_a_person_when_it_lasts() {
    let prints = secret("s", "refresh-0");
    let refused = TokenAnswer::Refused { after: None };
    let (mut state, mut now) = (CredentialState::default(), NOON);
    while state.pause.is_none() {
        let asked = leased(&state, &SINGLE_USE, &prints, now);
        state = ended(&asked, &SINGLE_USE, &refused, now);
        now = state.retry_at.expect("a wait");
    }
    assert_eq!(
        (reason(&state), state.failures),
        (Some(Reason::Unauthorised), 7)
    );
    let lasted = now.since(NOON);
    assert!(lasted > MINUTE * 5 && lasted < MINUTE * 15, "{lasted:?}");
    // The refresh token is as good as before: one call every quarter of an hour asks again, and may find it so.
    let trial = leased(&state, &SINGLE_USE, &prints, now + MINUTE * 15);
    let found = ended(&trial, &SINGLE_USE, &granted(1), now + MINUTE * 15);
    let accepted = found.accepted(&shown(&found)).expect("the pause ends");
    assert_eq!(accepted.pause, None);
}

/// Six times the endpoint was down, then a firewall answered once, and the connection was paused, with an alarm that
/// tells of wrong credentials: every failed call counted as a refusal.
#[test]
fn a_refusal_without_a_word_after_an_outage_of_the_endpoint_is_the_first_one() {
    let prints = secret("s", "refresh-0");
    let (mut state, mut now) = (CredentialState::default(), NOON);
    let down = [TokenAnswer::NotSent, TokenAnswer::Later { after: None }];
    for answer in down.iter().cycle().take(12) {
        let asked = leased(&state, &SINGLE_USE, &prints, now);
        state = ended(&asked, &SINGLE_USE, answer, now);
        now = state.retry_at.expect("a wait");
    }
    let asked = leased(&state, &SINGLE_USE, &prints, now);
    let state = ended(
        &asked,
        &SINGLE_USE,
        &TokenAnswer::Refused { after: None },
        now,
    );
    assert_eq!(
        (reason(&state), state.failures, state.refusals),
        (None, 13, 1)
    );
}

#[test]
fn a_wrong_client_secret_pauses_at_once_and_is_no_dead_grant() {
    let prints = secret("s", "refresh-0");
    let state = leased(&CredentialState::default(), &SINGLE_USE, &prints, NOON);
    let state = ended(&state, &SINGLE_USE, &TokenAnswer::WrongClient, NOON);
    assert_eq!(reason(&state), Some(Reason::Unauthorised));
    let later = NOON + MINUTE * 15;
    leased(&state, &SINGLE_USE, &prints, later);
    let repaired = leased(
        &state,
        &SINGLE_USE,
        &secret("s2", "refresh-0"),
        NOON + MINUTE,
    );
    assert_eq!(repaired.pause, None);
    // While the old token lasts nobody waits.
    let state = with_token(&SINGLE_USE);
    let early = leased(&state, &SINGLE_USE, &prints, NOON + MINUTE * 58);
    let early = ended(
        &early,
        &SINGLE_USE,
        &TokenAnswer::WrongClient,
        NOON + MINUTE * 58,
    );
    assert_eq!(early.pause, None);
    assert!(early.retry_at.is_some());
}

#[test]
fn another_secret_starts_anew_and_keeps_what_did_not_change() {
    let state = CredentialState {
        pause: Some(Pause {
            reason: Reason::Unauthorised,
            since: NOON,
            next_trial: NOON + MINUTE * 15,
        }),
        ..with_token(&SINGLE_USE)
    };
    // A new client secret alone: the chain of refresh tokens goes on.
    let next = leased(&state, &SINGLE_USE, &secret("s2", "refresh-0"), NOON);
    assert_eq!((&next.token, &next.pause), (&None, &None));
    assert_eq!(text(next.refresh_token.as_ref()), Some("refresh-1"));
    // Authorised anew: it ends.
    let next = leased(&state, &SINGLE_USE, &secret("s", "refresh-9"), NOON);
    assert_eq!(next.refresh_token, None);
    // What an exchange under the old secret brought is not shown; its refresh token is kept with its chain alone.
    let old = leased(
        &with_token(&SINGLE_USE),
        &SINGLE_USE,
        &state.prints,
        NOON + HOUR,
    );
    let wait = decide(&old, &SINGLE_USE, &secret("s2", "refresh-0"), NOON + HOUR);
    assert!(matches!(wait, Decision::Wait { .. }), "one refresher");
    let changed = CredentialState {
        prints: secret("s2", "refresh-0"),
        ..old.clone()
    };
    let stored = changed.ended(
        &exchange_of(&old),
        &granted(2),
        &SINGLE_USE,
        NOON + HOUR,
        0.0,
    );
    let stored = stored.expect("a refresh token");
    assert_eq!(stored.token, None);
    assert_eq!(text(stored.refresh_token.as_ref()), Some("refresh-2"));
}

#[test]
fn a_refused_token_is_refreshed_once_and_then_the_connection_is_paused() {
    let state = with_token(&CLIENT);
    let first = shown(&state);
    let marked = state.refused(&first, Some(&CLIENT), NOON).expect("news");
    assert!(!marked.is_usable(NOON) && marked.pause.is_none());
    assert_eq!(
        marked.refused(&first, Some(&CLIENT), NOON),
        None,
        "the others of the batch are no news"
    );
    let fresh = ended(
        &leased(&marked, &CLIENT, &state.prints, NOON),
        &CLIENT,
        &granted(2),
        NOON,
    );
    assert_eq!(
        fresh.refused(&first, Some(&CLIENT), NOON),
        None,
        "a late refusal of the old token"
    );
    let second = shown(&fresh);
    let paused = fresh.refused(&second, Some(&CLIENT), NOON).expect("news");
    assert_eq!(reason(&paused), Some(Reason::Unauthorised));
    // One that was accepted since starts from the beginning.
    let trusted = fresh.accepted(&second).expect("it was on trial");
    assert_eq!(trusted.accepted(&second), None);
    let again = trusted.refused(&second, Some(&CLIENT), NOON).expect("news");
    assert_eq!(reason(&again), None);
}

#[test]
fn a_trial_does_not_spend_a_scarce_token() {
    for (scheme, tries_another) in [(CLIENT, true), (FIVE_A_DAY, false)] {
        let mut state = with_token(&scheme);
        state.token.as_mut().expect("a token").on_trial = true;
        let paused = state.refused(&shown(&state), Some(&scheme), NOON);
        let paused = paused.expect("news");
        let trial = decide(&paused, &scheme, &state.prints, NOON + MINUTE * 15);
        assert_eq!(matches!(trial, Decision::Refresh { .. }), tries_another);
        assert!(trial.next().is_some(), "the trial is taken");
        // An operator's word gets a new one in any case.
        let resumed = paused.resume().expect("it was paused");
        leased(&resumed, &scheme, &state.prints, NOON + MINUTE);
    }
}

#[test]
fn one_of_the_fleet_tries_a_paused_connection_every_quarter_of_an_hour() {
    let prints = Prints::of(&Secret::parse(r#"{"token":"t"}"#).expect("a secret"));
    let ask = |now| Ask {
        scheme: None,
        prints: &prints,
        owner: "",
        may_refresh: false,
        now,
        jitter: 0.0,
    };
    let names = ShownPrints {
        prints: prints.clone(),
        generation: 0,
        on_trial: false,
    };
    let fresh = CredentialState::default();
    assert_eq!(fresh.decide(&ask(NOON)), Decision::Use { next: None });
    let paused = fresh.refused(&names, None, NOON).expect("news");
    assert_eq!(paused.refused(&names, None, NOON + MINUTE), None);
    let early = paused.decide(&ask(NOON + MINUTE * 14));
    assert!(matches!(early, Decision::Paused { next: None, .. }));
    let due = NOON + MINUTE * 15;
    let Decision::Use { next: Some(trial) } = paused.decide(&ask(due)) else {
        panic!("one may try");
    };
    assert!(matches!(trial.decide(&ask(due)), Decision::Paused { .. }));
    let next = trial.decide(&ask(due + MINUTE * 15));
    assert!(next.next().is_some(), "whoever tried may have died");
    assert_eq!(trial.accepted(&names).expect("news").pause, None);
    assert_eq!(paused.resume().expect("it was paused").pause, None);
    assert_eq!(fresh.resume(), None);
}

#[test]
fn a_pause_is_waited_out_in_longer_and_longer_steps() {
    let paused = Paused {
        reason: Reason::Unauthorised,
        since: NOON,
        until: None,
    };
    let minutes = |age: u32, jitter| {
        let now = NOON + MINUTE * age;
        paused.ask_again(now, jitter).since(now).as_secs() / 60
    };
    assert_eq!((minutes(0, 0.0), minutes(0, 1.0)), (15, 22));
    assert_eq!(minutes(40, 0.0), 40);
    assert_eq!((minutes(600, 0.0), minutes(600, 1.0)), (60, 90));
}

#[test]
fn a_missing_secret_is_noted_once_and_ends_with_a_secret() {
    let none = CredentialState::default();
    let noted = none.missing(&Prints::default(), NOON).expect("news");
    assert_eq!(noted.missing(&Prints::default(), NOON + MINUTE), None);
    // One that was there before: its chain of refresh tokens is kept, and the second look is no news either.
    let lost = with_token(&SINGLE_USE).missing(&Prints::default(), NOON);
    let lost = lost.expect("news");
    assert_eq!(lost.missing(&Prints::default(), NOON + MINUTE), None);
    let back = leased(&lost, &SINGLE_USE, &secret("s", "refresh-0"), NOON);
    assert_eq!(text(back.refresh_token.as_ref()), Some("refresh-1"));
    let standing = noted.standing(None, NOON + HOUR);
    assert!(
        matches!(standing, Standing::Paused(_)),
        "no call can try it"
    );
    let prints = secret("s", "r");
    let ask = Ask {
        scheme: None,
        prints: &prints,
        owner: "",
        may_refresh: false,
        now: NOON + HOUR,
        jitter: 0.0,
    };
    let Decision::Use { next: Some(next) } = noted.decide(&ask) else {
        panic!("there is one now");
    };
    assert_eq!(next.pause, None);
}

#[test]
fn the_item_survives_the_store_and_older_releases_and_prints_no_token() {
    let state = CredentialState {
        spare: Some(Token::new("refresh-s")),
        ..leased(
            &with_token(&FIVE_A_DAY),
            &FIVE_A_DAY,
            &with_token(&FIVE_A_DAY).prints,
            NOON + HOUR,
        )
    };
    let value = serde_json::to_value(&state).expect("JSON");
    assert_eq!(value["format_version"], 1);
    let read: CredentialState = serde_json::from_value(value).expect("a state");
    assert_eq!(read, state);
    let empty: CredentialState = serde_json::from_str("{}").expect("missing fields are defaults");
    assert_eq!(empty, CredentialState::default());
    let printed = format!("{state:?} {:?}", granted(7));
    assert!(!printed.contains("access-") && !printed.contains("refresh-"));
}
