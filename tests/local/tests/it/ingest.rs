//! Requests by HTTP, through the deployed API: taken, refused, followed to their ends; and the API against its own
//! document.

mod document;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value, json};

use crate::cloudformation::Template;
use crate::deployed::Deployed;
use crate::template::LANES_PLANNED;

/// The emulator wants a signature and does not check it: what a caller may, AWS decides.
pub const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/execute-api/aws4_request, \
                         SignedHeaders=host, Signature=0";

/// A request ends within seconds; the machine may be busy.
const END_MAX: Duration = Duration::from_secs(120);

struct Api {
    url: String,
    /// What every call shows; nothing where nobody is to be shown.
    authorization: Option<String>,
}

impl Api {
    fn of(deployed: &Deployed) -> Self {
        let url = deployed.stack().output("IngestUrl").expect("an output");
        Self {
            url: url.to_owned(),
            authorization: Some(SIGNATURE.to_owned()),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let response = client.request(request).await.expect("it answers");
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a whole answer");
        (
            status,
            serde_json::from_slice(&body.to_bytes()).expect("JSON"),
        )
    }

    async fn post(&self, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::POST, "/v1/requests", body.to_string())
            .await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, String::new()).await
    }

    /// The request's state once its lane has ended it.
    async fn ended(&self, location: &str) -> Value {
        let ended = tokio::time::timeout(END_MAX, async {
            loop {
                let (status, state) = self.get(location).await;
                let ends = ["COMPLETED", "REJECTED", "UNKNOWN"];
                if status == StatusCode::OK && ends.iter().any(|end| state["status"] == *end) {
                    return state;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        ended
            .await
            .unwrap_or_else(|_| panic!("{location} did not end"))
    }
}

fn alert(key: &str) -> Value {
    json!({
        "provider": "pagerduty", "operation": "events.trigger", "idempotency_key": key,
        "created_at": "2026-11-22T10:00:00Z",
        "payload": {"dedup_key": key, "payload": {
            "summary": format!("Payments fail [ref:{key}]"), "source": "shop-1.example.com", "severity": "info",
        }},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_request_is_followed_to_its_end() {
    let deployed = Deployed::with(&["pagerduty"]).await;
    let api = Api::of(&deployed);
    // A key with all that a path would take for something else.
    let (status, taken) = api.post(&alert("ingest one/50%/a?b#c")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
    let location = taken["location"].as_str().expect("a location");
    let state = api.ended(location).await;
    assert_eq!(state["status"], "COMPLETED", "{state}");
    assert_eq!(state["idempotency_key"], "ingest one/50%/a?b#c");
    assert_eq!(state["attempts"], 1);

    // Sent again, it is the same request.
    let (status, again) = api.post(&alert("ingest one/50%/a?b#c")).await;
    assert_eq!(
        (status, &again["location"]),
        (StatusCode::ACCEPTED, &taken["location"])
    );
    assert_ne!(again["id"], taken["id"]);

    // Another content under its key is refused by the lane, which does not touch what the first one came to.
    let mut other = alert("ingest one/50%/a?b#c");
    other["payload"]["payload"]["severity"] = "critical".into();
    let (status, other) = api.post(&other).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{other}");
    let lane = deployed.stack().operator();
    let letters = tokio::time::timeout(END_MAX, async {
        loop {
            let listed = lane.run(&["dlq", "list", "pagerduty", "--json"]).await;
            let listed = listed.expect("it runs").stdout;
            if listed.contains("\"code\"") {
                return listed;
            }
        }
    });
    let letters = letters.await.expect("the lane buries it");
    assert!(letters.contains("\"idempotency_conflict\""), "{letters}");
    let state = api.ended(location).await;
    assert_eq!(
        (&state["status"], &state["attempts"]),
        (&json!("COMPLETED"), &json!(1))
    );

    // Of the two the one that is not delivered is listed, under the key that it was sent with.
    let (status, page) = api
        .get("/v1/requests?provider=pagerduty&connection=default&status=REJECTED")
        .await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let listed = page["requests"].as_array().expect("a list").iter();
    let codes: Vec<_> = listed
        .filter(|one| one["location"] == location)
        .map(|one| &one["code"])
        .collect();
    assert_eq!(codes, ["idempotency_conflict"], "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_the_good_ones_end_and_the_bad_ones_are_told_why() {
    let deployed = Deployed::with(&["pagerduty"]).await;
    let api = Api::of(&deployed);
    let requests: Vec<Value> = (0..100)
        .map(|n| match n % 10 {
            3 => json!({"provider": "pagerduty"}),
            7 => {
                let mut wrong = alert(&format!("ingest-hundred-{n}"));
                wrong["payload"]["payload"]["severity"] = "awful".into();
                wrong
            }
            _ => alert(&format!("ingest-hundred-{n}")),
        })
        .collect();
    let (status, taken) = api.post(&json!({"requests": requests})).await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    let results = taken["results"].as_array().expect("results");
    assert_eq!(results.len(), 100);
    for (n, result) in results.iter().enumerate() {
        match n % 10 {
            3 => assert_eq!(
                (&result["status"], &result["code"]),
                (&json!(400), &json!("missing_field"))
            ),
            7 => {
                assert_eq!(
                    (&result["status"], &result["code"]),
                    (&json!(400), &json!("payload_invalid"))
                );
                assert_eq!(result["errors"][0]["field"], "payload.payload.severity");
            }
            _ => assert_eq!(result["status"], 202, "{result}"),
        }
    }
    for result in results.iter().filter(|result| result["status"] == 202) {
        let state = api
            .ended(result["location"].as_str().expect("a location"))
            .await;
        assert_eq!(state["status"], "COMPLETED", "{state}");
    }
    let (status, problem) = api.post(&json!({"requests": vec![alert("x"); 101]})).await;
    assert_eq!(
        (status, &problem["code"]),
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!("too_many_requests_in_a_list")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_sign_is_not_let_in_and_large_bodies_are_refused() {
    let deployed = Deployed::with(&["pagerduty"]).await;
    let api = Api::of(&deployed);
    let body = alert("ingest-unsigned").to_string();
    let unsigned = Api {
        authorization: None,
        ..Api::of(&deployed)
    };
    let (status, _) = unsigned.ask(Method::POST, "/v1/requests", body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = api
        .get("/v1/requests/pagerduty/default/ingest-unsigned")
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let mut large = alert("ingest-large");
    large["payload"]["payload"]["summary"] = "x".repeat(5 * 1024 * 1024).into();
    let (status, problem) = api.post(&large).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("body_too_large"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_lanes_are_listed_with_their_schemas() {
    let deployed = Deployed::with(&[]).await;
    let (status, list) = Api::of(&deployed).get("/v1/providers").await;
    assert_eq!(status, StatusCode::OK);
    let providers = list["providers"].as_array().expect("providers");
    let names: Vec<_> = providers
        .iter()
        .filter_map(|provider| provider["name"].as_str())
        .collect();
    let template = Template::read();
    let lanes = template.lanes.values();
    let mut deployed: Vec<_> = lanes.filter_map(|lane| lane["Provider"].as_str()).collect();
    deployed.sort_unstable();
    assert_eq!(names, deployed);
    for operation in providers
        .iter()
        .flat_map(|provider| provider["operations"].as_array().into_iter().flatten())
    {
        assert_eq!(operation["schema"]["type"], "object", "{operation}");
    }
}

/// Lambda's limit of all variables together.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const ENVIRONMENT_MAX: usize = 4096;

/// Also under the longest name that a stack can have.
#[test]
fn fifty_four_lanes_fit_into_its_environment() {
    let template = Template::read();
    let variables = &template.properties("IngestFunction")["Environment"]["Variables"];
    let variables = variables.as_object().expect("variables");
    let lanes = variables.keys().filter(|name| name.starts_with("LANE_"));
    assert_eq!(lanes.count(), template.lanes.len());
    assert_eq!(
        variables["LANE_Stripe"],
        json!({"Fn::Sub": ["${Provider}", {"Provider": "stripe"}]})
    );

    let (stack, name) = ("s".repeat(128), "Provider1234");
    let lanes = (0..LANES_PLANNED).map(|number| {
        (
            format!("LANE_{name}{number:02}"),
            json!(format!("{name}{number:02}")),
        )
    });
    let mut environment: Map<String, Value> = lanes.collect();
    let others = variables.keys().filter(|name| !name.starts_with("LANE_"));
    environment.extend(others.map(|name| {
        (
            name.clone(),
            json!(format!("https://sqs.ap-southeast-1.amazonaws.com/{stack}")),
        )
    }));
    let bytes = Value::Object(environment).to_string().len();
    assert!(bytes <= ENVIRONMENT_MAX, "{bytes} bytes");
}
