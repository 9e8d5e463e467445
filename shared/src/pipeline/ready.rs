//! From the right to call to a call that is ready: the mapping, doubts about earlier attempts, the payload's shape, and
//! what a mapped payload draws on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::doubt::Doubt;
use super::job::{Job, Step};
use super::leave::{Leave, Term};
use super::state::{self, deadline_rule};
use super::{Lane, Run, TROUBLE_WAIT};
use crate::credentials::Access;
use crate::ledger::Record;
use crate::ledger::state::{Closing, Settlement};
use crate::mapping::{FindError, Mapping};
use crate::outcome::{Code, Deferral, code};
use crate::provider::{Json, PayloadError, Wire};

/// How soon a request comes back that needs leave of its own: the vendor was asked and knows nothing of it, or its claim
/// outlasted its token.
const LEAVE_WAIT: Duration = Duration::from_secs(1);

/// How soon an element that the vendor takes for the same as another one of its call comes back: that call is over
/// within seconds.
const TWIN_WAIT: Duration = Duration::from_secs(2);

/// A job that is held and whose part of the call is known.
pub(super) struct Ready<'a> {
    pub job: &'a Job,
    /// Its record, as claimed.
    pub record: Record,
    /// When what it drew may be used.
    pub term: Term,
    /// The payload in the operation's canonical shape.
    pub payload: &'a Json,
    /// The call as it would be for this job alone, without key and credentials.
    pub wire: Wire,
    /// The hash of that.
    pub wire_hash: String,
    /// What the vendor takes the element for, where it may have company.
    identity: Option<String>,
}

