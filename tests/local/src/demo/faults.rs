//! The script: what goes wrong at the vendors, and when.
//!
//! A lane's faults begin once it has delivered 30 % of what it should, so that they fall into the middle
//! of the load on fast and slow machines alike.

use std::collections::BTreeMap;

use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode, Outage};
use causeway_fakes::journal::Report;

use super::plan::{PROVIDERS, Plan};

/// The part of a lane's load after which its faults begin, in percent.
const BEGIN_AT: u64 = 30;

/// Stripe fails hard for 40 s: long enough to open the breaker, shorter than its 60 s.
const STRIPE_FOR_MS: u64 = 40_000;
/// Slack loses some replies for 20 s, which the lane must report as unknown: it cannot ask.
const SLACK_FOR_MS: u64 = 20_000;

/// The script of one run.
pub(crate) struct Script {
    /// Effects at which each provider's faults begin; gone once they have begun.
    begin_at: BTreeMap<&'static str, u64>,
}

impl Script {
    pub(crate) fn new(plan: &Plan, outage: bool) -> Self {
        let of = |provider| (provider, plan.deliverable(provider) as u64 * BEGIN_AT / 100);
        Self {
            begin_at: PROVIDERS.into_iter().filter(|_| outage).map(of).collect(),
        }
    }

    /// Whether everything that was to go wrong has begun to.
    pub(super) fn is_over(&self) -> bool {
        self.begin_at.is_empty()
    }

    /// Begins what is due. Answers what has begun, for the log.
    pub(super) fn step(&mut self, fakes: &Server, seen: &Report) -> Vec<&'static str> {
        let due: Vec<_> = PROVIDERS
            .into_iter()
            .filter(|provider| {
                let effects = seen
                    .providers
                    .get(*provider)
                    .map_or(0, |report| report.effects);
                self.begin_at
                    .get(provider)
                    .is_some_and(|begin| effects >= *begin)
            })
            .collect();
        due.into_iter()
            .filter_map(|provider| {
                self.begin_at.remove(provider);
                let (outage, said) = outage(provider);
                fakes.put_outage(outage).is_ok().then_some(said)
            })
            .collect()
    }
}

fn outage(provider: &str) -> (Outage, &'static str) {
    let (faults, for_ms, said) = match provider {
        "stripe" => (
            stripe(),
            STRIPE_FOR_MS,
            "stripe fails hard for 40 s: errors, lost replies, dropped connections",
        ),
        _ => (slack(), SLACK_FOR_MS, "slack loses some replies for 20 s"),
    };
    (
        Outage {
            provider: provider.to_owned(),
            faults,
            for_ms: Some(for_ms),
            seed: 7,
        },
        said,
    )
}

/// Nothing gets through, and a third of the calls take effect all the same.
fn stripe() -> Vec<Fault> {
    vec![
        Fault::new(Mode::Error500, 0.4),
        Fault::new(Mode::Error503, 0.2),
        Fault::new(Mode::LostReply, 0.35),
        Fault::new(Mode::Refuse, 0.05),
    ]
}

/// Of every hundred calls seven have an effect that the caller never hears of, and three have none.
/// So few do not open the breaker: that takes five in a row, or half of a minute's calls.
fn slack() -> Vec<Fault> {
    let without = Fault {
        effect: Some(false),
        ..Fault::new(Mode::LostReply, 0.03)
    };
    vec![Fault::new(Mode::LostReply, 0.07), without]
}
