//! The Runtime Interface Emulator: Lambda's side of one function, on two loopback ports.

use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_local::stack::{LocalStack, Tools, environment, free_port};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// It starts the program at the first invocation and listens at once.
const START_MAX: Duration = Duration::from_secs(20);

/// The event with which SQS hands `bodies` to a function: messages that are received for the first time. Its receipt
/// handles were never handed out, so that nothing is left in any queue.
pub fn received(bodies: &[Value]) -> Value {
    let record = |(at, body): (usize, &Value)| {
        let body = body.to_string();
        json!({
            "messageId": format!("00000000-0000-4000-8000-{at:012}"),
            "receiptHandle": format!("never-handed-out-{at}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "4102444800000",
                "SenderId": "AIDAEXAMPLE",
                "ApproximateFirstReceiveTimestamp": "4102444800001",
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:causeway-Queue",
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

/// Runs the lane's built program once, with the environment that the template gives it.
pub async fn invoke(stack: &LocalStack, lane: &str, event: &Value) -> Value {
    let tools = Tools::installed();
    let emulator = tools
        .runtime_interface_emulator()
        .expect("the SAM CLI brings it");
    let function = stack
        .output(&format!("{lane}FunctionName"))
        .expect("an output");
    let variables = stack.environment(function).await.expect("it is deployed");
    let (listen, api) = (address(), address());
    let log = fs::File::create(stack.paths().log(&format!("invoke-{lane}"))).expect("a log");
    // Its process carries the stack's mark and ends with the stack.
    stack
        .command(emulator)
        .args(["--runtime-interface-emulator-address", &listen])
        .args(["--runtime-api-address", &api])
        .arg(stack.paths().bootstrap(lane))
        .envs(variables)
        .envs(environment(stack.endpoint()))
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "60")
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("the emulator starts");
    until_listening(&listen).await;

    let request = http::Request::post(format!(
        "http://{listen}/2015-03-31/functions/function/invocations"
    ))
    .body(Full::new(Bytes::from(event.to_string())))
    .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = client.request(request).await.expect("an answer");
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a whole answer")
        .to_bytes();
    serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no JSON: {body:?}"))
}

fn address() -> String {
    format!("127.0.0.1:{}", free_port().expect("a free port"))
}

async fn until_listening(address: &str) {
    let end = Instant::now() + START_MAX;
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < end, "nothing listens at {address}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
