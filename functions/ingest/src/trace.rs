//! The spans of one HTTP request: itself, and each message that it put on a queue. A message's span is what its lane
//! goes on with.
//!
//! A request belongs to the trace that its producer's `traceparent` names, else to Lambda's, whose sampling rules then
//! decide whether it is recorded, else to the gateway's. Names are OpenTelemetry's for HTTP servers and for messaging:
//! <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server>,
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>.

use causeway::Timestamp;
use causeway::telemetry::{Attribute, Cause, Kind, Span};
use causeway::trace::{RemoteParent, SpanId, TraceContext, TraceId};

use crate::api::{PROPOSE, PROVIDERS, REQUESTS};
use crate::http::{Request, Response, Sent};

impl Request {
    /// Who caused it.
    fn parent(&self) -> Option<RemoteParent> {
        let traceparent = self.header("traceparent");
        RemoteParent::from_headers(traceparent, None)
            .or(self.function)
            .or_else(|| RemoteParent::from_headers(None, self.header("x-amzn-trace-id")))
    }

    /// The span in which it is answered. Nobody's decision is a yes: Lambda decides wherever it traces at all.
    pub(crate) fn context(&self, now: Timestamp) -> TraceContext {
        let span_id = SpanId::derived(&format!("ingest/{}", self.id));
        match self.parent() {
            Some(parent) => parent.child(span_id, true),
            None => TraceContext {
                trace_id: TraceId::derived(now, &self.id),
                span_id,
                sampled: true,
            },
        }
    }

    /// The span in which the request `id` of its body is sent.
    pub(crate) fn send_context(&self, id: &str, now: Timestamp) -> TraceContext {
        let span_id = SpanId::derived(&format!("ingest/{}/{id}", self.id));
        self.context(now).child(span_id)
    }
}

/// The spans of `request`, which came at `started` and was answered with `response` at `ended`; none where its trace is
/// not recorded.
pub(crate) fn spans(
    request: &Request,
    response: &Response,
    started: Timestamp,
    ended: Timestamp,
) -> Vec<Span> {
    let context = request.context(started);
    if !context.sampled {
        return Vec::new();
    }
    let status = response.status.as_u16();
    let route = route(&request.path);
    let mut attributes: Vec<Attribute> = vec![
        ("http.request.method", request.method.as_str().into()),
        ("http.route", route.into()),
        ("url.scheme", "https".into()),
        // The path itself may hold an idempotency key, which is the producer's.
        ("url.path", route.into()),
        ("http.response.status_code", status.into()),
    ];
    let failed = status >= 500;
    if failed {
        attributes.push(("error.type", status.to_string().into()));
    }
    let server = Span {
        context,
        cause: request.parent().map_or(Cause::Nobody, Cause::from),
        kind: Kind::Server,
        name: format!("{} {route}", request.method),
        started,
        ended,
        attributes,
        links: Vec::new(),
        failed,
    };
    let sends = response.sent.iter().map(|sent| send(sent, context.span_id));
    std::iter::once(server).chain(sends).collect()
}

fn send(sent: &Sent, server: SpanId) -> Span {
    let queue = sent.queue_url.rsplit('/').next().unwrap_or_default();
    let mut attributes: Vec<Attribute> = vec![
        ("messaging.system", "aws_sqs".into()),
        ("messaging.operation.type", "send".into()),
        ("messaging.operation.name", "send".into()),
        ("messaging.destination.name", queue.into()),
        ("causeway.provider", sent.provider.as_str().into()),
        ("causeway.request_id", sent.request_id.as_str().into()),
    ];
    if let Some(code) = sent.error {
        attributes.push(("error.type", code.into()));
    }
    Span {
        context: sent.context,
        cause: Cause::Local(server),
        kind: Kind::Producer,
        name: format!("send {queue}"),
        started: sent.started,
        ended: sent.ended,
        attributes,
        links: Vec::new(),
        failed: sent.error.is_some(),
    }
}

