//! Spans as OTLP/JSON: ids in hexadecimal digits, 64-bit numbers as text, enumerations as numbers.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use serde_json::{Value as Json, json};

use super::Source;
use super::span::{Attribute, Cause, MAX_LINKS, Span, Value};
use crate::Timestamp;
use crate::trace::TraceContext;

/// Bytes of spans in one export. A span has about 1 KB and 150 bytes a link; collectors take 20 MiB by default
/// (<https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/confighttp/README.md>), and an
/// invocation should not spend its time on more than this.
const MAX_BYTES: usize = 512 * 1024;

/// OTLP's status code of a span that failed.
const FAILED: u8 = 2;

/// Of a span's flags, the lowest 8 bits are W3C's; these two say that it is known whether the other side is another
/// process, and that it is.
const REMOTE_KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

/// The body of an export of `spans`: as many as [`MAX_BYTES`] hold, from the first on.
pub(super) fn body(spans: &[Span], source: &Source) -> String {
    let mut texts: Vec<String> = Vec::with_capacity(spans.len());
    let mut bytes = 0;
    for span in spans {
        let text = encode(span).to_string();
        bytes += text.len() + 1;
        if bytes > MAX_BYTES {
            break;
        }
        texts.push(text);
    }
    let resource = json!({ "attributes": attributes(&source.resource()) });
    let scope = json!({"name": "causeway", "version": env!("CARGO_PKG_VERSION")});
    format!(
        r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"scope":{scope},"spans":[{}]}}]}}]}}"#,
        texts.join(",")
    )
}

fn encode(span: &Span) -> Json {
    let links: Vec<Json> = span.links.iter().take(MAX_LINKS).map(link).collect();
    let mut json = json!({
        "traceId": span.context.trace_id.to_string(),
        "spanId": span.context.span_id.to_string(),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": nanos(span.started),
        "endTimeUnixNano": nanos(span.ended.max(span.started)),
        "attributes": attributes(&span.attributes),
        "links": links,
        "droppedLinksCount": span.links.len().saturating_sub(MAX_LINKS),
    });
    let (parent, remote) = match span.cause {
        Cause::Nobody => (None, 0),
        Cause::Local(parent) => (Some(parent), REMOTE_KNOWN),
        Cause::Remote(parent) => (Some(parent), REMOTE_KNOWN | REMOTE),
    };
    if let Some(parent) = parent {
        json["parentSpanId"] = parent.to_string().into();
    }
    json["flags"] = (u32::from(span.context.sampled) | remote).into();
    if span.failed {
        json["status"] = json!({ "code": FAILED });
    }
    json
}

fn link(to: &TraceContext) -> Json {
    json!({
        "traceId": to.trace_id.to_string(),
        "spanId": to.span_id.to_string(),
        "flags": u32::from(to.sampled),
    })
}

fn attributes(attributes: &[Attribute]) -> Vec<Json> {
    let encode = |(key, value): &Attribute| match value {
        Value::Text(text) => json!({"key": key, "value": {"stringValue": text}}),
        Value::Int(number) => json!({"key": key, "value": {"intValue": number.to_string()}}),
    };
    attributes.iter().map(encode).collect()
}

fn nanos(at: Timestamp) -> String {
    (i128::from(at.as_millis()) * 1_000_000).to_string()
}
