//! The spans of a batch: one for itself, one for each call to the vendor.
//!
//! A call that carries one message continues the message's own trace, so that one trace leads from the producer to the
//! vendor; it is linked to the batch. A call of several is a child of the batch and linked to each message. Names are
//! OpenTelemetry's for HTTP clients and for messaging:
//! <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span>,
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>.
//!
//! Who is recorded is the producer's decision: a message whose trace is not recorded adds no spans, and one without a
//! decision is recorded.
//!
//! The vendor gets no `traceparent`: none of the vendors here continues a trace of ours, some sign the headers they
//! get, and what goes to a vendor should be the vendor's business only.

use super::Source;
use super::span::{Attribute, Cause, Kind, Span, link};
use crate::Timestamp;
use crate::pipeline::{Purpose, Report, VendorCall};
use crate::trace::{RemoteParent, SpanId, TraceContext, TraceId};

/// Spans of one batch that are told. A batch of ten messages makes a few dozen calls at most; a batching window may
/// bring thousands of messages, and an export must have a bound.
pub(super) const MAX_SPANS: usize = 512;

/// One invocation, as its spans see it.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The invocation's id.
    pub invocation_id: &'a str,
    /// The span in which Lambda runs the function.
    pub function: Option<RemoteParent>,
    /// What it came to.
    pub report: &'a Report,
    /// When it ended.
    pub ended: Timestamp,
}

impl Batch<'_> {
    /// The span of the `nth` call to the vendor. X-Ray and OTLP know it by the same id.
    pub(super) fn call_id(&self, source: &Source, nth: usize) -> SpanId {
        SpanId::derived(&format!(
            "{}/{}/{nth}",
            source.environment, self.invocation_id
        ))
    }

    /// Its spans, its own first; none where nobody wants them.
    #[must_use]
    pub fn spans(&self, source: &Source) -> Vec<Span> {
        let wanted =
            |trace: Option<RemoteParent>| trace.and_then(|trace| trace.sampled).unwrap_or(true);
        if !self.report.entries.iter().any(|entry| wanted(entry.trace)) {
            return Vec::new();
        }
        let context = self.context(source);
        let calls = self.report.calls.iter().enumerate();
        let calls = calls.filter(|(_, call)| call.carried.iter().any(|it| wanted(it.trace)));
        let calls = calls.map(|(nth, call)| {
            let id = self.call_id(source, nth);
            of_call(call, id, context, source)
        });
        let mut spans = vec![self.own(context, source)];
        spans.extend(calls.take(MAX_SPANS - 1));
        spans
    }

    /// Its own span: in Lambda's trace, or in one of its own where Lambda names none.
    fn context(&self, source: &Source) -> TraceContext {
        let unique = format!("{}/{}", source.environment, self.invocation_id);
        let span_id = SpanId::derived(&unique);
        match self.function {
            // Who asked for its spans was a producer: that Lambda does not sample its own segment is another matter.
            Some(function) => TraceContext {
                sampled: true,
                ..function.child(span_id, true)
            },
            None => TraceContext {
                trace_id: TraceId::derived(self.report.started, &unique),
                span_id,
                sampled: true,
            },
        }
    }

    fn own(&self, context: TraceContext, source: &Source) -> Span {
        let entries = &self.report.entries;
        let messages = entries.iter().filter_map(|entry| link(entry.trace?));
        Span {
            context,
            cause: self.function.map_or(Cause::Nobody, Cause::from),
            kind: Kind::Consumer,
            name: format!("process {}", source.queue),
            started: self.report.started,
            ended: self.ended,
            attributes: vec![
                ("messaging.system", "aws_sqs".into()),
                ("messaging.operation.type", "process".into()),
                ("messaging.operation.name", "process".into()),
                ("messaging.destination.name", source.queue.as_str().into()),
                ("messaging.batch.message_count", entries.len().into()),
                ("faas.invocation_id", self.invocation_id.into()),
                ("causeway.provider", source.provider.into()),
            ],
            links: messages.collect(),
            failed: false,
        }
    }
}

fn of_call(call: &VendorCall, id: SpanId, batch: TraceContext, source: &Source) -> Span {
    let alone = match call.carried.as_slice() {
        [only] => only.trace,
        _ => None,
    };
    let (context, cause, links) = match alone {
        Some(message) => (message.child(id, true), message.into(), vec![batch]),
        None => {
            let messages = call.carried.iter().filter_map(|it| link(it.trace?));
            let cause = Cause::Local(batch.span_id);
            (batch.child(id), cause, messages.collect())
        }
    };
    Span {
        context,
        cause,
        kind: Kind::Client,
        name: format!("{} {}", call.method, call.operation),
        started: call.started,
        ended: call.started + call.latency,
        attributes: attributes(call, source),
        links,
        failed: error_type(call).is_some(),
    }
}

fn attributes(call: &VendorCall, source: &Source) -> Vec<Attribute> {
    let (address, port) = server(&call.url);
    let mut attributes: Vec<Attribute> = vec![
        ("http.request.method", call.method.as_str().into()),
        ("url.full", call.url.as_str().into()),
        ("server.address", address.into()),
        ("causeway.provider", source.provider.into()),
        ("causeway.operation", call.operation.into()),
    ];
    attributes.extend(port.map(|port| ("server.port", port.into())));
    if let Ok(status) = call.answer {
        attributes.push(("http.response.status_code", status.into()));
    }
    attributes.extend(error_type(call).map(|error| ("error.type", error.into())));
    if call.purpose == Purpose::LookUp {
        attributes.push(("causeway.purpose", "look_up".into()));
    }
    match call.carried.as_slice() {
        [only] => attributes.push(("messaging.message.id", only.message_id.as_str().into())),
        several => attributes.push(("messaging.batch.message_count", several.len().into())),
    }
    attributes
}

/// OpenTelemetry's `error.type`: the status of an answer that is an error, the code of why there was none, or
/// `throttled` for a refusal that the status hides.
fn error_type(call: &VendorCall) -> Option<String> {
    match call.answer {
        Ok(status @ 400..) => Some(status.to_string()),
        Ok(_) if call.throttled => Some("throttled".to_owned()),
        Ok(_) => None,
        Err(code) => Some(code.to_owned()),
    }
}

/// Host and port of an address, as far as it names them. It may hold placeholders, which no URL parser takes.
fn server(url: &str) -> (&str, Option<u16>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let default = match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_server() {
        for (url, expected) in [
            (
                "https://api.acme.example/v1",
                ("api.acme.example", Some(443)),
            ),
            ("http://127.0.0.1:8080/acme/v1", ("127.0.0.1", Some(8080))),
            ("http://[::1]/acme", ("[::1]", Some(80))),
            ("http://[::1]:81/acme", ("[::1]", Some(81))),
            (
                "https://{shop}.acme.example",
                ("{shop}.acme.example", Some(443)),
            ),
            ("nonsense", ("nonsense", None)),
        ] {
            assert_eq!(server(url), expected, "{url}");
        }
    }
}
