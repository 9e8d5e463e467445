use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use crate::client::{Answer, call, outage, server};

async fn token(server: &Server, refresh_token: &str) -> Answer {
    let form = format!("grant_type=refresh_token&refresh_token={refresh_token}");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", "Basic YzpzCg=="),
    ];
    let answer = call(server, "POST", "/xero/connect/token", &headers, &form).await;
    answer.expect("an answer")
}

/// A caller with a good token, for one tenant.
struct Caller<'a> {
    server: &'a Server,
    token: String,
    tenant: &'static str,
}

impl<'a> Caller<'a> {
    async fn new(server: &'a Server, tenant: &'static str) -> Self {
        let granted = token(server, "first").await;
        let token = granted.body["access_token"].as_str().expect("a token");
        Self {
            server,
            token: format!("Bearer {token}"),
            tenant,
        }
    }

    async fn send(&self, method: &str, kind: &str, key: &str, elements: Value) -> Option<Answer> {
        let mut headers = vec![
            ("authorization", self.token.as_str()),
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("xero-tenant-id", self.tenant),
        ];
        headers.extend((!key.is_empty()).then_some(("idempotency-key", key)));
        let path = format!("/xero/api.xro/2.0/{kind}?summarizeErrors=false");
        let body = json!({ kind: elements }).to_string();
        call(self.server, method, &path, &headers, &body).await
    }

    async fn put(&self, kind: &str, key: &str, elements: Value) -> Answer {
        let answer = self.send("PUT", kind, key, elements).await;
        answer.expect("an answer")
    }

    async fn post(&self, kind: &str, elements: Value) -> Answer {
        let answer = self.send("POST", kind, "", elements).await;
        answer.expect("an answer")
    }
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("xero", marker)
}

fn invoice(number: &str, reference: &str) -> Value {
    json!({"Type": "ACCREC", "InvoiceNumber": number, "Contact": {"Name": "Ada Example"},
        "LineItems": [{"Description": "Two nights"}], "Reference": reference})
}

#[tokio::test]
async fn put_creates_once_a_key_and_refuses_what_is_there() {
    let server = server().await;
    let caller = Caller::new(&server, "t1").await;
    let ada = || json!([{"Name": "Ada Example [ref:a]"}]);
    let first = caller.put("Contacts", "k1", ada()).await;
    let replayed = caller.put("Contacts", "k1", ada()).await;
    assert_eq!((first.status, &first.body), (200, &replayed.body));
    let taken = caller.put("Contacts", "k2", ada()).await;
    let element = &taken.body["Contacts"][0];
    assert_eq!(
        (taken.status, &element["StatusAttributeString"]),
        (200, &"ERROR".into())
    );
    assert_eq!(effects(&server, "a"), 1);
    let other = caller
        .put("Contacts", "k1", json!([{"Name": "Grace"}]))
        .await;
    let message = other.body["Message"].as_str().unwrap_or_default();
    assert_eq!(other.status, 400);
    assert!(message.contains("used with a different request"));
}

#[tokio::test]
async fn post_updates_by_number_and_each_element_has_its_own_fate() {
    let server = server().await;
    let caller = Caller::new(&server, "t1").await;
    let mut bad = invoice("R-2", "[ref:b]");
    bad["LineItems"] = json!([]);
    let both = json!([invoice("R-1", "[ref:a]"), bad]);
    let answer = caller.post("Invoices", both).await;
    let status = |at: usize| answer.body["Invoices"][at]["StatusAttributeString"].clone();
    assert_eq!(
        (answer.status, status(0), status(1)),
        (200, "OK".into(), "ERROR".into())
    );
    let again = caller
        .post("Invoices", json!([invoice("r-1", "[ref:a]")]))
        .await;
    let id = |answer: &Answer| answer.body["Invoices"][0]["InvoiceID"].clone();
    assert_eq!(id(&answer), id(&again));
    let same = caller
        .post("Invoices", json!([invoice("r-1", "[ref:a]")]))
        .await;
    assert_eq!(id(&answer), id(&same));
    // The number in other letters is one more change; the very same element is none.
    assert_eq!((effects(&server, "a"), effects(&server, "b")), (2, 0));
}

