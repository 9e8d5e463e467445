//! An earlier attempt may have taken effect, and the vendor can be asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::address;
use super::job::Job;
use super::leave::Term;
use super::state;
use super::{Call, Lane, Purpose, Run, TROUBLE_WAIT, VendorCall};
use crate::credentials::Access;
use crate::http_client::CallError;
use crate::ledger::Record;
use crate::ledger::state::{Closing, Settlement};
use crate::outcome::{Deferral, code};
use crate::provider::{Found, Json, Lookup, Safety, Verdict, Wire};
use crate::request::vendor_key;

/// How long the vendor gets after an answer that does not tell.
const UNCLEAR_WAIT: Duration = Duration::from_secs(30);

/// What the doubt about earlier attempts comes to.
pub(super) enum Doubt {
    /// There is none, or it is settled otherwise.
    None,
    /// No earlier attempt took effect: another one may be made.
    Void,
    /// No earlier attempt took effect, and none can.
    Refuted(Settlement),
    /// It ends, or waits, without another attempt.
    Settled(Settlement),
    /// The credentials were refused, perhaps those of the earlier attempt as well: what that one's answer seemed to say
    /// counts no more.
    Unheard(Settlement),
}

impl Lane {
    /// Asks the vendor, where an earlier attempt may have taken effect and asking is how that is settled; by the leave that
    /// the job has for a `term`.
    pub(super) async fn settle_doubt(
        &self,
        job: &Job,
        payload: &Json,
        record: &Record,
        access: &Access,
        term: Term,
        run: &Run<'_>,
    ) -> Doubt {
        let Safety::Lookup { settle, .. } = job.operation.safety else {
            return Doubt::None;
        };
        if !record.ambiguous {
            return Doubt::None;
        }
        let now = self.seams.clock.now();
        let of = self.circumstances(job, record, now);
        if !run.has_time_for(job.operation.timeout, now) {
            return Doubt::Settled(state::put_off(TROUBLE_WAIT, Deferral::OutOfTime, &of));
        }
        if let Some(leave) = self.keep_term(term, job, run).await {
            return Doubt::Settled(self.put_back(leave, job, record));
        }
        let reference = vendor_key(&record.pk, record.series);
        let last_sent = record.last_attempt.unwrap_or(now);
        let lookup = Lookup {
            payload,
            reference: &reference,
            first_sent: record.first_sent_at.unwrap_or(last_sent),
            last_sent,
        };
        let asked = AssertUnwindSafe(|| self.provider.look_up(job.operation, &lookup));
        let Ok(Some(wire)) = catch_unwind(asked) else {
            return Doubt::Settled(undecided());
        };
        // What was sent at the very last may show only `settle` later.
        let shown = last_sent + settle;
        let asked = self.ask_vendor(job, record, &lookup, access, wire, run);
        let (status, found) = match asked.await {
            Ok(told) => told,
            Err(doubt) => return doubt,
        };
        Doubt::Settled(match found {
            Found::Hit { object_id } => Settlement::Completed { status, object_id },
            Found::Other { detail } => return Doubt::Refuted(not_ours(detail)),
            Found::Miss if shown <= now && record.code == Some(code::ALREADY_EXISTS) => {
                let detail = "it exists, and no call of this request made it";
                return Doubt::Refuted(not_ours(detail));
            }
            Found::Miss if shown <= now => return Doubt::Void,
            // Nobody waits for ever for a vendor that does not tell.
            _ if of.last_chance || now.since(shown) >= of.retry.max_age => undecided(),
            Found::Miss => state::put_off(shown.since(now), Deferral::Settling, &of),
            Found::Unclear => state::put_off(UNCLEAR_WAIT, Deferral::Settling, &of),
        })
    }

    async fn ask_vendor(
        &self,
        job: &Job,
        record: &Record,
        lookup: &Lookup<'_>,
        access: &Access,
        wire: Wire,
        run: &Run<'_>,
    ) -> Result<(u16, Found), Doubt> {
        let connection = job.request.connection.as_str();
        let reference = Json::from(lookup.reference);
        let told = [lookup.payload, &reference];
        let url = address::shown(&self.address(&wire), &wire.path, &told);
        let signed = self.sign(job, wire, access).await;
        let (base_url, wire) = signed.map_err(|obstacle| {
            let of = self.circumstances(job, record, self.seams.clock.now());
            Doubt::Settled(obstacle.settlement(&of))
        })?;
        let started = self.seams.clock.now();
        let answer = self
            .seams
            .http
            .call(&base_url, &wire, job.operation.timeout)
            .await;
        let latency = self.seams.clock.now().since(started);
        let fault = match &answer {
            Ok(answer) => answer.status >= 500,
            Err(error) => error.is_fault(),
        };
        run.note(Call {
            breaker: self.breaker_key(connection),
            made: VendorCall {
                operation: job.operation.name,
                purpose: Purpose::LookUp,
                method: wire.method.clone(),
                url,
                started,
                latency,
                answer: answer
                    .as_ref()
                    .map(|answer| answer.status)
                    .map_err(CallError::code),
                fault,
                throttled: matches!(&answer, Ok(answer) if answer.status == 429),
                carried: vec![job.carried()],
            },
        });
        let Ok(answer) = answer else {
            return Ok((0, Found::Unclear));
        };
        if let Some(verdict) = about_the_connection(answer.status) {
            let refused = self.hear(job, access, &verdict);
            let Some((wait, reason)) = refused.await else {
                return Ok((answer.status, Found::Unclear));
            };
            let of = self.circumstances(job, record, self.seams.clock.now());
            return Err(Doubt::Unheard(state::put_off(wait, reason, &of)));
        }
        let understood = AssertUnwindSafe(|| self.provider.found(job.operation, lookup, &answer));
        Ok((
            answer.status,
            catch_unwind(understood).unwrap_or(Found::Unclear),
        ))
    }
}

/// A lookup has no business answers: these are about the credentials alone, or the account's address.
const fn about_the_connection(status: u16) -> Option<Verdict> {
    match status {
        301 | 302 | 307 | 308 => Some(Verdict::Moved),
        401 => Some(Verdict::Unauthorized),
        _ => None,
    }
}

/// What stands there is somebody else's, and so no call of this request took effect.
fn not_ours(detail: impl Into<String>) -> Settlement {
    Settlement::Rejected(Closing::new(code::PROVIDER_REJECTED, detail))
}

fn undecided() -> Settlement {
    let detail = "an earlier attempt may have taken effect, and asking the vendor does not tell";
    Settlement::Unknown(Closing::new(code::OUTCOME_UNKNOWN, detail))
}
