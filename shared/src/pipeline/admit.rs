//! Leave to call: the breaker's, the ledger's answer, and the limiter's, in one round side by side.
//!
//! A job that gets no leave leaves no trace in the ledger, and its deferral takes nothing from the limits.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join, join_all, join4};

use super::attempt::deadline_rule;
use super::job::{self, Admitted, Ended, Job, Known};
use super::limits::Wanted;
use super::{Lane, Run, SETTLE_RESERVE};
use crate::Timestamp;
use crate::breaker::Gate;
use crate::bugs::{self, Bug};
use crate::ledger::state::{Ask, Claim, claim, doubted};
use crate::ledger::{self, MAX_READ};
use crate::limiter::FULL_RATE;
use crate::outcome::{Deferral, Outcome, Reason, code};
use crate::retry::RetryBudget;

/// The gates that a batch passed, by breaker key.
pub(super) type Gates = BTreeMap<String, Gate>;

/// The limiter's word on one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// From this time on.
    From(Timestamp),
    /// Not before this time, and then it must ask again.
    Later(Timestamp),
    /// The store did not answer.
    Unknown,
}

impl Leave {
    fn start(self) -> Option<Timestamp> {
        match self {
            Self::From(start) => Some(start),
            Self::Later(_) | Self::Unknown => None,
        }
    }
}

impl Lane {
    /// Sorts jobs into those that may call and those that may not.
    pub(super) async fn admit(
        &self,
        jobs: Vec<Job>,
        run: &Run<'_>,
    ) -> (Vec<Admitted>, Vec<Ended>, Gates) {
        let (jobs, mut ended) = self.park(jobs, run).await;
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
        let (mut admitted, mut gates) = (Vec::new(), Gates::new());
        for (key, gate, may, may_not) in join_all(groups).await {
            admitted.extend(may);
            ended.extend(may_not);
            gates.extend(gate.map(|gate| (key, gate)));
        }
        (admitted, ended, gates)
    }

    /// The jobs of one breaker. Where it was closed when last seen, all four are asked at once; otherwise the
    /// breaker comes first, so that an open one costs nothing else.
    async fn admit_group(
        &self,
        key: String,
        jobs: Vec<Job>,
        run: &Run<'_>,
    ) -> (String, Option<Gate>, Vec<Admitted>, Vec<Ended>) {
        let now = self.seams.clock.now();
        let lease = run.invocation.deadline.since(now) + SETTLE_RESERVE;
        let mut gate = None;
        if !self.breaker.believed_closed(&key, now) {
            gate = self.pass(&key, now, lease).await;
            if gate.is_none() {
                let put_off = jobs.into_iter();
                let put_off = put_off.map(|job| (job, self.put_off(Deferral::StoreUnavailable)));
                return (key, None, Vec::new(), end_all(put_off));
            }
        }
        let limited = jobs.iter().any(|job| self.has_rate(job));
        let (going, share) = gate.as_ref().map_or((jobs.len(), FULL_RATE), |gate| {
            through(gate, jobs.len(), limited)
        });
        let ask_gate = async {
            match gate.clone() {
                None => self.pass(&key, now, lease).await,
                known => known,
            }
        };
        let calls = job::calls(&jobs[..going]);
        let leads: Vec<&Job> = calls.iter().map(|call| &jobs[call[0]]).collect();
        let wanted: Vec<Wanted> = leads.iter().map(|lead| self.wanted(lead)).collect();
        let (gate, known, pauses, drawn) = join4(
            ask_gate,
            self.read_ledger(&jobs[..going]),
            self.pauses(&jobs[..going]),
            self.draw(&wanted, share, now, run),
        )
        .await;
        let (passing, _) = gate
            .as_ref()
            .map_or((0, FULL_RATE), |gate| through(gate, jobs.len(), limited));

        let (mut together, mut alone, mut ended) = (Company::new(&leads, &calls), vec![], vec![]);
        let mut findings = known.into_iter().zip(pauses);
        for (at, mut job) in jobs.into_iter().enumerate() {
            let fate = match findings.next() {
                Some((known, pause)) if at < passing => {
                    job.known = known;
                    self.fate(&job, pause, drawn.leaves[together.call_of[at]], run, now)
                }
                _ => Some(refused(gate.as_ref(), &job, now)),
            };
            match fate {
                None if job.goes_alone() => alone.push(Admitted::undrawn(job)),
                None => together.join(at, job),
                Some(outcome) => ended.push((job, outcome)),
            }
        }
        let goes = together.goes();
        let mut admitted = together.admitted(&drawn.leaves);
        admitted.extend(alone);
        join(
            self.give_back(&drawn.items, &goes, now),
            self.note_put_off(pairs(&ended), run),
        )
        .await;
        (key, gate, admitted, end_all(ended))
    }

