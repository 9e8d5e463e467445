//! HTTP as API Gateway hands it over (payload format 2.0), and as it wants it back.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway::Timestamp;
use causeway::trace::{RemoteParent, TraceContext};
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::Problem;

/// Longest body that is taken. Lambda hands over at most 6 MB, the body quoted as JSON text among them, so that a body
/// with very many quotation marks may be refused by Lambda before that.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// What a producer asks.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// API Gateway's id of it.
    pub id: String,
    /// The verb.
    pub method: Method,
    /// The path, decoded.
    pub path: String,
    /// What follows the path's `?`, as it was sent.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Who asks.
    pub caller: Caller,
    /// The span in which Lambda runs the function.
    pub function: Option<RemoteParent>,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Location`, where there is something to follow.
    pub location: Option<String>,
    /// `Retry-After` in seconds, where there is a time to come again.
    pub retry_after_s: Option<u64>,
    /// The body: JSON.
    pub body: String,
    /// What went to queues on the way to this answer; it is not part of it.
    pub sent: Vec<Sent>,
}

/// A message that was put on a queue, or was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The span that its lane goes on with.
    pub context: TraceContext,
    /// The request's id.
    pub request_id: String,
    /// The lane's provider.
    pub provider: String,
    /// The queue's URL.
    pub queue_url: String,
    /// When the call that carried it began.
    pub started: Timestamp,
    /// When that ended.
    pub ended: Timestamp,
    /// The code of why the queue did not take it.
    pub error: Option<&'static str>,
}

impl Request {
    /// The request in API Gateway's event; `claim` is the one by which a token lists connections.
    ///
    /// # Errors
    /// When the body's encoding is broken.
    pub fn from_event(
        event: ApiGatewayV2httpRequest,
        claim: Option<&str>,
    ) -> Result<Self, Problem> {
        let context = event.request_context;
        let body = event.body.unwrap_or_default();
        let body = if event.is_base64_encoded {
            STANDARD
                .decode(body)
                .map_err(|_| Problem::malformed("the body is not what API Gateway said it is"))?
        } else {
            body.into_bytes()
        };
        Ok(Self {
            id: context.request_id.unwrap_or_default(),
            caller: Caller::of(
                context.authorizer.as_ref(),
                context.http.source_ip.unwrap_or_default(),
                claim,
            ),
            function: None,
            method: context.http.method,
            path: decoded(&event.raw_path.unwrap_or_default()),
            query: event.raw_query_string.unwrap_or_default(),
            headers: event.headers,
            body,
        })
    }

    /// A header's value, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An HTTP API has decoded every escape of `rawPath` but that of the per cent sign itself, as the emulator has it, so
/// that a key that holds one, or an escape as text, comes through. AWS itself cuts or decodes some such paths twice:
/// [`location`](crate::follow::location) has none of them.
fn decoded(raw_path: &str) -> String {
    raw_path.replace("%25", "%")
}

impl Response {
    /// `body` as JSON.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self {
                status,
                content_type: "application/json",
                location: None,
                retry_after_s: None,
                body,
                sent: Vec::new(),
            },
            Err(_) => Problem::internal().into(),
        }
    }

    /// With `Location`.
    #[must_use]
    pub fn at(self, location: String) -> Self {
        Self {
            location: Some(location),
            ..self
        }
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status(),
            content_type: "application/problem+json",
            location: None,
            retry_after_s: None,
            body: problem.to_json(),
            sent: Vec::new(),
        }
    }
}

impl From<Response> for ApiGatewayV2httpResponse {
    fn from(response: Response) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(response.content_type),
        );
        let location = response.location.map(HeaderValue::try_from);
        if let Some(Ok(location)) = location {
            headers.insert(LOCATION, location);
        }
        if let Some(seconds) = response.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        let mut event = Self::default();
        event.status_code = response.status.as_u16().into();
        event.headers = headers;
        event.body = Some(Body::Text(response.body));
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_per_cent_sign_is_the_one_escape_that_is_left() {
        assert_eq!(decoded("/v1/requests/a/b/50%25"), "/v1/requests/a/b/50%");
        assert_eq!(decoded("/k/a%252Fb"), "/k/a%2Fb");
        assert_eq!(decoded("/k/a/b c"), "/k/a/b c");
    }

    #[test]
    fn a_body_comes_as_text_or_in_base64() {
        let event = |body: &str, encoded: bool| {
            let mut event = ApiGatewayV2httpRequest::default();
            event.body = Some(body.to_owned());
            event.is_base64_encoded = encoded;
            Request::from_event(event, None).map(|request| request.body)
        };
        assert_eq!(event("{}", false), Ok(b"{}".to_vec()));
        assert_eq!(event("e30=", true), Ok(b"{}".to_vec()));
        assert!(event("e30", true).is_err());
    }
}
