//! Each record's claim, call and settlement. One call carries one record, or several where the vendor takes them
//! together; every record has a claim, a doubt and an outcome of its own all the same.
//!
//! What is left behind when the process dies: before the claim, nothing; between claim and settlement, a lease that
//! ends by itself and is then ambiguous; after the settlement, a record that answers the message when it comes back.
//! A call that is guarded by the vendor's key leaves nothing before its settlement: from the second receive on, a
//! missing record counts as a call that may have been sent since the first.

use std::time::Duration;

use futures_util::future::join_all;

use super::admit::Leave;
use super::job::{Admitted, Job, Known};
use super::ready::Ready;
use super::state::{self, Circumstances};
use super::{Lane, Run, TROUBLE_WAIT};
use crate::Timestamp;
use crate::ledger::state::{Ask, Attempt, Claim, LEASE_MARGIN, Settlement, claim};
use crate::ledger::{self, Finding, Hold, Record, Settled};
use crate::limiter::FULL_RATE;
use crate::outcome::{Deferral, Outcome, Reason, code};
use crate::queue;

/// How soon a record asks again for a key that another one holds: most calls end within seconds.
const KEY_HELD_WAIT: Duration = Duration::from_secs(10);

/// What one step of a job came to.
pub(super) enum Step {
    /// Its message's fate is decided.
    End(Outcome),
    /// Its last holder died: it runs again, alone, when the rest of the batch is settled.
    Suspect,
}

