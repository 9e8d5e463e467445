//! What a batch tells: spans and subsegments of its calls, log lines, metrics; and what it must not tell.

mod redaction;

use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;
use crate::pipeline::Report;
use crate::telemetry::{Batch, Cause, Kind, Source, Span, told};
use crate::trace::{RemoteParent, SpanId, TraceContext};

/// Lambda's segment of the function.
const FUNCTION: &str = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";

/// A producer's span.
const PRODUCER: &str = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";

fn source() -> Source {
    Source {
        provider: "acme",
        service: "causeway-AcmeFunction".into(),
        version: "$LATEST".into(),
        region: "eu-central-1".into(),
        queue: "causeway-AcmeQueue".into(),
        environment: "environment".into(),
    }
}

fn batch<'a>(world: &World, report: &'a Report) -> Batch<'a> {
    Batch {
        invocation_id: "invocation",
        function: RemoteParent::from_xray(FUNCTION),
        report,
        ended: world.clock.now(),
    }
}

fn traced(id: &str, key: &str, operation: &str, header: &str) -> Message {
    Message {
        trace_header: Some(header.into()),
        ..message(id, body(key, operation))
    }
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| match value {
        crate::telemetry::Value::Text(text) => text.clone(),
        crate::telemetry::Value::Int(number) => number.to_string(),
    })
}

fn parent(header: &str) -> RemoteParent {
    RemoteParent::from_xray(header).expect("a parent")
}

