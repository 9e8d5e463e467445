//! The lane's dealings with its limiter: which items a job draws on, and what is drawn, returned and corrected.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::future::join_all;

use super::admit::Leave;
use super::job::Job;
use super::state::{Called, UNNAMED_WAIT};
use super::{Lane, Run};
use crate::Timestamp;
use crate::limiter::{Demand, FULL_RATE, Feedback, Limit, ScopeKey, Signals, Taken, Unused};
use crate::provider::{Answer, Verdict};

/// How long a call waits in the function for its token before the trip back to the queue is the better way.
const INLINE_WAIT: Duration = Duration::from_millis(500);

/// Longest scope value that stands in a key as it is; longer ones are cut, which can only make two share a limit.
const MAX_SCOPE_VALUE: usize = 128;

/// What stands between a limit item's connection and the value of its scope.
const LIMIT_MARK: &str = "#limit#";

/// One stored item of limits that a job draws a token from.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    pub key: String,
    pub limits: Vec<&'static Limit>,
}

impl Draw {
    /// Which item it is, for logs: without the scope's value, which may be a payload's.
    fn shown(&self) -> &str {
        match self.key.find(LIMIT_MARK) {
            Some(at) => &self.key[..at + LIMIT_MARK.len() - 1],
            None => "",
        }
    }
}

impl Lane {
    /// Whose circuit a connection's calls belong to.
    pub(super) fn breaker_key(&self, connection: &str) -> String {
        let spec = self.provider.spec();
        spec.breaker.scope.key(spec.name, connection)
    }

    /// Whether `job` draws on a rate, which a ramp can take a share of.
    pub(super) fn has_rate(&self, job: &Job) -> bool {
        let mut limits = self.provider.spec().limits_of(job.operation);
        limits.any(|limit| limit.permits().is_none())
    }

    /// The items that `job` draws on, the narrowest first. A limit whose scope cannot be read off the payload is left
    /// out: such a payload is refused without a call.
    pub(super) fn draws(&self, job: &Job) -> Vec<Draw> {
        let spec = self.provider.spec();
        let mut draws: Vec<Draw> = Vec::new();
        let mut limits: Vec<&'static Limit> = spec.limits_of(job.operation).collect();
        limits.sort_by_key(|limit| match limit.scope() {
            ScopeKey::Field(_) => 0,
            ScopeKey::Operation => 1,
            ScopeKey::Account => 2,
        });
        for limit in limits {
            let Some(scope) = scope(limit.scope(), job) else {
                continue;
            };
            let key = format!(
                "{}#{}{LIMIT_MARK}{scope}",
                spec.name, job.request.connection
            );
            match draws.iter_mut().find(|draw| draw.key == key) {
                Some(draw) => draw.limits.push(limit),
                None => draws.push(Draw {
                    key,
                    limits: vec![limit],
                }),
            }
        }
        draws
    }

