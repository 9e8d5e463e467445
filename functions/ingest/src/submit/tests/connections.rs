//! Producers bound to connections: by the path, by a claim, by a quota.

use super::*;

use crate::caller::Caller;

const BERLIN: &str = "/v1/requests/stripe/berlin";

/// A caller whose token has this claim; `scope` is the claim that counts.
fn token(scope: Option<&str>) -> Caller {
    let claims = json!({"sub": "shop", "scope": scope.unwrap_or_default()});
    let mut token = json!({"jwt": {"claims": claims, "scopes": null}});
    if scope.is_none() {
        token["jwt"]["claims"] = json!({"sub": "shop"});
    }
    let token = serde_json::from_value(token).expect("as API Gateway has it");
    Caller::of(Some(&token), String::new(), Some("scope"))
}

struct Call<'a> {
    method: Method,
    path: &'a str,
    query: &'a str,
    body: String,
    caller: Caller,
}

fn post<'a>(path: &'a str, body: &Value, caller: Caller) -> Call<'a> {
    Call {
        method: Method::POST,
        path,
        query: "",
        body: body.to_string(),
        caller,
    }
}

impl World {
    fn bound(self) -> Self {
        let api = self.api.bound_by("scope".to_owned());
        Self { api, ..self }
    }

    async fn call(&self, call: Call<'_>) -> (u16, Value, Option<u64>) {
        let request = Request {
            method: call.method,
            path: call.path.to_owned(),
            query: call.query.to_owned(),
            body: call.body.into_bytes(),
            caller: call.caller,
            ..Request::default()
        };
        let response = routes::answer(&self.api, &request).await;
        let body = serde_json::from_str(&response.body).expect("JSON");
        (response.status.as_u16(), body, response.retry_after_s)
    }
}

#[tokio::test]
async fn what_a_path_says_need_not_be_said_again_and_is_the_same_request() {
    let world = world();
    let whole = customer("k");
    let short = without(without(whole.clone(), "provider"), "connection");
    let (status, taken, _) = world.call(post(BERLIN, &short, Caller::default())).await;
    assert_eq!(status, 202, "{taken}");
    assert_eq!(taken["location"], "/v1/requests/stripe/berlin/k");
    // Without a key, too: the hash is that of the whole request.
    let keyless = without(short, "idempotency_key");
    let (_, by_path, _) = world.call(post(BERLIN, &keyless, Caller::default())).await;
    let (_, by_body) = world
        .post(&without(whole, "idempotency_key").to_string())
        .await;
    assert_eq!(by_path["idempotency_key"], by_body["idempotency_key"]);
    for (_, post) in world.queues.posted() {
        let decoded = Decoded::decode(&post.body).expect("what the lane decodes");
        assert_eq!(decoded.provider.as_str(), "stripe");
        assert_eq!(decoded.connection.as_str(), "berlin");
        assert_eq!(post.group_id.as_deref(), Some("berlin"));
    }
}

#[tokio::test]
async fn of_a_list_those_that_name_another_connection_are_refused_alone() {
    let world = world();
    let list = json!({"requests": [
        customer("same"),
        with(customer("other"), "connection", json!("paris")),
        with(customer("another"), "provider", json!("slack")),
        without(customer("short"), "connection"),
        {},
    ]});
    let (status, answer, _) = world.call(post(BERLIN, &list, Caller::default())).await;
    assert_eq!(status, 207, "{answer}");
    let results = answer["results"].as_array().expect("results");
    let statuses: Vec<_> = results.iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [202, 400, 400, 202, 400]);
    for (at, field, rule) in [(1, "connection", "`berlin`"), (2, "provider", "`stripe`")] {
        assert_eq!(results[at]["errors"][0]["field"], field, "{answer}");
        let told = results[at]["errors"][0]["rule"].as_str().expect("a rule");
        assert!(told.contains(rule), "{told}");
    }
    // A second spelling of the field is no way around the path.
    let twice = r#"{"connection": "berlin", "c\u006fnnection": "paris", "provider": "stripe"}"#;
    let mut call = post(BERLIN, &json!({}), Caller::default());
    call.body = twice.to_owned();
    let (status, problem, _) = world.call(call).await;
    assert_eq!((status, &problem["code"]), (400, &json!("duplicate_field")));
    assert_eq!(world.queues.posted().len(), 2);
}

