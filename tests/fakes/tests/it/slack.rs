use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode};

use crate::client::{Answer, call, outage, server};

const HEADERS: [(&str, &str); 2] = [
    ("authorization", "Bearer xoxb-1"),
    ("content-type", "application/json; charset=utf-8"),
];

async fn post(server: &Server, method: &str, body: &str) -> Option<Answer> {
    call(
        server,
        "POST",
        &format!("/slack/api/{method}"),
        &HEADERS,
        body,
    )
    .await
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("slack", marker)
}

#[tokio::test]
async fn every_post_makes_a_message_even_the_same_one_again() {
    let server = server().await;
    let body = r#"{"channel":"C1","text":"hi [ref:r1]"}"#;
    let first = post(&server, "chat.postMessage", body)
        .await
        .expect("an answer");
    let second = post(&server, "chat.postMessage", body)
        .await
        .expect("an answer");
    assert_eq!(
        (first.status, &first.body["ok"], &first.body["channel"]),
        (200, &true.into(), &"C1".into())
    );
    assert_ne!(first.body["ts"], second.body["ts"]);
    assert_eq!(effects(&server, "r1"), 2);
}

#[tokio::test]
async fn marker_may_also_ride_in_the_metadata() {
    let server = server().await;
    let body = r#"{"channel":"C1","text":"hi","metadata":{"event_type":"t","event_payload":{"request":"r2"}}}"#;
    post(&server, "chat.postMessage", body)
        .await
        .expect("an answer");
    assert_eq!(effects(&server, "r2"), 1);
}

