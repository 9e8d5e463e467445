use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode};

use crate::client::{Answer, call, outage, server};

async fn post(server: &Server, path: &str, key: &str, form: &str) -> Option<Answer> {
    let headers = [
        ("authorization", "Bearer sk_live_1"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("idempotency-key", key),
    ];
    call(server, "POST", &format!("/stripe{path}"), &headers, form).await
}

async fn customer(server: &Server, key: &str, form: &str) -> Answer {
    post(server, "/v1/customers", key, form)
        .await
        .expect("an answer")
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("stripe", marker)
}

const ADA: &str = "email=a%40b.example&metadata[request]=r1";

#[tokio::test]
async fn same_key_and_parameters_replay_the_first_answer() {
    let server = server().await;
    let first = customer(&server, "k1", ADA).await;
    let again = customer(
        &server,
        "k1",
        "metadata%5Brequest%5D=r1&email=a%40b.example",
    )
    .await;
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_eq!(effects(&server, "r1"), 1);
    let journal = &server.journal().providers["stripe"];
    assert_eq!((journal.replayed, journal.effects_by_key["k1"]), (1, 1));
}

#[tokio::test]
async fn same_key_with_other_parameters_or_endpoint_is_an_error_without_effect() {
    let server = server().await;
    customer(&server, "k1", ADA).await;
    let other = customer(&server, "k1", "email=other%40b.example").await;
    assert_eq!(
        (other.status, other.error("type")),
        (400, "idempotency_error")
    );
    let elsewhere = post(
        &server,
        "/v1/payment_intents",
        "k1",
        "amount=500&currency=usd",
    )
    .await;
    assert_eq!(
        elsewhere.expect("an answer").error("type"),
        "idempotency_error"
    );
    assert_eq!(server.journal().providers["stripe"].effects, 1);
}

#[tokio::test]
async fn stored_500_is_replayed_for_ever_and_its_key_never_heals() {
    let server = server().await;
    outage(
        &server,
        "stripe",
        Fault {
            stored: true,
            ..Fault::new(Mode::Error500, 1.0)
        },
    );
    let first = customer(&server, "k1", ADA).await;
    server.clear_outages();
    let again = customer(&server, "k1", ADA).await;
    assert_eq!((first.status, again.status), (500, 500));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("stripe-should-retry"), Some("false"));
    assert_eq!(effects(&server, "r1"), 0);
    assert_eq!(
        customer(&server, "k2", ADA).await.status,
        200,
        "a new key does"
    );
}

#[tokio::test]
async fn stored_500_after_the_work_hides_an_effect() {
    let server = server().await;
    let fault = Fault {
        stored: true,
        effect: Some(true),
        ..Fault::new(Mode::Error500, 1.0)
    };
    outage(&server, "stripe", fault);
    assert_eq!(customer(&server, "k1", ADA).await.status, 500);
    server.clear_outages();
    assert_eq!(customer(&server, "k1", ADA).await.status, 500);
    assert_eq!(effects(&server, "r1"), 1);
}

#[tokio::test]
async fn stored_500_does_not_replace_an_outcome_that_is_there() {
    let server = server().await;
    customer(&server, "k1", ADA).await;
    outage(
        &server,
        "stripe",
        Fault {
            stored: true,
            ..Fault::new(Mode::Error500, 1.0)
        },
    );
    assert_eq!(customer(&server, "k1", ADA).await.status, 200);
}

#[tokio::test]
async fn passing_500_leaves_the_key_free() {
    let server = server().await;
    outage(&server, "stripe", Fault::new(Mode::Error500, 1.0));
    assert_eq!(
        customer(&server, "k1", ADA).await.error("type"),
        "api_error"
    );
    server.clear_outages();
    assert_eq!(customer(&server, "k1", ADA).await.status, 200);
    assert_eq!(effects(&server, "r1"), 1);
}

#[tokio::test]
async fn lost_reply_has_its_effect_and_the_key_finds_it() {
    let server = server().await;
    outage(&server, "stripe", Fault::new(Mode::LostReply, 1.0));
    assert!(post(&server, "/v1/customers", "k1", ADA).await.is_none());
    assert_eq!(effects(&server, "r1"), 1);
    server.clear_outages();
    let again = customer(&server, "k1", ADA).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(effects(&server, "r1"), 1);
    assert_eq!(server.journal().providers["stripe"].unanswered, 1);
}

#[tokio::test]
async fn refused_connection_has_no_effect() {
    let server = server().await;
    outage(&server, "stripe", Fault::new(Mode::Refuse, 1.0));
    assert!(post(&server, "/v1/customers", "k1", ADA).await.is_none());
    assert_eq!(effects(&server, "r1"), 0);
}