#[tokio::test]
async fn a_call_of_one_message_goes_on_with_the_producers_trace() {
    let world = World::new();
    let report = world
        .receive([traced("m1", "k", "orders.create", PRODUCER)])
        .await;
    let spans = batch(&world, &report).spans(&source());
    let [own, call] = spans.as_slice() else {
        panic!("{spans:?}")
    };

    assert_eq!((own.kind, call.kind), (Kind::Consumer, Kind::Client));
    assert_eq!(own.context.trace_id, parent(FUNCTION).trace_id);
    assert_eq!(own.cause, parent(FUNCTION).into());
    let producer = parent(PRODUCER);
    assert_eq!(call.context.trace_id, producer.trace_id);
    assert_eq!(call.cause, Cause::Remote(producer.span_id.expect("a span")));
    assert_eq!(call.links, [own.context]);
    assert_eq!(own.links[0].trace_id, producer.trace_id);
    assert_eq!(Some(own.links[0].span_id), producer.span_id);
    assert!(!own.failed && !call.failed);

    for (name, expected) in [
        ("http.request.method", "POST"),
        ("url.full", "https://api.acme.example/orders"),
        ("server.address", "api.acme.example"),
        ("server.port", "443"),
        ("http.response.status_code", "200"),
        ("causeway.operation", "orders.create"),
        ("messaging.message.id", "m1"),
    ] {
        assert_eq!(attribute(call, name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(attribute(call, "error.type"), None);
}

#[tokio::test]
async fn a_call_of_several_is_the_batchs_own_and_linked_to_each_message() {
    let world = World::new();
    let other = "Root=1-4bf92f35-000000000000000000000001;Parent=00f067aa0ba902b8;Sampled=0";
    let stock = |id: &str, header: &str| {
        let mut request = request(id, "stock.upsert");
        request["payload"] = json!({"sku": id});
        Message {
            trace_header: Some(header.into()),
            ..message(id, request.to_string())
        }
    };
    let report = world
        .receive([stock("m1", PRODUCER), stock("m2", other)])
        .await;
    let spans = batch(&world, &report).spans(&source());
    let [own, call] = spans.as_slice() else {
        panic!("{spans:?}")
    };
    assert_eq!(call.context.trace_id, own.context.trace_id);
    assert_eq!(call.cause, Cause::Local(own.context.span_id));
    let linked: Vec<_> = call.links.iter().map(TraceContext::xray).collect();
    assert_eq!(linked, [PRODUCER, other]);
    let count = attribute(call, "messaging.batch.message_count");
    assert_eq!(count.as_deref(), Some("2"));
}

#[tokio::test]
async fn the_producers_decision_is_kept_and_where_there_is_none_the_span_is_told() {
    let world = World::new();
    let unwanted = PRODUCER.replace("Sampled=1", "Sampled=0");
    let report = world
        .receive([traced("m1", "a", "orders.create", &unwanted)])
        .await;
    assert!(batch(&world, &report).spans(&source()).is_empty());

    let report = world
        .receive([
            traced("m2", "b", "orders.create", &unwanted),
            traced(
                "m3",
                "c",
                "orders.create",
                "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736",
            ),
            message("m4", body("d", "orders.create")),
        ])
        .await;
    let spans = batch(&world, &report).spans(&source());
    let told: Vec<_> = spans[1..]
        .iter()
        .map(|span| attribute(span, "messaging.message.id").unwrap_or_default())
        .collect();
    assert_eq!(told.len(), 2);
    for span in &spans[1..] {
        let expected = match attribute(span, "messaging.message.id").as_deref() {
            // The gateway's root: its trace goes on, without a parent.
            Some("m3") => (parent(PRODUCER).trace_id, Cause::Nobody),
            _ => (
                spans[0].context.trace_id,
                Cause::Local(spans[0].context.span_id),
            ),
        };
        assert_eq!((span.context.trace_id, span.cause), expected);
        assert!(span.context.sampled);
    }
}

#[tokio::test]
async fn spans_say_how_calls_failed_and_each_has_an_id_of_its_own() {
    let world = World::new();
    world.vendor.on("k1", Reply::Status(503, "{}"));
    world.vendor.on("k2", Reply::TryAfter(1));
    world.vendor.on("k3", Reply::NotSent);
    world.vendor.on("k4", Reply::Lost);
    let keys = ["k0", "k1", "k2", "k3", "k4"];
    let messages = keys.map(|key| message(key, body(key, "orders.create")));
    let report = world.receive(messages).await;
    let batch = batch(&world, &report);
    let spans = batch.spans(&source());
    let error_of = |id: &str| {
        let named = |span: &&Span| attribute(span, "messaging.message.id").as_deref() == Some(id);
        let span = spans.iter().find(named).expect("a span");
        assert_eq!(span.failed, attribute(span, "error.type").is_some());
        attribute(span, "error.type")
    };
    let errors = keys.map(error_of);
    let expected = ["503", "429", "connect_failed", "provider_timeout"].map(str::to_owned);
    assert_eq!(errors[0], None);
    assert_eq!(errors[1..], expected.map(Some));
    let ids: std::collections::BTreeSet<SpanId> =
        spans.iter().map(|span| span.context.span_id).collect();
    assert_eq!(ids.len(), 6);

    let (_, documents) = told(&batch, &source());
    let mut flags: Vec<_> = documents
        .iter()
        .map(|text| {
            let it: Value = serde_json::from_str(text).expect("JSON");
            ["error", "throttle", "fault"].map(|flag| it[flag] == true)
        })
        .collect();
    flags.sort_unstable();
    let (fine, fault) = ([false; 3], [false, false, true]);
    assert_eq!(flags, [fine, fault, fault, fault, [true, true, false]]);
    let lines = crate::telemetry::metric_lines("Causeway", "acme", &report, NOON);
    assert!(lines[0].contains(r#""Throttled":1"#), "{}", lines[0]);
}

#[tokio::test]
async fn a_subsegment_stands_in_lambdas_segment_where_that_is_sampled() {
    let world = World::new();
    let report = world
        .receive([traced("m1", "k", "orders.create", PRODUCER)])
        .await;
    let batch = batch(&world, &report);
    let (export, documents) = told(&batch, &source());
    let document: Value = serde_json::from_str(&documents[0]).expect("JSON");
    let call = &batch.spans(&source())[1];
    assert_eq!(
        document,
        json!({
            "type": "subsegment",
            "id": call.context.span_id.to_string(),
            "trace_id": "1-67891233-abcdef012345678912345678",
            "parent_id": "53995c3f42cd8ad8",
            "namespace": "remote",
            "name": "acme",
            "start_time": 1_795_341_600.0, "end_time": 1_795_341_600.0,
            "http": {
                "request": {"method": "POST", "url": "https://api.acme.example/orders"},
                "response": {"status": 200},
            },
            "annotations": {"provider": "acme", "operation": "orders.create"},
        })
    );
    assert!(export.contains(&call.context.span_id.to_string()));

    let not_sampled = FUNCTION.replace("Sampled=1", "Sampled=0");
    for header in [
        not_sampled.as_str(),
        "Root=1-67891233-abcdef012345678912345678;Sampled=1",
        "",
    ] {
        let function = RemoteParent::from_xray(header);
        let (export, documents) = told(&Batch { function, ..batch }, &source());
        assert_eq!(documents, Vec::<String>::new(), "{header}");
        assert!(export.contains("orders.create"), "OTLP goes its own way");
    }
}

#[tokio::test]
async fn a_letter_and_a_lookup_keep_the_trace() {
    let world = World::new();
    world.vendor.script([Reply::Lost]);
    let first = traced("m1", "k", "orders.book", PRODUCER);
    world.receive([first.clone()]).await;
    world.clock.advance(secs(300));
    let report = world.receive([first.again()]).await;
    let spans = batch(&world, &report).spans(&source());
    let lookup = &spans[1];
    assert_eq!(
        attribute(lookup, "causeway.purpose").as_deref(),
        Some("look_up")
    );
    assert_eq!(
        attribute(lookup, "http.request.method").as_deref(),
        Some("GET")
    );
    let url = attribute(lookup, "url.full");
    assert_eq!(
        url.as_deref(),
        Some("https://api.acme.example/orders/REDACTED")
    );
    assert_eq!(lookup.context.trace_id, parent(PRODUCER).trace_id);

    world.vendor.script([Reply::Status(422, "{}")]);
    world
        .receive([traced("m2", "l", "orders.create", PRODUCER)])
        .await;
    let letters = world.letters();
    assert_eq!(letters[0].trace_header.as_deref(), Some(PRODUCER));
}
