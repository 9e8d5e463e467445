//! The result, for programs and people.

use std::io;
use std::path::Path;

use serde::Serialize;

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Requests that waited.
    pub messages: u64,
    /// How long the vendor failed.
    pub outage_s: f64,
    /// Effects that the vendor counted.
    pub effects: u64,
    /// Messages in the dead-letter queues.
    pub in_dlq: usize,
    /// Attempts beyond one a request: every one a call that the vendor failed.
    pub attempts_failed: u64,
    /// Calls of the function in each minute since the vendor began to fail.
    pub calls_per_minute: Vec<usize>,
    /// Open windows, and the most receives of one message in each.
    pub windows: Vec<Window>,
    /// Event source updates of the gatekeeper.
    pub updates: usize,
    /// From the end of the outage until the breaker was closed.
    pub closed_after_s: Option<f64>,
    /// Requests delivered in each half minute since the breaker closed.
    pub delivered_per_half_minute: Vec<u64>,
    /// From the close until the queue was empty.
    pub drained_after_s: Option<f64>,
    /// What was promised and not kept, in words.
    pub broken: Vec<String>,
}

/// One open window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Window {
    /// How long it was to last.
    pub seconds: f64,
    /// Messages received in it.
    pub received: usize,
    /// The most receives of one message.
    pub most_receives: usize,
    /// Whether the lane was seen disabled in it.
    pub disabled: bool,
}

impl Summary {
    /// Whether every promise was kept.
    #[must_use]
    pub fn kept(&self) -> bool {
        self.broken.is_empty()
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text)
    }
}
