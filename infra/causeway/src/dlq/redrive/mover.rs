//! The moving itself: what is done goes, a canary goes ahead, the rest follows while the breaker stays closed.

use std::collections::BTreeSet;
use std::time::Duration;

use causeway::Timestamp;
use causeway::breaker::{Breaker, Scope, State};
use causeway::clock::{Clock, SystemClock};
use causeway::gatekeeper::awaits_probe;
use causeway::lanes::{self, DynamoStates};
use causeway::ledger::DynamoLedger;
use causeway::provider::Spec;
use causeway::queue::{Post, Producer, SqsProducer};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::Arguments;
use super::canary::{Fate, STEPS, fate};
use super::pace::Pace;
use super::plan::Planned;
use crate::context::Done;
use crate::dlq::letter::Letter;
use crate::dlq::look::{Judged, ledger, records};
use crate::dlq::queue::{DeadLetters, MAX_ENTRIES};
use crate::error::Error;
use crate::stack::{Lane, Stack};

/// How often the ledger is asked how the canary is doing.
const LOOK: Duration = Duration::from_millis(500);

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// Whether anything was begun at all.
    #[serde(skip)]
    pub began: bool,
    /// Letters sent to the lane's queue again.
    pub sent: usize,
    /// Letters deleted because their requests took effect before.
    pub done_before: usize,
    /// Letters sent that could not be deleted: they stay, and their copies are found to be duplicates.
    pub not_deleted: usize,
    /// Letters that SQS refused, or that were not ours any more: they stay.
    pub refused: usize,
    /// Why it stopped before the end.
    pub stopped: Option<String>,
}

/// Moves letters of one lane.
pub struct Mover<'a> {
    stack: &'a Stack,
    lane: &'a Lane,
    spec: &'static Spec,
    pace: Pace,
    canary_wait: Duration,
    ledger: DynamoLedger,
    states: DynamoStates,
    bar: ProgressBar,
}

/// Why the moving ends early: told to the person.
type Stopped = String;

