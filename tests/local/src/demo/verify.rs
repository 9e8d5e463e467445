//! Do the ledger, the queues and the vendors agree? A pure judgement on what was gathered, with the
//! driver's own plan as the reference.

mod fan_out;
mod finding;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use causeway::Timestamp;
use causeway_fakes::journal;
use serde::Serialize;

pub use fan_out::FanOut;
pub use finding::Finding;

use super::lanes::part;
use super::plan::{Expect, Plan, Request};

/// What a run left behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// The ledger by primary key.
    pub ledger: BTreeMap<String, Record>,
    /// All letters in the dead-letter queues.
    pub letters: Vec<Letter>,
    /// What the vendors have seen.
    pub journal: journal::Report,
    /// The functions' own counts of outcomes. They stand beside the judgement, which does not use them.
    pub outcomes: BTreeMap<String, u64>,
    /// Access tokens that each vendor was asked for.
    pub tokens: BTreeMap<String, u64>,
    /// Questions about earlier calls that each vendor was asked.
    pub lookups: BTreeMap<String, u64>,
    /// When each request ended that a killed process had in hand.
    pub interrupted: Vec<Timestamp>,
    /// The lanes' circuit breakers.
    pub breakers: Vec<Breaker>,
}

/// A ledger record, as far as it matters here.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// `COMPLETED`, `REJECTED`, `UNKNOWN`, `IN_PROGRESS` or `RETRYING`.
    pub status: String,
    /// Whether an attempt may have taken effect.
    pub ambiguous: bool,
}

/// A dead letter, as far as it matters here.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// The lane in whose queue it lies.
    pub provider: String,
    /// SHA-256 of its body.
    pub hash: String,
    /// Its `code` attribute.
    pub code: String,
    /// Whether `detail`, `attempts` and `first_seen` are there too, as they always must be.
    pub complete: bool,
}

/// A breaker item of the `Lanes` table.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    /// The item's key, such as `stripe#*#breaker`.
    pub key: String,
    /// `Closed`, `Open`, `HalfOpen` or `ForcedOpen`.
    pub state: String,
    /// How often it opened.
    pub opened: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Delivered,
    Unknown,
    Rejected,
    Lost,
}

/// What became of requests, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Messages sent.
    pub sent: u64,
    /// Distinct requests among them.
    pub unique: u64,
    /// Keys that are `COMPLETED` in the ledger.
    pub delivered: u64,
    /// Messages acknowledged without a call, because their request had been delivered before: copies of
    /// delivered requests, none of which is in a dead-letter queue.
    pub duplicates: u64,
    /// Distinct requests that ended rejected.
    pub rejected: u64,
    /// Keys that are `UNKNOWN` in the ledger.
    pub unknown: u64,
    /// Letters in the dead-letter queues.
    pub in_dlq: u64,
    /// Effects that the vendors counted.
    pub effects: u64,
    /// Delivered keys, and unknown keys that the vendors show as done.
    pub effects_expected: u64,
    /// Distinct requests that are neither final in the ledger nor in a dead-letter queue.
    pub lost: u64,
}

/// The judgement. `findings` is empty when everything agrees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// All lanes together.
    pub all: Counts,
    /// Each lane by itself.
    pub lanes: BTreeMap<String, Counts>,
    /// What became of the events that go to several lanes.
    pub fan_out: FanOut,
    /// How often a breaker opened.
    pub breaker_opened: u64,
    /// Letters by code.
    pub codes: BTreeMap<String, u64>,
    /// What does not agree.
    pub findings: Vec<Finding>,
}

