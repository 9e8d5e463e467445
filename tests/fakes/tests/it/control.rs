use causeway_fakes::Server;
use causeway_fakes::faults::Outage;
use causeway_fakes::journal::{CallRecord, Report};
use causeway_fakes::vendor::VENDORS;

use crate::client::{Answer, call, server};

async fn control(server: &Server, method: &str, path: &str, body: &str) -> Answer {
    call(server, method, &format!("/_control/{path}"), &[], body)
        .await
        .expect("an answer")
}

async fn message(server: &Server, marker: &str) -> Option<Answer> {
    let headers = [
        ("authorization", "Bearer xoxb-1"),
        ("content-type", "application/json"),
    ];
    let body = format!(r#"{{"channel":"C{marker}","text":"[ref:{marker}]"}}"#);
    call(
        server,
        "POST",
        "/slack/api/chat.postMessage",
        &headers,
        &body,
    )
    .await
}

#[tokio::test]
async fn health_names_the_providers() {
    let server = server().await;
    let health = control(&server, "GET", "health", "").await;
    let mut names: Vec<&str> = VENDORS.iter().map(|new| new().name()).collect();
    names.sort_unstable();
    assert_eq!(health.body["providers"], serde_json::json!(names));
    assert!(names.contains(&"stripe"), "{names:?}");
}

#[tokio::test]
async fn journal_over_http_is_the_one_in_process() {
    let server = server().await;
    message(&server, "r1").await.expect("an answer");
    let journal: Report = serde_json::from_value(control(&server, "GET", "journal", "").await.body)
        .expect("a report");
    assert_eq!(journal, server.journal());
    assert_eq!(journal.effects_of("slack", "r1"), 1);
    let calls: Vec<CallRecord> =
        serde_json::from_value(control(&server, "GET", "calls", "").await.body).expect("calls");
    assert_eq!(calls[0].call, "POST /api/chat.postMessage");
}

#[tokio::test]
async fn injected_duplicate_shows_and_reset_forgets_all() {
    let server = server().await;
    message(&server, "r1").await.expect("an answer");
    assert_eq!(
        control(&server, "POST", "duplicate", r#"{"marker":"r1"}"#)
            .await
            .status,
        200
    );
    assert_eq!(
        control(&server, "POST", "duplicate", r#"{"marker":"r9"}"#)
            .await
            .status,
        404
    );
    assert_eq!(server.journal().effects_of("slack", "r1"), 2);
    control(&server, "POST", "reset", "").await;
    assert_eq!(server.journal(), Report::default());
}

#[tokio::test]
async fn outage_mixes_its_faults_by_share_until_it_is_taken_away() {
    let server = server().await;
    let faults = r#"{"provider":"slack","seed":3,"faults":[
        {"mode":"error_500","share":0.5},{"mode":"lost_reply","share":0.5}]}"#;
    assert_eq!(control(&server, "PUT", "faults", faults).await.status, 200);
    let under_way: Vec<Outage> =
        serde_json::from_value(control(&server, "GET", "faults", "").await.body).expect("outages");
    assert_eq!(under_way.len(), 1);
    for n in 0..40 {
        message(&server, &n.to_string()).await;
    }
    let report = server.journal().providers["slack"].clone();
    assert_eq!(report.faults.values().sum::<u64>(), 40);
    assert_eq!(report.faults["lost_reply"], report.unanswered);
    assert_eq!(
        report.effects, report.unanswered,
        "only lost replies have an effect"
    );
    control(&server, "DELETE", "faults/slack", "").await;
    assert_eq!(
        message(&server, "well").await.map(|answer| answer.status),
        Some(200)
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let server = server().await;
    for (body, status) in [
        ("{", 400),
        (r#"{"provider":"slack","faults":[]}"#, 400),
        (
            r#"{"provider":"slack","faults":[{"mode":"error_500","share":2.0}]}"#,
            400,
        ),
        (
            r#"{"provider":"slack","faults":[{"mode":"error_500","share":1.0,"typo":1}]}"#,
            400,
        ),
        (
            r#"{"provider":"acme","faults":[{"mode":"error_500","share":1.0}]}"#,
            404,
        ),
    ] {
        let answer = control(&server, "PUT", "faults", body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.body["error"].is_string());
    }
    assert_eq!(
        call(&server, "GET", "/acme/v1/x", &[], "")
            .await
            .map(|answer| answer.status),
        Some(404)
    );
}

#[tokio::test]
async fn stopped_server_frees_its_port() {
    let server = server().await;
    message(&server, "r1").await.expect("an answer");
    let addr = server
        .base_url()
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    server.stop().await;
    Server::start(addr).await.expect("the port again");
}
