//! The story: what happens to a batch, on one screen.
//!
//! ```text
//! decode ─▶ admit ─▶ attempt (claim ─▶ call ─▶ settle) ─▶ finish (dead letters, then visibility) ─▶ acknowledge
//! ```
//!
//! Order: ledger, dead letter, acknowledgement. Only a completed record or a sent letter acknowledges a message;
//! whatever else happens, dying included, it comes back and the ledger knows what to do.

mod address;
mod admit;
mod attempt;
mod call;
mod credentials;
mod decode;
mod doubt;
mod finish;
mod health;
mod job;
mod leave;
mod length;
mod limits;
mod ready;
mod report;
mod state;
mod tally;
mod turns;
mod wait;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{FutureExt, join};
use futures_util::stream::{self, StreamExt};

pub use length::invocation_needed;
pub use report::{Carried, Entry, Purpose, Report, VendorCall};

use self::job::{Admitted, Ended, Job, Step};
use self::tally::Tally;
use self::wait::Room;
use crate::Timestamp;
use crate::breaker::CircuitBreaker;
use crate::cache::FunctionMemory;
use crate::credentials::Credentials;
use crate::limiter::RateLimiter;
use crate::mapping::Mappings;
use crate::outcome::{Deferral, Outcome};
use crate::provider::Provider;
use crate::queue::Message;
use crate::retry::RetryBudget;
use crate::seams::Seams;

/// What an invocation keeps back of its time: settling a record, writing letters and changing visibility take some
/// hundred milliseconds each, and the SDK's own retries of a throttled write a second or two.
pub const SETTLE_RESERVE: Duration = Duration::from_secs(4);

/// How long a message waits when a table, a queue or the lane's own code failed it.
const TROUBLE_WAIT: Duration = Duration::from_secs(5);

/// How a lane is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Scheme and host that the vendor's paths are added to.
    pub base_url: String,
    /// This execution environment: unique among all that ever ran.
    pub environment: String,
    /// Calls that one batch makes at the same time.
    pub max_in_flight: usize,
    /// The function's memory, by which what it remembers of connections is bounded.
    pub memory: FunctionMemory,
}

/// One provider's lane in one execution environment.
pub struct Lane {
    provider: Arc<dyn Provider>,
    seams: Seams,
    settings: Settings,
    breaker: CircuitBreaker,
    limiter: RateLimiter,
    credentials: Credentials,
    mappings: Mappings,
    budget: Mutex<RetryBudget>,
    room: Room,
    too_short_for: Mutex<BTreeSet<&'static str>>,
}

/// One invocation of the function.
#[derive(Debug)]
pub struct Invocation {
    /// Its id: unique among all.
    pub id: String,
    /// When the function is ended, whatever it does.
    pub deadline: Timestamp,
}

impl Lane {
    /// The lane of `provider`.
    pub fn new(provider: impl Provider, seams: Seams, settings: Settings) -> Self {
        let spec = provider.spec();
        let breaker = CircuitBreaker::new(
            seams.states.clone(),
            spec.breaker,
            settings.environment.clone(),
        )
        .remembering(settings.memory);
        let limiter = RateLimiter::new(seams.states.clone(), settings.environment.clone())
            .remembering(settings.memory);
        let provider: Arc<dyn Provider> = Arc::new(provider);
        let credentials = Credentials::new(
            provider.clone(),
            seams.clone(),
            settings.base_url.clone(),
            settings.environment.clone(),
        )
        .remembering(settings.memory);
        let mappings = Mappings::new(spec.name, spec.mappings, seams.mappings.clone())
            .remembering(settings.memory);
        Self {
            provider,
            seams,
            settings,
            breaker,
            limiter,
            credentials,
            mappings,
            budget: Mutex::default(),
            room: Room::default(),
            too_short_for: Mutex::default(),
        }
    }

