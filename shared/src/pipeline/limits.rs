//! The lane's dealings with its limiter: which items a job draws on, and what is drawn, returned and corrected.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::Lane;
use super::admit::Leave;
use super::job::Job;
use crate::Timestamp;
use crate::limiter::{Limit, ScopeKey, Signal, Taken};

/// How long a call waits in the function for its token before the trip back to the queue is the better way.
const INLINE_WAIT: Duration = Duration::from_millis(500);

/// Longest scope value that stands in a key as it is; longer ones are cut, which can only make two share a limit.
const MAX_SCOPE_VALUE: usize = 128;

/// One stored item of limits that a job draws a token from.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    pub key: String,
    pub limits: Vec<&'static Limit>,
}

impl Lane {
    /// Whose circuit a connection's calls belong to.
    pub(super) fn breaker_key(&self, connection: &str) -> String {
        let spec = self.provider.spec();
        match spec.breaker.scope {
            crate::breaker::Scope::Provider => format!("{}#*#breaker", spec.name),
            crate::breaker::Scope::Connection => format!("{}#{connection}#breaker", spec.name),
        }
    }

    /// Whether any limit applies to `job`.
    pub(super) fn is_limited(&self, job: &Job) -> bool {
        let mut limits = self.provider.spec().limits_of(job.operation);
        limits.next().is_some()
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
            let key = format!("{}#{}#limit#{scope}", spec.name, job.request.connection);
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

    /// Draws a token from every item of every job, in one concurrent round: one update an item.
    pub(super) async fn draw(&self, jobs: &[Job], share: u16, now: Timestamp) -> Drawn {
        let mut items: BTreeMap<String, (Draw, Vec<usize>)> = BTreeMap::new();
        for (at, job) in jobs.iter().enumerate() {
            for draw in self.draws(job) {
                items
                    .entry(draw.key.clone())
                    .or_insert_with(|| (draw, Vec::new()))
                    .1
                    .push(at);
            }
        }
        let asked = items.into_values().map(|(draw, wanting)| async move {
            let want = u32::try_from(wanting.len()).unwrap_or(u32::MAX);
            let taken = self
                .limiter
                .take(&draw.key, &draw.limits, want, now, INLINE_WAIT, share)
                .await;
            (draw, wanting, taken)
        });
        let mut drawn = Drawn {
            leaves: vec![Leave::From(now); jobs.len()],
            items: Vec::new(),
        };
        for (draw, wanting, taken) in join_all(asked).await {
            match taken {
                Ok(taken) => {
                    let from = taken.grants.iter().map(|at| Leave::From(*at));
                    let later = taken.slots.iter().map(|at| Leave::Later(*at));
                    for (job, leave) in wanting.iter().zip(from.chain(later)) {
                        drawn.leaves[*job] = drawn.leaves[*job].and(leave);
                    }
                    drawn.items.push((draw, wanting, taken));
                }
                Err(error) => {
                    tracing::warn!(%error, key = draw.key, "the limiter could not be asked");
                    for job in wanting {
                        drawn.leaves[job] = Leave::Unknown;
                    }
                }
            }
        }
        drawn
    }

    /// Returns the tokens of jobs that make no call after all. Only the last ones of an item can come back: the
    /// others keep the later ones in their places.
    pub(super) async fn give_back(&self, drawn: &[(Draw, Vec<usize>, Taken)], goes: &[bool]) {
        let returned = drawn.iter().filter_map(|(draw, wanting, taken)| {
            let granted = &wanting[..taken.grants.len().min(wanting.len())];
            let unused = granted.iter().rev().take_while(|job| !goes[**job]).count();
            let unused = u32::try_from(unused).unwrap_or(u32::MAX);
            (unused > 0).then(|| {
                self.limiter
                    .give_back(&draw.key, &draw.limits, taken, unused)
            })
        });
        for error in join_all(returned).await.into_iter().filter_map(Result::err) {
            // The tokens lapse: the lane is slower for a moment, and no limit is broken.
            tracing::warn!(%error, "unused tokens could not be returned");
        }
    }

    /// The vendor refused a call for `after`: the narrowest scope that the job draws on stands still until then.
    pub(super) async fn throttled(&self, job: &Job, after: Duration, now: Timestamp) {
        let Some(draw) = self.draws(job).into_iter().next() else {
            return;
        };
        let signal = Signal {
            blocked_until: Some(now + after),
            remaining: Vec::new(),
        };
        if let Err(error) = self
            .limiter
            .correct(&draw.key, &draw.limits, &signal, now)
            .await
        {
            tracing::warn!(%error, key = draw.key, "the vendor's wait could not be stored");
        }
    }
}

/// What a round of draws came to.
pub(super) struct Drawn {
    /// One a job.
    pub leaves: Vec<Leave>,
    /// The items, the jobs that wanted a token of each, and what was taken.
    pub items: Vec<(Draw, Vec<usize>, Taken)>,
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

fn scope(scope: ScopeKey, job: &Job) -> Option<String> {
    Some(match scope {
        ScopeKey::Account => "account".to_owned(),
        ScopeKey::Operation => format!("operation={}", job.operation.name),
        ScopeKey::Field(field) => {
            let mut value = job.request.payload.get(field)?.as_str()?.to_owned();
            crate::outcome::truncate(&mut value, MAX_SCOPE_VALUE);
            format!("{field}={value}")
        }
    })
}
