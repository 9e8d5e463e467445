//! What goes to the collector and to the daemon, and what becomes of a batch when they fail.

use std::net::UdpSocket;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value as Json, json};

use super::exporter::{REST, TIMEOUT};
use super::*;
use crate::http_client::CallError;
use crate::outcome::Outcome;
use crate::pipeline::{Carried, Entry, Purpose, Report, VendorCall};
use crate::provider::{Answer, Wire};
use crate::request::Peek;
use crate::trace::RemoteParent;

const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const FUNCTION: &str = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";
const PRODUCER: &str = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";

fn source() -> Source {
    Source {
        provider: "acme",
        service: "causeway-AcmeFunction".into(),
        version: String::new(),
        region: "eu-central-1".into(),
        queue: "causeway-AcmeQueue".into(),
        environment: "environment".into(),
    }
}

fn report() -> Report {
    let trace = RemoteParent::from_xray(PRODUCER);
    Report {
        started: NOW,
        entries: vec![Entry {
            message_id: "m1".into(),
            peek: Peek::default(),
            outcome: Outcome::Delivered,
            acknowledged: true,
            end_to_end: Duration::from_millis(200),
            late: None,
            trace,
        }],
        calls: vec![VendorCall {
            operation: "orders.create",
            purpose: Purpose::CarryOut,
            method: Method::POST,
            url: "https://api.acme.example/orders".into(),
            started: NOW + Duration::from_millis(20),
            latency: Duration::from_millis(80),
            answer: Ok(503),
            fault: true,
            throttled: false,
            carried: vec![Carried {
                message_id: "m1".into(),
                trace,
            }],
        }],
        ..Report::default()
    }
}

fn batch(report: &Report) -> Batch<'_> {
    Batch {
        invocation_id: "invocation",
        function: RemoteParent::from_xray(FUNCTION),
        report,
        ended: NOW + Duration::from_millis(150),
    }
}

/// A collector that answers with this status, or not at all, and remembers what it got.
struct Collector {
    status: Option<u16>,
    got: Mutex<Vec<(String, Wire, Duration)>>,
}

impl Collector {
    fn new(status: Option<u16>) -> Arc<Self> {
        Arc::new(Self {
            status,
            got: Mutex::default(),
        })
    }

    fn got(&self) -> Vec<(String, Wire, Duration)> {
        self.got.lock().expect("nobody panicked").clone()
    }

    fn traces(self: &Arc<Self>) -> Traces {
        let endpoint = "http://127.0.0.1:4318/base/";
        let exporter = Exporter::new(
            self.clone(),
            endpoint,
            "api-key=s3cret%20key, x-team = lanes",
        );
        Traces::new(source(), None, Some(exporter.expect("an exporter")))
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let mut got = self.got.lock().expect("nobody panicked");
        got.push((base_url.to_owned(), wire.clone(), timeout));
        let status = self
            .status
            .ok_or(CallError::Ambiguous("timed out".into()))?;
        Ok(Answer {
            status,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        })
    }
}

