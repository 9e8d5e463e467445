//! One record's claim, call and settlement.
//!
//! What is left behind when the process dies: before the claim, nothing; between claim and settlement, a lease that
//! ends by itself and is then ambiguous; after the settlement, a record that answers the message when it comes back.
//! A call that is guarded by the vendor's key leaves nothing before its settlement: from the second receive on, a
//! missing record counts as a call that may have been sent since the first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::job::{Job, Known};
use super::state::{self, Called, Circumstances};
use super::{Call, Lane, Run, TROUBLE_WAIT};
use crate::Timestamp;
use crate::bugs::{self, Bug};
use crate::credentials::Access;
use crate::ledger::state::{Ask, Attempt, Claim, Closing, LEASE_MARGIN, Settlement, claim};
use crate::ledger::{self, Finding, Hold, Record, Settled};
use crate::outcome::{Deferral, Outcome, Reason, code};
use crate::provider::{Verdict, Wire};
use crate::queue;
use crate::request::vendor_key;

/// How soon a request that the vendor knows nothing of is sent again: it needs leave of its own.
const ASKED_WAIT: Duration = Duration::from_secs(1);

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
    /// Carries out one job, from `start` on.
    pub(super) async fn attempt(
        &self,
        job: &Job,
        start: Timestamp,
        alone: bool,
        run: &Run<'_>,
    ) -> Step {
        self.seams.clock.sleep_until(start).await;
        if !run.has_time_for(job.operation.timeout, self.seams.clock.now()) {
            return Step::End(self.put_off(Deferral::OutOfTime));
        }
        let access = match self.access(job, run).await {
            Ok(access) => access,
            Err(deferred) => {
                self.note_put_off([(job, &deferred)], run).await;
                return Step::End(deferred);
            }
        };
        let mut hold = match self.hold(job, alone, run).await {
            Ok(hold) => hold,
            Err(step) => return step,
        };
        match self.settle_doubt(job, &hold.record, &access, run).await {
            Ok(None) => {}
            Ok(Some(record)) => {
                // The vendor was asked, and that was the one call that the job had leave for.
                hold.record = record;
                let of = self.circumstances(job, &hold.record, self.seams.clock.now());
                let later = state::put_off(ASKED_WAIT, Deferral::Settling, &of);
                return Step::End(self.settle(job, &hold, None, later, run).await);
            }
            Err(settlement) => {
                return Step::End(self.settle(job, &hold, None, settlement, run).await);
            }
        }
        let (made, settlement) = self.carry_out(job, &hold.record, &access, run).await;
        let verdict = made.as_ref().and_then(|(_, called)| called.verdict());
        let settlement = match self.hear(job, &hold.record, &access, verdict).await {
            Some(refused) => refused,
            None => settlement,
        };
        let attempt = made.as_ref().map(|(attempt, _)| attempt);
        let outcome = self.settle(job, &hold, attempt, settlement, run).await;
        if let Some((_, called)) = made {
            self.heed_refusal(job, &called, run).await;
        }
        Step::End(outcome)
    }

    /// The right to call: where the ledger was just seen without a record and the vendor honours a key, that key;
    /// otherwise a claim.
    async fn hold(&self, job: &Job, alone: bool, run: &Run<'_>) -> Result<Hold, Step> {
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

    /// From the claim to the verdict. No store is written.
    async fn carry_out(
        &self,
        job: &Job,
        record: &Record,
        access: &Access,
        run: &Run<'_>,
    ) -> (Option<(Attempt, Called)>, Settlement) {
        let (base_url, wire, wire_hash) = match self.prepare(job, record, access).await {
            Ok(prepared) => prepared,
            Err(settlement) => return (None, settlement),
        };
        let started = self.seams.clock.now();
        // The claim took its time, too.
        if !run.has_time_for(job.operation.timeout, started) {
            let of = self.circumstances(job, record, started);
            return (None, state::put_off(TROUBLE_WAIT, Deferral::OutOfTime, &of));
        }
        let answer = self
            .seams
            .http
            .call(&base_url, &wire, job.operation.timeout)
            .await;
        let now = self.seams.clock.now();
        let called = match answer {
            Ok(answer) => {
                self.listen(job, &answer, run, now);
                Called::Answered(answer.status, self.judge(job, &answer, now))
            }
            Err(error) => Called::Failed(error),
        };
        let breaker = self.breaker_key(job.request.connection.as_str());
        run.note(Call {
            breaker,
            latency: now.since(started),
            fault: called.is_fault(),
        });
        let of = self.circumstances(job, record, now);
        let attempt = called.attempt(started, wire_hash, &of);
        let settlement = state::conclude(&called, &attempt, &of);
        (Some((attempt, called)), settlement)
    }

    /// The provider's judgement. Its panic comes after the sending, so that it is no definite answer.
    fn judge(&self, job: &Job, answer: &crate::provider::Answer, now: Timestamp) -> Verdict {
        let classify = AssertUnwindSafe(|| self.provider.classify(job.operation, answer, now));
        let verdict = catch_unwind(classify).unwrap_or(Verdict::Ambiguous {
            code: code::PANICKED,
            after: None,
            resend_helps: true,
            fault: false,
        });
        verdict.under(job.operation.safety)
    }

    /// Where the call goes, the call, ready to be sent, and its hash; or what the claim becomes without one.
    async fn prepare(
        &self,
        job: &Job,
        record: &Record,
        access: &Access,
    ) -> Result<(String, Wire, String), Settlement> {
        let now = self.seams.clock.now();
        let reject = |code, detail: String| Err(Settlement::Rejected(Closing::new(code, detail)));
        if job.deadline_passed(now) {
            return reject(code::DEADLINE_EXCEEDED, deadline_rule());
        }
        if let Some(mapping) = &job.request.mapping {
            return reject(
                code::MAPPING_FAILED,
                format!("mapping: `{mapping}` is not known to this lane"),
            );
        }
        let prepared = catch_unwind(AssertUnwindSafe(|| {
            job.operation.prepare(&job.request.payload)
        }));
        let wire = match prepared {
            Ok(Ok(wire)) => wire,
            Ok(Err(error)) => return reject(code::PAYLOAD_INVALID, error.to_string()),
            Err(_) => return reject(code::PANICKED, "building the call panicked".into()),
        };
        let hash = wire.hash().to_string();
        if state::call_has_changed(record, job.operation.safety, &hash) {
            let detail = "the call has changed since an attempt that may have taken effect";
            return Err(Settlement::Unknown(Closing::new(
                code::OUTCOME_UNKNOWN,
                detail,
            )));
        }
        let fresh_key = bugs::is(Bug::NewKeyEveryAttempt).then_some(record.generation as u32);
        let key = vendor_key(&record.pk, fresh_key.unwrap_or(record.series));
        let wire = job.operation.keyed(wire, &key);
        let (base_url, wire) = self.sign(job, record, wire, access).await?;
        Ok((base_url, wire, hash))
    }

    /// Writes what the request becomes. Where that fails, the message comes back and finds the lease, or its end; or
    /// no record, which then counts as a call that may have been sent.
    async fn settle(
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
