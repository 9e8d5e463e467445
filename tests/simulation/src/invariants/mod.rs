//! What must always hold, looked at while it happens and once more at the end.

mod calls;
mod causes;
mod ends;
mod recovery;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use causeway::ledger::{Record, Status};
use causeway::limiter::Limit;
use causeway::provider::Safety;
use causeway::request::vendor_key;
use futures_util::FutureExt;

pub use self::calls::Straggler;
pub use self::recovery::Recovery;

use self::calls::Circuit;
use self::causes::Heard;
use crate::world::World;

/// A promise of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No message leaves without a completed record or a letter, and what counts as delivered took effect.
    Lost,
    /// One effect at most per key.
    DoubleEffects,
    /// Vendors' limits are kept.
    LimitViolations,
    /// No call while the breaker is open, but the probe's.
    CallsWhileOpen,
    /// Everything ends once nothing fails any more.
    Stuck,
    /// What was rejected took no effect, and is in no doubt.
    FalseRejections,
    /// What was never sent, by anyone who lived to know, is not called unknown.
    FalseUnknowns,
    /// Every ambiguous end that nothing can settle is reported as unknown, and every end in the ledger and a letter.
    Unreported,
    /// Whoever calls holds the claim.
    UnclaimedCalls,
    /// What waits spends no attempt.
    Attempts,
    /// A letter says why, how often and since when.
    Letters,
    /// Completed records stay as they are, and unknown ones that nothing can settle.
    Absorbing,
    /// Breakers open because of the provider's health: not of one connection's address or rights, nor of our bounds.
    CauselessOpenings,
    /// A connection, or one of its operations, pauses because of what it was told itself.
    CauselessPauses,
    /// A token is used before the next one is asked for.
    NeedlessTokens,
    /// After a mass death the lane recovers as fast as its limit lets it.
    SlowRecovery,
}

impl Invariant {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::Lost,
        Self::DoubleEffects,
        Self::LimitViolations,
        Self::CallsWhileOpen,
        Self::Stuck,
        Self::FalseRejections,
        Self::FalseUnknowns,
        Self::Unreported,
        Self::UnclaimedCalls,
        Self::Attempts,
        Self::Letters,
        Self::Absorbing,
        Self::CauselessOpenings,
        Self::CauselessPauses,
        Self::NeedlessTokens,
        Self::SlowRecovery,
    ];

    /// Its name in the summary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::DoubleEffects => "double_effects",
            Self::LimitViolations => "limit_violations",
            Self::CallsWhileOpen => "calls_while_open",
            Self::Stuck => "stuck",
            Self::FalseRejections => "false_rejections",
            Self::FalseUnknowns => "false_unknowns",
            Self::Unreported => "unreported_unknowns",
            Self::UnclaimedCalls => "unclaimed_calls",
            Self::Attempts => "attempts_without_call",
            Self::Letters => "bad_letters",
            Self::Absorbing => "absorbing_left",
            Self::CauselessOpenings => "causeless_openings",
            Self::CauselessPauses => "causeless_pauses",
            Self::NeedlessTokens => "needless_tokens",
            Self::SlowRecovery => "slow_recovery",
        }
    }
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How.
    pub text: String,
}

/// What is remembered in order to judge.
#[derive(Debug, Default)]
pub struct Watch {
    /// What was broken.
    pub violations: Vec<Violation>,
    /// References that lookups ask for.
    pub references: HashMap<String, usize>,
    /// Calls in good faith: their environments could not know yet that the breaker had opened.
    pub stragglers: Vec<Straggler>,
    breakers: HashMap<String, Circuit>,
    /// What each connection was told about itself.
    heard: HashMap<String, Heard>,
    calls: BTreeMap<(String, &'static str), (&'static Limit, Vec<i64>)>,
    /// Calls under way: for which request, by which environment, in which invocation.
    under_way: Vec<(usize, usize, u64)>,
    /// Attempts that each record was closed with.
    closed: BTreeSet<(String, u32)>,
    /// Ends whose letters were sent: key and mark.
    told: BTreeSet<(String, u64)>,
    /// Requests whose holder died at least once, by key.
    abandoned: BTreeSet<String>,
    effects: HashMap<String, u32>,
    /// When each record was last closed.
    ended: HashMap<String, i64>,
    /// How often in a row a request was put off whose holder had died, by key.
    put_off: HashMap<String, u32>,
    /// Where environments die in masses.
    pub recovery: Option<Recovery>,
}

