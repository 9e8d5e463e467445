//! A relay that stands before a fake: it counts calls, and it lies when told to, which proves that a checker behind
//! it looks at what it is given.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use causeway::http_client::{HttpClient, ReqwestClient};
use causeway::provider::{Answer, Wire};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::Error;

/// Fakes answer in milliseconds; this ends a call that hangs.
const CALL_MAX: Duration = Duration::from_secs(20);
/// No lane sends more than 256 KiB.
const BODY_MAX: usize = 1 << 20;
/// Headers of one connection, not of the message.
const HOP_BY_HOP: [http::HeaderName; 4] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// What is made of an answer on its way back.
#[derive(Debug, Clone)]
pub enum Lie {
    /// A field of the JSON body is left out: its pointer (RFC 6901).
    Without(&'static str),
    /// A field of the JSON body has this value, given as JSON text.
    With(&'static str, &'static str),
    /// The status is another one.
    Status(u16),
    /// The whole answer is another one, and the fake is not even asked.
    Instead(Answer),
}

/// A running relay. Dropping it closes it.
#[derive(Debug)]
pub struct Relay {
    base_url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    client: ReqwestClient,
    lie: Mutex<Option<Lie>>,
    calls: AtomicUsize,
}

impl Relay {
    /// Starts one on a free loopback port.
    ///
    /// # Errors
    /// When there is no port, or no HTTP client.
    pub async fn start(upstream: &str) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(Error::io("start a relay"))?;
        let address = listener.local_addr().map_err(Error::io("start a relay"))?;
        let client = ReqwestClient::new().map_err(|error| Error::data("the HTTP client", error))?;
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client,
            lie: Mutex::new(None),
            calls: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            base_url: format!("http://{address}"),
            shared,
            accepting,
        })
    }

    /// Its address, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Calls to a vendor's path since the last time that this was asked.
    #[must_use]
    pub fn take_calls(&self) -> usize {
        self.shared.calls.swap(0, Ordering::Relaxed)
    }

    /// From now on every answer is changed so; by `None` no longer.
    pub fn lie(&self, lie: Option<Lie>) {
        *self.shared.lie() = lie;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn lie(&self) -> std::sync::MutexGuard<'_, Option<Lie>> {
        self.lie.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(relay(request, &shared).await) }
    });
    // A broken connection is the caller's affair: it sees it.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn relay(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let is_control = path.starts_with("/_control/");
    let mut wire = Wire::new(parts.method, path);
    wire.headers = end_to_end(parts.headers);
    wire.body = body.to_bytes();
    let lie = shared.lie().clone().filter(|_| !is_control);
    if !is_control {
        shared.calls.fetch_add(1, Ordering::Relaxed);
    }
    let answer = match lie {
        Some(Lie::Instead(answer)) => answer,
        lie => {
            let answer = shared.client.call(&shared.upstream, &wire, CALL_MAX).await;
            let Ok(mut answer) = answer else {
                return plain(StatusCode::BAD_GATEWAY);
            };
            if let Some(lie) = &lie {
                tell(lie, &mut answer);
            }
            answer
        }
    };
    let mut response = Response::new(Full::new(answer.body));
    *response.headers_mut() = end_to_end(answer.headers);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    response
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}

fn tell(lie: &Lie, answer: &mut Answer) {
    match lie {
        Lie::Status(status) => answer.status = *status,
        Lie::Instead(other) => answer.clone_from(other),
        Lie::Without(pointer) => change(answer, |body| remove(body, pointer)),
        Lie::With(pointer, text) => change(answer, |body| {
            if let Some(place) = body.pointer_mut(pointer) {
                *place = serde_json::from_str(text).unwrap_or(Value::Null);
            }
        }),
    }
}

/// A body that is no JSON stays as it is.
fn change(answer: &mut Answer, how: impl FnOnce(&mut Value)) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
        return;
    };
    how(&mut body);
    answer.body = body.to_string().into();
}

fn remove(body: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(fields)) = body.pointer_mut(parent) {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_fakes::Server;

    async fn create(base_url: &str) -> Answer {
        let wire = Wire::post("/stripe/v1/customers").header(
            header::AUTHORIZATION,
            http::HeaderValue::from_static("Bearer sk_test_1"),
        );
        let client = ReqwestClient::new().expect("a client");
        client
            .call(base_url, &wire, CALL_MAX)
            .await
            .expect("an answer")
    }

    #[tokio::test]
    async fn answers_pass_unchanged_until_a_lie_is_told() {
        let fakes = Server::start(([127, 0, 0, 1], 0).into()).await;
        let fakes = fakes.expect("a free port");
        let relay = Relay::start(fakes.base_url()).await.expect("a free port");
        let object = |answer: &Answer| answer.json::<Value>().map(|body| body["object"].clone());

        let honest = create(relay.base_url()).await;
        assert_eq!(
            (honest.status, object(&honest)),
            (200, Some("customer".into()))
        );
        assert!(honest.header("request-id").is_some());

        for (lie, status, seen) in [
            (Lie::Without("/object"), 200, Value::Null),
            (Lie::With("/object", "7"), 200, 7.into()),
            (Lie::Status(418), 418, "customer".into()),
        ] {
            relay.lie(Some(lie));
            let answer = create(relay.base_url()).await;
            assert_eq!((answer.status, object(&answer)), (status, Some(seen)));
        }
        assert_eq!(relay.take_calls(), 4);
        assert_eq!(fakes.calls().len(), 4);
    }
}
