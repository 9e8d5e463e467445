//! What holds of every header, ours and a stranger's.

use proptest::prelude::*;

use super::{RemoteParent, SpanId, TraceContext, TraceId};

fn contexts() -> impl Strategy<Value = TraceContext> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<bool>());
    ids.prop_filter_map("zeros are no id", |(trace, span, sampled)| {
        Some(TraceContext {
            trace_id: TraceId::new(trace)?,
            span_id: SpanId::new(span)?,
            sampled,
        })
    })
}

/// Headers with a byte or two of them changed, cut or added: nearer to the rules' edges than noise is.
fn almost(header: String) -> impl Strategy<Value = String> {
    let bytes = Just(header.into_bytes());
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3);
    (bytes, prop::collection::vec(change, 1..3)).prop_map(|(mut bytes, changes)| {
        for (at, byte, how) in changes {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            match how {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => {
                    bytes.remove(at);
                }
                _ => bytes.insert(at, byte),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #[test]
    fn what_one_program_writes_the_next_reads(context in contexts()) {
        let parent = Some(RemoteParent::from(context));
        prop_assert_eq!(RemoteParent::from_traceparent(&context.traceparent()), parent);
        prop_assert_eq!(RemoteParent::from_xray(&context.xray()), parent);
    }

    #[test]
    fn the_two_headers_say_the_same(context in contexts()) {
        let (w3c, xray) = (context.traceparent(), context.xray());
        prop_assert_eq!(
            RemoteParent::from_headers(Some(&w3c), None),
            RemoteParent::from_headers(None, Some(&xray))
        );
        prop_assert_eq!(w3c.len(), 55);
        prop_assert_eq!(xray.len(), 74);
    }

    #[test]
    fn a_strangers_header_is_read_or_refused(header in ".{0,600}") {
        let _ = RemoteParent::from_traceparent(&header);
        let _ = RemoteParent::from_xray(&header);
    }

    /// What is read of a damaged header is a parent that can be written and read again: nothing half understood.
    #[test]
    fn a_damaged_header_is_whole_or_refused(
        header in contexts().prop_flat_map(|context| {
            prop_oneof![almost(context.traceparent()), almost(context.xray())]
        }),
    ) {
        for parent in [RemoteParent::from_traceparent(&header), RemoteParent::from_xray(&header)] {
            let Some(parent) = parent else { continue };
            let context = parent.child(parent.span_id.unwrap_or(SpanId::derived("child")), false);
            prop_assert_eq!(
                RemoteParent::from_traceparent(&context.traceparent()),
                Some(context.into())
            );
            prop_assert_eq!(RemoteParent::from_xray(&context.xray()), Some(context.into()));
        }
    }
}
