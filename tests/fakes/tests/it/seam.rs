use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use crate::client::{Answer, call, outage, server};

async fn post(server: &Server, path: &str, key: &str, body: Value) -> Option<Answer> {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let path = format!("/seam/access_codes/{path}");
    call(server, "POST", &path, &headers, &body.to_string()).await
}

async fn ask(server: &Server, path: &str, body: Value) -> Answer {
    post(server, path, "seam_1", body).await.expect("an answer")
}

fn code(device: &str, name: &str, digits: &str) -> Value {
    json!({"device_id": device, "name": name, "code": digits, "starts_at": "2026-12-01T15:00:00Z",
        "ends_at": "2026-12-03T11:00:00Z"})
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("seam", marker)
}

#[tokio::test]
async fn the_same_digits_are_on_a_device_once() {
    let server = server().await;
    let first = ask(&server, "create", code("d1", "Ada [ref:r1]", "1712")).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.body["access_code"]["status"], "unset");
    assert_eq!(
        first.body["access_code"]["starts_at"],
        "2026-12-01T15:00:00.000Z"
    );
    assert_eq!(first.body["action_attempt"]["status"], "pending");
    let again = ask(&server, "create", code("d1", "Bo [ref:r2]", "1712")).await;
    assert_eq!(
        (again.status, again.error("type")),
        (409, "duplicate_access_code")
    );
    let elsewhere = ask(&server, "create", code("d2", "Ada [ref:r3]", "1712")).await;
    assert_eq!(elsewhere.status, 200);
    let listed = ask(&server, "list", json!({"device_id": "d1"})).await;
    let codes = listed.body["access_codes"].as_array().expect("a list");
    assert_eq!(codes.len(), 1);
    assert_eq!(codes[0]["name"], "Ada [ref:r1]");
    assert_eq!(
        (
            effects(&server, "r1"),
            effects(&server, "r2"),
            effects(&server, "r3")
        ),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn updates_and_deletions_are_accepted_and_take_effect_once() {
    let server = server().await;
    let made = ask(&server, "create", code("d1", "Ada", "1712")).await;
    let id = made.body["access_code"]["access_code_id"].clone();
    let change = json!({"access_code_id": id, "device_id": "d1", "name": "Ada [ref:u1]"});
    for _ in 0..2 {
        let answer = ask(&server, "update", change.clone()).await;
        assert_eq!(
            answer.body["action_attempt"]["action_type"],
            "UPDATE_ACCESS_CODE"
        );
    }
    assert_eq!(
        effects(&server, "u1"),
        1,
        "the same values again change nothing"
    );
    let gone = json!({"access_code_id": id, "device_id": "d1"});
    assert_eq!(ask(&server, "delete", gone.clone()).await.status, 200);
    let again = ask(&server, "delete", gone).await;
    assert_eq!(
        (again.status, again.error("type")),
        (404, "access_code_not_found")
    );
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let server = server().await;
    let answer = ask(&server, "create", json!({"code": "1712"})).await;
    assert_eq!(
        (answer.status, answer.error("type")),
        (400, "invalid_input")
    );
    assert!(
        answer
            .body
            .pointer("/error/validation_errors/device_id")
            .is_some()
    );
    let mut backwards = code("d1", "Ada", "1712");
    backwards["ends_at"] = json!("2026-11-01T11:00:00Z");
    assert_eq!(ask(&server, "create", backwards).await.status, 400);
    let unknown = ask(&server, "create", code("unknown", "Ada", "1712")).await;
    assert_eq!(
        (unknown.status, unknown.error("type")),
        (404, "device_not_found")
    );
    for key in ["", "seam_invalid"] {
        let refused = post(&server, "list", key, json!({"device_id": "d1"})).await;
        assert_eq!(refused.map(|answer| answer.status), Some(401), "{key}");
    }
}

#[tokio::test]
async fn a_device_takes_ten_creations_a_minute() {
    let server = server().await;
    for number in 0..10 {
        let answer = ask(
            &server,
            "create",
            code("d1", "Ada", &format!("17{number:02}")),
        )
        .await;
        assert_eq!(answer.status, 200, "{number}");
    }
    assert_eq!(
        ask(&server, "create", code("d1", "Ada", "1799"))
            .await
            .status,
        429
    );
    assert_eq!(
        ask(&server, "create", code("d2", "Ada", "1799"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn code_whose_reply_is_lost_is_listed_all_the_same() {
    let server = server().await;
    outage(&server, "seam", Fault::new(Mode::LostReply, 1.0));
    let lost = post(
        &server,
        "create",
        "seam_1",
        code("d1", "Ada [ref:l1]", "1712"),
    )
    .await;
    assert!(lost.is_none());
    server.clear_outages();
    let listed = ask(&server, "list", json!({"device_id": "d1"})).await;
    assert_eq!(
        listed.body.pointer("/access_codes/0/code"),
        Some(&"1712".into())
    );
    assert_eq!(effects(&server, "l1"), 1);
}