/// Judges a run by its plan; `outage` says that a breaker had to open.
pub(crate) fn reconcile(plan: &Plan, evidence: &Evidence, outage: bool) -> Judgement {
    let mut judgement = Judgement::default();
    let mut letters: BTreeMap<&str, Vec<&Letter>> = BTreeMap::new();
    for letter in &evidence.letters {
        letters.entry(&letter.hash).or_default().push(letter);
        *judgement.codes.entry(letter.code.clone()).or_default() += 1;
    }
    for request in &plan.requests {
        let letters = letters
            .get(request.hash.as_str())
            .map(Vec::as_slice)
            .unwrap_or_default();
        judgement.request(request, evidence, letters);
    }
    judgement.contested(plan, evidence, &letters);
    judgement.strangers(plan, evidence);
    for letter in &evidence.letters {
        judgement.count(&letter.provider, |counts| counts.in_dlq += 1);
    }
    for (provider, report) in &evidence.journal.providers {
        judgement.count(provider, |counts| counts.effects += report.effects);
    }
    judgement.fan_out = FanOut::of(plan, evidence);
    judgement.tokens(evidence);
    judgement.breakers(evidence, outage);
    judgement
}

impl Judgement {
    /// Whether everything agrees.
    pub(crate) fn agrees(&self) -> bool {
        let all = &self.all;
        self.findings.is_empty() && all.lost == 0 && all.effects == all.effects_expected
    }

    /// Counts something of a lane, which counts for all lanes together too.
    fn count(&mut self, provider: &str, add: impl Fn(&mut Counts)) {
        add(&mut self.all);
        add(self.lanes.entry(provider.to_owned()).or_default());
    }

    fn request(&mut self, request: &Request, evidence: &Evidence, letters: &[&Letter]) {
        let record = request.pk.as_ref().and_then(|pk| evidence.ledger.get(pk));
        let end = end_of(record, letters);
        let what = || request.marker.clone();
        self.count(request.provider, |counts| {
            counts.sent += request.copies as u64;
            counts.unique += 1;
            match end {
                End::Delivered => counts.duplicates += (request.copies - 1) as u64,
                End::Rejected => counts.rejected += 1,
                End::Lost => counts.lost += 1,
                End::Unknown => {}
            }
        });
        match end {
            End::Delivered => {
                if let Expect::Rejected(code) = request.expect {
                    self.findings.push(Finding::NotRejected {
                        request: what(),
                        code,
                    });
                }
            }
            End::Unknown if letters.is_empty() => {
                self.findings.push(Finding::NoLetter { request: what() });
            }
            End::Unknown => {}
            End::Rejected => {
                self.rejection(request, letters);
            }
            End::Lost => {
                self.findings.push(Finding::Lost { request: what() });
            }
        }
        if letters.iter().any(|letter| !letter.complete) {
            self.findings
                .push(Finding::IncompleteLetter { request: what() });
        }
        // Effects of a contested key belong to two requests and are counted once, below.
        if request.expect != Expect::Contested {
            self.key(request, end, record, evidence);
        }
    }

    /// A rejection has a letter for every message, with the code that was to be expected.
    fn rejection(&mut self, request: &Request, letters: &[&Letter]) {
        let request_name = || request.marker.clone();
        let expected = match request.expect {
            Expect::Rejected(code) => code,
            Expect::Contested => "idempotency_conflict",
            Expect::Delivered => {
                let code = letters
                    .first()
                    .map_or_else(String::new, |letter| letter.code.clone());
                self.findings.push(Finding::NotDelivered {
                    request: request_name(),
                    code,
                });
                return;
            }
        };
        if letters.is_empty() {
            self.findings.push(Finding::NoLetter {
                request: request_name(),
            });
        }
        if let Some(letter) = letters.iter().find(|letter| letter.code != expected) {
            let code = letter.code.clone();
            self.findings.push(Finding::WrongCode {
                request: request_name(),
                expected,
                code,
            });
        }
    }

    /// Delivered: one effect. Unknown: at most one. Rejected: none, unless an attempt was ambiguous.
    fn key(&mut self, request: &Request, end: End, record: Option<&Record>, evidence: &Evidence) {
        let effects = evidence
            .journal
            .effects_of(request.provider, &request.marker);
        let most = match end {
            End::Delivered | End::Unknown => 1,
            End::Rejected => u64::from(record.is_some_and(|record| record.ambiguous)),
            End::Lost => 1,
        };
        let least = u64::from(end == End::Delivered);
        if !(least..=most).contains(&effects) {
            self.findings.push(Finding::Effects {
                request: request.marker.clone(),
                least,
                most,
                effects,
            });
        }
        self.count(request.provider, |counts| match end {
            End::Delivered => {
                counts.delivered += 1;
                counts.effects_expected += 1;
            }
            End::Unknown => {
                counts.unknown += 1;
                counts.effects_expected += effects.min(1);
            }
            End::Rejected | End::Lost => {}
        });
    }