#[tokio::test]
async fn a_path_that_is_none_of_a_connection_is_told_so() {
    let world = world();
    for (path, status, word) in [
        ("/v1/requests/stripe/a%23b", 400, "connection"),
        ("/v1/requests//berlin", 400, "provider"),
        ("/v1/requests/stripe/berlin/k", 405, "GET"),
        ("/v1/requests/stripe", 405, "GET"),
    ] {
        let (seen, problem, _) = world
            .call(post(path, &customer("k"), Caller::default()))
            .await;
        assert_eq!(seen, status, "{path}: {problem}");
        assert!(problem["detail"].to_string().contains(word), "{problem}");
    }
    assert!(world.queues.posted().is_empty());
}

#[tokio::test]
async fn a_token_sends_to_follows_and_lists_the_connections_that_it_lists() {
    let world = world().bound();
    let berlin = || token(Some("openid stripe/berlin"));
    let paris = with(customer("p"), "connection", json!("paris"));
    let list = json!({"requests": [customer("k"), paris]});
    let (status, answer, _) = world.call(post(REQUESTS, &list, berlin())).await;
    assert_eq!(status, 207, "{answer}");
    assert_eq!(answer["results"][0]["status"], 202, "{answer}");
    assert_eq!(answer["results"][1]["status"], 403, "{answer}");
    assert_eq!(answer["results"][1]["code"], "connection_not_allowed");

    let get = |path, query| Call {
        method: Method::GET,
        path,
        query,
        body: String::new(),
        caller: berlin(),
    };
    for (path, query, expected) in [
        ("/v1/requests/stripe/berlin/k", "", 404),
        ("/v1/requests/stripe/berlin", "key=k", 404),
        ("/v1/requests/stripe/paris/k", "", 403),
        ("/v1/requests/stripe/paris", "key=k", 403),
        (REQUESTS, "provider=stripe&connection=berlin", 200),
        (REQUESTS, "provider=stripe&connection=paris", 403),
        (REQUESTS, "provider=stripe", 403),
        ("/v1/providers", "", 200),
    ] {
        let (status, answer, _) = world.call(get(path, query)).await;
        assert_eq!(status, expected, "{path}?{query}: {answer}");
    }
    let by_path = "/v1/requests/stripe/paris";
    let paris = without(customer("p"), "connection");
    let (status, _, _) = world.call(post(by_path, &paris, berlin())).await;
    assert_eq!(status, 403);
    // A token without the claim.
    let (status, _, _) = world
        .call(post(REQUESTS, &customer("k"), token(None)))
        .await;
    assert_eq!(status, 403);
    assert_eq!(world.queues.posted().len(), 1);
}

#[tokio::test]
async fn a_producer_beyond_its_quota_is_told_when_to_come_again() {
    let world = world();
    let world = World {
        api: world.api.limited_to(60, "one".to_owned()),
        ..world
    };
    let list = |from: usize| {
        let requests = (from..from + 50).map(|n| customer(&format!("k{n}")));
        json!({"requests": requests.collect::<Vec<_>>()})
    };
    let shop = || token(Some(""));
    let (status, _, again) = world.call(post(REQUESTS, &list(0), shop())).await;
    assert_eq!((status, again), (202, None));
    let (status, answer, again) = world.call(post(REQUESTS, &list(50), shop())).await;
    assert_eq!(status, 207, "{answer}");
    let results = answer["results"].as_array().expect("results");
    let taken = results.iter().filter(|one| one["status"] == 202).count();
    assert!((1..20).contains(&taken), "{taken}");
    assert_eq!(
        results[taken]["code"], "quota_exceeded",
        "the first ones go"
    );
    assert_eq!(results[49]["retryable"], true);
    assert!(
        again.is_some_and(|seconds| (1..=60).contains(&seconds)),
        "{again:?}"
    );

    let (status, problem, again) = world.call(post(REQUESTS, &customer("k"), shop())).await;
    assert_eq!((status, &problem["code"]), (429, &json!("quota_exceeded")));
    assert!(again.is_some());
    // Another one is not held up.
    let (status, _, _) = world
        .call(post(REQUESTS, &customer("k"), Caller::default()))
        .await;
    assert_eq!(status, 202);
    assert_eq!(world.queues.posted().len(), 51 + taken);
}