    /// What a call with `job` in it draws. Limits on a field that a mapping has yet to fill come
    /// [later](Self::draw_rest).
    pub(super) fn wanted<'a>(&self, job: &'a Job) -> Wanted<'a> {
        let draws = self.draws(job);
        Wanted {
            may_wait: draws.len() == 1 && !self.has_more_to_draw(job),
            draws,
            cost: job.operation.cost,
            owner: &job.subject.owner,
        }
    }

    /// Whether a mapping has yet to make the field that one of the limits goes by.
    fn has_more_to_draw(&self, job: &Job) -> bool {
        let mut limits = self.provider.spec().limits_of(job.operation);
        job.canonical().is_none() && limits.any(|limit| is_of_field(limit.scope()))
    }

    /// Draws what `job` draws on by fields of its payload, which its mapping has made since it was admitted. None where
    /// it may be called for at once.
    pub(super) async fn draw_rest(&self, job: &Job, run: &Run<'_>) -> Option<Leave> {
        job.mapped.get()?;
        let mut wanted = self.wanted(job);
        wanted.draws.retain(Draw::is_of_field);
        wanted.may_wait = false;
        if wanted.draws.is_empty() {
            return None;
        }
        let now = self.seams.clock.now();
        let drawn = self.draw(&[wanted], FULL_RATE, now, run).await;
        let leave = drawn.leaves.first().copied().unwrap_or(Leave::Unknown);
        (!matches!(leave, Leave::From(_))).then_some(leave)
    }

    /// Draws from every item of every call, in one concurrent round: one update an item.
    pub(super) async fn draw(
        &self,
        calls: &[Wanted<'_>],
        share: u16,
        now: Timestamp,
        run: &Run<'_>,
    ) -> Drawn {
        let asked = items(calls).into_iter().map(|(draw, wanting)| async move {
            let costs: Vec<u32> = wanting.iter().map(|at| calls[*at].cost).collect();
            let may_wait = wanting.iter().all(|at| calls[*at].may_wait);
            let demand = Demand {
                costs: &costs,
                now,
                inline_wait: if may_wait {
                    INLINE_WAIT
                } else {
                    Duration::ZERO
                },
                share,
                holder: &run.invocation.id,
                deadline: run.invocation.deadline,
            };
            let taken = self.limiter.take(&draw.key, &draw.limits, &demand).await;
            (draw, wanting, taken)
        });
        let mut drawn = Drawn {
            leaves: vec![Leave::From(now); calls.len()],
            items: Vec::new(),
        };
        for (draw, wanting, taken) in join_all(asked).await {
            match taken {
                Ok(taken) => {
                    let from = taken.grants.iter().map(|at| Leave::From(*at));
                    let later = taken.slots.iter().map(|at| Leave::Later(*at));
                    for (call, leave) in wanting.iter().zip(from.chain(later)) {
                        drawn.leaves[*call] = drawn.leaves[*call].and(leave);
                    }
                    let fullest = self.limiter.fullest(&draw.key, &draw.limits, now);
                    let owners = wanting.iter().map(|at| calls[*at].owner.to_owned());
                    let item = DrawnItem {
                        owners: owners.collect(),
                        draw,
                        taken,
                    };
                    run.tally().drew(&item, now, fullest);
                    drawn.items.push(item);
                }
                Err(error) => {
                    tracing::warn!(%error, key = draw.shown(), "the limiter could not be asked");
                    for call in wanting {
                        drawn.leaves[call] = Leave::Unknown;
                    }
                }
            }
        }
        drawn
    }

    /// Returns the tokens and permits of calls that are not made after all. Only the last tokens of an item can come
    /// back: the others keep the later ones in their places.
    pub(super) async fn give_back(
        &self,
        drawn: &[DrawnItem],
        goes: impl Fn(&str) -> bool,
        now: Timestamp,
    ) {
        let returned = drawn.iter().filter_map(
            |DrawnItem {
                 draw,
                 owners,
                 taken,
             }| {
                let granted = &owners[..taken.grants.len().min(owners.len())];
                let idle = |owner: &&String| !goes(owner);
                let count = |calls: usize| u32::try_from(calls).unwrap_or(u32::MAX);
                let unused = Unused {
                    last: count(granted.iter().rev().take_while(idle).count()),
                    calls: count(granted.iter().filter(idle).count()),
                };
                (unused.calls > 0).then(|| {
                    self.limiter
                        .give_back(&draw.key, &draw.limits, taken, unused, now)
                })
            },
        );
        for error in join_all(returned).await.into_iter().filter_map(Result::err) {
            // The tokens lapse, the permits come back with the batch: the lane is slower, and no limit is broken.
            tracing::warn!(%error, "unused tokens could not be returned");
        }
    }

    /// Takes note of what an answer says about the vendor's limits; `job` is of the call, whose tokens were drawn in the
    /// name of `drawn_by`. Told when the batch has ended.
    pub(super) fn listen(
        &self,
        job: &Job,
        drawn_by: &str,
        answer: &Answer,
        run: &Run<'_>,
        now: Timestamp,
    ) {
        let heard = AssertUnwindSafe(|| self.provider.signals(job.operation, answer, now));
        let signals = catch_unwind(heard).unwrap_or_default();
        if signals != Signals::default() {
            run.tally().heard(drawn_by, self.draws(job), signals);
        }
    }

    /// A refusal stops the narrowest scope that the job draws on, a spent quota the widest, for all environments and at
    /// once; what the same batch's later refusals add is told when it has ended.
    pub(super) async fn heed_refusal(
        &self,
        job: &Job,
        drawn_by: &str,
        called: &Called,
        run: &Run<'_>,
    ) {
        let now = self.seams.clock.now();
        let mut draws = self.draws(job);
        let (draw, until) = match called {
            Called::Answered(_, Verdict::Throttled { after }) => {
                draws.truncate(1);
                (draws.pop(), now + after.unwrap_or(UNNAMED_WAIT))
            }
            Called::Answered(_, Verdict::QuotaSpent { until }) => (draws.pop(), *until),
            _ => return,
        };
        let Some(draw) = draw else { return };
        let signals = Signals {
            blocked_until: Some(until),
            ..Signals::default()
        };
        if !run.tally().is_first_refusal(&draw.key) {
            run.tally().heard(drawn_by, vec![draw], signals);
            return;
        }
        let feedback = Feedback {
            signals,
            ..Feedback::default()
        };
        self.tell_limit(&draw, &feedback, now).await;
    }

    /// Tells each limit what the batch has learned, in one update an item and none where there is no news. Permits stay
    /// held while a call is still to come.
    pub(super) async fn settle_limits(&self, release: bool, run: &Run<'_>) {
        let now = self.seams.clock.now();
        let told = run.tally().settle(release);
        let told = told.iter().map(|entry| async move {
            let feedback = entry.feedback(&run.invocation.id, release, now);
            if !feedback.is_empty() {
                self.tell_limit(&entry.draw, &feedback, now).await;
            }
        });
        join_all(told).await;
    }

    async fn tell_limit(&self, draw: &Draw, feedback: &Feedback<'_>, now: Timestamp) {
        if let Err(error) = self
            .limiter
            .heed(&draw.key, &draw.limits, feedback, now)
            .await
        {
            tracing::warn!(%error, key = draw.shown(), "what was learned about a limit could not be stored");
        }
    }
}