    /// Of two requests with one key exactly one is delivered, and the other has a letter.
    fn contested(
        &mut self,
        plan: &Plan,
        evidence: &Evidence,
        letters: &BTreeMap<&str, Vec<&Letter>>,
    ) {
        for (pk, requests) in plan.by_pk() {
            let Some(first) = requests
                .first()
                .filter(|request| request.expect == Expect::Contested)
            else {
                continue;
            };
            let record = evidence.ledger.get(pk);
            let delivered = record.is_some_and(|record| record.status == "COMPLETED");
            let losers = requests
                .iter()
                .filter(|request| letters.contains_key(request.hash.as_str()))
                .count();
            if delivered && losers != 1 {
                self.findings.push(Finding::Contest {
                    key: first.marker.clone(),
                    losers,
                });
            }
            let end = if delivered {
                End::Delivered
            } else {
                end_of(record, &[])
            };
            self.key(first, end, record, evidence);
        }
    }

    /// Records, letters and effects that nobody sent a request for.
    fn strangers(&mut self, plan: &Plan, evidence: &Evidence) {
        let by_pk = plan.by_pk();
        for (pk, record) in evidence
            .ledger
            .iter()
            .filter(|(pk, _)| !by_pk.contains_key(pk.as_str()))
        {
            // A body that the plan gave no key may still have one that the lane could read.
            if record.status != "REJECTED" {
                self.findings.push(Finding::StrangeRecord {
                    pk: pk.clone(),
                    status: record.status.clone(),
                });
            }
        }
        let hashes: BTreeSet<&str> = plan
            .requests
            .iter()
            .map(|request| request.hash.as_str())
            .collect();
        for letter in evidence
            .letters
            .iter()
            .filter(|letter| !hashes.contains(letter.hash.as_str()))
        {
            self.findings.push(Finding::StrangeLetter {
                code: letter.code.clone(),
            });
        }
        let markers: BTreeSet<&str> = plan
            .requests
            .iter()
            .map(|request| request.marker.as_str())
            .collect();
        for (provider, report) in &evidence.journal.providers {
            let strange = report
                .effects_by_marker
                .iter()
                .filter(|(marker, _)| !markers.contains(marker.as_str()));
            let effects =
                strange.map(|(_, effects)| effects).sum::<u64>() + report.effects_unmarked;
            if effects > 0 {
                self.findings.push(Finding::StrangeEffects {
                    provider: provider.clone(),
                    effects,
                });
            }
        }
    }

    /// Vendors that count access tokens must not run out of them.
    fn tokens(&mut self, evidence: &Evidence) {
        for (provider, tokens) in &evidence.tokens {
            let most = part(provider).and_then(|part| part.tokens_max);
            if let Some(most) = most.filter(|most| tokens > most) {
                let (provider, tokens) = (provider.clone(), *tokens);
                self.findings.push(Finding::Tokens {
                    provider,
                    tokens,
                    most,
                });
            }
        }
    }

    fn breakers(&mut self, evidence: &Evidence, outage: bool) {
        self.breaker_opened = evidence.breakers.iter().map(|breaker| breaker.opened).sum();
        if outage && self.breaker_opened == 0 {
            self.findings.push(Finding::BreakerNeverOpened);
        }
        for breaker in evidence
            .breakers
            .iter()
            .filter(|breaker| breaker.state != "Closed")
        {
            let (key, state) = (breaker.key.clone(), breaker.state.clone());
            self.findings.push(Finding::BreakerNotClosed { key, state });
        }
    }
}

fn end_of(record: Option<&Record>, letters: &[&Letter]) -> End {
    match record.map(|record| record.status.as_str()) {
        Some("UNKNOWN") => End::Unknown,
        Some("COMPLETED") if letters.is_empty() => End::Delivered,
        Some("REJECTED") => End::Rejected,
        _ if !letters.is_empty() => End::Rejected,
        _ => End::Lost,
    }
}
