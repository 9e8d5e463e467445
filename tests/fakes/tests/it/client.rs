//! A client that sees what a lane sees: a status, headers and a JSON body, or a broken connection.

use bytes::Bytes;
use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Outage};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn error(&self, field: &str) -> &str {
        self.body["error"][field].as_str().unwrap_or_default()
    }
}

/// A server on a free port.
pub async fn server() -> Server {
    let addr = "127.0.0.1:0".parse().expect("an address");
    Server::start(addr).await.expect("a free port")
}

/// Makes one call; `None` when the connection ends without an answer.
pub async fn call(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let uri = format!("{}{path}", server.base_url());
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a request");
    // A client of its own for each call: no pooled connection hides or repeats a lost one.
    let response = Client::builder(TokioExecutor::new())
        .build_http()
        .request(request)
        .await
        .ok()?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let body = serde_json::from_slice(&body).expect("JSON");
    Some(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}

/// Starts an outage without an end.
pub fn outage(server: &Server, provider: &str, fault: Fault) {
    let outage = Outage {
        provider: provider.into(),
        faults: vec![fault],
        for_ms: None,
        seed: 1,
    };
    server.put_outage(outage).expect("a valid outage");
}
