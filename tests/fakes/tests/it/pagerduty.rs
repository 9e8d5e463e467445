use causeway_fakes::Server;

use crate::client::{Answer, call, server};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const HEADERS: [(&str, &str); 1] = [("content-type", "application/json; charset=utf-8")];

async fn send(server: &Server, routing_key: &str, action: &str, dedup_key: &str) -> Answer {
    let body = format!(
        r#"{{"routing_key":"{routing_key}","event_action":"{action}","dedup_key":"{dedup_key}",
            "payload":{{"summary":"it burns","source":"oven","severity":"info"}}}}"#
    );
    let answer = call(server, "POST", "/pagerduty/v2/enqueue", &HEADERS, &body).await;
    answer.expect("an answer")
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("pagerduty", marker)
}

#[tokio::test]
async fn a_trigger_again_makes_no_second_alert_until_the_first_is_resolved() {
    let server = server().await;
    for _ in 0..2 {
        let answer = send(&server, KEY, "trigger", "oven [ref:p1]").await;
        assert_eq!(
            (answer.status, &answer.body["dedup_key"]),
            (202, &"oven [ref:p1]".into())
        );
    }
    assert_eq!(effects(&server, "p1"), 1, "one alert");

    for _ in 0..2 {
        send(&server, KEY, "acknowledge", "oven [ref:p1]").await;
        send(&server, KEY, "trigger", "oven [ref:p1]").await;
    }
    assert_eq!(
        effects(&server, "p1"),
        2,
        "acknowledged once, and it stays so"
    );

    for _ in 0..2 {
        send(&server, KEY, "resolve", "oven [ref:p1]").await;
    }
    assert_eq!(effects(&server, "p1"), 3, "resolved once");

    send(&server, KEY, "trigger", "oven [ref:p1]").await;
    assert_eq!(effects(&server, "p1"), 4, "a new alert");
}

#[tokio::test]
async fn events_about_no_open_alert_are_accepted_and_dropped() {
    let server = server().await;
    let other = KEY.replace('0', "9");
    send(&server, &other, "trigger", "oven [ref:p2]").await;
    for action in ["acknowledge", "resolve"] {
        assert_eq!(
            send(&server, KEY, action, "oven [ref:p2]").await.status,
            202
        );
    }
    assert_eq!(
        effects(&server, "p2"),
        1,
        "another key's alert is left alone"
    );
}

#[tokio::test]
async fn what_is_refused_is_a_400() {
    let server = server().await;
    let short = send(&server, "short", "trigger", "oven [ref:p3]").await;
    assert_eq!(
        (short.status, &short.body["errors"][0]),
        (
            400,
            &"Length of 'routing_key' is incorrect (should be 32 characters)".into()
        )
    );
    let action = send(&server, KEY, "explode", "oven [ref:p3]").await;
    assert_eq!(
        (action.status, &action.body["status"]),
        (400, &"invalid event".into())
    );
    assert_eq!(effects(&server, "p3"), 0);
}