    /// The breaker's leave; none when its state could not be read.
    async fn pass(&self, key: &str, now: Timestamp, lease: Duration) -> Option<Gate> {
        match self.breaker.admit(key, now, lease).await {
            Ok(gate) => Some(gate),
            Err(error) => {
                tracing::warn!(%error, key, "the breaker's state could not be read");
                None
            }
        }
    }

    /// Reads the records of jobs that probably have one: that is cheaper than a claim that loses. A job whose
    /// deadline has passed is read too, since a finished request is a duplicate and not late; and one that needs no
    /// claim where there is no record.
    async fn read_ledger(&self, jobs: &[Job]) -> Vec<Known> {
        let now = self.seams.clock.now();
        let worth_it = |job: &&Job| {
            job.message.receive_count > 1 || job.may_be_guarded() || job.deadline_passed(now)
        };
        let mut keys: Vec<String> = jobs
            .iter()
            .filter(worth_it)
            .map(|job| job.pk.clone())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(MAX_READ);
        if keys.is_empty() {
            return vec![Known::Unread; jobs.len()];
        }
        match self.seams.ledger.read(&keys).await {
            Ok(records) => {
                let known = records.into_iter().map(|record| match record {
                    Some(record) => Known::Stored(Box::new(record)),
                    None => Known::Absent,
                });
                let found: BTreeMap<String, Known> = keys.into_iter().zip(known).collect();
                let known = |job: &Job| found.get(&job.pk).cloned().unwrap_or(Known::Unread);
                jobs.iter().map(known).collect()
            }
            Err(error) => {
                // Nothing is lost: the claim asks the ledger again.
                tracing::warn!(%error, "the ledger could not be read");
                let known = if bugs::is(Bug::FailedReadIsAbsent) {
                    Known::Absent
                } else {
                    Known::Unread
                };
                vec![known; jobs.len()]
            }
        }
    }

    /// What becomes of a job that makes no call now; none for one that does. The ledger's answer comes first, then the
    /// deadline, the connection's pause, the limiter and the retry budget.
    fn fate(
        &self,
        job: &Job,
        pause: Option<Outcome>,
        leave: Leave,
        run: &Run<'_>,
        now: Timestamp,
    ) -> Option<Outcome> {
        match &job.known {
            Known::Stored(record) => {
                if let Claim::Found(found) = claim(Some(record), &self.ask(job, true, run)) {
                    return Some(self.answer(found));
                }
            }
            // A call that no record tells of may have taken effect: the claim will say so.
            Known::Absent if job.deadline_passed(now) && job.maybe_sent_since().is_none() => {
                let reason = Reason::new(code::DEADLINE_EXCEEDED, deadline_rule());
                return Some(Outcome::Rejected(reason));
            }
            Known::Absent | Known::Unread => {}
        }
        if pause.is_some() {
            return pause;
        }
        self.without(leave).or_else(|| self.beyond_budget(job, now))
    }

