//! W3C's header: `00-<trace>-<span>-<flags>`. <https://www.w3.org/TR/trace-context/#traceparent-header>

use super::{RemoteParent, SpanId, TraceContext, TraceId};

/// Bytes of version 00, which later versions begin with.
const LENGTH: usize = 55;

/// The bit of the flags that says that the trace is recorded. The others are unknown to version 00 and are not passed
/// on, as it asks.
const SAMPLED: u8 = 1;

impl RemoteParent {
    /// Reads a `traceparent`. A later version counts as 00 with something behind it; version `ff`, upper-case digits
    /// and ids of zeros only are refused.
    #[must_use]
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let known = header.get(..LENGTH)?;
        let mut parts = known.split('-');
        let mut part = |length: usize| parts.next().filter(|part| part.len() == length);
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let version = byte(version)?;
        let rest = &header[LENGTH..];
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        if !is_whole {
            return None;
        }
        Some(Self {
            trace_id: TraceId::parse(trace)?,
            span_id: Some(SpanId::parse(span)?),
            sampled: Some(byte(flags)? & SAMPLED != 0),
        })
    }
}

impl TraceContext {
    /// The header for whom this span causes.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let flags = u8::from(self.sampled) * SAMPLED;
        format!("00-{}-{}-{flags:02x}", self.trace_id, self.span_id)
    }
}

/// Two lower-case hexadecimal digits.
fn byte(text: &str) -> Option<u8> {
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let digits = Some(text).filter(|text| text.bytes().all(is_digit))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own example.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_specifications_example_is_read_and_written() {
        let parent = RemoteParent::from_traceparent(EXAMPLE).expect("a parent");
        assert_eq!(
            parent.trace_id.to_string(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        let span = parent.span_id.expect("a span");
        assert_eq!(span.to_string(), "00f067aa0ba902b7");
        assert_eq!(parent.sampled, Some(true));
        assert_eq!(parent.child(span, false).traceparent(), EXAMPLE);
    }

    #[test]
    fn a_later_version_counts_as_ours_with_something_behind_it() {
        let ours = RemoteParent::from_traceparent(EXAMPLE);
        for later in ["cc", "01", "fe"] {
            let bare = EXAMPLE.replacen("00", later, 1);
            assert_eq!(RemoteParent::from_traceparent(&bare), ours, "{bare}");
            let longer = format!("{bare}-what-the-future-brings");
            assert_eq!(RemoteParent::from_traceparent(&longer), ours, "{longer}");
            let stuck = format!("{bare}.what");
            assert_eq!(RemoteParent::from_traceparent(&stuck), None, "{stuck}");
        }
    }

    #[test]
    fn unknown_flags_do_not_hide_the_known_one() {
        for (flags, sampled) in [("00", false), ("02", false), ("03", true), ("ff", true)] {
            let header = format!("{}{flags}", &EXAMPLE[..53]);
            let parent = RemoteParent::from_traceparent(&header).expect("a parent");
            assert_eq!(parent.sampled, Some(sampled), "{header}");
        }
    }

    #[test]
    fn what_breaks_the_rules_is_no_parent() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47-36-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(RemoteParent::from_traceparent(bad), None, "{bad}");
        }
    }
}