impl<'a> Mover<'a> {
    /// One for `total` letters.
    ///
    /// # Errors
    /// When the stack lacks a table.
    pub fn new(
        arguments: &Arguments,
        stack: &'a Stack,
        lane: &'a Lane,
        spec: &'static Spec,
        pace: Pace,
        total: usize,
    ) -> Result<Self, Error> {
        let bar = ProgressBar::new(total as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} {msg}") {
            bar.set_style(style);
        }
        Ok(Self {
            stack,
            lane,
            spec,
            pace,
            canary_wait: Duration::from_secs(arguments.canary_wait.into()),
            ledger: ledger(stack)?,
            states: DynamoStates::new(stack.dynamodb.clone(), stack.lanes_table()?),
            bar,
        })
    }

    /// Moves what is planned.
    ///
    /// # Errors
    /// None that left something half done: what stops it is in the tally.
    pub async fn run(
        &self,
        letters: &mut DeadLetters,
        judged: &[Judged],
        planned: &[Planned],
        tally: &mut Tally,
    ) -> Result<Done, Error> {
        for planned in planned {
            self.delete_done(letters, judged, planned, tally).await;
        }
        for planned in planned {
            if let Err(stopped) = self.cause(letters, judged, planned, tally).await {
                tally.stopped = Some(stopped);
                break;
            }
        }
        self.bar.finish_and_clear();
        let whole = tally.stopped.is_none() && tally.refused + tally.not_deleted == 0;
        Ok(if whole { Done::All } else { Done::InPart })
    }

    /// `COMPLETED` absorbs: a copy would be acknowledged without a call. The letter can go as it is.
    async fn delete_done(
        &self,
        letters: &mut DeadLetters,
        judged: &[Judged],
        planned: &Planned,
        tally: &mut Tally,
    ) {
        for places in planned.delete.chunks(MAX_ENTRIES) {
            letters.renew().await;
            let chunk: Vec<_> = places.iter().map(|place| &judged[*place].letter).collect();
            let deleted = letters.delete(&chunk).await;
            let count = deleted.iter().filter(|done| **done).count();
            tally.done_before += count;
            tally.not_deleted += chunk.len() - count;
            self.bar.inc(chunk.len() as u64);
        }
    }

    /// All letters of one cause: canary first.
    async fn cause(
        &self,
        letters: &mut DeadLetters,
        judged: &[Judged],
        planned: &Planned,
        tally: &mut Tally,
    ) -> Result<(), Stopped> {
        let mut rest: Vec<&Judged> = planned.send.iter().map(|place| &judged[*place]).collect();
        for step in self.steps(&rest).await? {
            // What is not safe ends as it did, as whoever included it knows: it tells nothing of the others.
            let is_safe = |judged: &Judged| judged.judgement.class == super::Class::Safe;
            let ahead: Vec<&Judged> = rest
                .iter()
                .copied()
                .filter(|one| is_safe(one))
                .take(step)
                .collect();
            rest.retain(|one| !ahead.iter().any(|other| std::ptr::eq(*one, *other)));
            if ahead.is_empty() {
                break;
            }
            self.bar
                .set_message(format!("canary of {}", planned.group.code));
            self.send_and_delete(letters, &ahead, tally).await?;
            self.watch(letters, &ahead).await?;
        }
        self.bar.set_message(planned.group.code.clone());
        for batch in rest.chunks(self.pace.batch()) {
            self.send_and_delete(letters, batch, tally).await?;
            self.pause(letters, self.pace.wait(batch.len())).await;
        }
        Ok(())
    }

    /// How many letters go ahead, step by step: one at a time while each is a probe.
    async fn steps(&self, letters: &[&Judged]) -> Result<Vec<usize>, Stopped> {
        let breakers = self.breakers(letters).await?;
        let is_closed = |breaker: &Breaker| breaker.state == State::Closed;
        if breakers.iter().all(is_closed) {
            return Ok(STEPS.to_vec());
        }
        let probes = self.spec.breaker.probe_successes as usize;
        let probes = std::iter::repeat_n(1, probes);
        Ok(probes.chain(STEPS.into_iter().skip(1)).collect())
    }

    /// Sends, then deletes what was sent. Dying between the two leaves the letter, and a copy that the ledger knows.
    async fn send_and_delete(
        &self,
        letters: &mut DeadLetters,
        batch: &[&Judged],
        tally: &mut Tally,
    ) -> Result<(), Stopped> {
        self.breaker_lets_through(batch).await?;
        letters.renew().await;
        let (ours, lost): (Vec<&Letter>, Vec<&Letter>) = batch
            .iter()
            .map(|judged| &judged.letter)
            .partition(|letter| letters.holds(letter));
        tally.refused += lost.len();
        let posts: Vec<Post> = ours.iter().map(|letter| post(letter)).collect();
        let producer = SqsProducer::new(self.stack.sqs.clone());
        let results = producer.put(&self.lane.queue_url, &posts).await;
        let sent: Vec<&Letter> = ours
            .iter()
            .zip(&results)
            .filter(|(_, result)| result.is_ok())
            .map(|(letter, _)| *letter)
            .collect();
        let mut deleted = letters.delete(&sent).await;
        if deleted.contains(&false) {
            deleted = again(letters, &sent, deleted).await;
        }
        tally.sent += sent.len();
        tally.refused += ours.len() - sent.len();
        tally.not_deleted += deleted.iter().filter(|done| !**done).count();
        self.bar.inc(batch.len() as u64);
        match results.into_iter().find_map(Result::err) {
            // Nothing of the batch was taken: more of the same would not be, either.
            Some(why) if sent.is_empty() => Err(format!("the lane's queue refuses letters: {why}")),
            _ => Ok(()),
        }
    }

    /// Waits until every letter that went ahead has been delivered.
    async fn watch(&self, letters: &mut DeadLetters, ahead: &[&Judged]) -> Result<(), Stopped> {
        let mut waiting: BTreeSet<String> = ahead
            .iter()
            .filter_map(|judged| judged.letter.pk())
            .collect();
        let until = SystemClock.now() + self.canary_wait;
        let mut latest = None;
        loop {
            let keys: Vec<_> = waiting.iter().cloned().collect();
            let found = records(&self.ledger, &keys)
                .await
                .map_err(|error| error.to_string())?;
            for judged in ahead {
                let Some(pk) = judged.letter.pk() else {
                    continue;
                };
                match fate(judged.record.as_ref(), found.get(&pk)) {
                    Fate::Delivered => {
                        waiting.remove(&pk);
                    }
                    Fate::Failed(why) if waiting.contains(&pk) => {
                        return Err(format!("the canary {pk} failed again: {why}"));
                    }
                    Fate::Waiting(code) => latest = code.or(latest),
                    Fate::Failed(_) => {}
                }
            }
            let Some(pk) = waiting.first() else {
                return Ok(());
            };
            if SystemClock.now() >= until {
                let latest = latest.map_or(String::new(), |code| format!(", last failure {code}"));
                return Err(format!(
                    "the canary {pk} has not ended within {} s{latest}",
                    self.canary_wait.as_secs()
                ));
            }
            self.pause(letters, LOOK).await;
        }
    }

    /// Waits, and keeps hold of the letters meanwhile.
    async fn pause(&self, letters: &mut DeadLetters, time: Duration) {
        /// Shorter than a quarter of the shortest hold (5 s).
        const STEP: Duration = Duration::from_secs(1);
        let until = SystemClock.now() + time;
        while SystemClock.now() < until {
            letters.renew().await;
            let left = until.since(SystemClock.now());
            tokio::time::sleep(left.min(STEP)).await;
        }
    }

    async fn breaker_lets_through(&self, batch: &[&Judged]) -> Result<(), Stopped> {
        let now = SystemClock.now();
        let breakers = self.breakers(batch).await?;
        let mut shut = breakers
            .iter()
            .filter(|breaker| !lets_through(breaker, batch.len(), now));
        match shut.next() {
            Some(breaker) => Err(format!("the circuit breaker is {:?}", breaker.state)),
            None => Ok(()),
        }
    }

    /// The breakers that calls for `letters` ask: those of their connections, and the provider's.
    async fn breakers(&self, letters: &[&Judged]) -> Result<Vec<Breaker>, Stopped> {
        let connection = |judged: &&Judged| {
            let request = judged.letter.request.as_ref().ok();
            let named = request.map_or("default", |request| request.connection.as_str());
            self.spec.breaker.scope.key(self.spec.name, named)
        };
        let provider = Scope::Provider.key(self.spec.name, "");
        let keys: BTreeSet<String> = letters.iter().map(connection).chain([provider]).collect();
        let mut breakers = Vec::with_capacity(keys.len());
        for key in keys {
            let breaker = lanes::read::<Breaker>(&self.states, &key)
                .await
                .map_err(|error| format!("the circuit breaker could not be read: {error}"))?;
            breakers.push(breaker.value);
        }
        Ok(breakers)
    }
}

