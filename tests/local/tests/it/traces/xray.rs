//! The built lane under a stub of Lambda's Runtime API, which names the invocation's trace and the daemon's address:
//! the emulators do neither.

use std::fs;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use causeway::clock::{Clock, SystemClock};
use causeway_local::stack::{LocalStack, environment};
use http::Response;
use http_body_util::Full;
use serde_json::Value;

use super::{HEADER, PLANTED, request};
use crate::interface_emulator::received;
use crate::listener::{Came, Listener};

/// Lambda's segment of the function.
const FUNCTION: &str = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";

/// The lane's own setting in the template.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);

/// A function starts within a second on an idle machine.
const ANSWER_MAX: Duration = Duration::from_secs(60);

pub async fn the_call_is_a_subsegment_for_the_daemon(stack: &LocalStack) {
    let daemon = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let timeout = Some(Duration::from_secs(20));
    daemon.set_read_timeout(timeout).expect("a timeout");
    let mut event = received(&[request("traces-xray")]);
    event["Records"][0]["attributes"]["AWSTraceHeader"] = HEADER.into();
    let lambda = runtime_api(event).await;

    let function = stack.output("StripeFunctionName").expect("an output");
    let variables = stack.environment(function).await.expect("it is deployed");
    let log = fs::File::create(stack.paths().log("xray")).expect("a log");
    let mut lane = stack
        .command(stack.paths().bootstrap("Stripe"))
        .envs(variables)
        .envs(environment(stack.endpoint()))
        .env("AWS_LAMBDA_RUNTIME_API", lambda.address())
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env(
            "AWS_XRAY_DAEMON_ADDRESS",
            daemon.local_addr().expect("one").to_string(),
        )
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("the lane starts");
    let is_answer = |came: &Came| came.path.ends_with("/response").then(|| came.body.clone());
    let answered = |came: &[Came]| came.iter().find_map(is_answer);
    let answer = lambda.until(ANSWER_MAX, answered).await;
    lane.kill().await.expect("it ends");
    assert_eq!(answer, r#"{"batchItemFailures":[]}"#);

    // Loopback datagrams that were sent before the answer are there by now.
    let mut datagram = vec![0; 65_536];
    let (length, _) = daemon.recv_from(&mut datagram).expect("a datagram");
    let text = std::str::from_utf8(&datagram[..length]).expect("text");
    let (header, document) = text.split_once('\n').expect("two lines");
    assert_eq!(header, r#"{"format": "json", "version": 1}"#);
    assert!(!document.contains(PLANTED), "{document}");
    let document: Value = serde_json::from_str(document).expect("JSON");
    for (field, expected) in [
        ("type", "subsegment"),
        ("namespace", "remote"),
        ("name", "stripe"),
        ("trace_id", "1-67891233-abcdef012345678912345678"),
        ("parent_id", "53995c3f42cd8ad8"),
    ] {
        assert_eq!(document[field], expected, "{document}");
    }
    assert_eq!(document["http"]["response"]["status"], 200, "{document}");
    let took = document["end_time"].as_f64() >= document["start_time"].as_f64();
    assert!(took, "{document}");
}

/// Lambda's side of one invocation: it hands `event` out once, and then nothing more.
async fn runtime_api(event: Value) -> Listener {
    let handed_out = Arc::new(AtomicBool::new(false));
    Listener::start(move |came: Came| {
        let (event, handed_out) = (event.to_string(), handed_out.clone());
        let deadline = SystemClock.now() + FUNCTION_TIMEOUT;
        async move {
            if !came.path.ends_with("/invocation/next") {
                return Response::new(Full::default());
            }
            if handed_out.swap(true, Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Response::builder()
                .header(
                    "lambda-runtime-aws-request-id",
                    "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                )
                .header("lambda-runtime-deadline-ms", deadline.as_millis())
                .header(
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:123456789012:function:lane",
                )
                .header("lambda-runtime-trace-id", FUNCTION)
                .body(Full::new(Bytes::from(event)))
                .expect("a response")
        }
    })
    .await
}
