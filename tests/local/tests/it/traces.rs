//! One trace from the producer's POST to the call at the vendor, through the deployed functions, as a collector gets to
//! see it; the same call as X-Ray's daemon does; and every line that the functions wrote meanwhile.

mod lines;
mod xray;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_fakes::Server;
use causeway_local::stack::{LocalStack, UpOptions};
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::ingest::SIGNATURE;
use crate::listener::{Came, Listener};

/// The producer's own span.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Another producer's, which puts its message on the queue itself.
const HEADER: &str = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1";
const HEADER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Spans come when their invocation ends; the first one starts a function.
const SPANS_MAX: Duration = Duration::from_secs(60);

/// Stands in what nobody but the vendor may see.
const PLANTED: &str = "planted-for-the-vendor-alone";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_post_to_the_vendor_and_no_line_tells_more_than_it_may() {
    let collector = Listener::start(|_| async { Response::new(Full::default()) }).await;
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let fakes = Server::start(any_port).await.expect("a free port");
    let stack = LocalStack::up(UpOptions {
        name: "test-traces".to_owned(),
        provider_base_url: fakes.base_url().to_owned(),
        parameters: vec![
            ("OtlpEndpoint", format!("http://{}", collector.address())),
            ("Lanes", "Stripe".to_owned()),
            ("LogLevel", "trace".to_owned()),
        ],
        progress: Arc::new(|_| {}),
    })
    .await
    .unwrap_or_else(|error| panic!("{}", error.report()));

    a_post_and_the_call_it_causes_are_one_trace(&stack, &collector).await;
    a_message_of_the_queue_goes_on_with_its_header(&stack, &collector).await;
    xray::the_call_is_a_subsegment_for_the_daemon(&stack).await;
    lines::every_line_keeps_to_its_form(&stack, PLANTED).await;
    for came in collector.came() {
        assert!(!text(&came).contains(PLANTED), "{}", text(&came));
    }

    let stopped = stack.down();
    assert_eq!(stopped.left, 0, "every process ended");
    fakes.stop().await;
}

/// A request whose payload and key nobody but the lane and the vendor should see.
fn request(key: &str) -> Value {
    json!({
        "provider": "stripe",
        "operation": "customers.create",
        "idempotency_key": key,
        "created_at": "2026-11-22T10:00:00Z",
        "payload": {"email": format!("{PLANTED}@example.com"), "name": "Ada Example"},
    })
}

async fn a_post_and_the_call_it_causes_are_one_trace(stack: &LocalStack, collector: &Listener) {
    let url = stack.output("IngestUrl").expect("an output");
    let post = http::Request::post(format!("{url}/v1/requests"))
        .header("content-type", "application/json")
        .header("authorization", SIGNATURE)
        .header("traceparent", TRACEPARENT)
        .body(Full::new(Bytes::from(request("traces-post").to_string())))
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = client.request(post).await.expect("an answer");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a whole answer");
    assert_eq!(status, 202, "{:?}", body.to_bytes());

    let spans = until_called(collector, TRACE).await;
    let server = one(&spans, 2, TRACE);
    assert_eq!(server["parentSpanId"], PARENT);
    assert_eq!(attribute(server, "http.route"), json!("/v1/requests"));
    assert_eq!(attribute(server, "http.response.status_code"), json!("202"));

    let send = one(&spans, 4, TRACE);
    assert_eq!(send["parentSpanId"], server["spanId"]);
    let queue = attribute(send, "messaging.destination.name");
    assert_eq!(queue, json!("causeway-Stripe"));

    let call = one(&spans, 3, TRACE);
    assert_eq!(call["parentSpanId"], send["spanId"]);
    assert_eq!(attribute(call, "http.request.method"), json!("POST"));
    assert_eq!(attribute(call, "http.response.status_code"), json!("200"));
    let address = attribute(call, "url.full");
    let address = address.as_str().expect("text");
    assert!(address.ends_with("/stripe/v1/customers"), "{address}");

    // The batch has a trace of its own where Lambda names none; it and the message know each other by links.
    let batch = spans
        .iter()
        .find(|span| span["spanId"] == call["links"][0]["spanId"])
        .expect("the batch's span");
    assert_eq!(batch["kind"], 5);
    assert_eq!(batch["traceId"], call["links"][0]["traceId"]);
    assert_eq!(attribute(batch, "messaging.destination.name"), queue);
    let message = &batch["links"][0];
    assert_eq!(
        (&message["traceId"], &message["spanId"]),
        (&json!(TRACE), &send["spanId"])
    );
    for span in &spans {
        let time = |name: &str| {
            span[name]
                .as_str()
                .and_then(|text| text.parse::<u64>().ok())
        };
        assert!(
            time("startTimeUnixNano") <= time("endTimeUnixNano"),
            "{span}"
        );
        assert!(
            time("startTimeUnixNano") > Some(1_700_000_000_000_000_000),
            "{span}"
        );
    }
}

async fn a_message_of_the_queue_goes_on_with_its_header(stack: &LocalStack, collector: &Listener) {
    use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
    let header = MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value(HEADER)
        .build()
        .expect("a value");
    aws_sdk_sqs::Client::new(&stack.sdk_config())
        .send_message()
        .queue_url(stack.output("StripeQueueUrl").expect("an output"))
        .message_body(request("traces-queue").to_string())
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header)
        .send()
        .await
        .expect("the queue takes it");
    let spans = until_called(collector, HEADER_TRACE).await;
    let call = one(&spans, 3, HEADER_TRACE);
    assert_eq!(call["parentSpanId"], "b7ad6b7169203331");
}

/// The spans that came, as soon as the vendor's call in this trace is among them.
async fn until_called(collector: &Listener, trace: &str) -> Vec<Value> {
    let find = |came: &[Came]| {
        let spans: Vec<Value> = came.iter().flat_map(spans).collect();
        let is_call = |span: &Value| span["kind"] == 3 && span["traceId"] == trace;
        spans.iter().any(is_call).then_some(spans)
    };
    collector.until(SPANS_MAX, find).await
}

fn spans(came: &Came) -> Vec<Value> {
    assert_eq!(
        (came.path.as_str(), came.content_type.as_str()),
        ("/v1/traces", "application/json")
    );
    let body: Value = serde_json::from_slice(&came.body).expect("JSON");
    let resource = &body["resourceSpans"][0];
    let names = resource["resource"]["attributes"].as_array();
    let names = names.expect("the resource's attributes");
    assert!(names.iter().any(|it| it["key"] == "service.name"), "{body}");
    let spans = resource["scopeSpans"][0]["spans"].as_array();
    spans.expect("spans").clone()
}

/// The only span of this kind in this trace.
fn one<'s>(spans: &'s [Value], kind: u8, trace: &str) -> &'s Value {
    let found: Vec<_> = spans
        .iter()
        .filter(|span| span["kind"] == kind && span["traceId"] == trace)
        .collect();
    let [only] = found.as_slice() else {
        panic!("{} spans of kind {kind}: {spans:#?}", found.len())
    };
    only
}

/// An attribute's value, of whatever type.
fn attribute(span: &Value, name: &str) -> Value {
    let attributes = span["attributes"].as_array().expect("attributes");
    let found = attributes.iter().find(|known| known["key"] == name);
    let value = found.and_then(|found| found["value"].as_object()?.values().next());
    value.cloned().unwrap_or_default()
}

fn text(came: &Came) -> String {
    String::from_utf8_lossy(&came.body).into_owned()
}
