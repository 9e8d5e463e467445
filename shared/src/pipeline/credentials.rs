//! The lane's dealings with its connections' credentials: who waits, what a call shows, and what its answer says
//! about it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::future::join_all;

use super::call::Made;
use super::job::{Ended, Job};
use super::ready::Ready;
use super::state::Obstacle;
use super::{Lane, Run, SETTLE_RESERVE, state};
use crate::StoreError;
use crate::credentials::{Access, Admission, Paused, Refusal, Refused};
use crate::outcome::{Deferral, Outcome};
use crate::provider::{SecretError, Verdict, Wire};

/// How soon a message whose token was refused comes back for another one.
const AGAIN: Duration = Duration::from_secs(2);

/// What connections say of calls, by name and operation.
pub(super) type Pauses = BTreeMap<(String, &'static str), Result<Admission, StoreError>>;

impl Lane {
    /// Takes out the jobs whose connection is paused, of those that it was paused for when last seen: they draw on no
    /// limit and cost nothing but this. One job of a connection stays where a trial is due.
    pub(super) async fn park(&self, jobs: Vec<Job>) -> (Vec<Job>, Vec<Ended>) {
        let now = self.seams.clock.now();
        let is_suspected = |(connection, operation): Asker<'_>| {
            !self.credentials.believed_going(connection, operation, now)
        };
        let mut pauses = self.ask_credentials(jobs.iter(), is_suspected).await;
        let (mut going, mut parked) = (Vec::new(), Vec::new());
        for job in jobs {
            match self.paused(&mut pauses, &job) {
                Some(outcome) => parked.push(job.end(outcome)),
                None => going.push(job),
            }
        }
        (going, parked)
    }

    /// What the connections of `jobs` say of calls, those that [`park`](Self::park) did not ask.
    pub(super) async fn pauses(&self, jobs: impl Iterator<Item = &Job>) -> Pauses {
        let now = self.seams.clock.now();
        let is_trusted = |(connection, operation): Asker<'_>| {
            self.credentials.believed_going(connection, operation, now)
        };
        self.ask_credentials(jobs, is_trusted).await
    }

    async fn ask_credentials(
        &self,
        jobs: impl Iterator<Item = &Job>,
        worth_it: impl Fn(Asker<'_>) -> bool,
    ) -> Pauses {
        let now = self.seams.clock.now();
        let askers: BTreeSet<(String, &'static str)> = jobs
            .map(asker)
            .filter(|asker| worth_it(*asker))
            .map(owned)
            .collect();
        let asked = askers.into_iter().map(|asker| async move {
            let admission = self.credentials.admit(&asker.0, asker.1, now).await;
            (asker, admission)
        });
        join_all(asked).await.into_iter().collect()
    }

    /// What keeps `job` from its call, where its connection does.
    pub(super) fn paused(&self, pauses: &mut Pauses, job: &Job) -> Option<Outcome> {
        let now = self.seams.clock.now();
        match pauses.get_mut(&owned(asker(job)))? {
            Ok(Admission::Go) => None,
            Ok(trial @ Admission::Trial) => {
                // The others of this batch wait for its end, which they hear of in the next one.
                *trial = Admission::Paused(Paused::awaiting_trial(now));
                None
            }
            Ok(Admission::Paused(paused)) => Some(Outcome::Deferred {
                reason: Deferral::ConnectionPaused,
                until: paused.ask_again(now, job.jitter()),
            }),
            Err(error) => {
                let connection = job.request.connection.as_str();
                tracing::warn!(%error, connection, "the connection's state could not be read");
                Some(self.put_off(Deferral::StoreUnavailable))
            }
        }
    }

    /// What the job's call shows the vendor, or what becomes of it without. Nothing is claimed yet.
    pub(super) async fn access(&self, job: &Job, run: &Run<'_>) -> Result<Access, Outcome> {
        let connection = job.request.connection.as_str();
        let latest = run.invocation.deadline - SETTLE_RESERVE;
        let operation = job.operation.name;
        let access = self.credentials.access_for(connection, operation, latest);
        let access = access.await;
        let now = self.seams.clock.now();
        match access {
            Ok(_) if !run.has_time_for(job.operation.timeout, now) => {
                Err(self.put_off(Deferral::OutOfTime))
            }
            Ok(access) => Ok(access),
            Err(Refused::Paused(paused)) => Err(Outcome::Deferred {
                reason: Deferral::ConnectionPaused,
                until: paused.ask_again(now, job.jitter()),
            }),
            Err(Refused::Wait(until)) => Err(Outcome::Deferred {
                reason: Deferral::CredentialsRefreshing,
                until: until + AGAIN.mul_f64(job.jitter()),
            }),
            Err(Refused::Store(error)) => {
                tracing::warn!(%error, connection, "the connection's credentials could not be read");
                Err(self.put_off(Deferral::StoreUnavailable))
            }
        }
    }

    /// Where the call goes, as it is before a secret fills it.
    pub(super) fn address(&self, wire: &Wire) -> String {
        let spec = self.provider.spec();
        spec.address(&self.settings.base_url, wire.host)
    }

    /// Where the call goes, and `wire` with headers and credentials.
    pub(super) async fn sign(
        &self,
        job: &Job,
        wire: Wire,
        access: &Access,
    ) -> Result<(String, Wire), Obstacle> {
        let now = self.seams.clock.now();
        let sign = AssertUnwindSafe(|| {
            let (spec, shown) = (self.provider.spec(), access.shown());
            let base_url = spec.fill(self.address(&wire), shown.secret)?;
            Ok((base_url, self.provider.sign(wire, shown, now)?))
        });
        let error: SecretError = match catch_unwind(sign) {
            Ok(Ok(signed)) => return Ok(signed),
            Ok(Err(error)) => error,
            Err(_) => return Err(Obstacle::Panicked("signing the call panicked")),
        };
        let connection = job.request.connection.as_str();
        tracing::warn!(%error, connection, "the connection's credentials cannot be used");
        if let Err(error) = self.credentials.unusable(connection, access).await {
            tracing::warn!(%error, connection, "the connection could not be paused");
        }
        Err(Obstacle::Unusable)
    }

    /// What a call's answer says about the credentials: one word, however many jobs it is about.
    pub(super) async fn hear_all(
        &self,
        ready: &[&Ready<'_>],
        made: &[Made],
        access: &Access,
    ) -> Option<(Duration, Deferral)> {
        let told = ready.iter().zip(made).filter_map(|(ready, made)| {
            let (_, called) = made.as_ref().ok()?;
            Some((ready.job, called.verdict()?))
        });
        let (job, verdict) = told.max_by_key(|(_, verdict)| reach(verdict))?;
        self.hear(job, access, verdict).await
    }

    /// What `verdict` on the call for `job` says about the credentials. For how long the request waits, and why, where
    /// they were refused.
    pub(super) async fn hear(
        &self,
        job: &Job,
        access: &Access,
        verdict: &Verdict,
    ) -> Option<(Duration, Deferral)> {
        let connection = job.request.connection.as_str();
        let heard = match verdict {
            Verdict::Unauthorized => self.credentials.refused(connection, access).await,
            Verdict::Moved => {
                let moved = self.credentials.moved(connection, access).await;
                moved.map(Refusal::Paused)
            }
            Verdict::Forbidden { .. } => {
                let (operation, hash) = (job.operation.name, job.request.payload_hash.as_str());
                let credentials = &self.credentials;
                let counted = credentials.forbidden(connection, operation, hash, access);
                match counted.await {
                    Ok(Some(paused)) => Ok(Refusal::Paused(paused)),
                    // The refusal ends the request.
                    Ok(None) => return None,
                    Err(error) => Err(error),
                }
            }
            _ => {
                self.hear_acceptance(job, access, verdict).await;
                return None;
            }
        };
        Some(match heard {
            Ok(Refusal::Again) => (AGAIN, Deferral::CredentialsRefreshing),
            Ok(Refusal::Paused(paused)) => {
                let (operation, reason) = (job.operation.name, paused.reason.code());
                tracing::warn!(connection, operation, reason, "the connection is paused");
                let wait = paused.wait(self.seams.clock.now());
                (wait, Deferral::ConnectionPaused)
            }
            Err(error) => {
                tracing::warn!(%error, connection, "the refusal could not be stored");
                (state::UNAUTHORIZED_WAIT, Deferral::ConnectionPaused)
            }
        })
    }

    /// An answer about the request itself accepts the credentials; a throttle or a fault may come before anyone looks at
    /// them.
    async fn hear_acceptance(&self, job: &Job, access: &Access, verdict: &Verdict) {
        let connection = job.request.connection.as_str();
        let is_delivered = matches!(verdict, Verdict::Delivered { .. });
        let is_accepted = is_delivered
            || matches!(
                verdict,
                Verdict::Rejected { .. } | Verdict::Exists { .. } | Verdict::KeyInUse
            );
        let credentials = &self.credentials;
        let mut told = Ok(());
        if is_accepted {
            told = credentials.accepted(connection, access).await;
        }
        if is_delivered {
            let operation = job.operation.name;
            told = told.and(credentials.allowed(connection, operation, access).await);
        }
        if let Err(error) = told {
            tracing::warn!(%error, connection, "the pause could not be ended");
        }
    }
}

/// Whom a job asks leave of: its connection's credentials, for its operation.
type Asker<'a> = (&'a str, &'static str);

fn asker(job: &Job) -> Asker<'_> {
    (job.request.connection.as_str(), job.operation.name)
}

fn owned((connection, operation): Asker<'_>) -> (String, &'static str) {
    (connection.to_owned(), operation)
}

/// How far a verdict reaches beyond its request: the one that reaches farthest is heard for the whole call.
const fn reach(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Unauthorized | Verdict::Moved => 3,
        // One success says that the operation is allowed, whatever else was refused.
        Verdict::Delivered { .. } => 2,
        Verdict::Forbidden { .. } => 1,
        _ => 0,
    }
}