#[tokio::test]
async fn a_batch_is_one_export_in_otlps_json() {
    let collector = Collector::new(Some(200));
    let report = report();
    let deadline = NOW + Duration::from_secs(60);
    collector.traces().tell(&batch(&report), deadline).await;

    let got = collector.got();
    let [(base_url, wire, timeout)] = got.as_slice() else {
        panic!("{} exports", got.len())
    };
    assert_eq!(
        (base_url.as_str(), wire.path.as_str()),
        ("http://127.0.0.1:4318", "/base/v1/traces")
    );
    assert_eq!(*timeout, TIMEOUT);
    for (name, value) in [
        ("content-type", "application/json"),
        ("connection", "close"),
        ("api-key", "s3cret key"),
        ("x-team", "lanes"),
    ] {
        assert_eq!(wire.headers[name], value);
    }
    let body: Json = serde_json::from_slice(&wire.body).expect("JSON");
    let resource = &body["resourceSpans"][0]["resource"]["attributes"];
    assert_eq!(
        resource[0],
        json!({"key": "service.name", "value": {"stringValue": "causeway-AcmeFunction"}})
    );
    let spans = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let batch_id = spans[0]["spanId"].as_str().expect("an id");
    let function_trace = "67891233abcdef012345678912345678";
    assert_eq!(spans[0]["name"], "process causeway-AcmeQueue");
    assert_eq!(spans[0]["traceId"], function_trace);
    assert_eq!(spans[0]["parentSpanId"], "53995c3f42cd8ad8");
    assert_eq!(
        (&spans[0]["kind"], &spans[1]["kind"]),
        (&json!(5), &json!(3))
    );
    let call = &spans[1];
    assert_eq!(call["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(call["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(call["flags"], 0x301);
    assert_eq!(call["startTimeUnixNano"], "1795341600020000000");
    assert_eq!(call["endTimeUnixNano"], "1795341600100000000");
    assert_eq!(call["status"], json!({"code": 2}));
    assert_eq!(
        call["links"],
        json!([{"traceId": function_trace, "spanId": batch_id, "flags": 1}])
    );
    let attributes = call["attributes"].as_array().expect("a list");
    let status = json!({"key": "http.response.status_code", "value": {"intValue": "503"}});
    assert!(attributes.contains(&status), "{attributes:?}");
}

#[tokio::test]
async fn a_collector_that_fails_is_left_alone_for_a_minute() {
    for status in [None, Some(503), Some(302)] {
        let collector = Collector::new(status);
        let traces = collector.traces();
        let (report, deadline) = (report(), NOW + Duration::from_secs(3600));
        let mut batch = batch(&report);
        traces.tell(&batch, deadline).await;
        traces.tell(&batch, deadline).await;
        assert_eq!(collector.got().len(), 1, "{status:?}");
        batch.ended = batch.ended + REST;
        traces.tell(&batch, deadline).await;
        assert_eq!(collector.got().len(), 2, "{status:?}");
    }
}

#[tokio::test]
async fn an_export_takes_nothing_of_the_answers_time() {
    let (report, collector) = (report(), Collector::new(Some(200)));
    let (traces, batch) = (collector.traces(), batch(&report));
    traces
        .tell(&batch, batch.ended + Duration::from_millis(500))
        .await;
    assert_eq!(collector.got().len(), 0);
    traces
        .tell(&batch, batch.ended + Duration::from_millis(700))
        .await;
    assert_eq!(collector.got()[0].2, Duration::from_millis(200));
}

#[test]
fn spans_go_only_where_nobody_reads_along() {
    let at = |endpoint, headers| {
        Exporter::new(Collector::new(None), endpoint, headers)
            .map(|exporter| format!("{exporter:?}"))
    };
    for good in [
        "https://otlp.example.com",
        "http://localhost:4318",
        "http://[::1]:4318/",
    ] {
        assert!(at(good, "").is_ok(), "{good}");
    }
    for bad in [
        "",
        "collector:4318",
        "http://collector:4318",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "https://ada:s3cret@otlp.example.com",
        "https://otlp.example.com?key=s3cret",
        "grpc://127.0.0.1:4317",
    ] {
        assert_eq!(at(bad, ""), Err(ExporterError::Endpoint), "{bad}");
    }
    let many = vec!["a=b"; 17].join(",");
    for bad in ["key", "k y=v", "key=v%0Aw", "key=%ff", &many] {
        let refused = at("https://otlp.example.com", bad);
        assert_eq!(refused, Err(ExporterError::Headers), "{bad}");
    }
    let shown = at("https://otlp.example.com", "api-key=s3cret").expect("an exporter");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn without_a_collector_no_client_is_made() {
    let traces = Traces::from_env(source(), || -> Result<Arc<dyn HttpClient>, String> {
        panic!("nobody asked for it")
    });
    assert!(traces.exporter.is_none());
}

#[test]
fn more_spans_and_links_than_a_body_may_hold_are_left_out_from_the_end() {
    let mut report = report();
    let entry = || Entry {
        message_id: "m".into(),
        peek: Peek::default(),
        outcome: Outcome::Delivered,
        acknowledged: true,
        end_to_end: Duration::ZERO,
        late: None,
        trace: RemoteParent::from_xray(PRODUCER),
    };
    report.entries = (0..300).map(|_| entry()).collect();
    let mut call = report.calls.remove(0);
    call.url = format!("https://api.acme.example/{}", "x".repeat(990));
    report.calls = vec![call; 2_000];
    let spans = batch(&report).spans(&source());
    assert_eq!(spans.len(), 512);
    let body = otlp::body(&spans, &source());
    assert!(body.len() < 513 * 1024, "{}", body.len());
    let body: Json = serde_json::from_str(&body).expect("JSON, though cut");
    let told = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array();
    let told = told.expect("a list");
    assert!((200..512).contains(&told.len()), "{}", told.len());
    assert_eq!(told[0]["links"].as_array().map(Vec::len), Some(128));
    assert_eq!(told[0]["droppedLinksCount"], 300 - 128);
}

#[test]
fn each_call_is_a_datagram_to_the_daemon() {
    let daemon = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let wait = Some(Duration::from_secs(10));
    daemon.set_read_timeout(wait).expect("a timeout");
    let address = daemon.local_addr().expect("an address");
    let report = report();
    for variable in [
        address.to_string(),
        format!("tcp:127.0.0.1:1 udp:{address}"),
        format!("udp:{address} tcp:127.0.0.1:1"),
    ] {
        let sender = Daemon::at(&variable).expect("an address");
        sender.send(&batch(&report), &source());
        let mut datagram = [0; 2048];
        let (length, _) = daemon.recv_from(&mut datagram).expect("a datagram");
        let text = std::str::from_utf8(&datagram[..length]).expect("text");
        let (header, document) = text.split_once('\n').expect("two lines");
        assert_eq!(header, r#"{"format": "json", "version": 1}"#);
        let document: Json = serde_json::from_str(document).expect("JSON");
        assert_eq!(document["trace_id"], "1-67891233-abcdef012345678912345678");
        assert_eq!(document["fault"], true);
        assert_eq!(document["end_time"], 1_795_341_600.1);
    }
}

#[test]
fn a_daemon_that_is_not_there_is_nobodys_trouble() {
    for nonsense in [
        "",
        "localhost:2000",
        "tcp:127.0.0.1:2000",
        "udp:",
        "127.0.0.1",
    ] {
        assert!(Daemon::at(nonsense).is_none(), "{nonsense}");
    }
    let closed = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = closed.local_addr().expect("an address").to_string();
    drop(closed);
    let (report, gone) = (report(), Daemon::at(&address).expect("an address"));
    for _ in 0..3 {
        gone.send(&batch(&report), &source());
    }
}