impl Lane {
    /// Makes one job ready; or carries out what becomes of it without a call.
    pub(super) async fn ready<'a>(
        &self,
        job: &'a Job,
        access: &Access,
        (alone, term): (bool, Term),
        run: &Run<'_>,
    ) -> Result<Ready<'a>, Step> {
        let mut record = self.claim(job, alone, run).await?;
        match self.readied(job, &mut record, access, term, run).await {
            Ok((payload, wire, identity, term)) => Ok(Ready {
                job,
                term,
                payload,
                wire_hash: wire.hash().to_string(),
                wire,
                identity,
                record,
            }),
            Err(settlement) => Err(Step::End(
                self.settle(job, &record, None, settlement, run).await,
            )),
        }
    }

    async fn readied<'a>(
        &self,
        job: &'a Job,
        record: &mut Record,
        access: &Access,
        term: Term,
        run: &Run<'_>,
    ) -> Result<(&'a Json, Wire, Option<String>, Term), Settlement> {
        let mapping = self.map(job, record).await?;
        let payload = job.canonical().unwrap_or(&job.request.payload);
        match self
            .settle_doubt(job, payload, record, access, term, run)
            .await
        {
            Doubt::None => {}
            Doubt::Void => {
                // The vendor was asked, and that was the one call that the job had leave for.
                record.ambiguous = false;
                let of = self.circumstances(job, record, self.seams.clock.now());
                return Err(state::after_miss(LEAVE_WAIT, &of));
            }
            Doubt::Refuted(settlement) => {
                record.ambiguous = false;
                return Err(settlement);
            }
            Doubt::Settled(settlement) => return Err(settlement),
            Doubt::Unheard(settlement) => {
                record.code = None;
                return Err(settlement);
            }
        }
        if job.deadline_passed(self.seams.clock.now()) {
            return Err(reject(code::DEADLINE_EXCEEDED, deadline_rule()));
        }
        let (wire, identity) = prepare(job, payload).map_err(|unfit| match (unfit, &mapping) {
            (Unfit::Panicked, _) => reject(code::PANICKED, "building the call panicked"),
            (Unfit::Payload(error), None) => {
                self.unknown_here(job, record, code::PAYLOAD_INVALID, error.to_string())
            }
            (Unfit::Payload(error), Some(mapping)) => {
                let detail = format!("mapping {mapping} makes an unfit payload: {error}");
                self.unknown_here(job, record, code::MAPPING_FAILED, detail)
            }
        })?;
        let hash = wire.hash().to_string();
        if state::call_has_changed(record, job.operation.safety, &hash) {
            let detail = "the call has changed since an attempt that may have taken effect";
            return Err(Settlement::Unknown(Closing::new(
                code::OUTCOME_UNKNOWN,
                detail,
            )));
        }
        match self.draw_rest(job, run).await {
            Leave::Granted(rest) => Ok((payload, wire, identity, term.and(rest))),
            leave => Err(self.put_back(leave, job, record)),
        }
    }

    /// What becomes of a job that is held when the limiter gives no leave.
    pub(super) fn put_back(&self, leave: Leave, job: &Job, record: &Record) -> Settlement {
        let of = self.circumstances(job, record, self.seams.clock.now());
        match leave {
            Leave::Later(until) => state::slot(until, &of),
            _ => state::put_off(TROUBLE_WAIT, Deferral::StoreUnavailable, &of),
        }
    }

    /// What this lane's pack does not know: refused, unless a newer pack took it, which the lane will soon have, too.
    fn unknown_here(&self, job: &Job, record: &Record, code: Code, detail: String) -> Settlement {
        let now = self.seams.clock.now();
        if !state::awaits_pack(&job.message, self.provider.spec().revision, now) {
            return reject(code, detail);
        }
        let of = self.circumstances(job, record, now);
        state::put_off(state::PACK_WAIT, Deferral::PackOlder, &of)
    }

    /// Has the request's mapping, where it names one, make the canonical payload; says which mapping that was.
    async fn map(&self, job: &Job, record: &Record) -> Result<Option<String>, Settlement> {
        let Some(name) = &job.request.mapping else {
            return Ok(None);
        };
        let now = self.seams.clock.now();
        let (connection, operation) = (job.request.connection.as_str(), job.operation.name);
        let found = self.mappings.find(connection, name, operation, now).await;
        let mapping = match found {
            Ok(Some(mapping)) => mapping,
            Ok(None) => {
                let detail = format!("mapping: `{name}` is not known to this lane");
                return Err(self.unknown_here(job, record, code::MAPPING_FAILED, detail));
            }
            Err(FindError::Mapping(error)) => {
                return Err(reject(code::MAPPING_FAILED, error.to_string()));
            }
            Err(FindError::Store(error)) => {
                tracing::warn!(%error, connection, "the mappings could not be read");
                let of = self.circumstances(job, record, now);
                let reason = Deferral::StoreUnavailable;
                return Err(state::put_off(TROUBLE_WAIT, reason, &of));
            }
        };
        let payload = &job.request.payload;
        // The record's word is the same at every attempt, for copies and redriven letters too.
        let created_at = job.request.created_at.unwrap_or(record.first_seen);
        let applied = catch_unwind(AssertUnwindSafe(|| {
            Mapping::apply(&mapping, payload, created_at)
        }));
        match applied {
            Ok(Ok(canonical)) => {
                // A job is attempted once: nothing stood there.
                let _ = job.mapped.set(canonical);
                Ok(Some(mapping.to_string()))
            }
            Ok(Err(error))
                if state::may_be_quicker(&error, job.message.receive_count, record.generation) =>
            {
                tracing::warn!(%error, connection, "a mapping ran into its clock");
                let of = self.circumstances(job, record, now);
                Err(state::put_off(TROUBLE_WAIT, Deferral::MappingSlow, &of))
            }
            Ok(Err(error)) => Err(reject(code::MAPPING_FAILED, error.to_string())),
            Err(_) => Err(reject(code::PANICKED, "applying the mapping panicked")),
        }
    }

    /// Two elements that the vendor takes for the same must not go in one call: the later ones come back.
    pub(super) async fn part_twins(&self, steps: &mut [Result<Ready<'_>, Step>], run: &Run<'_>) {
        let mut seen = BTreeSet::new();
        for step in steps {
            let Ok(ready) = step else { continue };
            let Some(identity) = &ready.identity else {
                continue;
            };
            if !seen.insert(identity.clone()) {
                let of = self.circumstances(ready.job, &ready.record, self.seams.clock.now());
                let later = state::put_off(TWIN_WAIT, Deferral::KeyInProgress, &of);
                let outcome = self
                    .settle(ready.job, &ready.record, None, later, run)
                    .await;
                *step = Err(Step::End(outcome));
            }
        }
    }
}

/// Why a payload makes no call.
enum Unfit {
    Payload(PayloadError),
    Panicked,
}

fn prepare(job: &Job, payload: &Json) -> Result<(Wire, Option<String>), Unfit> {
    let prepare = AssertUnwindSafe(|| {
        let wire = job.operation.prepare(payload)?;
        Ok((wire, job.operation.identity(payload)?))
    });
    match catch_unwind(prepare) {
        Ok(prepared) => prepared.map_err(Unfit::Payload),
        Err(_) => Err(Unfit::Panicked),
    }
}

fn reject(code: Code, detail: impl Into<Cow<'static, str>>) -> Settlement {
    Settlement::Rejected(Closing::new(code, detail.into()))
}
