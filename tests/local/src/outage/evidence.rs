//! What the run left behind: in the function's log, the ledger, the queues and the vendor's journal.

use causeway::Timestamp;
use causeway_fakes::journal::ProviderReport;
use serde_json::Value;

use super::watch::Watched;
use super::{LANE, PROVIDER};
use crate::demo::{DemoError, Field, depth, scan};

/// One message as a function received it.
#[derive(Clone, Debug)]
pub(super) struct Receive {
    /// When the lane was done with it.
    pub at: Timestamp,
    /// The message.
    pub message_id: String,
}

/// One batch: one call of the function.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// When the lane was done with it.
    pub at: Timestamp,
    /// What of it was delivered.
    pub delivered: u64,
}

/// Everything that the judgement goes by.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// What was seen while it ran.
    pub watched: Watched,
    /// Every receive that the function logged.
    pub receives: Vec<Receive>,
    /// Every call of the function, by its metrics.
    pub batches: Vec<Batch>,
    /// Calls of the function, by the log's own lines.
    pub calls_started: usize,
    /// Requests that the ledger has completed.
    pub completed: u64,
    /// Attempts that the ledger counted, all requests together.
    pub attempts: u64,
    /// Messages in the dead-letter queue.
    pub letters: usize,
    /// What the vendor has seen.
    pub vendor: ProviderReport,
    /// Event source updates that the gatekeeper made, of all lanes.
    pub updates: usize,
}

pub(super) async fn gather(field: &Field<'_>, watched: Watched) -> Result<Evidence, DemoError> {
    let mut evidence = Evidence {
        watched,
        vendor: field
            .fakes
            .journal()
            .providers
            .remove(PROVIDER)
            .unwrap_or_default(),
        ..Evidence::default()
    };
    let function = field.stack.output(&format!("{LANE}FunctionName"))?;
    for line in field.stack.logs(function).await? {
        evidence.read(&line);
    }
    let gatekeeper = field.stack.output("GatekeeperFunctionName")?;
    let lines = field.stack.logs(gatekeeper).await?;
    evidence.updates = lines
        .iter()
        .filter(|line| line.contains("\"event source set\""))
        .count();
    for item in scan(field, &field.requests_table).await? {
        let number = |name: &str| {
            let value = item.get(name).and_then(|value| value.as_n().ok());
            value.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
        };
        let status = item.get("status").and_then(|value| value.as_s().ok());
        evidence.completed += u64::from(status.is_some_and(|status| status == "COMPLETED"));
        evidence.attempts += number("attempts");
    }
    for lane in &field.lanes {
        let letters = depth(field, &lane.dlq_url).await?;
        evidence.letters += letters.ready + letters.hidden;
    }
    Ok(evidence)
}

impl Evidence {
    fn read(&mut self, line: &str) {
        let line = line.trim();
        if line.starts_with("START ") {
            self.calls_started += 1;
        }
        let Ok(entry) = serde_json::from_str::<Value>(line) else {
            return;
        };
        if let Some(ms) = entry["_aws"]["Timestamp"].as_i64() {
            self.batches.push(Batch {
                at: Timestamp::from_millis(ms),
                delivered: entry["Delivered"].as_u64().unwrap_or(0),
            });
        }
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let ends_a_record = entry.get("outcome").is_some();
        if let (true, Ok(at)) = (ends_a_record, Timestamp::parse_rfc3339(&text("timestamp"))) {
            self.receives.push(Receive {
                at,
                message_id: text("message_id"),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_calls_batches_and_receives() {
        let mut evidence = Evidence::default();
        for line in [
            "START RequestId: 1 Version: $LATEST",
            r#"{"timestamp":"2026-11-22T10:00:01.5Z","level":"INFO","provider":"stripe","outcome":"Deferred","code":"breaker_open","message_id":"m1","message":"request ended","target":"causeway::telemetry"}"#,
            r#"{"timestamp":"2026-11-22T10:00:01.5Z","level":"WARN","message":"something else"}"#,
            r#"{"Deferred":1,"Provider":"stripe","_aws":{"Timestamp":1795341601500}}"#,
            "END RequestId: 1",
        ] {
            evidence.read(line);
        }
        assert_eq!((evidence.calls_started, evidence.batches.len()), (1, 1));
        assert_eq!(evidence.receives.len(), 1);
        assert_eq!(evidence.receives[0].message_id, "m1");
        assert_eq!(evidence.receives[0].at, evidence.batches[0].at);
    }
}
