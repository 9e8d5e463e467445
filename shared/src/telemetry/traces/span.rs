//! A span: what OTLP carries, in plain words.

use crate::Timestamp;
use crate::trace::{RemoteParent, SpanId, TraceContext};

/// Links of one span that are told (the OpenTelemetry SDKs' own bound).
/// <https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits>
pub const MAX_LINKS: usize = 128;

/// What a span is in the conversation; the numbers are OTLP's.
/// <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers a request.
    Server = 2,
    /// It makes a request.
    Client = 3,
    /// It puts a message on a queue.
    Producer = 4,
    /// It takes messages from a queue.
    Consumer = 5,
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Int(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// Name and value.
pub type Attribute = (&'static str, Value);

/// Who caused a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nobody that is known: it begins its trace, or continues one whose spans it was not told.
    Nobody,
    /// A span of this process.
    Local(SpanId),
    /// Another process's span.
    Remote(SpanId),
}

impl From<RemoteParent> for Cause {
    fn from(parent: RemoteParent) -> Self {
        parent.span_id.map_or(Self::Nobody, Self::Remote)
    }
}

/// Work that took time.
#[derive(Clone, Debug)]
pub struct Span {
    /// Itself.
    pub context: TraceContext,
    /// Its parent.
    pub cause: Cause,
    /// Its part in the conversation.
    pub kind: Kind,
    /// A name of few different values.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
    /// Spans that it has to do with and that are not its parent: the first 128 are told.
    pub links: Vec<TraceContext>,
    /// Whether it failed.
    pub failed: bool,
}

/// A link to `parent`, where it names a span.
pub(super) fn link(parent: RemoteParent) -> Option<TraceContext> {
    Some(parent.child(parent.span_id?, false))
}
