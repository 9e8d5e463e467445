//! Each record's claim, call and settlement. One call carries one record, or several where the vendor takes them
//! together; every record has a claim, a doubt and an outcome of its own all the same.
//!
//! What is left behind when the process dies: before the claim, nothing; between claim and settlement, a lease that
//! ends by itself and is then ambiguous; after the settlement, a record that answers the message when it comes back.

use std::time::Duration;

use futures_util::future::join_all;

use super::job::{Admitted, Job, Step, Subject};
use super::leave::{Leave, Term};
use super::ready::Ready;
use super::state::{self, Circumstances};
use super::{Lane, Run, TROUBLE_WAIT};
use crate::Timestamp;
use crate::ledger::state::{Ask, Attempt, Claim, Closing, LEASE_MARGIN, Settlement, claim};
use crate::ledger::{self, BESIDE, Finding, Record, Settled};
use crate::outcome::{Deferral, Outcome, Reason, code};
use crate::queue::{self, Message};
use crate::retry;

/// How soon a record asks again for a key that another one holds: most calls end within seconds.
const KEY_HELD_WAIT: Duration = Duration::from_secs(10);

impl Lane {
    /// Makes one call, and says of each of its jobs what it came to.
    pub(super) async fn attempt(&self, call: &Admitted, alone: bool, run: &Run<'_>) -> Vec<Step> {
        let jobs = call.jobs.as_slice();
        let Some(lead) = jobs.first() else {
            return Vec::new();
        };
        let all = |outcome: Outcome| jobs.iter().map(|_| Step::End(outcome.clone())).collect();
        let term = match self.leave(call, lead, run).await {
            Ok(term) => term,
            Err(deferred) => return all(deferred),
        };
        if !run.has_time_for(lead.operation.timeout, self.seams.clock.now()) {
            return all(self.put_off(Deferral::OutOfTime));
        }
        let access = match self.access(lead, run).await {
            Ok(access) => access,
            Err(deferred) => return all(deferred),
        };

        let held = jobs
            .iter()
            .map(|job| self.ready(job, &access, (alone, term), run));
        let mut steps: Vec<Result<Ready<'_>, Step>> = join_all(held).await;
        self.part_twins(&mut steps, run).await;
        let ready: Vec<&Ready<'_>> = steps.iter().filter_map(|step| step.as_ref().ok()).collect();
        if ready.is_empty() {
            return steps.into_iter().filter_map(Result::err).collect();
        }
        let term = ready.iter().map(|ready| ready.term).fold(term, Term::and);
        if let Some(leave) = self.keep_term(term, lead, run).await {
            return self.put_all_back(steps, leave, run).await;
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

    /// When the call may be made.
    async fn leave(&self, call: &Admitted, lead: &Job, run: &Run<'_>) -> Result<Term, Outcome> {
        if let Some(term) = call.term {
            return Ok(term);
        }
        match self.draw_alone(self.wanted(lead), run).await {
            Leave::Granted(term) => Ok(term),
            leave => {
                let deferred = self.without(leave);
                Err(deferred.unwrap_or_else(|| self.put_off(Deferral::StoreUnavailable)))
            }
        }
    }

    /// Releases the records of a call that got no leave after all.
    async fn put_all_back(
        &self,
        steps: Vec<Result<Ready<'_>, Step>>,
        leave: Leave,
        run: &Run<'_>,
    ) -> Vec<Step> {
        let back = steps.into_iter().map(|step| async move {
            match step {
                Ok(Ready { job, record, .. }) => {
                    let later = self.put_back(leave, job, &record);
                    Step::End(self.settle(job, &record, None, later, run).await)
                }
                Err(step) => step,
            }
        });
        join_all(back).await
    }

    /// Claims the job's record. A claim whose reply was lost is repeated while there is time for its call: it is known
    /// for our own, and would otherwise stand for an attempt that nobody made.
    pub(super) async fn claim(
        &self,
        job: &Job,
        alone: bool,
        run: &Run<'_>,
    ) -> Result<Record, Step> {
        for failures in 1.. {
            let ask = self.ask(job, alone, run);
            let known = job.known.as_deref().cloned();
            let error = match ledger::claim(self.seams.ledger.as_ref(), &ask, known).await {
                Ok(Finding::Granted(record)) => return Ok(record),
                Ok(Finding::Suspect) => return Err(Step::Suspect),
                Ok(finding) => return Err(Step::End(self.answer(finding, job, run).await)),
                Err(error) => error,
            };
            tracing::warn!(%error, pk = job.subject.pk, "the claim could not be written");
            let latest = run.settles_at() - job.operation.timeout;
            if !self
                .wait_to_repeat(&job.subject.owner, failures, latest)
                .await
            {
                break;
            }
        }
        Err(Step::End(self.put_off(Deferral::StoreUnavailable)))
    }

    /// Writes what the request becomes. What a call came to is written again and again while the invocation lasts:
    /// nobody else can tell. What made no call is given back once; where that fails, the lease ends by itself.
    pub(super) async fn settle(
        &self,
        job: &Job,
        held: &Record,
        attempt: Option<&Attempt>,
        settlement: Settlement,
        run: &Run<'_>,
    ) -> Outcome {
        let next = ledger::state::settle(held, attempt, &settlement, self.seams.clock.now());
        let tells = attempt.is_some() || !matches!(settlement, Settlement::Released { .. });
        for failures in 1.. {
            let error = match ledger::settle(self.seams.ledger.as_ref(), held, &next).await {
                Ok(Settled::Ours) => {
                    if job.is_retry() && matches!(settlement, Settlement::Completed { .. }) {
                        self.budget().retry_succeeded();
                    }
                    return state::outcome(settlement, &next);
                }
                Ok(Settled::Lost(stored)) => return self.decided_by(stored, job, run).await,
                Err(error) => error,
            };
            tracing::warn!(%error, pk = job.subject.pk, "the settlement could not be written");
            let until = run.settles_at();
            if !(tells
                && self
                    .wait_to_repeat(&job.subject.owner, failures, until)
                    .await)
            {
                break;
            }
        }
        self.put_off(Deferral::StoreUnavailable)
    }

    /// Waits before a write is repeated that has failed so often; not where that would be after `latest`.
    async fn wait_to_repeat(&self, owner: &str, failures: u32, latest: Timestamp) -> bool {
        /// The SDK has repeated the write three times within a second by then.
        const FIRST: Duration = Duration::from_millis(200);
        /// A table that throttles adapts within seconds; the wait bounds how often each record asks.
        const LONGEST: Duration = Duration::from_secs(3);
        let step = FIRST
            .saturating_mul(1 << failures.min(5))
            .min(LONGEST)
            .mul_f64(0.5 + 0.5 * retry::jitter(owner, u64::from(failures)));
        let at = self.seams.clock.now() + step;
        if at > latest {
            return false;
        }
        self.seams.clock.sleep_until(at).await;
        true
    }

    /// The settlement lost against `stored`, which decides now.
    async fn decided_by(&self, stored: Option<Box<Record>>, job: &Job, run: &Run<'_>) -> Outcome {
        match stored.map(|stored| claim(Some(&stored), &self.ask(job, false, run))) {
            Some(Claim::Found(finding)) => self.answer(finding, job, run).await,
            _ => self.put_off(Deferral::KeyInProgress),
        }
    }

    /// What the stored record makes of the message.
    pub(super) async fn answer(&self, finding: Finding, job: &Job, run: &Run<'_>) -> Outcome {
        match finding {
            Finding::Duplicate => Outcome::Duplicate,
            Finding::Conflict => self.refuse_conflict(job, run).await,
            finding => self.found(finding),
        }
    }

    /// What anything but a duplicate or a conflict makes of the message.
    fn found(&self, finding: Finding) -> Outcome {
        match finding {
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
            Finding::Duplicate => Outcome::Duplicate,
            Finding::Conflict | Finding::Granted(_) | Finding::Suspect | Finding::Busy => {
                self.put_off(Deferral::KeyInProgress)
            }
        }
    }

    /// Ends the request of `message` for `reason` without a call: in its record first, so that whoever asks is answered.
    /// What is written there decides; while nothing can be written, nothing ends.
    pub(super) async fn end(
        &self,
        message: &Message,
        subject: &Subject,
        reason: &Closing,
        run: &Run<'_>,
    ) -> Outcome {
        let ask = self.ask_for(message, subject, run);
        match ledger::end(self.seams.ledger.as_ref(), &ask, None, reason).await {
            Ok(Finding::Conflict) => conflict(),
            Ok(finding) => self.found(finding),
            Err(error) => {
                tracing::warn!(%error, pk = subject.pk, "the end could not be written");
                self.put_off(Deferral::StoreUnavailable)
            }
        }
    }

    /// The key belongs to another request, whose record stays as it is: this one's end stands in a record of its own.
    async fn refuse_conflict(&self, job: &Job, run: &Run<'_>) -> Outcome {
        let mut subject = job.subject.clone();
        subject.pk = conflict_pk(&subject.pk, &subject.payload_hash);
        let reason = Closing::new(code::IDEMPOTENCY_CONFLICT, CONFLICT_RULE);
        match self.end(&job.message, &subject, &reason, run).await {
            waits @ Outcome::Deferred { .. } => waits,
            // Its letter has no mark: sent again, it is judged by the key's own record.
            _ => conflict(),
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
            alone,
            ..self.ask_for(&job.message, &job.subject, run)
        }
    }

    fn ask_for<'a>(&self, message: &'a Message, subject: &'a Subject, run: &Run<'_>) -> Ask<'a> {
        Ask {
            pk: &subject.pk,
            payload_hash: &subject.payload_hash,
            message_id: &message.origin,
            sent_at: message.sent_at,
            mark: message.mark,
            owner: &subject.owner,
            now: self.seams.clock.now(),
            lease_until: run.invocation.deadline + LEASE_MARGIN,
            first_seen: message.first_seen,
            alone: false,
            safety: subject.safety,
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
            now,
            jitter: job.jitter(),
        }
    }
}

const CONFLICT_RULE: &str =
    "idempotency_key: was used before with another payload, operation or mapping";

fn conflict() -> Outcome {
    Outcome::Rejected(Reason::new(code::IDEMPOTENCY_CONFLICT, CONFLICT_RULE))
}

/// Where the end of a request stands whose key is another one's: beside that, under a name that no key can have, since
/// keys are printable.
fn conflict_pk(pk: &str, payload_hash: &str) -> String {
    /// Enough to tell the payloads of one key apart, and little of the record's room.
    const HASH: usize = 16;
    let hash = payload_hash.get(..HASH).unwrap_or(payload_hash);
    format!("{pk}{BESIDE}{hash}")
}
