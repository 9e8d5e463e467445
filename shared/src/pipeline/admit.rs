//! Leave to call: the breaker's, the ledger's answer, and the limiter's. A healthy batch that was never received before
//! asks for all of it in one round, side by side.
//!
//! A job that gets no leave leaves no trace in the ledger, and its deferral takes nothing from the limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{join_all, join3};

use super::job::{self, Admitted, Ended, Job, Waiting};
use super::leave::Leave;
use super::limits::Wanted;
use super::state::deadline_rule;
use super::{Lane, Run, SETTLE_RESERVE};
use crate::Timestamp;
use crate::breaker::Gate;
use crate::ledger::state::{Claim, Closing, claim};
use crate::ledger::{Finding, MAX_READ, Record};
use crate::limiter::{Before, FULL_RATE};
use crate::outcome::{Deferral, Outcome, code};
use crate::retry::RetryBudget;

/// The gates that a batch passed, by breaker key.
pub(super) type Gates = BTreeMap<String, Gate>;

/// What admission makes of a batch.
#[derive(Default)]
pub(super) struct Admission {
    /// Calls that may be made.
    pub calls: Vec<Admitted>,
    /// Calls that may be made when their turn has come.
    pub waiting: Vec<Waiting>,
    /// Jobs whose last holder died: each goes alone when the rest of the batch is settled, and draws its tokens then.
    pub suspects: Vec<Job>,
    /// Jobs that make no call now.
    pub ended: Vec<Ended>,
    /// The gates that were passed.
    pub gates: Gates,
}

impl Admission {
    /// The ones of `jobs` that nothing keeps from calling; the others end here.
    fn sift(&mut self, jobs: Vec<Job>, mut keeps: impl FnMut(&Job) -> Option<Outcome>) -> Vec<Job> {
        let mut going = Vec::with_capacity(jobs.len());
        for job in jobs {
            match keeps(&job) {
                None => going.push(job),
                Some(outcome) => self.ended.push(job.end(outcome)),
            }
        }
        going
    }

    fn add(mut self, other: Self) -> Self {
        self.calls.extend(other.calls);
        self.waiting.extend(other.waiting);
        self.suspects.extend(other.suspects);
        self.ended.extend(other.ended);
        self.gates.extend(other.gates);
        self
    }
}

/// What the ledger makes of a job before anyone else is asked.
enum Fate {
    Going,
    Suspect,
    Ended(Outcome),
}

impl Lane {
    /// Sorts jobs into those that may call and those that may not.
    pub(super) async fn admit(&self, jobs: Vec<Job>, run: &Run<'_>) -> Admission {
        let (jobs, parked) = self.park(jobs).await;
        let mut groups: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        for job in jobs {
            groups
                .entry(self.breaker_key(job.request.connection.as_str()))
                .or_default()
                .push(job);
        }
        let groups = groups
            .into_iter()
            .map(|(key, jobs)| self.admit_group(key, jobs, run));
        let parked = Admission {
            ended: parked,
            ..Admission::default()
        };
        join_all(groups)
            .await
            .into_iter()
            .fold(parked, Admission::add)
    }

