//! The pure decisions of the story: what a verdict makes of a claim, and what a settled claim makes of its message.

use std::time::Duration;

use crate::Timestamp;
use crate::http_client::CallError;
use crate::ledger::Record;
use crate::ledger::state::{Attempt, Closing, Settlement};
use crate::limiter::SIGNAL_MAX;
use crate::mapping::MappingError;
use crate::outcome::{Code, Deferral, Outcome, Reason, code};
use crate::provider::{Operation, Safety, Settling, Verdict};
use crate::queue::Message;
use crate::retry::{self, Attempts, Next, RetrySpec};

/// How long the vendor gets to finish an earlier call with our key.
const KEY_IN_USE_WAIT: Duration = Duration::from_secs(5);

/// How long a connection whose credentials were refused is left alone before one message tries again.
pub(super) const UNAUTHORIZED_WAIT: Duration = Duration::from_secs(15 * 60);

/// How long a vendor is left alone that refused a call without saying for how long: most count by the second or by a
/// few of them.
pub(super) const UNNAMED_WAIT: Duration = Duration::from_secs(5);

/// By how much the messages of a parked connection are spread when it starts anew; their limit lines them up.
const PARKED_SPREAD: Duration = Duration::from_secs(60);

/// Times that a mapping may run into its clock before that is taken for its own fault.
const SLOW_MAPPINGS: u64 = 3;

/// What became of the call.
#[derive(Clone, Debug)]
pub(super) enum Called {
    /// The vendor answered.
    Answered(u16, Verdict),
    /// It did not.
    Failed(CallError),
}

impl Called {
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Answered(_, verdict) => verdict.is_fault(),
            Self::Failed(error) => error.is_fault(),
        }
    }

    /// Whether a limit or a quota of the vendor's refused the call.
    pub fn is_refusal(&self) -> bool {
        use Verdict::{QuotaSpent, Throttled};
        matches!(self.verdict(), Some(Throttled { .. } | QuotaSpent { .. }))
    }

    /// Whether it was refused for what its connection is, or may do: what was heard of that decides.
    pub fn is_about_the_connection(&self) -> bool {
        use Verdict::{Forbidden, Moved, Unauthorized};
        matches!(
            self.verdict(),
            Some(Unauthorized | Moved | Forbidden { .. })
        )
    }

    /// What the answer means, where there was one.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Answered(_, verdict) => Some(verdict),
            Self::Failed(_) => None,
        }
    }

    /// What the ledger keeps of the attempt that was made; `readable` is whether the answer's body is JSON.
    pub fn attempt(
        &self,
        at: Timestamp,
        wire_hash: String,
        readable: bool,
        of: &Circumstances<'_>,
    ) -> Attempt {
        let settles_earlier = match self {
            Self::Answered(status, Verdict::Rejected { .. }) => {
                readable && speaks_for_earlier(*status, of, at)
            }
            _ => false,
        };
        let (status, sent, ambiguous) = match self {
            Self::Answered(status, verdict) => {
                // What exists may be what an earlier call made: the vendor is asked.
                let ambiguous = matches!(
                    verdict,
                    Verdict::Ambiguous { .. } | Verdict::Exists { .. } | Verdict::KeyInUse
                );
                (Some(*status), true, ambiguous)
            }
            Self::Failed(CallError::NotSent(_)) => (None, false, false),
            Self::Failed(CallError::Ambiguous(_)) => (None, true, true),
            Self::Failed(CallError::Unreadable { status, .. }) => (*status, true, true),
        };
        Attempt {
            at,
            wire_hash,
            sent,
            ambiguous,
            settles_earlier,
            status,
        }
    }
}

/// What the decision about a failed call needs to know besides the call.
pub(super) struct Circumstances<'a> {
    pub record: &'a Record,
    pub operation: &'a Operation,
    pub retry: &'a RetrySpec,
    pub deadline: Option<Timestamp>,
    /// The queue cannot hold the message any longer.
    pub last_chance: bool,
    pub now: Timestamp,
    pub jitter: f64,
}

impl Circumstances<'_> {
    /// The series with `more` attempts than the record tells of.
    fn series(&self, more: u32) -> Attempts {
        Attempts {
            made: self.record.attempts + more,
            // A series is as old as its first attempt: what it waited before rejects nothing.
            since: if self.record.attempts == 0 {
                self.now
            } else {
                self.record.series_since
            },
            deadline: self.deadline,
        }
    }
}

/// Whether a refusal speaks for the earlier sends too: a vendor that looks up our key before anything else would have
/// told of their effect instead. What stands in front of that (authentication, routing, sizes, rates) has not looked.
fn speaks_for_earlier(status: u16, of: &Circumstances<'_>, at: Timestamp) -> bool {
    const BEFORE_THE_KEY: [u16; 5] = [401, 403, 404, 413, 429];
    let safety = of.operation.safety;
    let looks_up_first = matches!(
        safety,
        Safety::Keyed {
            looks_up_first: true,
            ..
        }
    );
    looks_up_first
        && !BEFORE_THE_KEY.contains(&status)
        && safety.settling(of.record.first_sent_at, at) == Settling::Resend
}