#[tokio::test]
async fn key_in_flight_conflicts_until_the_held_reply_is_out() {
    let server = server().await;
    outage(
        &server,
        "stripe",
        Fault {
            effect: Some(true),
            ..Fault::new(Mode::Timeout, 1.0)
        },
    );
    let admitted = async |calls: usize| {
        let peak = || {
            server
                .journal()
                .providers
                .get("stripe")?
                .limits
                .get("account")
                .map(|limit| limit.peak)
        };
        while peak() < Some(calls) {
            tokio::task::yield_now().await;
        }
    };
    let second = async {
        admitted(1).await;
        customer(&server, "k1", ADA).await
    };
    let end = async {
        admitted(2).await;
        server.clear_outages();
    };
    let (first, second, ()) = tokio::join!(customer(&server, "k1", ADA), second, end);
    assert_eq!(
        (first.status, second.status, second.error("code")),
        (200, 409, "idempotency_key_in_use")
    );
    assert_eq!(
        customer(&server, "k1", ADA)
            .await
            .header("idempotent-replayed"),
        Some("true")
    );
    assert_eq!(effects(&server, "r1"), 1);
}

#[tokio::test]
async fn validation_errors_name_the_parameter_and_leave_the_key_free() {
    let server = server().await;
    let unknown = customer(&server, "k1", "emial=a%40b.example").await;
    assert_eq!(
        (
            unknown.status,
            unknown.error("code"),
            unknown.error("param")
        ),
        (400, "parameter_unknown", "emial")
    );
    assert_eq!(customer(&server, "k1", ADA).await.status, 200);
    for (form, code, param) in [
        ("currency=usd", "parameter_missing", "amount"),
        ("amount=500", "parameter_missing", "currency"),
        (
            "amount=5.5&currency=usd",
            "parameter_invalid_integer",
            "amount",
        ),
        (
            "amount=500&currency=usd&customer=cus_none",
            "resource_missing",
            "customer",
        ),
    ] {
        let answer = post(&server, "/v1/payment_intents", form, form)
            .await
            .expect("an answer");
        assert_eq!(
            (answer.status, answer.error("code"), answer.error("param")),
            (400, code, param)
        );
    }
}

#[tokio::test]
async fn declined_card_is_402_stored_and_no_effect() {
    let server = server().await;
    let form = "amount=500&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined&metadata[request]=r1";
    for replayed in [None, Some("true")] {
        let answer = post(&server, "/v1/payment_intents", "k1", form)
            .await
            .expect("an answer");
        assert_eq!(
            (answer.status, answer.error("code"), answer.error("type")),
            (402, "card_declined", "card_error")
        );
        assert_eq!(answer.header("idempotent-replayed"), replayed);
    }
    assert_eq!(effects(&server, "r1"), 0);
}

#[tokio::test]
async fn charge_can_be_refunded_once() {
    let server = server().await;
    let form = "amount=500&currency=usd&confirm=true&payment_method=pm_card_visa";
    let paid = post(&server, "/v1/payment_intents", "k1", form)
        .await
        .expect("an answer");
    assert_eq!(paid.body["status"], "succeeded");
    for intent in [paid.body["id"].as_str().expect("an id"), "pi_settled_1"] {
        let form = format!("payment_intent={intent}");
        let first = post(&server, "/v1/refunds", &format!("a{intent}"), &form)
            .await
            .expect("an answer");
        let second = post(&server, "/v1/refunds", &format!("b{intent}"), &form)
            .await
            .expect("an answer");
        assert_eq!(
            (first.status, second.error("code")),
            (200, "charge_already_refunded")
        );
    }
}

#[tokio::test]
async fn callers_without_a_good_key_get_401() {
    let server = server().await;
    for headers in [
        &[][..],
        &[("authorization", "Bearer sk_test_invalid")],
        &[("authorization", "Bearer whatever")],
    ] {
        let answer = call(&server, "POST", "/stripe/v1/customers", headers, ADA)
            .await
            .expect("an answer");
        assert_eq!(
            (answer.status, answer.error("type")),
            (401, "invalid_request_error")
        );
        assert!(
            !answer.error("message").contains("sk_test_inv"),
            "a key is never shown whole"
        );
    }
}

#[tokio::test]
async fn customer_can_be_read_back() {
    let server = server().await;
    let made = customer(&server, "k1", ADA).await;
    let id = made.body["id"].as_str().expect("an id");
    let headers = [("authorization", "Bearer sk_live_1")];
    let read = call(
        &server,
        "GET",
        &format!("/stripe/v1/customers/{id}"),
        &headers,
        "",
    )
    .await
    .expect("an answer");
    assert_eq!(read.body, made.body);
    let none = call(
        &server,
        "GET",
        "/stripe/v1/customers/cus_none",
        &headers,
        "",
    )
    .await
    .expect("an answer");
    assert_eq!((none.status, none.error("code")), (404, "resource_missing"));
}
