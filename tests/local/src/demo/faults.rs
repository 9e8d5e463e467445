//! The script: what goes wrong at the vendors, and when.
//!
//! A lane's faults begin once it has delivered a part of what it should, so that they fall into the same place of the
//! load on fast and slow machines alike.

use std::collections::BTreeMap;

use causeway_fakes::Server;
use causeway_fakes::faults::Outage;
use causeway_fakes::journal::Report;

use super::lanes::{Part, part};
use super::plan::Plan;

/// The script of one run.
pub(crate) struct Script {
    /// Effects at which each provider's faults begin; gone once they have begun.
    begin_at: BTreeMap<&'static str, u64>,
}

impl Script {
    pub(crate) fn new(plan: &Plan, outage: bool) -> Self {
        let of = |provider| {
            let percent = part(provider)?.trouble.begin_at;
            let begin = plan.deliverable(provider) as u64 * percent / 100;
            Some((provider, begin))
        };
        Self {
            begin_at: plan
                .providers()
                .into_iter()
                .filter(|_| outage)
                .filter_map(of)
                .collect(),
        }
    }

    /// Whether everything that was to go wrong has begun to.
    pub(super) fn is_over(&self) -> bool {
        self.begin_at.is_empty()
    }

    /// Begins what is due. Answers what has begun, for the log.
    pub(super) fn step(&mut self, fakes: &Server, seen: &Report) -> Vec<&'static str> {
        let is_due = |(provider, begin): (&&'static str, &u64)| {
            let report = seen.providers.get(*provider);
            let effects = report.map_or(0, |report| report.effects);
            (effects >= *begin).then_some(*provider)
        };
        let due: Vec<_> = self.begin_at.iter().filter_map(is_due).collect();
        due.into_iter()
            .filter_map(|provider| {
                self.begin_at.remove(provider);
                let part = part(provider)?;
                let begun = fakes.put_outage(outage(part));
                begun.is_ok().then_some(part.trouble.said)
            })
            .collect()
    }
}

fn outage(part: &Part) -> Outage {
    Outage {
        provider: part.provider.to_owned(),
        faults: (part.trouble.faults)(),
        for_ms: Some(part.trouble.for_s * 1000),
        seed: 7,
    }
}