/// Whether letters may go. A breaker that lacks nothing but a probe takes a canary for one: on a lane that nothing else is
/// sent to, there is no other.
fn lets_through(breaker: &Breaker, letters: usize, now: Timestamp) -> bool {
    breaker.state == State::Closed || letters == 1 && awaits_probe(breaker, now)
}

/// The letter as a new message: its body unchanged. Fair-queue group and trace go along, when the request was first seen,
/// and the mark by which the ledger knows a redrive; code, detail and history stay behind.
fn post(letter: &Letter) -> Post {
    let first_seen = letter.said.first_seen.as_deref();
    Post {
        body: letter.body.clone(),
        group_id: letter.group_id.clone(),
        trace_header: letter.trace_header.clone(),
        first_seen: first_seen.and_then(|text| Timestamp::parse_rfc3339(text).ok()),
        mark: letter.said.mark,
        revision: letter.said.revision,
    }
}

/// Tries once more to delete what was not deleted.
async fn again(letters: &mut DeadLetters, sent: &[&Letter], deleted: Vec<bool>) -> Vec<bool> {
    let left: Vec<&Letter> = sent
        .iter()
        .zip(&deleted)
        .filter(|(_, done)| !**done)
        .map(|(letter, _)| *letter)
        .collect();
    let mut late = letters.delete(&left).await.into_iter();
    deleted
        .into_iter()
        .map(|done| done || late.next().unwrap_or(false))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlq::letter::tests::letter;

    /// A lane whose only request lay among the dead letters could never be probed.
    #[test]
    fn a_canary_may_be_the_probe_and_nothing_more() {
        let now = Timestamp::from_millis(1_795_341_600_000);
        let breaker = |state, open_until| Breaker {
            state,
            open_until: Some(open_until),
            ..Breaker::default()
        };
        let over = breaker(State::Open, now - Duration::from_secs(1));
        assert!(lets_through(&over, 1, now));
        assert!(!lets_through(&over, 4, now));
        let open = breaker(State::Open, now + Duration::from_secs(1));
        assert!(!lets_through(&open, 1, now));
        assert!(lets_through(&Breaker::default(), 10, now));
    }

    #[test]
    fn group_trace_first_seen_and_mark_go_along_and_the_reason_stays_behind() {
        let said = [
            ("code", "x"),
            ("attempts", "8"),
            ("first_seen", "2026-11-22T10:00:00Z"),
            ("format_version", "2;pack=3;closing=7"),
        ];
        let trace = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let letter = Letter {
            group_id: Some("default".to_owned()),
            trace_header: Some(trace.to_owned()),
            ..letter("{}", &said)
        };
        let expected = Post {
            body: "{}".to_owned(),
            group_id: Some("default".to_owned()),
            trace_header: Some(trace.to_owned()),
            first_seen: Some(Timestamp::from_millis(1_795_341_600_000)),
            mark: Some(7),
            revision: Some(3),
        };
        assert_eq!(post(&letter), expected);
    }
}