/// What one call draws.
pub(super) struct Wanted<'a> {
    draws: Vec<Draw>,
    cost: u32,
    /// In whose name.
    owner: &'a str,
    /// Whether it may wait a moment for its token. A token that waits for another scope's is used later than the
    /// vendor's count allows for: calls that draw on several items start at once or not at all.
    may_wait: bool,
}

impl Draw {
    fn is_of_field(&self) -> bool {
        self.limits.iter().any(|limit| is_of_field(limit.scope()))
    }
}

/// The items that `calls` draw on, each with the calls that do. Calls that draw on one item by different limits (an
/// operation may have one more) stand apart: neither may pay for the other.
fn items(calls: &[Wanted<'_>]) -> Vec<(Draw, Vec<usize>)> {
    let mut items = BTreeMap::<_, (Draw, Vec<usize>)>::new();
    for (at, call) in calls.iter().enumerate() {
        for draw in &call.draws {
            let names: Vec<&str> = draw.limits.iter().map(|limit| limit.name()).collect();
            items
                .entry((draw.key.clone(), names))
                .or_insert_with(|| (draw.clone(), Vec::new()))
                .1
                .push(at);
        }
    }
    items.into_values().collect()
}

/// What a round of draws came to.
pub(super) struct Drawn {
    /// One a call.
    pub leaves: Vec<Leave>,
    /// What was taken from each item.
    pub items: Vec<DrawnItem>,
}

/// What was taken from one item.
pub(super) struct DrawnItem {
    pub draw: Draw,
    /// In whose names: the first of them were granted what they wanted.
    pub owners: Vec<String>,
    pub taken: Taken,
}

impl Leave {
    /// Leave from two scopes: the later one counts, and one refusal refuses.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::From(a), Self::From(b)) => Self::From(a.max(b)),
            (Self::Later(a), Self::Later(b)) => Self::Later(a.max(b)),
            (Self::Later(a), Self::From(_)) | (Self::From(_), Self::Later(a)) => Self::Later(a),
        }
    }
}

fn is_of_field(scope: ScopeKey) -> bool {
    matches!(scope, ScopeKey::Field(_))
}

fn scope(scope: ScopeKey, job: &Job) -> Option<String> {
    Some(match scope {
        ScopeKey::Account => "account".to_owned(),
        ScopeKey::Operation => format!("operation={}", job.operation.name),
        ScopeKey::Field(field) => {
            let mut value = job.canonical()?.get(field)?.as_str()?.to_owned();
            crate::outcome::truncate(&mut value, MAX_SCOPE_VALUE);
            format!("{field}={value}")
        }
    })
}
