//! The API with tokens in place of signatures: who is let in; and whether it keeps to its own document.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use causeway_fakes::Server;
use causeway_local::stack::{LocalStack, Processes, Tools, UpOptions, root};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::Api;
use crate::listener::Listener;

const AUDIENCE: &str = "causeway";

/// Whatever schemathesis makes up, valid or not, is answered as the document says, what is invalid by it is refused,
/// and nobody is let in without a token. `infra/tools/schemathesis.toml` has what it does not ask, and why.
#[tokio::test(flavor = "multi_thread")]
async fn with_tokens_the_api_lets_in_whom_it_should_and_keeps_to_its_own_document() {
    let keys: Arc<OnceLock<String>> = Arc::default();
    let issuer = issuer(Arc::clone(&keys)).await;
    let url = format!("http://{}", issuer.address());
    let tokens = tokens(&url).await;
    keys.set(tokens["keys"].to_string()).expect("set once");

    // A stack of its own: requests that are valid go to their lane, and the vendor refuses most.
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let fakes = Server::start(any_port).await.expect("a free port");
    let stack = LocalStack::up(UpOptions {
        name: "test-openapi".to_owned(),
        provider_base_url: fakes.base_url().to_owned(),
        parameters: vec![
            ("Lanes", "Stripe".to_owned()),
            ("IngestAuthorization", "jwt".to_owned()),
            ("JwtIssuer", url),
            ("JwtAudience", AUDIENCE.to_owned()),
            ("JwtConnectionsClaim", "scope".to_owned()),
        ],
        progress: Arc::new(|_| {}),
    })
    .await
    .unwrap_or_else(|error| panic!("{}", error.report()));

    let good = format!("Bearer {}", tokens["good"].as_str().expect("a token"));
    who_has_no_good_token_is_not_let_in(&stack, &good, &tokens["bad"]).await;
    let bound = format!("Bearer {}", tokens["bound"].as_str().expect("a token"));
    a_token_is_let_to_the_connections_that_it_lists(&stack, &bound).await;
    whatever_is_made_up_is_answered_as_the_document_says(&stack, &good).await;

    assert_eq!(stack.down().left, 0, "every process ended");
    fakes.stop().await;
}

async fn who_has_no_good_token_is_not_let_in(stack: &LocalStack, good: &str, bad: &Value) {
    let url = stack.output("IngestUrl").expect("an output").to_owned();
    let ask = async |authorization: Option<&str>| {
        let api = Api {
            url: url.clone(),
            authorization: authorization.map(str::to_owned),
        };
        let (status, _) = api.ask(Method::GET, "/v1/providers", String::new()).await;
        status
    };
    assert_eq!(ask(Some(good)).await, StatusCode::OK);
    assert_eq!(ask(None).await, StatusCode::UNAUTHORIZED);
    for (what, token) in bad.as_object().expect("tokens") {
        let token = format!("Bearer {}", token.as_str().expect("a token"));
        assert_eq!(ask(Some(&token)).await, StatusCode::UNAUTHORIZED, "{what}");
    }
}

async fn a_token_is_let_to_the_connections_that_it_lists(stack: &LocalStack, bound: &str) {
    let api = Api {
        url: stack.output("IngestUrl").expect("an output").to_owned(),
        authorization: Some(bound.to_owned()),
    };
    let body = json!({
        "operation": "customers.create", "idempotency_key": "bound",
        "payload": {"email": "ada@shop.example"},
    })
    .to_string();
    for (connection, post, get) in [("berlin", 202, 200), ("paris", 403, 403)] {
        let path = format!("/v1/requests/stripe/{connection}");
        let (status, answer) = api.ask(Method::POST, &path, body.clone()).await;
        assert_eq!(status.as_u16(), post, "{connection}: {answer}");
        let query = format!("/v1/requests?provider=stripe&connection={connection}");
        let (status, answer) = api.get(&query).await;
        assert_eq!(status.as_u16(), get, "{connection}: {answer}");
    }
}

async fn whatever_is_made_up_is_answered_as_the_document_says(stack: &LocalStack, good: &str) {
    // It writes its findings where it runs.
    let folder = stack.paths().stack().join("schemathesis");
    fs::create_dir_all(&folder).expect("a folder");
    let processes = Processes::owned_by(&root().join("target/local/schemathesis"));
    let tools = Tools::install_sets(&processes, &["schemathesis"], |_| {})
        .await
        .expect("the tool");
    let run = stack
        .command(tools.program("schemathesis", "schemathesis"))
        .arg("--config-file")
        .arg(root().join("infra/tools/schemathesis.toml"))
        .arg("run")
        .arg(root().join("functions/ingest/openapi.json"))
        .args(["--url", stack.output("IngestUrl").expect("an output")])
        .args(["--header", &format!("Authorization: {good}")])
        .arg("--no-color")
        .current_dir(&folder)
        .output()
        .await
        .expect("it runs");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(
        said.contains("Tested: 9"),
        "all operations were tried:\n{said}"
    );
}

/// Who issues tokens, as API Gateway asks after it.
async fn issuer(keys: Arc<OnceLock<String>>) -> Listener {
    Listener::start(move |came| {
        let keys = Arc::clone(&keys);
        async move {
            let known = match came.path.as_str() {
                "/.well-known/jwks.json" => keys.get(),
                _ => None,
            };
            let body = known.cloned().unwrap_or_default();
            let status = if body.is_empty() { 404 } else { 200 };
            let answer = Response::builder().status(status);
            answer
                .body(Full::new(Bytes::from(body)))
                .expect("an answer")
        }
    })
    .await
}

async fn tokens(issuer: &str) -> Value {
    let processes = Processes::owned_by(&root().join("target/local/tokens"));
    let tools = Tools::install(&processes, |_| {}).await.expect("the tools");
    let made = processes
        .command(tools.program("ministack", "python"))
        .arg(root().join("tests/local/tests/it/support/tokens.py"))
        .args([issuer, AUDIENCE])
        .output()
        .await
        .expect("it runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    serde_json::from_slice(&made.stdout).unwrap_or_else(|error| json!(error.to_string()))
}
