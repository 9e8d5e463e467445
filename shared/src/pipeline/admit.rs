//! Leave to call: the breaker's, the ledger's answer, and the limiter's, in one round side by side.
//!
//! A job that gets no leave leaves no trace in the ledger, and its deferral takes nothing from the limits.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join_all, join3};

use super::attempt::deadline_rule;
use super::job::{Admitted, Ended, Job};
use super::{Lane, Run, SETTLE_RESERVE};
use crate::Timestamp;
use crate::breaker::Gate;
use crate::ledger::state::{Claim, claim};
use crate::ledger::{MAX_READ, Record};
use crate::limiter::FULL_RATE;
use crate::outcome::{Deferral, Outcome, Reason, code};

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

impl Lane {
    /// Sorts jobs into those that may call and those that may not.
    pub(super) async fn admit(
        &self,
        jobs: Vec<Job>,
        run: &Run<'_>,
    ) -> (Vec<Admitted>, Vec<Ended>, Gates) {
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
        let (mut admitted, mut ended, mut gates) = (Vec::new(), Vec::new(), Gates::new());
        for (key, gate, may, may_not) in join_all(groups).await {
            admitted.extend(may);
            ended.extend(may_not);
            gates.extend(gate.map(|gate| (key, gate)));
        }
        (admitted, ended, gates)
    }

    /// The jobs of one breaker. Where it was closed when last seen, all three are asked at once; otherwise the
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
                return (key, None, Vec::new(), self.turn_away(jobs));
            }
        }
        let limited = jobs.iter().any(|job| self.is_limited(job));
        let (going, share) = gate.as_ref().map_or((jobs.len(), FULL_RATE), |gate| {
            through(gate, jobs.len(), limited)
        });
        let ask_gate = async {
            match gate.clone() {
                None => self.pass(&key, now, lease).await,
                known => known,
            }
        };
        let (gate, records, drawn) = join3(
            ask_gate,
            self.read_ledger(&jobs[..going]),
            self.draw(&jobs[..going], share, now),
        )
        .await;
        let (passing, _) = gate
            .as_ref()
            .map_or((0, FULL_RATE), |gate| through(gate, jobs.len(), limited));

        let (mut admitted, mut ended) = (Vec::new(), Vec::new());
        let mut goes = vec![false; jobs.len()];
        let mut findings = records.into_iter().zip(drawn.leaves);
        for (at, job) in jobs.into_iter().enumerate() {
            let fate = match findings.next() {
                Some((record, leave)) if at < passing => self.fate(&job, record, leave, run, now),
                _ => Fate::End(refused(gate.as_ref(), &job, now)),
            };
            match fate {
                Fate::Go { start, known } => {
                    goes[at] = true;
                    admitted.push(Admitted {
                        job: Job { known, ..job },
                        start,
                    });
                }
                Fate::End(outcome) => ended.push(job.end(outcome)),
            }
        }
        self.give_back(&drawn.items, &goes).await;
        (key, gate, admitted, ended)
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

    fn turn_away(&self, jobs: Vec<Job>) -> Vec<Ended> {
        jobs.into_iter()
            .map(|job| job.end(self.put_off(Deferral::StoreUnavailable)))
            .collect()
    }

    /// Reads the records of jobs that probably have one: that is cheaper than a claim that loses. A job whose
    /// deadline has passed is read too, since a finished request is a duplicate and not late.
    async fn read_ledger(&self, jobs: &[Job]) -> Vec<Option<Option<Record>>> {
        let now = self.seams.clock.now();
        let worth_it = |job: &&Job| job.message.receive_count > 1 || job.deadline_passed(now);
        let mut keys: Vec<String> = jobs
            .iter()
            .filter(worth_it)
            .map(|job| job.pk.clone())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(MAX_READ);
        if keys.is_empty() {
            return vec![None; jobs.len()];
        }
        match self.seams.ledger.read(&keys).await {
            Ok(records) => {
                let found: BTreeMap<String, Option<Record>> =
                    keys.into_iter().zip(records).collect();
                jobs.iter().map(|job| found.get(&job.pk).cloned()).collect()
            }
            Err(error) => {
                // Nothing is lost: the claim asks the ledger again.
                tracing::warn!(%error, "the ledger could not be read");
                vec![None; jobs.len()]
            }
        }
    }

    /// The ledger's answer first, then the deadline, then the limiter.
    fn fate(
        &self,
        job: &Job,
        record: Option<Option<Record>>,
        leave: Leave,
        run: &Run<'_>,
        now: Timestamp,
    ) -> Fate {
        let known = match record {
            Some(Some(record)) => {
                if let Claim::Found(found) = claim(Some(&record), &self.ask(job, true, run)) {
                    return Fate::End(self.answer(found));
                }
                Some(Box::new(record))
            }
            Some(None) if job.deadline_passed(now) => {
                return Fate::End(Outcome::Rejected(Reason::new(
                    code::DEADLINE_EXCEEDED,
                    deadline_rule(),
                )));
            }
            Some(None) | None => None,
        };
        match leave {
            Leave::From(start) => Fate::Go { start, known },
            Leave::Later(until) => Fate::End(Outcome::Deferred {
                reason: Deferral::RateLimited,
                until,
            }),
            Leave::Unknown => Fate::End(self.put_off(Deferral::StoreUnavailable)),
        }
    }
}

enum Fate {
    Go {
        start: Timestamp,
        known: Option<Box<Record>>,
    },
    End(Outcome),
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

    let (reason, until) = match gate {
        Some(Gate::Shut { until } | Gate::Probe { others: until, .. }) => {
            (Deferral::BreakerOpen, *until)
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