    fn budget(&self) -> MutexGuard<'_, RetryBudget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider's name.
    pub fn provider_name(&self) -> &'static str {
        self.provider.spec().name
    }

    /// Carries out a batch. What the report names as acknowledged is over; everything else comes back.
    pub async fn process(&self, batch: Vec<Message>, invocation: &Invocation) -> Report {
        let run = Run {
            invocation,
            started: self.seams.clock.now(),
            calls: Mutex::default(),
            told: AtomicUsize::new(0),
            tally: Mutex::default(),
        };
        let mut report = Report {
            started: run.started,
            ..Report::default()
        };

        let (jobs, poison) = self.decode(batch, &run);
        self.check_length(&jobs, &run);
        let mut ended = self.end_refused(poison, &run).await;
        let admission = self.admit(jobs, &run).await;
        let (made, waited) = join(
            self.attempt_all(admission.calls, &run),
            self.take_turns(admission.waiting, &run),
        )
        .await;
        let attempted = made.0.into_iter().chain(waited.0);
        ended.extend(admission.ended.into_iter().chain(attempted));
        self.finish(ended, &mut report, &run).await;
        let suspects: Vec<Job> = admission
            .suspects
            .into_iter()
            .chain(made.1)
            .chain(waited.1)
            .collect();
        let gates = self.record_health(admission.gates, &suspects, &run).await;
        self.settle_limits(suspects.is_empty(), &run).await;

        // What may kill the function runs last and alone: everything else is settled by now.
        for suspect in suspects {
            let ended = self.attempt_alone(suspect, &run).await;
            self.finish(ended, &mut report, &run).await;
        }
        self.record_health(gates, &[], &run).await;
        self.settle_limits(true, &run).await;
        report.add_calls(run.calls());
        report.fullest_limit = run.tally().fullest();
        report
    }

    /// Makes all calls side by side; those of records that share a key one after the other.
    async fn attempt_all(&self, admitted: Vec<Admitted>, run: &Run<'_>) -> (Vec<Ended>, Vec<Job>) {
        let (mut ended, mut suspects) = (Vec::new(), Vec::new());
        for round in job::rounds(admitted) {
            let steps: Vec<Vec<(Job, Step)>> = stream::iter(round)
                .map(|call| self.guarded(call, false, run))
                .buffer_unordered(self.settings.max_in_flight.max(1))
                .collect()
                .await;
            for (job, step) in steps.into_iter().flatten() {
                match step {
                    Step::End(outcome) => ended.push(job.end(outcome)),
                    Step::Suspect => suspects.push(job),
                }
            }
        }
        (ended, suspects)
    }

    /// A suspect draws its tokens now that it can go.
    async fn attempt_alone(&self, job: Job, run: &Run<'_>) -> Vec<Ended> {
        let steps = self.guarded(Admitted::undrawn(job), true, run).await;
        let end = |(job, step): (Job, Step)| match step {
            Step::End(outcome) => job.end(outcome),
            Step::Suspect => job.end(Outcome::Deferred {
                reason: Deferral::Suspect,
                until: self.seams.clock.now() + TROUBLE_WAIT,
            }),
        };
        steps.into_iter().map(end).collect()
    }

    /// One call whose panic, wherever it comes from, stays its own: its records come back, the batch goes on.
    async fn guarded(&self, call: Admitted, alone: bool, run: &Run<'_>) -> Vec<(Job, Step)> {
        let attempt = AssertUnwindSafe(self.attempt(&call, alone, run));
        let steps = attempt.catch_unwind().await.unwrap_or_else(|_| {
            let until = self.seams.clock.now() + TROUBLE_WAIT;
            let reason = Deferral::StoreUnavailable;
            let put_off = |_: &Job| Step::End(Outcome::Deferred { reason, until });
            call.jobs.iter().map(put_off).collect()
        });
        call.jobs.into_iter().zip(steps).collect()
    }
}

/// What one invocation gathers while it runs.
struct Run<'a> {
    invocation: &'a Invocation,
    started: Timestamp,
    calls: Mutex<Vec<Call>>,
    /// How many of `calls` the breaker was told.
    told: AtomicUsize,
    /// What was drawn from the limits, and what answers said about them.
    tally: Mutex<Tally>,
}

impl Run<'_> {
    /// Whether a call of at most `timeout` that starts `now` can time out and be settled before the function ends.
    fn has_time_for(&self, timeout: Duration, now: Timestamp) -> bool {
        now + timeout <= self.settles_at()
    }

    /// When settling, and what comes after it, must begin at the latest.
    fn settles_at(&self) -> Timestamp {
        self.invocation.deadline - SETTLE_RESERVE
    }

    fn note(&self, call: Call) {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(call);
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> Vec<Call> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The calls that the breaker has not been told yet; from now on they count as told.
    fn untold_calls(&self) -> Vec<Call> {
        let mut calls = self.calls();
        let told = self.told.swap(calls.len(), Ordering::Relaxed);
        calls.split_off(told)
    }
}

/// One call to the vendor that ended, in the order of their ends.
#[derive(Clone, Debug)]
struct Call {
    /// The key of the breaker that is told.
    breaker: String,
    made: VendorCall,
}

#[cfg(test)]
mod tests;
