//! What became of the events that go to several lanes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Evidence, Plan};

/// One canonical event, and a request made of it for each of several lanes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FanOut {
    /// Events.
    pub events: u64,
    /// Requests made of them: one for each lane.
    pub requests: u64,
    /// Of these, delivered.
    pub delivered: u64,
    /// Events whose requests were all delivered.
    pub events_delivered: u64,
    /// Delivered requests by lane.
    pub by_lane: BTreeMap<String, u64>,
}

impl FanOut {
    pub(super) fn of(plan: &Plan, evidence: &Evidence) -> Self {
        let mut fan_out = Self::default();
        let mut whole: BTreeMap<usize, bool> = BTreeMap::new();
        for request in &plan.requests {
            let Some(event) = request.event else { continue };
            let record = request.pk.as_ref().and_then(|pk| evidence.ledger.get(pk));
            let delivered = record.is_some_and(|record| record.status == "COMPLETED");
            fan_out.requests += 1;
            fan_out.delivered += u64::from(delivered);
            *whole.entry(event).or_insert(true) &= delivered;
            let lane = fan_out.by_lane.entry(request.provider.to_owned());
            *lane.or_default() += u64::from(delivered);
        }
        fan_out.events = whole.len() as u64;
        fan_out.events_delivered = whole.values().filter(|whole| **whole).count() as u64;
        fan_out
    }
}
