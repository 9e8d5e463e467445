//! Sends spans to a collector: once an invocation, before it is answered, since what an environment does after that may
//! never be done.
//!
//! A collector that fails costs a lane little: one try of at most [`TIMEOUT`], then [`REST`] without any. Spans are lost
//! then, and nothing else.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};

use crate::Timestamp;
use crate::http_client::{HttpClient, is_https_or_loopback};
use crate::provider::Wire;

/// Longest export: a collector stands beside the function or in its region, and every message of the batch waits.
pub const TIMEOUT: Duration = Duration::from_secs(1);

/// What is left of an invocation's time after an export, for the answer itself.
const ANSWER_RESERVE: Duration = Duration::from_millis(500);

/// How long a collector that failed is left alone, and its failures are not logged again.
pub const REST: Duration = Duration::from_secs(60);

/// Headers that are taken from the environment.
const MAX_HEADERS: usize = 16;

/// Where spans go by the OpenTelemetry variables that name it.
pub struct Exporter {
    http: Arc<dyn HttpClient>,
    base_url: String,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    resting_until: Mutex<Timestamp>,
}

/// What is wrong with an OpenTelemetry variable. Its text never quotes the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExporterError {
    /// The endpoint is no address that spans may go to.
    #[error(
        "OTEL_EXPORTER_OTLP_ENDPOINT: must be an https:// URL, or an http:// URL to a loopback address, without a query"
    )]
    Endpoint,
    /// The headers are no list of `name=value`.
    #[error(
        "OTEL_EXPORTER_OTLP_HEADERS: must be at most {MAX_HEADERS} of name=value, separated by commas, values percent-encoded"
    )]
    Headers,
}

impl Exporter {
    /// An exporter to `endpoint` (`OTEL_EXPORTER_OTLP_ENDPOINT`: the collector's base, `/v1/traces` is added) with
    /// `headers` (`OTEL_EXPORTER_OTLP_HEADERS`) on each export.
    /// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>
    ///
    /// # Errors
    /// When one of the two breaks its rule.
    pub fn new(
        http: Arc<dyn HttpClient>,
        endpoint: &str,
        headers: &str,
    ) -> Result<Self, ExporterError> {
        let url = reqwest::Url::parse(endpoint).map_err(|_| ExporterError::Endpoint)?;
        let is_bare =
            url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !is_bare || url.password().is_some() || !is_https_or_loopback(&url) {
            return Err(ExporterError::Endpoint);
        }
        Ok(Self {
            http,
            base_url: url.origin().ascii_serialization(),
            path: format!("{}/v1/traces", url.path().trim_end_matches('/')),
            headers: read_headers(headers).ok_or(ExporterError::Headers)?,
            resting_until: Mutex::default(),
        })
    }

    /// Whether there is no use in trying `now`.
    pub fn is_resting(&self, now: Timestamp) -> bool {
        now < *self
            .resting_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `body`, within what is left until `deadline`. A failure is logged and forgotten.
    pub async fn export(&self, body: String, now: Timestamp, deadline: Timestamp) {
        let timeout = TIMEOUT.min((deadline - ANSWER_RESERVE).since(now));
        if timeout.is_zero() || self.is_resting(now) {
            return;
        }
        let mut wire = Wire::post(self.path.clone());
        wire.body = body.into();
        let json = HeaderValue::from_static("application/json");
        wire.headers.insert(header::CONTENT_TYPE, json);
        // A frozen environment cannot tell that a kept connection has died.
        let close = HeaderValue::from_static("close");
        wire.headers.insert(header::CONNECTION, close);
        wire.headers.extend(self.headers.iter().cloned());
        let failure = match self.http.call(&self.base_url, &wire, timeout).await {
            Ok(answer) if (200..300).contains(&answer.status) => return,
            Ok(answer) => format!("the collector answered {}", answer.status),
            Err(error) => error.to_string(),
        };
        *self
            .resting_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = now + REST;
        tracing::warn!(
            error = failure,
            "spans could not be exported; none are for a minute"
        );
    }
}

impl fmt::Debug for Exporter {
    /// Headers may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exporter to {}{}", self.base_url, self.path)
    }
}

/// `name=value,name=value` with percent-encoded values.
fn read_headers(text: &str) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let mut headers = Vec::new();
    for pair in pairs {
        let (name, value) = pair.split_once('=')?;
        let value = percent_encoding::percent_decode_str(value.trim());
        let mut value = HeaderValue::from_str(&value.decode_utf8().ok()?).ok()?;
        value.set_sensitive(true);
        headers.push((name.trim().parse().ok()?, value));
        if headers.len() > MAX_HEADERS {
            return None;
        }
    }
    Some(headers)
}
