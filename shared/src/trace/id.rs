//! Ids of traces and spans: never all zero, which both headers keep for "none".

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Timestamp;

/// A trace's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// A span's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// `bytes` as an id; none where all are zero.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// The id of a trace that starts at `now`, made from `unique`, a text that is nobody else's. It starts with the
    /// second, by which X-Ray files it.
    /// <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>
    #[must_use]
    pub fn derived(now: Timestamp, unique: &str) -> Self {
        let mut bytes = [0; 16];
        let second = u32::try_from(now.as_millis() / 1000).unwrap_or_default();
        bytes[..4].copy_from_slice(&second.to_be_bytes());
        bytes[4..].copy_from_slice(&hash::<12>("trace", unique));
        Self(bytes)
    }

    /// 32 lower-case hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::new(bytes(text)?)
    }

    /// X-Ray's spelling: `1-<8 digits>-<24 digits>`.
    #[must_use]
    pub fn xray(&self) -> String {
        let digits = self.to_string();
        let (second, rest) = digits.split_at(8);
        format!("1-{second}-{rest}")
    }
}

impl SpanId {
    /// `bytes` as an id; none where all are zero.
    #[must_use]
    pub fn new(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// The id of the span that `unique` names, a text that is no other span's. The same text gives the same id, so that
    /// a run can be repeated.
    #[must_use]
    pub fn derived(unique: &str) -> Self {
        Self(hash("span", unique))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::new(bytes(text)?)
    }
}

/// The first `N` bytes of a hash, and never zeros only.
fn hash<const N: usize>(kind: &str, unique: &str) -> [u8; N] {
    let digest = Sha256::new()
        .chain_update(kind)
        .chain_update([0])
        .chain_update(unique)
        .finalize();
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes[N - 1] |= u8::from(bytes == [0; N]);
    bytes
}

/// Lower-case hexadecimal digits as `N` bytes.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let is_digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 2 * N || !digits.iter().all(is_digit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn print(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, &self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, &self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, &self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_trace_starts_with_the_second_it_began_in() {
        let now = Timestamp::from_millis(1_465_510_280_999);
        let id = TraceId::derived(now, "somebody");
        assert!(id.to_string().starts_with("5759e988"), "{id}");
        assert!(id.xray().starts_with("1-5759e988-"), "{}", id.xray());
        assert_eq!(id.xray().len(), 35);
        assert_ne!(id, TraceId::derived(now, "somebody else"));
        assert_eq!(id, TraceId::derived(now, "somebody"));
    }

    #[test]
    fn a_span_and_a_trace_of_one_name_share_no_bytes() {
        let trace = TraceId::derived(Timestamp::default(), "x").to_string();
        assert!(!trace.contains(&SpanId::derived("x").to_string()));
    }

    #[test]
    fn zeros_are_no_id() {
        assert_eq!(TraceId::new([0; 16]), None);
        assert_eq!(SpanId::new([0; 8]), None);
        assert_eq!(SpanId::parse("0000000000000000"), None);
    }
}