/// What the claim becomes after the call.
pub(super) fn conclude(called: &Called, attempt: &Attempt, of: &Circumstances<'_>) -> Settlement {
    match called {
        Called::Answered(status, Verdict::Delivered { object_id }) => Settlement::Completed {
            status: *status,
            object_id: object_id.clone(),
        },
        Called::Answered(_, Verdict::Rejected { detail }) => {
            Settlement::Rejected(Closing::new(code::PROVIDER_REJECTED, detail))
        }
        Called::Answered(_, Verdict::Throttled { after }) => {
            again(code::RATE_LIMITED, after.or(Some(UNNAMED_WAIT)), of)
        }
        Called::Answered(_, Verdict::QuotaSpent { until }) => park(*until, of),
        Called::Answered(_, Verdict::Retry { code, after, .. }) => again(code.clone(), *after, of),
        Called::Answered(
            _,
            Verdict::Ambiguous {
                code,
                after,
                resend_helps,
                ..
            },
        ) => {
            if *resend_helps {
                settle_ambiguous(code.clone(), *after, attempt, of)
            } else {
                unknown(code)
            }
        }
        Called::Answered(_, Verdict::Exists { .. }) => {
            settle_ambiguous(code::ALREADY_EXISTS, None, attempt, of)
        }
        Called::Answered(_, Verdict::KeyInUse) => {
            put_off(KEY_IN_USE_WAIT, Deferral::KeyInProgress, of)
        }
        Called::Answered(_, Verdict::Unauthorized | Verdict::Moved) => {
            put_off(UNAUTHORIZED_WAIT, Deferral::ConnectionPaused, of)
        }
        Called::Answered(_, Verdict::Forbidden { detail }) => {
            Settlement::Rejected(Closing::new(code::FORBIDDEN, detail))
        }
        Called::Failed(CallError::NotSent(_)) => again(code::CONNECT_FAILED, None, of),
        Called::Failed(CallError::Ambiguous(_)) => {
            settle_ambiguous(code::PROVIDER_TIMEOUT, None, attempt, of)
        }
        // Asked about it, the vendor may say less; asked for it again, it would say the same.
        Called::Failed(CallError::Unreadable { .. }) => match of.operation.safety {
            Safety::Lookup { .. } => settle_ambiguous(code::ANSWER_UNREADABLE, None, attempt, of),
            _ => unknown(&code::ANSWER_UNREADABLE),
        },
    }
}

/// It may have taken effect: again where that is safe, otherwise a person must look.
fn settle_ambiguous(
    code: Code,
    after: Option<Duration>,
    attempt: &Attempt,
    of: &Circumstances<'_>,
) -> Settlement {
    let first_sent = of.record.first_sent_at.or(Some(attempt.at));
    // Asking before the vendor shows what it did would only be a trip for nothing.
    let after = match of.operation.safety {
        Safety::Lookup { settle, .. } => Some(after.unwrap_or_default().max(settle)),
        _ => after,
    };
    let next = again(code.clone(), after, of);
    let due = match next {
        Settlement::Retrying { due, .. } => due,
        _ => of.now,
    };
    match (of.operation.safety.settling(first_sent, due), next) {
        (Settling::Unknown, _) => unknown(&code),
        // Asking is no attempt: it comes after the last one, too.
        (Settling::LookUp, Settlement::Rejected(_)) if !of.last_chance => Settlement::Retrying {
            due: of.now + after.unwrap_or_default().mul_f64(1.0 + 0.5 * of.jitter),
            code,
        },
        (Settling::Resend | Settling::LookUp, next) => next,
    }
}

/// The vendor knows nothing of what was sent: again, a little later, or what the spent bound says.
pub(super) fn after_miss(wait: Duration, of: &Circumstances<'_>) -> Settlement {
    match retry::next(of.retry, of.series(0), Some(wait), of.now, 0.0) {
        Next::At(_) => put_off(wait, Deferral::Settling, of),
        Next::Spent(spent) => {
            let detail = "an earlier attempt had no effect, as asking the vendor has shown";
            Settlement::Rejected(Closing::new(spent, detail))
        }
    }
}

fn unknown(code: &Code) -> Settlement {
    let detail =
        format!("{code}: the call may have taken effect, and sending it again cannot tell");
    Settlement::Unknown(Closing::new(code::OUTCOME_UNKNOWN, detail))
}

/// Another attempt, if the series has one left.
fn again(code: Code, after: Option<Duration>, of: &Circumstances<'_>) -> Settlement {
    if of.last_chance {
        return Settlement::Rejected(Closing::new(
            code::QUEUE_TIME_SPENT,
            format!("last failure: {code}"),
        ));
    }
    match retry::next(of.retry, of.series(1), after, of.now, of.jitter) {
        Next::At(due) => Settlement::Retrying { due, code },
        Next::Spent(spent) => {
            Settlement::Rejected(Closing::new(spent, format!("last failure: {code}")))
        }
    }
}

