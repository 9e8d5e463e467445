//! Calls over reqwest: HTTP/1.1, rustls with ring, the Mozilla roots.

use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use hyper_util::client::legacy;
use reqwest::Url;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use rustls::{ClientConfig, RootCertStore};

use super::{CallError, HttpClient};
use crate::provider::{Answer, CONNECT_TIMEOUT, MAX_ANSWER_BYTES, Wire};

/// Vendors close idle connections after a minute or more; a frozen Lambda environment cannot notice. Dropping ours
/// earlier makes it unlikely that a request meets a dead connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// After how long, and then how often, a connection without a sign of life is probed: reqwest's own.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Probes without an answer that end a connection: reqwest's own.
const KEEPALIVE_RETRIES: u32 = 3;

/// `localhost` is this machine, whatever a name server says of it: plain HTTP is allowed to it.
/// The port is the URL's own. <https://www.rfc-editor.org/rfc/rfc6761#section-6.3>
const LOCALHOST: [SocketAddr; 2] = [
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

/// Answers are read as they come, so that a small one cannot become a large one. Without the header any coding would be
/// welcome; with it all but this one are refused. <https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding>
const CODING: HeaderValue = HeaderValue::from_static("identity");

/// The client that lanes use. It keeps no cookies, inflates no bodies, and takes at most 100 headers of 400 KiB
/// together, which is hyper's default.
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    /// Connections wait for the next call.
    pooled: reqwest::Client,
    /// Each call makes one for itself.
    fresh: reqwest::Client,
}

impl ReqwestClient {
    /// A client with its own connection pool.
    ///
    /// # Errors
    /// When TLS cannot be set up, which no running system has shown.
    pub fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let tls =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
        // As many wait as calls were open at once. Both resume each other's TLS sessions: what is remembered of them is
        // shared with the configuration.
        let client = |most_idle: usize, keepalive: Option<Duration>| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(most_idle)
                .tcp_keepalive(keepalive)
                .tcp_keepalive_interval(keepalive)
                .tcp_keepalive_retries(keepalive.map(|_| KEEPALIVE_RETRIES))
                .http1_only()
                .no_proxy()
                .resolve_to_addrs("localhost", &LOCALHOST)
                .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
                .default_headers([(ACCEPT_ENCODING, CODING)].into_iter().collect())
                .build()
        };
        Ok(Self {
            pooled: client(usize::MAX, Some(KEEPALIVE))?,
            // One call needs no probes, each of which is set up by four system calls: the call's timeout ends it.
            fresh: client(0, None)?,
        })
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let address = address(base_url, &wire.path)
            .map_err(|rule| CallError::NotSent(format!("the address {rule}")))?;
        let client = if wire.fresh {
            &self.fresh
        } else {
            &self.pooled
        };
        let request = client
            .request(wire.method.clone(), address)
            .headers(wire.headers.clone())
            .body(wire.body.clone())
            .timeout(timeout)
            .build()
            .map_err(|error| CallError::NotSent(reason(&error)))?;
        let response = client
            .execute(request)
            .await
            .map_err(|error| failed(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match bounded(response).await? {
            Ok(body) => body,
            Err(reason) if status.is_success() => {
                return Err(CallError::Unreadable {
                    status: Some(status.as_u16()),
                    reason,
                });
            }
            Err(_) => Bytes::new(),
        };
        Ok(Answer {
            status: status.as_u16(),
            headers,
            body,
        })
    }
}

/// What a call without an answer means.
fn failed(error: &reqwest::Error) -> CallError {
    let hyper = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    if never_began(error) {
        CallError::NotSent(reason(error))
    } else if hyper.is_some_and(hyper::Error::is_parse_too_large) {
        CallError::Unreadable {
            status: None,
            reason: "more headers than are read".to_owned(),
        }
    } else {
        CallError::Ambiguous(reason(error))
    }
}

/// Whether hyper took the request up at all. Two errors say that it did not: one of the pool that knows no connection,
/// since none was made or it closed before it could be given the request; and a cancellation, which hyper gives to what
/// it finds waiting when a connection ends.
fn never_began(error: &reqwest::Error) -> bool {
    error.is_connect()
        || causes(error).any(|cause| {
            let pool = cause.downcast_ref::<legacy::Error>();
            let hyper = cause.downcast_ref::<hyper::Error>();
            pool.is_some_and(|pool| pool.connect_info().is_none())
                || hyper.is_some_and(hyper::Error::is_canceled)
        })
}

/// Where a call goes: whatever stands in the path, to the base URL's host, and encrypted but on this machine.
fn address(base_url: &str, path: &str) -> Result<Url, &'static str> {
    // `https://api.example.com` and `.evil.example/`, `@evil.example/` or `:1/` would make another host.
    if !path.starts_with('/') {
        return Err("must have a path that begins with /");
    }
    let url = Url::parse(&format!("{base_url}{path}")).map_err(|_| "must be a URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not name a user");
    }
    if !is_https_or_loopback(&url) {
        return Err("must be https, or http on a loopback address");
    }
    Ok(url)
}

/// Whether what is sent to `url` can be read by nobody on the way.
pub(crate) fn is_https_or_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => !host.is_empty(),
        "http" => is_loopback,
        _ => false,
    }
}

/// The body; or why it is not one that is read.
async fn bounded(mut response: reqwest::Response) -> Result<Result<Bytes, String>, CallError> {
    let is_coded = response
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(CODING.as_bytes()));
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| CallError::Ambiguous(reason(&error)))?
    {
        if is_coded && !chunk.is_empty() {
            return Ok(Err("in a coding that was not asked for".to_owned()));
        }
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Ok(Err(format!("longer than {MAX_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Ok(body.freeze()))
}

/// The error without its URL (a URL may carry a key) and its causes, outermost first.
fn reason(error: &reqwest::Error) -> String {
    let text = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connect timed out",
        (true, false) => "timed out",
        (false, true) => "connect failed",
        (false, false) => "connection broke",
    };
    causes(error).fold(text.to_owned(), |text, cause| format!("{text}: {cause}"))
}

/// What is behind an error, outermost first. It has a handful of causes; eight is the bound.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| {
        (*cause).source()
    })
    .take(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_to_another_host() {
        for path in [
            "/",
            "//evil.example/",
            "/@evil.example",
            "/?@evil.example",
            "/..//x",
        ] {
            let url = address("https://api.acme.example", path).expect("an address");
            assert_eq!(url.host_str(), Some("api.acme.example"), "{path}");
        }
        for path in [
            "",
            ".evil.example/",
            "@evil.example/",
            ":1/",
            "?a",
            "#a",
            "\\@evil",
        ] {
            assert!(address("https://api.acme.example", path).is_err(), "{path}");
        }
    }

    #[test]
    fn only_this_machine_is_called_without_encryption() {
        for good in [
            "https://api.acme.example",
            "http://127.0.0.1:8",
            "http://[::1]:8",
            "http://localhost:8",
        ] {
            assert!(address(good, "/v1").is_ok(), "{good}");
        }
        for bad in [
            "http://api.acme.example",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "http://169.254.169.254",
            "http://0.0.0.0",
            "https://ada@api.acme.example",
            "ftp://127.0.0.1",
            "file://",
            "",
        ] {
            assert!(address(bad, "/v1").is_err(), "{bad}");
        }
    }
}
