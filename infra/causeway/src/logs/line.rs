//! One line of a function's log.

use causeway::Timestamp;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::when::{self, Now};

/// How severe a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Each step.
    Trace,
    /// What a developer wants to know.
    Debug,
    /// What becomes of requests.
    Info,
    /// What somebody should know.
    Warn,
    /// It asks for a person.
    Error,
}

/// A line that our programs wrote, or that Lambda wrote about one that did not end well.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// When.
    #[serde(serialize_with = "when::rfc3339")]
    pub at: Timestamp,
    /// How severe; none of what is not ours.
    pub level: Option<Level>,
    /// What happened.
    pub message: String,
    /// About what; `ARCHITECTURE.md` explains each.
    pub fields: Map<String, Value>,
}

/// How a line of Lambda's own begins that says nothing of a function that is well.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>
const PLATFORM: [&str; 5] = ["START ", "END ", "REPORT ", "INIT_START ", "XRAY "];

/// What a report says of an invocation that did not end well.
const FAILED: [&str; 2] = ["Status: error", "Status: timeout"];

/// Fields that every line has, or that a person has no use for.
const NOT_SHOWN: [&str; 4] = ["target", "provider", "trace_id", "message_id"];

/// Fields that come first, in this order.
const FIRST: [&str; 7] = [
    "outcome",
    "code",
    "operation",
    "connection",
    "attempt",
    "until",
    "detail",
];

impl Line {
    /// Reads `text`; none where it is a metric, or Lambda's word on an invocation that went well.
    #[must_use]
    pub fn read(at: Timestamp, text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = |message: &str| Self {
            at,
            level: None,
            message: message.to_owned(),
            fields: Map::new(),
        };
        let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
            let is_platforms = PLATFORM.iter().any(|start| text.starts_with(start));
            let failed = FAILED.iter().any(|word| text.contains(word));
            let is_shown = !text.is_empty() && (!is_platforms || failed);
            return is_shown.then(|| plain(text));
        };
        // Embedded metrics: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
        if fields.contains_key("_aws") {
            return None;
        }
        let Some(Value::String(message)) = fields.remove("message") else {
            return Some(plain(text));
        };
        fields.remove("timestamp");
        let level = fields.remove("level");
        let level = level.and_then(|level| Level::from_str(level.as_str()?, true).ok());
        Some(Self {
            at,
            level,
            message,
            fields,
        })
    }

    /// Whether the field `name` is `text`.
    #[must_use]
    pub fn is(&self, name: &str, text: &str) -> bool {
        self.fields.get(name).and_then(Value::as_str) == Some(text)
    }

    /// Whether it is about the connection `name`: by its own field, or by a key of the ledger or of shared state.
    #[must_use]
    pub fn is_of(&self, name: &str) -> bool {
        let in_key = |field: &str| {
            let key = self.fields.get(field).and_then(Value::as_str);
            key.and_then(|key| key.split('#').nth(1)) == Some(name)
        };
        self.is("connection", name) || in_key("pk") || in_key("key")
    }

    /// For a person.
    #[must_use]
    pub fn short(&self, now: &Now) -> String {
        let level = self.level.map_or_else(
            || "-".to_owned(),
            |level| format!("{level:?}").to_uppercase(),
        );
        let mut text = format!("{} {level:<5} {}", now.date(self.at), self.message);
        let rest = self.fields.keys().map(String::as_str);
        let rest = rest.filter(|name| !FIRST.contains(name) && !NOT_SHOWN.contains(name));
        for name in FIRST.into_iter().chain(rest) {
            match self.fields.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(value)) => text += &format!("  {name}={value}"),
                Some(value) => text += &format!("  {name}={value}"),
            }
        }
        text
    }
}
