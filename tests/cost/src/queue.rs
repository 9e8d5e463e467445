//! A lane's queue: who is visible when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use causeway::queue::Message;

use causeway_scale::time::START;

/// How long a received message stays hidden: `VisibilityTimeout` of the template.
const VISIBILITY: Duration = Duration::from_secs(360);

/// Messages of one batch: `BatchSize` of the template.
pub const BATCH: usize = 10;

#[derive(Debug)]
struct Held {
    body: String,
    sent: Duration,
    receives: u32,
    visible: Duration,
}

/// The messages of a queue, by number.
#[derive(Debug, Default)]
pub struct Messages {
    held: BTreeMap<u64, Held>,
    /// By when they become visible.
    order: BTreeSet<(Duration, u64)>,
    sent: u64,
}

impl Messages {
    /// Puts a message on the queue.
    pub fn send(&mut self, body: String, now: Duration) {
        self.sent += 1;
        let held = Held {
            body,
            sent: now,
            receives: 0,
            visible: now,
        };
        self.order.insert((now, self.sent));
        self.held.insert(self.sent, held);
    }

    /// Up to a batch of what is visible.
    pub fn receive(&mut self, now: Duration) -> Vec<Message> {
        let visible = self
            .order
            .range(..=(now, u64::MAX))
            .take(BATCH)
            .map(|(_, number)| *number);
        let numbers: Vec<u64> = visible.collect();
        numbers
            .into_iter()
            .filter_map(|number| self.take(number, now))
            .collect()
    }

    fn take(&mut self, number: u64, now: Duration) -> Option<Message> {
        self.show(number, now + VISIBILITY);
        let held = self.held.get_mut(&number)?;
        held.receives += 1;
        let id = format!("059f36b4-87a3-44ab-83d2-{number:012x}");
        Some(Message {
            origin: id.clone(),
            id,
            receipt_handle: number.to_string(),
            body: held.body.clone(),
            receive_count: held.receives,
            sent_at: START + held.sent,
            first_seen: START + held.sent,
            mark: None,
            revision: None,
            group_id: Some("default".to_owned()),
            trace_header: None,
        })
    }

    /// Lets a message wait until `at`.
    pub fn hide(&mut self, receipt: &str, at: Duration) {
        if let Ok(number) = receipt.parse() {
            self.show(number, at);
        }
    }

    fn show(&mut self, number: u64, at: Duration) {
        if let Some(held) = self.held.get_mut(&number) {
            self.order.remove(&(held.visible, number));
            held.visible = at;
            self.order.insert((at, number));
        }
    }

    /// Forgets a message.
    pub fn delete(&mut self, receipt: &str) {
        let number: u64 = receipt.parse().unwrap_or_default();
        if let Some(held) = self.held.remove(&number) {
            self.order.remove(&(held.visible, number));
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How many were received and are hidden.
    #[must_use]
    pub fn in_flight(&self, now: Duration) -> u64 {
        self.held.values().filter(|held| held.visible > now).count() as u64
    }
}