#[tokio::test]
async fn names_are_unique_and_tenants_are_apart() {
    let server = server().await;
    let one = Caller::new(&server, "t1").await;
    let contact = |number: &str, name: &str| json!([{"ContactNumber": number, "Name": name}]);
    let status = |answer: Answer| answer.body["Contacts"][0]["StatusAttributeString"].clone();
    assert_eq!(
        status(one.post("Contacts", contact("1", "Ada")).await),
        "OK"
    );
    assert_eq!(
        status(one.post("Contacts", contact("1", "Ada Example")).await),
        "OK"
    );
    assert_eq!(
        status(one.post("Contacts", contact("2", "Grace")).await),
        "OK"
    );
    let taken = one.post("Contacts", contact("2", "Ada Example")).await;
    assert_eq!(status(taken), "ERROR");
    let other = Caller::new(&server, "t2").await;
    assert_eq!(
        status(other.post("Contacts", contact("2", "Ada Example")).await),
        "OK"
    );
}

#[tokio::test]
async fn refresh_tokens_are_new_each_time_and_old_ones_have_a_grace() {
    let server = server().await;
    let first = token(&server, "first").await;
    let second = first.body["refresh_token"].as_str().expect("a token");
    assert_ne!(second, "first");
    assert_eq!(token(&server, second).await.status, 200);
    assert_eq!(
        token(&server, "first").await.status,
        200,
        "30 minutes of grace"
    );
    let unknown = token(&server, "fake_refresh_999").await;
    assert_eq!(
        (unknown.status, &unknown.body["error"]),
        (400, &"invalid_grant".into())
    );
}

#[tokio::test]
async fn callers_without_token_or_tenant_are_refused() {
    let server = server().await;
    let good = Caller::new(&server, "t1").await;
    let (token, tenant) = (String::from("Bearer nonsense"), "t1");
    let stranger = Caller {
        token,
        tenant,
        ..good
    };
    assert_eq!(
        stranger
            .post("Contacts", json!([{"Name": "Ada"}]))
            .await
            .status,
        401
    );
    let lost = Caller::new(&server, "unknown").await;
    assert_eq!(
        lost.post("Contacts", json!([{"Name": "Ada"}])).await.status,
        403
    );
    assert_eq!(lost.post("Payments", json!([])).await.status, 403);
}

#[tokio::test]
async fn a_spent_day_says_for_how_long() {
    let server = server().await;
    let caller = Caller::new(&server, "small-day").await;
    let ada = || json!([{"ContactNumber": "1", "Name": "Ada"}]);
    let first = caller.post("Contacts", ada()).await;
    assert_eq!(first.header("x-daylimit-remaining"), Some("2"));
    assert_eq!(first.header("x-minlimit-remaining"), Some("59"));
    for _ in 0..2 {
        assert_eq!(caller.post("Contacts", ada()).await.status, 200);
    }
    let over = caller.post("Contacts", ada()).await;
    assert_eq!(
        (over.status, over.header("x-rate-limit-problem")),
        (429, Some("day"))
    );
    let seconds: u64 = over
        .header("retry-after")
        .expect("a hint")
        .parse()
        .expect("seconds");
    assert!((86_000..=86_400).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn an_error_is_remembered_for_its_key() {
    let server = server().await;
    let caller = Caller::new(&server, "t1").await;
    outage(
        &server,
        "xero",
        Fault {
            effect: Some(false),
            stored: true,
            ..Fault::new(Mode::Error500, 1.0)
        },
    );
    let ada = || json!([{"Name": "Ada [ref:a]"}]);
    assert_eq!(caller.put("Contacts", "k1", ada()).await.status, 500);
    server.clear_outages();
    assert_eq!(
        caller.put("Contacts", "k1", ada()).await.status,
        500,
        "cached"
    );
    assert_eq!(caller.put("Contacts", "k2", ada()).await.status, 200);
    assert_eq!(effects(&server, "a"), 1);
}

#[tokio::test]
async fn a_custom_connection_needs_no_tenant_and_no_refresh_token() {
    let server = server().await;
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", "Basic YzpzCg=="),
    ];
    let form = "grant_type=client_credentials";
    let granted = call(&server, "POST", "/xero/connect/token", &headers, form).await;
    let granted = granted.expect("an answer");
    let bearer = format!(
        "Bearer {}",
        granted.body["access_token"].as_str().expect("a token")
    );
    let headers = [
        ("authorization", bearer.as_str()),
        ("accept", "application/json"),
        ("content-type", "application/json"),
    ];
    let body = json!({"Contacts": [{"Name": "Ada [ref:cc]", "ContactNumber": "1"}]}).to_string();
    let path = "/xero/api.xro/2.0/Contacts?summarizeErrors=false";
    let answer = call(&server, "POST", path, &headers, &body).await;
    assert_eq!(answer.expect("an answer").status, 200);
    assert_eq!(effects(&server, "cc"), 1);
}