impl Lane {
    /// Makes one call, and says of each of its jobs what it came to.
    pub(super) async fn attempt(&self, call: &Admitted, alone: bool, run: &Run<'_>) -> Vec<Step> {
        let jobs = call.jobs.as_slice();
        let Some(lead) = jobs.first() else {
            return Vec::new();
        };
        let all = |outcome: Outcome| jobs.iter().map(|_| Step::End(outcome.clone())).collect();
        let start = match self.start(call, lead, run).await {
            Ok(start) => start,
            Err(deferred) => return all(deferred),
        };
        self.seams.clock.sleep_until(start).await;
        if !run.has_time_for(lead.operation.timeout, self.seams.clock.now()) {
            return all(self.put_off(Deferral::OutOfTime));
        }
        let access = match self.access(lead, run).await {
            Ok(access) => access,
            Err(deferred) => {
                let jobs = jobs.iter().map(|job| (job, &deferred));
                self.note_put_off(jobs, run).await;
                return all(deferred);
            }
        };

        let held = jobs.iter().map(|job| self.ready(job, &access, alone, run));
        let mut steps: Vec<Result<Ready<'_>, Step>> = join_all(held).await;
        self.part_twins(&mut steps, run).await;
        let ready: Vec<&Ready<'_>> = steps.iter().filter_map(|step| step.as_ref().ok()).collect();
        if ready.is_empty() {
            return steps.into_iter().filter_map(Result::err).collect();
        }
        let called = self.carry_out(&ready, &call.drawn_by, &access, run).await;
        let outcomes = self.settle_all(&ready, &called, &access, run).await;
        let refusals = called.iter().filter_map(|made| made.as_ref().ok());
        if let Some(refusal) = refusals
            .map(|(_, called)| called)
            .find(|called| called.is_refusal())
        {
            self.heed_refusal(lead, &call.drawn_by, refusal, run).await;
        }
        let mut outcomes = outcomes.into_iter();
        let step = |step: Result<Ready<'_>, Step>| match step {
            Ok(_) => outcomes.next().map(Step::End),
            Err(step) => Some(step),
        };
        steps.into_iter().filter_map(step).collect()
    }

    /// From when on the call may be made.
    async fn start(
        &self,
        call: &Admitted,
        lead: &Job,
        run: &Run<'_>,
    ) -> Result<Timestamp, Outcome> {
        if let Some(start) = call.start {
            return Ok(start);
        }
        let now = self.seams.clock.now();
        let wanted = self.wanted(lead);
        let drawn = self.draw(&[wanted], FULL_RATE, now, run).await;
        let leave = drawn.leaves.first().copied().unwrap_or(Leave::Unknown);
        match (leave, self.without(leave)) {
            (Leave::From(start), _) => Ok(start),
            (_, Some(deferred)) => Err(deferred),
            (_, None) => Err(self.put_off(Deferral::StoreUnavailable)),
        }
    }

    /// The right to call: where the ledger was just seen without a record and the vendor honours a key, that key;
    /// otherwise a claim.
    pub(super) async fn hold(&self, job: &Job, alone: bool, run: &Run<'_>) -> Result<Hold, Step> {
        let ask = self.ask(job, alone, run);
        if job.known != Known::Unread
            && job.may_be_guarded()
            && let Some(record) = ledger::state::guard(job.known.stored(), &ask)
        {
            return Ok(Hold::guarded(record, ask.now));
        }
        let known = job.known.stored().cloned();
        match ledger::claim(self.seams.ledger.as_ref(), &ask, known).await {
            Ok(Finding::Granted(record)) => Ok(Hold::claimed(record)),
            Ok(Finding::Suspect) => Err(Step::Suspect),
            Ok(finding) => Err(Step::End(self.answer(finding))),
            Err(error) => {
                tracing::warn!(%error, pk = job.pk, "the claim could not be written");
                Err(Step::End(self.put_off(Deferral::StoreUnavailable)))
            }
        }
    }

    /// Writes what the request becomes. Where that fails, the message comes back and finds the lease, or its end; or
    /// no record, which then counts as a call that may have been sent.
    pub(super) async fn settle(
        &self,
        job: &Job,
        hold: &Hold,
        attempt: Option<&Attempt>,
        settlement: Settlement,
        run: &Run<'_>,
    ) -> Outcome {
        let next =
            ledger::state::settle(&hold.record, attempt, &settlement, self.seams.clock.now());
        match ledger::settle(self.seams.ledger.as_ref(), hold, &next).await {
            Ok(Settled::Ours) => {
                if job.is_retry() && matches!(settlement, Settlement::Completed { .. }) {
                    self.budget().retry_succeeded();
                }
                state::outcome(settlement, &next)
            }
            Ok(Settled::Lost(stored)) => {
                let in_doubt = attempt.is_some_and(|attempt| attempt.ambiguous);
                self.decided_by(stored.as_deref(), in_doubt, job, run)
            }
            Err(error) => {
                tracing::warn!(%error, pk = job.pk, "the settlement could not be written");
                self.put_off(Deferral::StoreUnavailable)
            }
        }
    }

    /// The settlement lost against `stored`, which decides now.
    fn decided_by(
        &self,
        stored: Option<&Record>,
        in_doubt: bool,
        job: &Job,
        run: &Run<'_>,
    ) -> Outcome {
        let mut ask = self.ask(job, false, run);
        if in_doubt && job.may_be_guarded() {
            ask.maybe_sent_since = Some(job.message.first_received);
        }
        match stored.map(|stored| claim(Some(stored), &ask)) {
            Some(Claim::Found(finding)) => self.answer(finding),
            _ => self.put_off(Deferral::KeyInProgress),
        }
    }

    /// What the stored record makes of the message.
    pub(super) fn answer(&self, finding: Finding) -> Outcome {
        match finding {
            Finding::Duplicate => Outcome::Duplicate,
            Finding::Conflict => Outcome::Rejected(Reason::new(
                code::IDEMPOTENCY_CONFLICT,
                "idempotency_key: was used before with another payload, operation or mapping",
            )),
            Finding::Closed(record) => state::closed(&record),
            Finding::NotDue(until) => Outcome::Deferred {
                reason: Deferral::NotDue,
                until,
            },
            // The holder is probably done in a moment; its lease is for the case that it died.
            Finding::InProgress(until) => Outcome::Deferred {
                reason: Deferral::KeyInProgress,
                until: until.min(self.seams.clock.now() + KEY_HELD_WAIT),
            },
            Finding::Granted(_) | Finding::Suspect | Finding::Busy => {
                self.put_off(Deferral::KeyInProgress)
            }
        }
    }

    pub(super) fn put_off(&self, reason: Deferral) -> Outcome {
        Outcome::Deferred {
            reason,
            until: self.seams.clock.now() + TROUBLE_WAIT,
        }
    }

    pub(super) fn ask<'a>(&self, job: &'a Job, alone: bool, run: &Run<'_>) -> Ask<'a> {
        Ask {
            pk: &job.pk,
            payload_hash: job.request.payload_hash.as_str(),
            message_id: &job.message.origin,
            owner: &job.owner,
            now: self.seams.clock.now(),
            lease_until: run.invocation.deadline + LEASE_MARGIN,
            first_seen: job.message.first_seen,
            alone,
            safety: job.operation.safety,
            maybe_sent_since: job.maybe_sent_since(),
        }
    }

    pub(super) fn circumstances<'a>(
        &'a self,
        job: &'a Job,
        record: &'a Record,
        now: Timestamp,
    ) -> Circumstances<'a> {
        Circumstances {
            record,
            operation: job.operation,
            retry: &self.provider.spec().retry,
            deadline: job.request.deadline,
            last_chance: queue::is_spent(&job.message, now),
            maybe_under_way_until: job.maybe_under_way_until(),
            now,
            jitter: job.jitter(),
        }
    }
}
pub(super) fn deadline_rule() -> String {
    "deadline: has passed".to_owned()
}
