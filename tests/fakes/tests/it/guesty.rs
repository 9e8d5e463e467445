use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use crate::client::{Answer, call, outage, server};

const RESERVATIONS: &str = "/guesty/v1/reservations-v3";
const SEARCH: &str = "/guesty/v1/reservations-v3/search?filter%5BlistingId%5D=l1&filter%5BcheckIn%5D%5Beq%5D=2026-12-01\
    &filter%5BcreatedAt%5D%5Bgte%5D=2026-11-22T10:00:00Z&limit=100";

async fn token(server: &Server, client: &str, secret: &str) -> Answer {
    let form = format!(
        "grant_type=client_credentials&scope=open-api&client_id={client}&client_secret={secret}"
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = call(server, "POST", "/guesty/oauth2/token", &headers, &form).await;
    answer.expect("an answer")
}

/// The header that shows a new token.
async fn bearer(server: &Server, client: &str) -> String {
    let answer = token(server, client, "s").await;
    let token = answer.body["access_token"].as_str().expect("a token");
    format!("Bearer {token}")
}

async fn send(
    server: &Server,
    bearer: &str,
    method: &str,
    path: &str,
    body: Value,
) -> Option<Answer> {
    let headers = [
        ("authorization", bearer),
        ("content-type", "application/json"),
    ];
    call(server, method, path, &headers, &body.to_string()).await
}

async fn post(server: &Server, bearer: &str, path: &str, body: Value) -> Answer {
    send(server, bearer, "POST", path, body)
        .await
        .expect("an answer")
}

fn reservation(from: &str, to: &str, reference: &str) -> Value {
    json!({"checkInDateLocalized": from, "checkOutDateLocalized": to, "listingId": "l1", "source": "manual",
        "status": "confirmed", "guestsCount": 2, "originId": reference, "origin": format!("[ref:{reference}]")})
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("guesty", marker)
}

#[tokio::test]
async fn a_client_gets_five_tokens_a_day() {
    let server = server().await;
    for _ in 0..5 {
        let answer = token(&server, "a", "s").await;
        assert_eq!(
            (answer.status, &answer.body["expires_in"]),
            (200, &json!(86_400))
        );
    }
    assert_eq!(token(&server, "a", "s").await.status, 429);
    assert_eq!(token(&server, "b", "s").await.status, 200);
    assert_eq!(token(&server, "b", "invalid").await.status, 401);
}

#[tokio::test]
async fn nights_that_are_taken_are_declined_by_a_401() {
    let server = server().await;
    let bearer = bearer(&server, "a").await;
    let first = post(
        &server,
        &bearer,
        RESERVATIONS,
        reservation("2026-12-01", "2026-12-03", "cw-1"),
    )
    .await;
    assert_eq!(first.status, 201, "{first:?}");
    let taken = post(
        &server,
        &bearer,
        RESERVATIONS,
        reservation("2026-12-02", "2026-12-05", "cw-2"),
    )
    .await;
    assert_eq!(
        (taken.status, taken.header("www-authenticate")),
        (401, None)
    );
    let next = post(
        &server,
        &bearer,
        RESERVATIONS,
        reservation("2026-12-03", "2026-12-05", "cw-3"),
    )
    .await;
    assert_eq!(next.status, 201, "the day of departure is free");
    let mut forced = reservation("2026-12-02", "2026-12-04", "cw-4");
    forced["ignoreCalendar"] = json!(true);
    assert_eq!(
        post(&server, &bearer, RESERVATIONS, forced).await.status,
        201
    );
    assert_eq!(
        (
            effects(&server, "cw-1"),
            effects(&server, "cw-2"),
            effects(&server, "cw-4")
        ),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn a_dead_token_is_a_401_that_names_the_scheme() {
    let server = server().await;
    for bearer in ["", "Bearer guesty_dead"] {
        let answer = post(&server, bearer, RESERVATIONS, json!({})).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer"))
        );
    }
}

#[tokio::test]
async fn reservation_whose_reply_is_lost_is_found_by_its_origin() {
    let server = server().await;
    let bearer = bearer(&server, "a").await;
    let none = send(&server, &bearer, "GET", SEARCH, json!({}))
        .await
        .expect("an answer");
    assert_eq!((none.status, &none.body["results"]), (200, &json!([])));
    outage(&server, "guesty", Fault::new(Mode::LostReply, 1.0));
    let lost = reservation("2026-12-01", "2026-12-03", "cw-1");
    assert!(
        send(&server, &bearer, "POST", RESERVATIONS, lost)
            .await
            .is_none()
    );
    server.clear_outages();
    let found = send(&server, &bearer, "GET", SEARCH, json!({}))
        .await
        .expect("an answer");
    assert_eq!(
        found.body.pointer("/results/0/originId"),
        Some(&"cw-1".into())
    );
    assert_eq!(
        found.body.pointer("/pagination/hasMore"),
        Some(&false.into())
    );
    let odd = format!("{RESERVATIONS}/search?filter%5BoriginId%5D=cw-1");
    let odd = send(&server, &bearer, "GET", &odd, json!({}))
        .await
        .expect("an answer");
    assert_eq!(odd.status, 400, "there is no such filter");
}

#[tokio::test]
async fn guests_and_messages_are_made_each_time() {
    let server = server().await;
    let bearer = bearer(&server, "a").await;
    let guest = json!({"firstName": "Ada", "lastName": "Example", "notes": "[ref:g1]"});
    let message = json!({"module": {"type": "email"}, "body": "Hello [ref:m1]"});
    let path = "/guesty/v1/communication/conversations/c1/send-message";
    for _ in 0..2 {
        let made = post(&server, &bearer, "/guesty/v1/guests-crud", guest.clone()).await;
        assert!(
            made.status == 201 && made.body["_id"].is_string(),
            "{made:?}"
        );
        let sent = post(&server, &bearer, path, message.clone()).await;
        assert!(
            sent.body.pointer("/data/_id").is_some_and(Value::is_string),
            "{sent:?}"
        );
    }
    assert_eq!((effects(&server, "g1"), effects(&server, "m1")), (2, 2));
    let wrong = post(&server, &bearer, path, json!({"body": "Hello"})).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn three_windows_are_told_by_headers_and_kept() {
    let server = server().await;
    let bearer = bearer(&server, "a").await;
    let guest = json!({"firstName": "Ada", "lastName": "Example"});
    let first = post(&server, &bearer, "/guesty/v1/guests-crud", guest.clone()).await;
    assert_eq!(first.header("x-ratelimit-limit-second"), Some("15"));
    assert_eq!(first.header("x-ratelimit-remaining-second"), Some("14"));
    assert_eq!(first.header("x-ratelimit-remaining-minute"), Some("119"));
    assert_eq!(first.header("x-ratelimit-remaining-hour"), Some("4999"));
    let mut refused = None;
    for _ in 0..120 {
        let answer = post(&server, &bearer, "/guesty/v1/guests-crud", guest.clone()).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a window that is full");
    assert!(refused.header("retry-after").is_some());
}