    /// What becomes of a job that the limiter gave no leave.
    pub(super) fn without(&self, leave: Leave) -> Option<Outcome> {
        match leave {
            Leave::From(_) => None,
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

    /// Notes for jobs that are put off for long whether they were sent. Where a first call needs no claim, a missing
    /// record would otherwise look, on a later receive, like a call that may have been sent, and once the vendor has
    /// forgotten its key, only a person could tell; and a copy of a request that was sent would not know of it.
    pub(super) async fn note_put_off<'a>(
        &self,
        put_off: impl IntoIterator<Item = (&'a Job, &'a Outcome)>,
        run: &Run<'_>,
    ) {
        let now = self.seams.clock.now();
        let notes = put_off
            .into_iter()
            .map(|(job, outcome)| (job, outcome, self.ask(job, false, run)))
            .filter(|(job, outcome, ask)| is_unnoted(job, ask) && is_long(job, outcome, now))
            .map(|(_, _, ask)| async move {
                ledger::note_put_off(self.seams.ledger.as_ref(), &ask).await
            });
        for error in join_all(notes).await.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "a deferral could not be noted");
        }
    }
}

/// The jobs of planned calls, as each of them gets its leave.
struct Company {
    /// The call of each job, by the job's place.
    call_of: Vec<usize>,
    calls: Vec<Admitted>,
}

impl Company {
    fn new(leads: &[&Job], calls: &[Vec<usize>]) -> Self {
        let mut call_of = vec![0; calls.iter().map(Vec::len).sum()];
        for (call, jobs) in calls.iter().enumerate() {
            for job in jobs {
                call_of[*job] = call;
            }
        }
        let empty = |lead: &&Job| Admitted {
            jobs: Vec::new(),
            start: None,
            drawn_by: lead.owner.clone(),
        };
        let calls = leads.iter().map(empty).collect();
        Self { call_of, calls }
    }

    fn join(&mut self, at: usize, job: Job) {
        self.calls[self.call_of[at]].jobs.push(job);
    }

    /// Which calls are made.
    fn goes(&self) -> Vec<bool> {
        let goes = |call: &Admitted| !call.jobs.is_empty();
        self.calls.iter().map(goes).collect()
    }

    /// The calls that are made, each from its leave on.
    fn admitted(self, leaves: &[Leave]) -> Vec<Admitted> {
        let calls = self.calls.into_iter().zip(leaves);
        calls
            .filter(|(call, _)| !call.jobs.is_empty())
            .map(|(call, leave)| Admitted {
                start: leave.start(),
                ..call
            })
            .collect()
    }
}

/// Whether the ledger may lack a word on the job that a later receive, or a copy of the request, will need.
fn is_unnoted(job: &Job, ask: &Ask<'_>) -> bool {
    match &job.known {
        Known::Stored(record) => doubted(record, ask).is_some(),
        Known::Absent | Known::Unread => job.is_well_remembered(),
    }
}

/// Whether a job that was never sent may, as `outcome` has it, still not be sent when the vendor's memory of a key
/// ends. A slot of the limiter is kept; how long a breaker stays open, a connection paused or a token
/// endpoint ill, nobody knows.
fn is_long(job: &Job, outcome: &Outcome, now: Timestamp) -> bool {
    /// The longest wait for a slot that goes unnoted: a spike's messages cost one write all the same.
    const SOON: Duration = Duration::from_secs(15 * 60);

    match outcome {
        Outcome::Deferred {
            reason:
                Deferral::BreakerOpen | Deferral::ConnectionPaused | Deferral::CredentialsRefreshing,
            ..
        } => true,
        Outcome::Deferred { until, .. } => {
            // Past its deadline it will be rejected, and should then be known to have had no effect.
            let too_late = job
                .request
                .deadline
                .is_some_and(|deadline| deadline <= *until);
            too_late || until.since(now) > SOON
        }
        _ => false,
    }
}

pub(super) fn pairs(ended: &[(Job, Outcome)]) -> impl Iterator<Item = (&Job, &Outcome)> {
    ended.iter().map(|(job, outcome)| (job, outcome))
}

pub(super) fn end_all(ended: impl IntoIterator<Item = (Job, Outcome)>) -> Vec<Ended> {
    let ended = ended.into_iter();
    ended.map(|(job, outcome)| job.end(outcome)).collect()
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
