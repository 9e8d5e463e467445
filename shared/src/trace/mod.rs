//! Where a request stands in its trace: ids, and the two headers that carry them from program to program.
//!
//! W3C's `traceparent` comes from producers, `X-Amzn-Trace-Id` (X-Ray's) from AWS; SQS carries the latter beside a
//! message as `AWSTraceHeader`. Both name the same three things: a trace of 16 bytes, the span of 8 bytes that caused
//! this message, and whether the trace is recorded. X-Ray cuts the trace's id in two: the first 4 bytes, seconds of the
//! epoch in ids that AWS makes, and the other 12.

mod id;
mod traceparent;
mod xray;

#[cfg(test)]
mod properties;

pub use id::{SpanId, TraceId};

/// A span of ours: what is passed on to whoever we cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// What somebody's header says of the span that caused us. API Gateway names the trace alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteParent {
    /// The trace.
    pub trace_id: TraceId,
    /// The span, where it is named.
    pub span_id: Option<SpanId>,
    /// Whether the trace is recorded; `None`, nobody has decided yet.
    pub sampled: Option<bool>,
}

impl TraceContext {
    /// A span that this one causes.
    #[must_use]
    pub const fn child(self, span_id: SpanId) -> Self {
        Self { span_id, ..self }
    }
}

impl RemoteParent {
    /// What an HTTP request's headers say: a producer's own `traceparent` wins over the `X-Amzn-Trace-Id` that AWS
    /// adds to every request. A header that breaks its rules counts as absent: both specifications start a new trace.
    #[must_use]
    pub fn from_headers(traceparent: Option<&str>, xray: Option<&str>) -> Option<Self> {
        let traceparent = traceparent.and_then(Self::from_traceparent);
        traceparent.or_else(|| xray.and_then(Self::from_xray))
    }

    /// The span that it causes; `sample` decides where nobody has.
    #[must_use]
    pub fn child(self, span_id: SpanId, sample: bool) -> TraceContext {
        TraceContext {
            trace_id: self.trace_id,
            span_id,
            sampled: self.sampled.unwrap_or(sample),
        }
    }
}

impl From<TraceContext> for RemoteParent {
    fn from(context: TraceContext) -> Self {
        Self {
            trace_id: context.trace_id,
            span_id: Some(context.span_id),
            sampled: Some(context.sampled),
        }
    }
}
