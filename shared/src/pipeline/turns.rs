//! Calls that wait in the function for their turn at the limits.

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::job::{Admitted, Ended, Job, Waiting};
use super::leave::Leave;
use super::limits::{ASK_EVERY, DrawnItem, Wanted};
use super::{Lane, Run};
use crate::limiter::{Before, FULL_RATE};

/// What a turn came to.
#[derive(Default)]
struct Turn {
    /// Who goes.
    going: Vec<Admitted>,
    /// In whose names they drew.
    owners: BTreeSet<String>,
    /// Who waits on.
    still: Vec<Waiting>,
    /// Who is put back.
    ended: Vec<Ended>,
    /// What was drawn for all of them.
    drawn: Vec<DrawnItem>,
}

/// `first`, while `others` go on; `done` hears what these come to.
async fn beside<F: Future, C: Future>(
    first: F,
    others: &mut FuturesUnordered<C>,
    done: &mut impl FnMut(C::Output),
) -> F::Output {
    let mut first = pin!(first);
    loop {
        match select(first.as_mut(), others.next()).await {
            Either::Left((came, _)) => return came,
            Either::Right((Some(made), _)) => done(made),
            Either::Right((None, first)) => return first.await,
        }
    }
}

impl Lane {
    /// Calls that were refused and may wait in the function: all of them ask together when there may be room, and who is
    /// granted goes while the others wait on. Whoever has had no turn by the end of the wait is put back.
    pub(super) async fn take_turns(
        &self,
        mut waiting: Vec<Waiting>,
        run: &Run<'_>,
    ) -> (Vec<Ended>, Vec<Job>) {
        let (mut ended, mut suspects) = (Vec::new(), Vec::new());
        let mut calls = FuturesUnordered::new();
        while !waiting.is_empty() {
            let mut made = |made: (Vec<Ended>, Vec<Job>)| {
                ended.extend(made.0);
                suspects.extend(made.1);
            };
            let turn = beside(self.turn(waiting, run), &mut calls, &mut made).await;
            let drawn_by = |owner: &str| turn.owners.contains(owner);
            calls.push(self.attempt_all(turn.going, run));
            let returned = self.give_back(&turn.drawn, drawn_by, run);
            beside(returned, &mut calls, &mut made).await;
            ended.extend(turn.ended);
            waiting = turn.still;
        }
        while let Some(made) = calls.next().await {
            ended.extend(made.0);
            suspects.extend(made.1);
        }
        (ended, suspects)
    }

    /// One turn of those that wait; each turn is later than the one before, and after the last nobody waits.
    async fn turn(&self, waiting: Vec<Waiting>, run: &Run<'_>) -> Turn {
        let clock = &self.seams.clock;
        let from = waiting.iter().map(|waiting| waiting.at).min();
        let soonest = clock.now() + ASK_EVERY;
        clock
            .sleep_until(from.map_or(soonest, |from| from.max(soonest)))
            .await;
        let share = waiting.iter().map(|waiting| waiting.share).min();
        let wanted: Vec<Wanted<'_>> = waiting
            .iter()
            .filter_map(|waiting| Some(self.wanted(waiting.call.jobs.first()?)))
            .collect();
        let latest = self.wait_ends(run);
        let drawn = self
            .draw(
                &wanted,
                (share.unwrap_or(FULL_RATE), Before::Claim),
                latest,
                run,
            )
            .await;
        drop(wanted);
        let mut turn = Turn {
            drawn: drawn.items,
            ..Turn::default()
        };
        for (waiting, leave) in waiting.into_iter().zip(drawn.leaves) {
            match leave {
                Leave::Granted(term) => {
                    turn.owners.insert(waiting.call.drawn_by.clone());
                    turn.going.push(Admitted {
                        term: Some(term),
                        ..waiting.call
                    });
                }
                Leave::Again(at) => turn.still.push(Waiting { at, ..waiting }),
                leave => turn
                    .ended
                    .extend(waiting.call.jobs.into_iter().filter_map(|job| {
                        let outcome = self.without(leave)?;
                        Some(job.end(outcome))
                    })),
            }
        }
        turn
    }
}