    /// The jobs of one breaker. Where it was closed when last seen, it is asked beside the others; otherwise it comes
    /// first, so that an open one costs nothing else.
    async fn admit_group(&self, key: String, mut jobs: Vec<Job>, run: &Run<'_>) -> Admission {
        let now = self.seams.clock.now();
        let lease = run.invocation.deadline.since(now) + SETTLE_RESERVE;
        let limited = jobs.iter().any(|job| self.has_rate(job));
        let all = jobs.len();
        let through = |gate: &Gate| through(gate, all, limited);
        let mut admission = Admission::default();

        let mut known = None;
        let mut share = FULL_RATE;
        if !self.breaker.believed_closed(&key, now) {
            let Some(gate) = self.pass(&key, lease).await else {
                admission.sift(jobs, |job| Some(refused(None, job, now)));
                return admission;
            };
            let (passing, part) = through(&gate);
            let kept_out = jobs.split_off(passing.min(all));
            admission.sift(kept_out, |job| Some(refused(Some(&gate), job, now)));
            (known, share) = (Some(gate), part);
        }
        let jobs = self.consult_ledger(jobs, &mut admission, run).await;
        let calls = job::calls(jobs);
        let wanted: Vec<Wanted<'_>> = calls.iter().map(|jobs| self.wanted(&jobs[0])).collect();
        let ask_gate = async {
            match known {
                Some(gate) => Some(gate),
                None => self.pass(&key, lease).await,
            }
        };
        let suspects = std::mem::take(&mut admission.suspects);
        let (gate, mut pauses, drawn) = join3(
            ask_gate,
            self.pauses(calls.iter().flatten().chain(&suspects)),
            self.draw(&wanted, (share, Before::Claim), self.wait_ends(run), run),
        )
        .await;
        drop(wanted);

        let mut room = gate.as_ref().map_or(0, |gate| through(gate).0);
        let mut hindrance = |job: &Job, leave: Option<Leave>| {
            if room == 0 {
                return Some(refused(gate.as_ref(), job, now));
            }
            room -= 1;
            self.paused(&mut pauses, job)
                .or_else(|| self.without(leave?))
                .or_else(|| self.beyond_budget(job, now))
        };
        for (jobs, leave) in calls.into_iter().zip(drawn.leaves) {
            let drawn_by = jobs[0].subject.owner.clone();
            let jobs = admission.sift(jobs, |job| hindrance(job, Some(leave)));
            if jobs.is_empty() {
                continue;
            }
            let call = Admitted {
                jobs,
                term: None,
                drawn_by,
            };
            match leave {
                Leave::Again(at) => admission.waiting.push(Waiting { call, at, share }),
                Leave::Granted(term) => admission.calls.push(Admitted {
                    term: Some(term),
                    ..call
                }),
                Leave::Later(_) | Leave::Unknown => {}
            }
        }
        admission.suspects = admission.sift(suspects, |job| hindrance(job, None));
        let going: BTreeSet<&str> = admission
            .calls
            .iter()
            .map(|call| call.drawn_by.as_str())
            .collect();
        self.give_back(&drawn.items, |owner| going.contains(owner), run)
            .await;
        admission.gates.extend(gate.map(|gate| (key, gate)));
        admission
    }

    /// The breaker's leave; none when its state could not be read.
    async fn pass(&self, key: &str, lease: Duration) -> Option<Gate> {
        match self
            .breaker
            .admit(key, self.seams.clock.as_ref(), lease)
            .await
        {
            Ok(gate) => Some(gate),
            Err(error) => {
                tracing::warn!(%error, key, "the breaker's state could not be read");
                None
            }
        }
    }

    /// The jobs that the ledger has no answer for. What it answers, and whose last holder died, goes to `admission`.
    async fn consult_ledger(
        &self,
        mut jobs: Vec<Job>,
        admission: &mut Admission,
        run: &Run<'_>,
    ) -> Vec<Job> {
        let records = self.read_ledger(&jobs).await;
        for job in &mut jobs {
            job.known = records.get(&job.subject.pk).cloned().flatten();
        }
        let fates = jobs.into_iter().map(|job| async {
            let is_absent = matches!(records.get(&job.subject.pk), Some(None));
            let fate = self.fate(&job, is_absent, run).await;
            (job, fate)
        });
        let mut going = Vec::new();
        for (job, fate) in join_all(fates).await {
            match fate {
                Fate::Going => going.push(job),
                Fate::Suspect => admission.suspects.push(job),
                Fate::Ended(outcome) => admission.ended.push(job.end(outcome)),
            }
        }
        going
    }

