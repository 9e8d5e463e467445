//! The lane's dealings with its limiter: which items a job draws on, and what is drawn, returned and corrected.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::future::join_all;

use super::job::Job;
use super::leave::{Leave, Term};
use super::state::{Called, UNNAMED_WAIT};
use super::{Lane, Run};
use crate::Timestamp;
use crate::limiter::{Before, Demand, FULL_RATE, Feedback, Limit, ScopeKey, Signals, Taken};
use crate::provider::{Answer, Verdict};

/// How long a call waits in the function for its token before the trip back to the queue is the better way.
const INLINE_WAIT: Duration = Duration::from_millis(500);

/// The same for a call that holds its claim, and whose tokens lapsed over it: a window of a second, and what comes back of
/// it. Put back, it would find the same again where claims always take longer than its tokens last.
const WAIT_ANEW: Duration = Duration::from_secs(2);

/// How often one call draws anew: each time the store took longer to answer than its tokens last.
const DRAWN_ANEW: u32 = 3;

/// Calls that wait in the function ask at most this often: a hundred times, then.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(5);

/// When a call comes back that was spared a draw too many.
const ASK_ANEW: Duration = Duration::from_secs(1);

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
        Wanted {
            draws: self.draws(job),
            cost: job.operation.cost,
            owner: &job.subject.owner,
        }
    }

    /// Draws what `job` draws on by fields of its payload, which its mapping has made since it was admitted.
    pub(super) async fn draw_rest(&self, job: &Job, run: &Run<'_>) -> Leave {
        let mut wanted = self.wanted(job);
        wanted
            .draws
            .retain(|draw| job.mapped.get().is_some() && draw.is_of_field());
        self.draw_within(INLINE_WAIT, wanted, Before::Call, run)
            .await
    }

    /// Waits for the `term` of a call's tokens to begin; where it is over (credentials or claims took their time, and the
    /// promise is about when calls are made) they are drawn anew. None where the call may go.
    pub(super) async fn keep_term(&self, term: Term, job: &Job, run: &Run<'_>) -> Option<Leave> {
        let clock = &self.seams.clock;
        let mut term = term;
        let mut before = Before::Claim;
        for _ in 0..DRAWN_ANEW {
            self.limiter
                .was_ready(before, clock.now().since(term.drawn));
            before = Before::Call;
            if clock.now() < term.from {
                clock.sleep_until(term.from).await;
            }
            // Also when they were drawn anew: the store may have taken its time to say so. And one token's term may be over
            // before another's begins.
            if clock.now() <= term.until {
                return None;
            }
            match self.draw_anew(term, job, run).await {
                Leave::Granted(anew) => term = anew,
                leave => return Some(leave),
            }
        }
        Some(Leave::Later(clock.now() + ASK_ANEW))
    }

    /// Draws for a call whose tokens have lapsed: not its permits, nor what lasts for as long again as it took until now.
    async fn draw_anew(&self, term: Term, job: &Job, run: &Run<'_>) -> Leave {
        let clock = &self.seams.clock;
        let now = clock.now();
        let mut kept = Term::unlimited(now);
        let mut wanted = self.wanted(job);
        for draw in &mut wanted.draws {
            draw.limits.retain(|limit| limit.permits().is_none());
        }
        wanted.draws.retain(|draw| {
            let until = run.tally().lasts(wanted.owner, &draw.key);
            let until = until.filter(|until| *until > now + now.since(term.drawn));
            kept.until = kept.until.min(until.unwrap_or(kept.until));
            until.is_none() && !draw.limits.is_empty()
        });
        let drawn = self.draw_within(WAIT_ANEW, wanted, Before::Call, run).await;
        // How long the draw took is to be known, not how long it was waited for.
        kept.drawn = clock.now();
        drawn.and(Leave::Granted(kept))
    }

    /// Draws for one call, which may wait a moment for its turn.
    pub(super) async fn draw_alone(&self, wanted: Wanted<'_>, run: &Run<'_>) -> Leave {
        self.draw_within(INLINE_WAIT, wanted, Before::Claim, run)
            .await
    }

    async fn draw_within(
        &self,
        wait: Duration,
        wanted: Wanted<'_>,
        before: Before,
        run: &Run<'_>,
    ) -> Leave {
        let wanted = [wanted];
        let latest = self.seams.clock.now() + wait;
        loop {
            let drawn = self.draw(&wanted, (FULL_RATE, before), latest, run).await;
            let leave = drawn.leaves.first().copied().unwrap_or(Leave::Unknown);
            let now = self.seams.clock.now();
            if let Leave::Granted(_) = leave {
                return leave;
            }
            self.give_back(&drawn.items, |_| false, run).await;
            // Each round waits, and those after `latest` are told so: a bounded number.
            match leave {
                Leave::Again(at) => self.seams.clock.sleep_until(at.max(now + ASK_EVERY)).await,
                leave => return leave,
            }
        }
    }

    /// Until when calls of this batch may wait in the function.
    pub(super) fn wait_ends(&self, run: &Run<'_>) -> Timestamp {
        run.started + INLINE_WAIT
    }

    /// Draws from every item of every call, in one concurrent round: one write an item. Who is refused asks again where
    /// that may help before `latest`.
    pub(super) async fn draw(
        &self,
        calls: &[Wanted<'_>],
        (share, before): (u16, Before),
        latest: Timestamp,
        run: &Run<'_>,
    ) -> Drawn {
        let now = self.seams.clock.now();
        let unlimited = Term::unlimited(now);
        let mut drawn = Drawn {
            leaves: vec![Leave::Granted(unlimited); calls.len()],
            items: Vec::new(),
        };
        let mut items = items(calls);
        self.spare(&mut items, calls, share, run, &mut drawn);
        let limits = items.iter().flat_map(|(draw, _)| draw.limits.iter());
        let lead = self.limiter.lead(limits.copied(), before);
        let asked = items.into_iter().map(|(draw, wanting)| async move {
            let costs: Vec<u32> = wanting.iter().map(|at| calls[*at].cost).collect();
            let demand = Demand {
                lead,
                ..demand(&costs, share, run)
            };
            let clock = self.seams.clock.as_ref();
            let taken = self
                .limiter
                .take(&draw.key, &draw.limits, &demand, clock)
                .await;
            (draw, wanting, costs, taken)
        });
        for (draw, wanting, costs, taken) in join_all(asked).await {
            let taken = match taken {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(%error, key = draw.shown(), "the limiter could not be asked");
                    for call in wanting {
                        drawn.leaves[call] = Leave::Unknown;
                    }
                    continue;
                }
            };
            let now = self.seams.clock.now();
            let refused = &costs[taken.granted..];
            let later: Vec<Leave> = if taken.again <= latest && now < latest {
                vec![Leave::Again(taken.again); refused.len()]
            } else {
                let slots = self.limiter.slots(&draw.key, &draw.limits, refused, now);
                slots.into_iter().map(Leave::Later).collect()
            };
            let term = Term {
                drawn: taken.at,
                from: taken.from,
                until: taken.until,
            };
            let granted = std::iter::repeat_n(Leave::Granted(term), taken.granted);
            for (call, leave) in wanting.iter().zip(granted.chain(later)) {
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
        let now = self.seams.clock.now();
        for leave in drawn.leaves.iter_mut().filter(|_| now >= latest) {
            if let Leave::Again(at) = *leave {
                // One item had nothing for it, as far as was known, and the other more than was known.
                *leave = Leave::Later(at.max(now + ASK_ANEW));
            }
        }
        drawn
    }

    /// Calls that one item will refuse, as far as this environment knows, draw nothing from the others.
    fn spare(
        &self,
        items: &mut Vec<(Draw, Vec<usize>)>,
        calls: &[Wanted<'_>],
        share: u16,
        run: &Run<'_>,
        drawn: &mut Drawn,
    ) {
        if items.len() < 2 {
            return;
        }
        let now = self.seams.clock.now();
        let hopeless = |(draw, wanting): &(Draw, Vec<usize>)| -> Vec<usize> {
            let costs: Vec<u32> = wanting.iter().map(|at| calls[*at].cost).collect();
            let demand = demand(&costs, share, run);
            let hopeful = self.limiter.hopeful(&draw.key, &draw.limits, &demand, now);
            wanting.iter().skip(hopeful).copied().collect()
        };
        let refused: Vec<Vec<usize>> = items.iter().map(hopeless).collect();
        for (at, (_, wanting)) in items.iter_mut().enumerate() {
            wanting.retain(|call| {
                let elsewhere =
                    |(other, calls): (usize, &Vec<usize>)| other != at && calls.contains(call);
                let spared =
                    !refused[at].contains(call) && refused.iter().enumerate().any(elsewhere);
                if spared {
                    drawn.leaves[*call] = drawn.leaves[*call].and(Leave::Again(now));
                }
                !spared
            });
        }
        // Nobody asks for nothing: it would be taken for a refusal.
        items.retain(|(_, wanting)| !wanting.is_empty());
    }

    /// Returns the tokens and permits of calls that are not made after all.
    pub(super) async fn give_back(
        &self,
        drawn: &[DrawnItem],
        goes: impl Fn(&str) -> bool,
        run: &Run<'_>,
    ) {
        let clock = self.seams.clock.as_ref();
        let returned = drawn.iter().filter_map(
            |DrawnItem {
                 draw,
                 owners,
                 taken,
             }| {
                let granted = owners.iter().take(taken.granted).enumerate();
                let unused: Vec<usize> = granted
                    .filter(|(_, owner)| !goes(owner))
                    .inspect(|(_, owner)| run.tally().gave_back(owner, &draw.key))
                    .map(|(at, _)| at)
                    .collect();
                (!unused.is_empty()).then_some(async move {
                    self.limiter
                        .give_back(&draw.key, &draw.limits, taken, &unused, clock)
                        .await
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
        self.tell_limit(&draw, &feedback).await;
    }

    /// Tells each limit what the batch has learned, in one update an item and none where there is no news. Permits stay
    /// held while a call is still to come.
    pub(super) async fn settle_limits(&self, release: bool, run: &Run<'_>) {
        let now = self.seams.clock.now();
        let told = run.tally().settle(release);
        let told = told.iter().map(|entry| async move {
            let feedback = entry.feedback(&run.invocation.id, release, now);
            if !feedback.is_empty() {
                self.tell_limit(&entry.draw, &feedback).await;
            }
        });
        join_all(told).await;
    }

    async fn tell_limit(&self, draw: &Draw, feedback: &Feedback<'_>) {
        let clock = self.seams.clock.as_ref();
        if let Err(error) = self
            .limiter
            .heed(&draw.key, &draw.limits, feedback, clock)
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
}

fn demand<'a>(costs: &'a [u32], share: u16, run: &'a Run<'_>) -> Demand<'a> {
    Demand {
        costs,
        share,
        holder: &run.invocation.id,
        lead: Duration::ZERO,
        deadline: run.invocation.deadline,
    }
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
