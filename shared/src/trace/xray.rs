//! X-Ray's header: `Root=1-<8 digits>-<24 digits>;Parent=<16 digits>;Sampled=1`, in any order, with other fields
//! beside them. <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use super::{RemoteParent, SpanId, TraceContext, TraceId};

/// Longest header that is looked at: ours has 74 bytes, and AWS adds `Self` and `Lineage` of as many.
const MAX_LENGTH: usize = 512;

impl RemoteParent {
    /// Reads an `X-Amzn-Trace-Id` or `AWSTraceHeader`. Only the root is needed; `Sampled=?` leaves the decision open;
    /// fields of other names (`Self`, `Lineage`) are passed over. A header that says one thing twice is refused, and
    /// so is one whose parent is no span's id.
    #[must_use]
    pub fn from_xray(header: &str) -> Option<Self> {
        if header.len() > MAX_LENGTH {
            return None;
        }
        let (mut root, mut parent, mut sampled) = (None, None, None);
        for field in header.split(';') {
            let Some((name, value)) = field.split_once('=') else {
                continue;
            };
            let seen = match name.trim() {
                "Root" => root.replace(value.trim()),
                "Parent" => parent.replace(value.trim()),
                "Sampled" => sampled.replace(value.trim()),
                _ => None,
            };
            if seen.is_some() {
                return None;
            }
        }
        let span_id = match parent {
            Some(parent) => Some(SpanId::parse(&parent.to_ascii_lowercase())?),
            None => None,
        };
        Some(Self {
            trace_id: trace_id(root?)?,
            span_id,
            sampled: match sampled {
                Some("1") => Some(true),
                Some("0") => Some(false),
                _ => None,
            },
        })
    }
}

impl TraceContext {
    /// The header for whom this span causes.
    #[must_use]
    pub fn xray(&self) -> String {
        let (root, sampled) = (self.trace_id.xray(), u8::from(self.sampled));
        format!("Root={root};Parent={};Sampled={sampled}", self.span_id)
    }
}

fn trace_id(root: &str) -> Option<TraceId> {
    let (second, rest) = root.strip_prefix("1-")?.split_once('-')?;
    if second.len() != 8 {
        return None;
    }
    TraceId::parse(&format!("{second}{rest}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_header_is_read_and_written() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        for more in ["", ";Lineage=1:a87bd80c:0", ";Self=1-67891234-abc;Custom=x"] {
            let parent = RemoteParent::from_xray(&format!("{header}{more}")).expect("a parent");
            let span = parent.span_id.expect("a span");
            assert_eq!(parent.child(span, false).xray(), header);
        }
    }

    #[test]
    fn a_root_alone_leaves_the_decision_open() {
        for header in [
            "Root=1-5759e988-bd862e3fe1be46a994272793",
            "Sampled=?; Root=1-5759E988-BD862E3FE1BE46A994272793",
        ] {
            let parent = RemoteParent::from_xray(header).expect("a parent");
            assert_eq!((parent.span_id, parent.sampled), (None, None), "{header}");
            let span = SpanId::derived("mine");
            assert!(parent.child(span, true).sampled);
            assert!(!parent.child(span, false).sampled);
        }
    }

    #[test]
    fn what_breaks_the_rules_is_no_parent() {
        let long = format!(
            "Root=1-5759e988-bd862e3fe1be46a994272793;Custom={}",
            "x".repeat(MAX_LENGTH)
        );
        for bad in [
            "",
            "Root",
            "Root=",
            "Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e98-8bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-5759e988-bd862e3fe1be46a994272793-",
            "Root=1-00000000-000000000000000000000000",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000000",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Root=1-5759e988-bd862e3fe1be46a994272794",
            "Root=1-5759e988-bd862e3fe1be46a9942727é",
            &long,
        ] {
            assert_eq!(RemoteParent::from_xray(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_producers_own_trace_wins_over_the_gateways() {
        let own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let gateways = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let of = |own, gateways| {
            let parent = RemoteParent::from_headers(own, gateways)?;
            Some(parent.trace_id.to_string())
        };
        let both = of(Some(own), Some(gateways));
        assert_eq!(both.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        let broken = of(Some("01-nonsense"), Some(gateways));
        assert_eq!(broken.as_deref(), Some("5759e988bd862e3fe1be46a994272793"));
        assert_eq!(of(None, None), None);
    }
}