/// The path's pattern: few values, whatever is asked for.
fn route(path: &str) -> &'static str {
    match path.strip_prefix(REQUESTS) {
        Some("") => REQUESTS,
        Some(rest) if rest.starts_with('/') => match rest.matches('/').count() {
            2 => "/v1/requests/{provider}/{connection}",
            _ => "/v1/requests/{provider}/{connection}/{key}",
        },
        _ if path == PROVIDERS => PROVIDERS,
        _ if path == PROPOSE => PROPOSE,
        _ => "/{path}",
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);
    const OWN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const GATEWAY: &str = "Root=1-67891233-abcdef012345678912345678";
    const FUNCTION: &str =
        "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0";

    fn request(headers: &[(&'static str, &str)], function: Option<&str>) -> Request {
        let mut request = Request {
            id: "gateway-1".into(),
            method: Method::POST,
            path: REQUESTS.into(),
            function: function.and_then(RemoteParent::from_xray),
            ..Request::default()
        };
        for (name, value) in headers {
            let value = value.parse().expect("a header");
            request.headers.insert(*name, value);
        }
        request
    }

    fn answered(request: &Request) -> (Response, Vec<Span>) {
        let sent = Sent {
            context: request.send_context("r1", NOW),
            request_id: "r1".into(),
            provider: "stripe".into(),
            queue_url: "https://sqs.test/123/causeway-StripeQueue".into(),
            started: NOW,
            ended: NOW,
            error: None,
        };
        let mut response = Response::json(StatusCode::ACCEPTED, &());
        response.sent.push(sent);
        let spans = spans(request, &response, NOW, NOW);
        (response, spans)
    }

    #[test]
    fn a_post_and_its_messages_are_in_the_producers_trace() {
        let headers = [("traceparent", OWN), ("x-amzn-trace-id", GATEWAY)];
        let (response, spans) = answered(&request(&headers, Some(FUNCTION)));
        let [server, send] = spans.as_slice() else {
            panic!("{spans:?}")
        };
        let own = RemoteParent::from_traceparent(OWN).expect("a parent");
        assert_eq!(server.context.trace_id, own.trace_id);
        assert_eq!(server.cause, own.into());
        assert_eq!(server.name, "POST /v1/requests");
        assert_eq!(send.cause, Cause::Local(server.context.span_id));
        assert_eq!(send.context, response.sent[0].context);
        assert_eq!(send.context.trace_id, own.trace_id);
        assert_ne!(send.context.span_id, server.context.span_id);
        assert_eq!(send.name, "send causeway-StripeQueue");
        assert_eq!((server.kind, send.kind), (Kind::Server, Kind::Producer));
    }

    /// Every trace that X-Ray records is billed, in every lane: without a word from the producer its rules decide.
    #[test]
    fn without_a_producers_word_lambdas_sampling_decides() {
        let headers = [("x-amzn-trace-id", GATEWAY)];
        let (response, spans) = answered(&request(&headers, Some(FUNCTION)));
        assert!(spans.is_empty() && !response.sent[0].context.sampled);
        let root = response.sent[0].context.trace_id.xray();
        assert_eq!(root, "1-67891233-abcdef012345678912345678");

        let sampled = FUNCTION.replace("Sampled=0", "Sampled=1");
        let (_, spans) = answered(&request(&headers, Some(&sampled)));
        assert_eq!(spans.len(), 2);
        for headers in [&headers[..], &[]] {
            let (_, spans) = answered(&request(headers, None));
            assert_eq!(spans.len(), 2);
        }
    }

    #[test]
    fn a_route_has_few_values() {
        for (path, expected) in [
            ("/v1/requests", "/v1/requests"),
            (
                "/v1/requests/stripe/default/ada@example.com",
                "/v1/requests/{provider}/{connection}/{key}",
            ),
            (
                "/v1/requests/stripe/default",
                "/v1/requests/{provider}/{connection}",
            ),
            ("/v1/requestsx", "/{path}"),
            ("/v1/providers", "/v1/providers"),
            ("/v1/mappings/propose", "/v1/mappings/propose"),
            ("/etc/passwd", "/{path}"),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
    }
}