impl World {
    /// Notes that a promise was broken.
    pub fn violated(&mut self, invariant: Invariant, text: String) {
        self.note(None, || format!("VIOLATION {}: {text}", invariant.name()));
        self.watch.violations.push(Violation { invariant, text });
    }

    /// The record of `key`.
    pub fn record(&self, key: &str) -> Option<Record> {
        let keys = [key.to_owned()];
        let read = causeway::ledger::LedgerStore::read(self.ledger.as_ref(), &keys).now_or_never();
        read?.ok()?.pop()?
    }

    /// A record was written.
    pub fn see_record(&mut self, before: Option<&Record>, next: &Record) {
        let group = self.groups.get(&next.pk).cloned().unwrap_or_default();
        for &number in &group {
            if matches!(self.requests[number].safety, Some(Safety::Lookup { .. })) {
                let reference = vendor_key(&next.pk, next.series);
                self.watch.references.insert(reference, number);
            }
        }
        if let Some(before) = before.filter(|before| !before.is_expired(self.timestamp())) {
            self.see_left(before, next, &group);
        }
        if next.status == Status::Rejected && next.ambiguous {
            let text = format!("{} is rejected and in doubt", next.pk);
            self.violated(Invariant::FalseRejections, text);
        }
        if next.status == Status::Completed && !self.took_effect(&next.pk) {
            self.violated(
                Invariant::Lost,
                format!("{} counts as delivered and never took effect", next.pk),
            );
        }
        if matches!(
            next.status,
            Status::Completed | Status::Rejected | Status::Unknown
        ) {
            self.watch.ended.insert(next.pk.clone(), self.now);
        }
        if matches!(next.status, Status::Rejected | Status::Unknown) {
            let closed = (next.pk.clone(), next.attempts);
            self.watch.closed.insert(closed);
        }
        self.see_attempts(before, next, &group);
    }

    /// A record that stood as `before` becomes `next`. What was completed stays so; what is in doubt is taken up again
    /// where that can settle it, and keeps its vendor key.
    fn see_left(&mut self, before: &Record, next: &Record, group: &[usize]) {
        if before.status == Status::InProgress && before.owner != next.owner {
            self.watch.abandoned.insert(next.pk.clone());
        }
        let is_unsafe = |number: &usize| self.requests[*number].safety == Some(Safety::Unsafe);
        let stays = match before.status {
            Status::Completed => true,
            Status::Unknown => next.series != before.series || group.iter().any(is_unsafe),
            _ => false,
        };
        if stays {
            let (pk, from, to) = (&next.pk, before.status, next.status);
            self.violated(
                Invariant::Absorbing,
                format!("{pk}: {from:?} became {to:?}"),
            );
        }
    }

    /// An attempt is a call, or a lease that ended without a word.
    fn see_attempts(&mut self, before: Option<&Record>, next: &Record, group: &[usize]) {
        let counted = |record: Option<&Record>| {
            record.map_or((1, 0), |record| (record.series, record.attempts))
        };
        let ((series, attempts), (next_series, next_attempts)) =
            (counted(before), counted(Some(next)));
        let calls: u32 = group
            .iter()
            .map(|&number| self.requests[number].calls)
            .sum();
        let written: u32 = group
            .iter()
            .map(|&number| self.requests[number].calls_written)
            .sum();
        let settles = before.is_none_or(|before| before.owner == next.owner);
        if series == next_series && next_attempts > attempts && settles && calls == written {
            self.violated(
                Invariant::Attempts,
                format!("{}: attempt {next_attempts} without a call", next.pk),
            );
        }
        for &number in group {
            self.requests[number].calls_written = self.requests[number].calls;
        }
    }

    fn took_effect(&self, key: &str) -> bool {
        self.watch.effects.contains_key(key)
    }
}
