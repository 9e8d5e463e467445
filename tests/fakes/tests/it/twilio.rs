use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode};

use crate::client::{Answer, call, outage, server};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
/// `AC00000000000000000000000000000001:token`
const TOKEN: &str = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp0b2tlbg==";
/// `SK00000000000000000000000000000001:secret`
const KEY: &str = "Basic U0swMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzZWNyZXQ=";

async fn ask(server: &Server, method: &str, rest: &str, body: &str) -> Option<Answer> {
    let path = format!("/twilio/2010-04-01/Accounts/{ACCOUNT}/{rest}");
    let headers = [
        ("authorization", TOKEN),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    call(server, method, &path, &headers, body).await
}

async fn send(server: &Server, body: &str) -> Answer {
    ask(server, "POST", "Messages.json", body)
        .await
        .expect("an answer")
}

async fn listed(server: &Server, query: &str) -> Answer {
    ask(server, "GET", &format!("Messages.json?{query}"), "")
        .await
        .expect("an answer")
}

const HI: &str = "To=%2B14155550123&From=%2B14155550100&Body=hi+%5Bref%3Ar1%5D";

#[tokio::test]
async fn every_call_makes_a_message_even_the_same_one_again() {
    let server = server().await;
    let (first, second) = (send(&server, HI).await, send(&server, HI).await);
    assert_eq!(
        (first.status, &first.body["body"], &first.body["status"]),
        (201, &"hi [ref:r1]".into(), &"queued".into())
    );
    assert_ne!(first.body["sid"], second.body["sid"]);
    assert_eq!(server.journal().effects_of("twilio", "r1"), 2);
    let sid = first.body["sid"].as_str().expect("a sid");
    let shown = ask(&server, "GET", &format!("Messages/{sid}.json"), "").await;
    assert_eq!(shown.expect("an answer").body["sid"], sid);
}

#[tokio::test]
async fn list_is_filtered_and_goes_on_in_pages() {
    let server = server().await;
    for body in [HI, HI, "To=%2B14155550199&From=%2B14155550100&Body=other"] {
        assert_eq!(send(&server, body).await.status, 201);
    }
    let all = listed(&server, "To=%2B14155550123&PageSize=500").await;
    let messages = all.body["messages"].as_array().expect("messages");
    assert_eq!(
        (messages.len(), &all.body["next_page_uri"]),
        (2, &serde_json::Value::Null)
    );
    let one = listed(&server, "To=%2B14155550123&PageSize=1").await;
    let next = one.body["next_page_uri"].as_str().expect("a next page");
    let rest = next.rsplit('/').next().expect("a resource").to_owned();
    let two = ask(&server, "GET", &rest, "").await.expect("an answer");
    assert_ne!(
        one.body["messages"][0]["sid"],
        two.body["messages"][0]["sid"]
    );
    assert!(two.body["next_page_uri"].is_null());
    let none = listed(&server, "From=%2B14155550111").await;
    assert_eq!(none.body["messages"], serde_json::json!([]));
}

#[tokio::test]
async fn date_of_sending_leaves_out_what_still_waits() {
    let server = server().await;
    send(&server, HI).await;
    let by_date = listed(&server, "To=%2B14155550123&DateSent%3E=2020-01-01").await;
    assert_eq!(by_date.body["messages"], serde_json::json!([]));
}

#[tokio::test]
async fn bad_requests_get_twilios_codes() {
    let server = server().await;
    let long = format!(
        "To=%2B14155550123&From=%2B14155550100&Body={}",
        "x".repeat(1601)
    );
    let media = format!(
        "To=%2B14155550123&From=%2B14155550100{}",
        "&MediaUrl=a".repeat(11)
    );
    for (body, status, code) in [
        ("From=%2B14155550100&Body=hi", 400, 21604),
        ("To=%2B1&From=%2B14155550100&Body=hi", 400, 21211),
        ("To=%2B15005550003&From=%2B14155550100&Body=hi", 403, 21408),
        ("To=%2B15005550004&From=%2B14155550100&Body=hi", 400, 21610),
        ("To=%2B14155550123&From=%2B15005550008&Body=hi", 400, 21611),
        ("To=%2B14155550123&Body=hi", 400, 21603),
        ("To=%2B14155550123&From=%2B14155550100", 400, 21602),
        (long.as_str(), 400, 21617),
        (media.as_str(), 400, 21623),
    ] {
        let answer = send(&server, body).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (status, &code.into()),
            "{body}"
        );
        assert_eq!(answer.body["status"], status);
    }
    assert_eq!(server.journal().providers["twilio"].effects, 0);
}

