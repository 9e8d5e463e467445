//! The call itself: from jobs that are ready to what the vendor's answer means for each of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::future::join_all;
use serde::de::IgnoredAny;

use super::address;
use super::ready::Ready;
use super::state::{self, Called, Obstacle};
use super::{Call, Lane, Purpose, Run, VendorCall};
use crate::Timestamp;
use crate::credentials::Access;
use crate::http_client::CallError;
use crate::ledger::state::Attempt;
use crate::outcome::{Outcome, code};
use crate::provider::{Answer, Json, Settling, Verdict, Wire};
use crate::request::vendor_key;

/// What became of one job's part of the call; or why there was no call.
pub(super) type Made = Result<(Attempt, Called), Obstacle>;

impl Lane {
    /// Makes the one call for all that are `ready`. No store is written.
    pub(super) async fn carry_out(
        &self,
        ready: &[&Ready<'_>],
        drawn_by: &str,
        access: &Access,
        run: &Run<'_>,
    ) -> Vec<Made> {
        let not_made = |obstacle: Obstacle| ready.iter().map(|_| Err(obstacle)).collect();
        let Some(lead) = ready.first().map(|ready| ready.job) else {
            return Vec::new();
        };
        let wire = match combined(ready) {
            Ok(wire) => wire,
            Err(obstacle) => return not_made(obstacle),
        };
        let payloads: Vec<&Json> = ready.iter().map(|ready| ready.payload).collect();
        let url = address::shown(&self.address(&wire), &wire.path, &payloads);
        let (base_url, mut wire) = match self.sign(lead, wire, access).await {
            Ok(signed) => signed,
            Err(obstacle) => return not_made(obstacle),
        };
        let (timeout, started) = (lead.operation.timeout, self.seams.clock.now());
        // What nothing could settle must not end in doubt for a connection that the vendor was closing.
        let cannot_settle = |ready: &&&Ready<'_>| {
            let first_sent = ready.record.first_sent_at;
            lead.operation.safety.settling(first_sent, started) == Settling::Unknown
        };
        wire.fresh = ready.iter().any(|ready| cannot_settle(&ready));
        // The claims took their time, and so did the wait for tokens: the vendor may have forgotten a key meanwhile.
        let forgotten = ready.iter().filter(cannot_settle);
        if !run.has_time_for(timeout, started)
            || forgotten.into_iter().any(|one| one.record.ambiguous)
        {
            return not_made(Obstacle::OutOfTime);
        }
        let answer = self.seams.http.call(&base_url, &wire, timeout).await;
        let now = self.seams.clock.now();
        let status = answer.as_ref().map(|answer| answer.status);
        let status = status.map_err(CallError::code);
        let mut readable = false;
        let called: Vec<Called> = match answer {
            Ok(answer) => {
                self.listen(lead, drawn_by, &answer, run, now);
                let verdicts = self.judge(ready, &answer, now).into_iter();
                let status = answer.status;
                readable = answer.json::<IgnoredAny>().is_some();
                verdicts
                    .map(|verdict| Called::Answered(status, verdict))
                    .collect()
            }
            Err(error) => vec![Called::Failed(error); ready.len()],
        };
        run.note(Call {
            breaker: self.breaker_key(lead.request.connection.as_str()),
            made: VendorCall {
                operation: lead.operation.name,
                purpose: Purpose::CarryOut,
                method: wire.method,
                url,
                started,
                latency: now.since(started),
                answer: status,
                fault: called.iter().any(Called::is_fault),
                throttled: called.iter().any(Called::is_refusal),
                carried: ready.iter().map(|ready| ready.job.carried()).collect(),
            },
        });
        let made = ready.iter().zip(called).map(|(ready, called)| {
            let of = self.circumstances(ready.job, &ready.record, now);
            let attempt = called.attempt(started, ready.wire_hash.clone(), readable, &of);
            Ok((attempt, called))
        });
        made.collect()
    }

    /// The provider's judgement, one an element. Its panic comes after the sending, so that it is no definite answer;
    /// neither is one that leaves open whom it is about.
    fn judge(&self, ready: &[&Ready<'_>], answer: &Answer, now: Timestamp) -> Vec<Verdict> {
        let Some(operation) = ready.first().map(|ready| ready.job.operation) else {
            return Vec::new();
        };
        let elements: Vec<&Json> = ready.iter().map(|ready| ready.payload).collect();
        let classify = AssertUnwindSafe(|| {
            if operation.most_in_a_call() > 1 {
                self.provider
                    .classify_batch(operation, &elements, answer, now)
            } else {
                vec![self.provider.classify(operation, answer, now)]
            }
        });
        let mut verdicts = catch_unwind(classify).unwrap_or_default();
        if verdicts.len() != ready.len() {
            let unknown = Verdict::Ambiguous {
                code: code::PANICKED,
                after: None,
                resend_helps: true,
                fault: false,
            };
            verdicts = vec![unknown; ready.len()];
        }
        let verdicts = verdicts.into_iter();
        verdicts
            .map(|verdict| verdict.under(operation.safety))
            .collect()
    }

    /// What each job becomes, and its write.
    pub(super) async fn settle_all(
        &self,
        ready: &[&Ready<'_>],
        made: &[Made],
        access: &Access,
        run: &Run<'_>,
    ) -> Vec<Outcome> {
        let heard = self.hear_all(ready, made, access).await;
        let settled = ready.iter().zip(made).map(|(ready, made)| async move {
            let (job, record) = (ready.job, &ready.record);
            let of = self.circumstances(job, record, self.seams.clock.now());
            let (attempt, settlement) = match (made, heard) {
                (Err(obstacle), _) => (None, obstacle.settlement(&of)),
                (Ok((attempt, called)), Some((wait, reason)))
                    if called.is_about_the_connection() =>
                {
                    (Some(attempt), state::put_off(wait, reason, &of))
                }
                (Ok((attempt, called)), _) => {
                    (Some(attempt), state::conclude(called, attempt, &of))
                }
            };
            self.settle(job, record, attempt, settlement, run).await
        });
        join_all(settled).await
    }
}

/// One call for all: the only job's own with its key, or the batch.
fn combined(ready: &[&Ready<'_>]) -> Result<Wire, Obstacle> {
    if let [only] = ready {
        let record = &only.record;
        let key = vendor_key(&record.pk, record.series);
        return Ok(only.job.operation.keyed(only.wire.clone(), &key));
    }
    let Some(operation) = ready.first().map(|ready| ready.job.operation) else {
        return Err(Obstacle::Unfit);
    };
    let payloads: Vec<&Json> = ready.iter().map(|ready| ready.payload).collect();
    let prepare = AssertUnwindSafe(|| operation.prepare_batch(&payloads));
    match catch_unwind(prepare) {
        Ok(Ok(wire)) => Ok(wire),
        Ok(Err(_)) | Err(_) => Err(Obstacle::Unfit),
    }
}