/// Why a call that was ready is not made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Obstacle {
    /// The invocation has too little time left for it.
    OutOfTime,
    /// The connection's credentials do not hold what it needs.
    Unusable,
    /// The lane's own code panicked.
    Panicked(&'static str),
    /// Payloads that each make a call make none together.
    Unfit,
}

impl Obstacle {
    /// What the claim becomes.
    pub fn settlement(self, of: &Circumstances<'_>) -> Settlement {
        match self {
            Self::OutOfTime => put_off(super::TROUBLE_WAIT, Deferral::OutOfTime, of),
            Self::Unusable => put_off(UNAUTHORIZED_WAIT, Deferral::ConnectionPaused, of),
            Self::Panicked(detail) => Settlement::Rejected(Closing::new(code::PANICKED, detail)),
            Self::Unfit => again(code::BATCH_REFUSED, None, of),
        }
    }
}

/// How long a lane waits for the pack that accepted a message before it refuses what its own does not know. A deployment
/// takes minutes; one that failed is mended within a day, and queues keep messages for 14.
const PACK_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// How soon such a message comes back. With the queue's own slow pace from receive 100 on these are some 170 receives a
/// day.
pub(super) const PACK_WAIT: Duration = Duration::from_secs(120);

/// Whether what this lane's pack (of `revision`) does not know of `message` may be what a newer one does.
pub(super) fn awaits_pack(message: &Message, revision: u32, now: Timestamp) -> bool {
    let is_newer = message.revision.is_some_and(|accepted| accepted > revision);
    is_newer && now.since(message.sent_at) < PACK_PATIENCE
}

/// To its slot, without an attempt spent.
pub(super) fn slot(until: Timestamp, of: &Circumstances<'_>) -> Settlement {
    match put_off(Duration::ZERO, Deferral::RateLimited, of) {
        Settlement::Released { reason, .. } => Settlement::Released { due: until, reason },
        spent => spent,
    }
}

/// Later, without an attempt spent.
pub(super) fn put_off(wait: Duration, reason: Deferral, of: &Circumstances<'_>) -> Settlement {
    if of.last_chance {
        let detail = format!("last deferral: {}", reason.code());
        return Settlement::Rejected(Closing::new(code::QUEUE_TIME_SPENT, detail));
    }
    Settlement::Released {
        due: of.now + wait.mul_f64(1.0 + 0.5 * of.jitter),
        reason,
    }
}

/// Whether a mapping that ran into its clock is tried again: on a function that was short of time it may be quicker. Steps
/// end one at the same place on every machine, and are no reason to.
///
/// Each such time costs a receive and a claim. Both count other things too: where both have seen much, it is the last.
pub(super) fn may_be_quicker(error: &MappingError, receives: u32, claims: u64) -> bool {
    error.is_of_the_clock() && u64::from(receives).min(claims) <= SLOW_MAPPINGS
}

/// Not before the vendor counts anew, without an attempt spent.
fn park(until: Timestamp, of: &Circumstances<'_>) -> Settlement {
    match put_off(Duration::ZERO, Deferral::QuotaSpent, of) {
        Settlement::Released { reason, .. } => Settlement::Released {
            due: until.clamp(of.now, of.now + SIGNAL_MAX) + PARKED_SPREAD.mul_f64(of.jitter),
            reason,
        },
        spent => spent,
    }
}

/// Whether the vendor would see our key with another call than before, while the earlier one may have taken effect.
pub(super) fn call_has_changed(record: &Record, safety: Safety, wire_hash: &str) -> bool {
    let keyed = matches!(safety, Safety::Keyed { .. });
    keyed
        && record.ambiguous
        && record
            .wire_hash
            .as_deref()
            .is_some_and(|sent| sent != wire_hash)
}

/// What becomes of the message whose claim was settled as `settlement`, giving `record`.
pub(super) fn outcome(settlement: Settlement, record: &Record) -> Outcome {
    match settlement {
        Settlement::Completed { .. } => Outcome::Delivered,
        Settlement::Retrying { due, code } => Outcome::Retry { code, until: due },
        Settlement::Released { due, reason } => Outcome::Deferred { reason, until: due },
        Settlement::Rejected(_) | Settlement::Unknown(_) => closed(record),
    }
}

/// What becomes of a message whose record is closed, now or since an earlier receive: its letter is sent (again).
pub(super) fn closed(record: &Record) -> Outcome {
    let code = record.code.clone().unwrap_or(code::OUTCOME_UNKNOWN);
    let reason = Reason {
        closing: Some(record.closing),
        attempts: record.attempts,
        provider_status: record.response.as_ref().map(|response| response.status),
        last_attempt: record.last_attempt,
        ..Reason::new(code, record.detail.clone().unwrap_or_default())
    };
    match record.status {
        crate::ledger::Status::Unknown => Outcome::Unknown(reason),
        _ => Outcome::Rejected(reason),
    }
}

/// The rule that a request breaks whose deadline has passed.
pub(super) fn deadline_rule() -> String {
    "deadline: has passed".to_owned()
}
