//! X-Ray's view of a call to the vendor: a subsegment of the function's segment, sent to the daemon that Lambda runs
//! beside every function with active tracing. One datagram a call, nobody waits for anything.
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::Source;
use super::batch::{Batch, MAX_SPANS};
use crate::pipeline::VendorCall;

/// What stands before each document.
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon>
const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";

/// Largest document that X-Ray takes; a datagram holds little more.
const MAX_BYTES: usize = 64_000;

/// The daemon.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    /// Opened by the first call that is sampled.
    socket: OnceLock<Option<UdpSocket>>,
}

impl Daemon {
    /// The daemon that `AWS_XRAY_DAEMON_ADDRESS` names: `ip:port`, or `tcp:ip:port udp:ip:port`. None where it names no
    /// address: looking up a name would make the function wait.
    #[must_use]
    pub fn at(variable: &str) -> Option<Self> {
        let mut words = variable.split_ascii_whitespace();
        let named = words.clone().find_map(|word| word.strip_prefix("udp:"));
        let address = named.or_else(|| words.next())?.parse().ok()?;
        Some(Self {
            address,
            socket: OnceLock::new(),
        })
    }

    /// Sends the batch's calls, where Lambda samples the invocation. What the system does not take at once is lost.
    pub fn send(&self, batch: &Batch<'_>, source: &Source) {
        let documents = subsegments(batch, source);
        if documents.is_empty() {
            return;
        }
        let Some(socket) = self.socket.get_or_init(|| self.open().ok()) else {
            return;
        };
        for document in documents {
            let datagram = format!("{HEADER}{document}");
            // The daemon may be gone or slow: a trace is no reason to wait or to fail.
            let _ = socket.send_to(datagram.as_bytes(), self.address);
        }
    }

    fn open(&self) -> std::io::Result<UdpSocket> {
        let any: SocketAddr = match self.address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// The documents of the batch's calls; none where the invocation is not sampled.
pub(super) fn subsegments(batch: &Batch<'_>, source: &Source) -> Vec<String> {
    let Some((function, parent)) = batch
        .function
        .filter(|function| function.sampled == Some(true))
        .and_then(|function| Some((function, function.span_id?)))
    else {
        return Vec::new();
    };
    let calls = batch.report.calls.iter().enumerate().take(MAX_SPANS);
    let documents = calls.map(|(nth, call)| {
        let mut document = json!({
            "type": "subsegment",
            "id": batch.call_id(source, nth).to_string(),
            "trace_id": function.trace_id.xray(),
            "parent_id": parent.to_string(),
            "namespace": "remote",
            // A provider's name keeps to the letters that X-Ray takes.
            "name": source.provider,
            "start_time": seconds(call.started.as_millis()),
            "end_time": seconds((call.started + call.latency).as_millis()),
            "http": {"request": {"method": call.method.as_str(), "url": call.url}},
            "annotations": {"provider": source.provider, "operation": call.operation},
        });
        if let Ok(status) = call.answer {
            document["http"]["response"] = json!({ "status": status });
        }
        for flag in flags(call) {
            document[flag] = Value::Bool(true);
        }
        document.to_string()
    });
    documents
        .filter(|document| document.len() <= MAX_BYTES)
        .collect()
}

/// X-Ray's words for how a call failed: `error` for ours (4xx), with `throttle` for 429; `fault` for theirs.
fn flags(call: &VendorCall) -> &'static [&'static str] {
    match call.answer {
        _ if call.throttled => &["error", "throttle"],
        Ok(429) => &["error", "throttle"],
        Ok(400..500) => &["error"],
        Ok(500..) | Err(_) => &["fault"],
        Ok(_) => &[],
    }
}

/// Seconds of the epoch, to the millisecond.
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