#[tokio::test]
async fn errors_come_with_status_200() {
    let server = server().await;
    let long = format!(r#"{{"channel":"C1","text":"{}"}}"#, "x".repeat(40_001));
    for (body, error) in [
        (
            r#"{"channel":"C_UNKNOWN","text":"hi"}"#,
            "channel_not_found",
        ),
        (r#"{"channel":"X1","text":"hi"}"#, "channel_not_found"),
        (r#"{"channel":"C_ARCHIVED","text":"hi"}"#, "is_archived"),
        (r#"{"channel":"C1"}"#, "no_text"),
        (r#"{"text":"hi"}"#, "invalid_arguments"),
        (r#"{"channel":"#, "invalid_json"),
        (long.as_str(), "msg_too_long"),
    ] {
        let answer = post(&server, "chat.postMessage", body)
            .await
            .expect("an answer");
        assert_eq!(
            (answer.status, answer.body["error"].as_str()),
            (200, Some(error))
        );
        assert_eq!(answer.body["ok"], false);
    }
    assert_eq!(server.journal().providers["slack"].effects, 0);
}

#[tokio::test]
async fn callers_without_a_good_token_are_told_inside_200() {
    let server = server().await;
    let json = ("content-type", "application/json");
    for (token, error) in [
        ("", "not_authed"),
        ("Bearer nonsense", "invalid_auth"),
        ("Bearer xoxb-revoked", "token_revoked"),
    ] {
        let headers = [("authorization", token), json];
        let answer = call(
            &server,
            "POST",
            "/slack/api/chat.postMessage",
            &headers,
            "{}",
        )
        .await
        .expect("an answer");
        assert_eq!(
            (answer.status, answer.body["error"].as_str()),
            (200, Some(error))
        );
    }
}

#[tokio::test]
async fn update_needs_its_message_and_the_same_text_again_changes_nothing() {
    let server = server().await;
    let missing = r#"{"channel":"C1","ts":"1.000001","text":"b [ref:u1]"}"#;
    let answer = post(&server, "chat.update", missing)
        .await
        .expect("an answer");
    assert_eq!(answer.body["error"], "message_not_found");
    let made = post(
        &server,
        "chat.postMessage",
        r#"{"channel":"C1","text":"a"}"#,
    )
    .await
    .expect("an answer");
    let update = format!(
        r#"{{"channel":"C1","ts":{},"text":"b [ref:u1]"}}"#,
        made.body["ts"]
    );
    for _ in 0..2 {
        let answer = post(&server, "chat.update", &update)
            .await
            .expect("an answer");
        assert_eq!(answer.body["text"], "b [ref:u1]");
    }
    assert_eq!(effects(&server, "u1"), 1);
}

#[tokio::test]
async fn channel_is_throttled_on_its_own_with_retry_after_in_whole_seconds() {
    let server = server().await;
    let post = |channel: &str| {
        let body = format!(r#"{{"channel":"{channel}","text":"hi"}}"#);
        let server = &server;
        async move {
            post(server, "chat.postMessage", &body)
                .await
                .expect("an answer")
        }
    };
    for _ in 0..7 {
        assert_eq!(post("C1").await.status, 200);
    }
    let over = post("C1").await;
    assert_eq!(
        (over.status, over.body["error"].as_str()),
        (429, Some("ratelimited"))
    );
    let seconds: u64 = over
        .header("retry-after")
        .expect("a hint")
        .parse()
        .expect("whole seconds");
    assert!((1..=5).contains(&seconds));
    assert_eq!(post("C2").await.status, 200, "another channel is free");
    let limit = &server.journal().providers["slack"].limits["channel"];
    assert_eq!((limit.peak, limit.violations), (7, 1));
}

#[tokio::test]
async fn lost_reply_without_effect_looks_the_same_to_the_caller() {
    let server = server().await;
    let body = |marker: &str| format!(r#"{{"channel":"C1","text":"[ref:{marker}]"}}"#);
    outage(&server, "slack", Fault::new(Mode::LostReply, 1.0));
    assert!(
        post(&server, "chat.postMessage", &body("done"))
            .await
            .is_none()
    );
    outage(
        &server,
        "slack",
        Fault {
            effect: Some(false),
            ..Fault::new(Mode::LostReply, 1.0)
        },
    );
    assert!(
        post(&server, "chat.postMessage", &body("not-done"))
            .await
            .is_none()
    );
    assert_eq!(
        (effects(&server, "done"), effects(&server, "not-done")),
        (1, 0)
    );
}

#[tokio::test]
async fn caller_who_gives_up_on_a_held_reply_may_have_had_the_effect() {
    let server = server().await;
    outage(
        &server,
        "slack",
        Fault {
            effect: Some(true),
            ..Fault::new(Mode::Timeout, 1.0)
        },
    );
    let call = post(
        &server,
        "chat.postMessage",
        r#"{"channel":"C1","text":"[ref:r1]"}"#,
    );
    let gone = tokio::time::timeout(std::time::Duration::from_millis(300), call).await;
    assert!(gone.is_err(), "no answer in time");
    assert_eq!(effects(&server, "r1"), 1);
    // The server notices the closed connection by itself.
    let listed = async {
        while server.calls().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), listed)
        .await
        .expect("the call is listed");
    let calls = server.calls();
    assert_eq!(
        (calls[0].status, calls[0].fault.as_deref()),
        (None, Some("timeout"))
    );
}

#[tokio::test]
async fn message_for_one_person_needs_a_member_of_the_channel() {
    let server = server().await;
    let to = |user: &str| format!(r#"{{"channel":"C1","user":"{user}","text":"psst [ref:e1]"}}"#);
    let answer = post(&server, "chat.postEphemeral", &to("U_NOTMEMBER")).await;
    let error = answer.expect("an answer").body["error"].clone();
    assert_eq!(error, "user_not_in_channel");
    let answer = post(&server, "chat.postEphemeral", &to("U1")).await;
    let body = answer.expect("an answer").body;
    assert!(body["message_ts"].is_string() && body["ts"].is_null());
    assert_eq!(effects(&server, "e1"), 1);
}

#[tokio::test]
async fn message_for_later_needs_a_time_to_come() {
    let server = server().await;
    let at = |time: u64| format!(r#"{{"channel":"C1","post_at":{time},"text":"later [ref:s1]"}}"#);
    let answer = post(&server, "chat.scheduleMessage", &at(1_000_000_000)).await;
    assert_eq!(answer.expect("an answer").body["error"], "time_in_past");
    let answer = post(&server, "chat.scheduleMessage", &at(4_000_000_000)).await;
    let body = answer.expect("an answer").body;
    assert_eq!(
        (&body["ok"], &body["post_at"]),
        (&true.into(), &4_000_000_000_u64.into())
    );
    assert!(body["scheduled_message_id"].is_string());
    assert_eq!(effects(&server, "s1"), 1);
}

#[tokio::test]
async fn a_rotated_token_posts_and_its_refresh_token_works_once() {
    let server = server().await;
    let refresh = async |token: &str| {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", "Basic YzpzCg=="),
        ];
        let answer = call(
            &server,
            "POST",
            "/slack/api/oauth.v2.access",
            &headers,
            &form,
        )
        .await;
        answer.expect("an answer")
    };
    let granted = refresh("first").await;
    let bearer = format!(
        "Bearer {}",
        granted.body["access_token"].as_str().expect("a token")
    );
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json; charset=utf-8"),
    ];
    let body = r#"{"channel":"C1","text":"hi [ref:rot]"}"#;
    let posted = call(
        &server,
        "POST",
        "/slack/api/chat.postMessage",
        &headers,
        body,
    )
    .await;
    assert_eq!(posted.expect("an answer").body["ok"], true);
    let spent = refresh("first").await;
    assert_eq!(
        (spent.status, &spent.body["error"]),
        (200, &"invalid_refresh_token".into())
    );
}