#[tokio::test]
async fn media_is_a_repeated_name_and_makes_another_kind_of_sid() {
    let server = server().await;
    let body = "To=%2B14155550123&MessagingServiceSid=MG1&MediaUrl=a&MediaUrl=b";
    let answer = send(&server, body).await;
    assert_eq!(answer.body["num_media"], "2");
    assert!(
        answer.body["sid"]
            .as_str()
            .is_some_and(|sid| sid.starts_with("MM"))
    );
}

#[tokio::test]
async fn calls_need_instructions() {
    let server = server().await;
    let without = "To=%2B14155550123&From=%2B14155550100";
    let refused = ask(&server, "POST", "Calls.json", without)
        .await
        .expect("an answer");
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (400, &21205.into())
    );
    let with = format!("{without}&Twiml=%3CResponse%3E%5Bref%3Ac1%5D%3C%2FResponse%3E");
    let made = ask(&server, "POST", "Calls.json", &with)
        .await
        .expect("an answer");
    assert_eq!((made.status, &made.body["status"]), (201, &"queued".into()));
    assert_eq!(server.journal().effects_of("twilio", "c1"), 1);
}

#[tokio::test]
async fn strangers_are_told_so_and_keys_are_let_in() {
    let server = server().await;
    let path = format!("/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    for (shown, status) in [
        ("", 401),
        ("Basic nonsense", 401),
        ("Bearer x", 401),
        (KEY, 201),
    ] {
        let headers = [("authorization", shown)];
        let answer = call(&server, "POST", &path, &headers, HI)
            .await
            .expect("an answer");
        assert_eq!(answer.status, status, "{shown}");
    }
    let nowhere = "/twilio/2010-04-01/Accounts/me/Messages.json";
    let answer = call(&server, "POST", nowhere, &[("authorization", TOKEN)], HI).await;
    assert_eq!(answer.expect("an answer").body["code"], 20404);
}

#[tokio::test]
async fn small_account_is_throttled_without_effect() {
    let server = server().await;
    let path = "/twilio/2010-04-01/Accounts/AC00000000000000000000000000000429/Messages.json";
    let mut last = None;
    for _ in 0..6 {
        last = call(&server, "POST", path, &[("authorization", KEY)], HI).await;
    }
    let last = last.expect("an answer");
    assert_eq!((last.status, &last.body["code"]), (429, &20429.into()));
    assert_eq!(server.journal().effects_of("twilio", "r1"), 5);
}

#[tokio::test]
async fn message_of_a_lost_reply_is_in_the_list() {
    let server = server().await;
    outage(&server, "twilio", Fault::new(Mode::LostReply, 1.0));
    assert!(ask(&server, "POST", "Messages.json", HI).await.is_none());
    server.clear_outages();
    let list = listed(&server, "To=%2B14155550123").await;
    assert_eq!(list.body["messages"][0]["body"], "hi [ref:r1]");
}

#[tokio::test]
async fn an_oauth_apps_token_is_let_in() {
    let server = server().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let client = "grant_type=client_credentials&client_id=OQ1&client_secret=s";
    let granted = call(&server, "POST", "/twilio/v2/token", &form, client).await;
    let granted = granted.expect("an answer");
    let token = granted.body["access_token"].as_str().expect("a token");
    for (token, status) in [(token, 201), ("another", 401)] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), form[0]];
        let path = format!("/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
        let answer = call(&server, "POST", &path, &headers, HI).await;
        assert_eq!(answer.expect("an answer").status, status);
    }
}