    /// The records of jobs that probably have one, in one read: that is cheaper than tokens for nothing and a claim that
    /// loses. A job whose deadline has passed is read too: a finished request is a duplicate and not late.
    async fn read_ledger(&self, jobs: &[Job]) -> BTreeMap<String, Option<Box<Record>>> {
        let now = self.seams.clock.now();
        let worth_it = |job: &&Job| {
            let message = &job.message;
            message.receive_count > 1 || message.mark.is_some() || job.deadline_passed(now)
        };
        let mut keys: Vec<String> = jobs
            .iter()
            .filter(worth_it)
            .map(|job| job.subject.pk.clone())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(MAX_READ);
        if keys.is_empty() {
            return BTreeMap::new();
        }
        match self.seams.ledger.read(&keys).await {
            Ok(records) => {
                let records = records.into_iter().map(|record| record.map(Box::new));
                keys.into_iter().zip(records).collect()
            }
            Err(error) => {
                // Nothing is lost: the claim asks the ledger again.
                tracing::warn!(%error, "the ledger could not be read");
                BTreeMap::new()
            }
        }
    }

    async fn fate(&self, job: &Job, is_absent: bool, run: &Run<'_>) -> Fate {
        if let Some(record) = &job.known {
            return match claim(Some(record), &self.ask(job, false, run)) {
                Claim::Found(Finding::Suspect) => Fate::Suspect,
                Claim::Found(finding) => Fate::Ended(self.answer(finding, job, run).await),
                Claim::Take(_) | Claim::Close(_) => Fate::Going,
            };
        }
        if is_absent && job.deadline_passed(self.seams.clock.now()) {
            let reason = Closing::new(code::DEADLINE_EXCEEDED, deadline_rule());
            return Fate::Ended(self.end(&job.message, &job.subject, &reason, run).await);
        }
        Fate::Going
    }

    /// What becomes of a job that the limiter gave no leave.
    pub(super) fn without(&self, leave: Leave) -> Option<Outcome> {
        match leave {
            Leave::Granted(_) | Leave::Again(_) => None,
            Leave::Later(until) => Some(Outcome::Deferred {
                reason: Deferral::RateLimited,
                until,
            }),
            Leave::Unknown => Some(self.put_off(Deferral::StoreUnavailable)),
        }
    }

    fn beyond_budget(&self, job: &Job, now: Timestamp) -> Option<Outcome> {
        let mut budget = self.budget();
        if !job.is_retry() {
            budget.first_attempt(now);
        } else if !budget.try_retry(now) {
            return Some(Outcome::Deferred {
                reason: Deferral::RetryBudget,
                until: now + RetryBudget::wait(job.jitter()),
            });
        }
        None
    }
}

/// How many of `jobs` the gate lets through, and at what share of the rate. Where there is no rate to take a share
/// of, it is a share of the batch, and so of what the lane does at the same time.
fn through(gate: &Gate, jobs: usize, limited: bool) -> (usize, u16) {
    match gate {
        Gate::Open { permille, .. } if !limited => {
            let share = jobs.saturating_mul(usize::from(*permille));
            (share.div_ceil(usize::from(FULL_RATE)), *permille)
        }
        Gate::Open { permille, .. } => (jobs, *permille),
        Gate::Probe { .. } => (jobs.min(1), FULL_RATE),
        Gate::Shut { .. } => (0, FULL_RATE),
    }
}

/// What becomes of a job that the gate kept out, spread so that the end of a window is no stampede.
fn refused(gate: Option<&Gate>, job: &Job, now: Timestamp) -> Outcome {
    /// By how much deferrals to one point in time are spread.
    const SPREAD: Duration = Duration::from_secs(5);
    /// The longest that a message sleeps behind a breaker: an operator may close it long before its end, and nobody
    /// can wake what SQS hides. The receives cost little: behind a breaker that stays open the source is off.
    const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);

    let (reason, until) = match gate {
        Some(Gate::Shut { until } | Gate::Probe { others: until, .. }) => {
            (Deferral::BreakerOpen, (*until).min(now + LOOK_AGAIN))
        }
        // The rest of a batch while admission ramps up.
        Some(Gate::Open { .. }) => (Deferral::BreakerOpen, now + super::TROUBLE_WAIT),
        None => (Deferral::StoreUnavailable, now + super::TROUBLE_WAIT),
    };
    Outcome::Deferred {
        reason,
        until: until + SPREAD.mul_f64(job.jitter()),
    }
}
