//! A call to a vendor and its answer, free of any HTTP client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Auth;
use crate::form::{self, Arrays};
use crate::request::Hash;

/// What is encoded in a path's segment or a query: all but the unreserved characters of
/// [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` as one segment of a path: whatever it holds, it stays one segment. The dots that mean a folder cannot be
/// encoded; a payload's type should not take `.` or `..` for an id.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// One request to a vendor: everything but base URL and credentials, which the lane adds.
#[derive(Clone)]
pub struct Wire {
    /// HTTP method.
    pub method: Method,
    /// The vendor's own path, from the host on, with its leading slash; `{name}` is a
    /// [`Placeholder`](super::Placeholder).
    pub path: String,
    /// Headers of this operation; fixed ones of the provider are added by the lane.
    pub headers: HeaderMap,
    /// The encoded body.
    pub body: Bytes,
    /// Whether it goes out on a connection of its own, made for it, instead of one that waited for the next call and
    /// that the vendor may be closing just then. The lane says so of calls whose ambiguous end nothing settles.
    pub fresh: bool,
    /// Where it goes, unless it goes to the provider's own base URL.
    pub host: Option<&'static Host>,
    /// What it takes from the connection's secret beside the credentials, as a pack's `[supply]` says.
    pub supplied: &'static [Auth],
}

/// Another host of a vendor, for some of its operations.
#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name in addresses that stand for the vendor's.
    pub alias: &'static str,
    /// Scheme and host, without a trailing slash.
    pub base_url: &'static str,
}

impl Wire {
    /// A request without a body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            fresh: false,
            host: None,
            supplied: &[],
        }
    }

    /// A `POST`, to be given a body by [`json`](Self::json) or [`form`](Self::form).
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `PUT`.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A `PATCH`.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// A `DELETE`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// With one more parameter in the query; `name` stands as it is, `value` is encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.add_query(name, value);
        self
    }

    pub(super) fn add_query(&mut self, name: &str, value: &str) {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        let value = utf8_percent_encode(value, ENCODED);
        self.path = format!("{}{mark}{name}={value}", self.path);
    }

    /// With `body` as JSON.
    pub fn json(self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        self.with_body("application/json; charset=utf-8", bytes)
    }

    /// With `body` as a form; `arrays` says how the vendor wants lists.
    pub fn form(self, body: &impl Serialize, arrays: Arrays) -> Self {
        self.form_each(body, |_| arrays)
    }

    /// With `body` as a form; `arrays` says how the vendor wants the lists of each top-level field.
    pub fn form_each(self, body: &impl Serialize, arrays: impl Fn(&str) -> Arrays) -> Self {
        let mut value = serde_json::to_value(body).unwrap_or_default();
        // One order of fields whatever the order of a struct's: a call that is made again has the same bytes.
        value.sort_all_objects();
        self.with_body(
            "application/x-www-form-urlencoded",
            form::encode_each(value, arrays).into_bytes(),
        )
    }

    /// With one more header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    fn with_body(mut self, media_type: &'static str, body: Vec<u8>) -> Self {
        self.body = body.into();
        self.header(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static(media_type),
        )
    }

    /// The hash of what the vendor compares when it sees an idempotency key again.
    pub fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        for part in [
            self.method.as_str().as_bytes(),
            self.path.as_bytes(),
            &self.body,
        ] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Hash::from_digest(hasher.finalize().into())
    }
}

/// Bodies hold personal data, headers and queries hold secrets: none of them is ever printed.
impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{} {path} ({} bytes)", self.method, self.body.len())
    }
}

/// A vendor's complete answer.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// The body, complete, at most [`MAX_ANSWER_BYTES`].
    pub body: Bytes,
}

/// Longest wait for name, connect and TLS together. Every operation's [timeout](super::Operation::timeout) is longer, so
/// that a connection that never comes about is told apart from an answer that never comes. A first packet that is lost
/// goes again after 1 s and after 2 s more ([RFC 6298, 2.1 and 5.5](https://www.rfc-editor.org/rfc/rfc6298#section-2)):
/// two losses leave 2 s for the rest.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Largest answer that is read: vendors' write operations answer in a few KB; 1 MiB is room for all of them
/// and keeps ten at once far below a function's memory.
pub const MAX_ANSWER_BYTES: usize = 1 << 20;

impl Answer {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as `T`, where it is JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}
