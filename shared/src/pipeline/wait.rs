//! How deferred messages wait: hidden where they are, or, when too many already are, sent again with a delay.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Lane;
use super::job::Ended;
use crate::Timestamp;
use crate::outcome::Outcome;
use crate::queue::{self, Again, WayBack};
use crate::retry;

/// How long the count of messages in flight is believed.
const BELIEVED: Duration = Duration::from_secs(10);

/// After so many messages hidden by this environment it is asked for again: a hundred environments that each hide as
/// many at once stay well below the room that is left above [`MAX_WAITING`](queue::MAX_WAITING).
const BELIEVED_FOR: u64 = 100;

/// One environment's idea of how many of its lane's messages are in flight.
#[derive(Debug, Default)]
pub(super) struct Room(Mutex<Option<Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    at: Timestamp,
    /// The queue's count, and what this environment has hidden since.
    in_flight: u64,
    hidden: u64,
}

impl Room {
    /// The count, if it is fresh enough for `more` to wait.
    fn believed(&self, more: u64, now: Timestamp) -> Option<u64> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = known.as_mut()?;
        count.hidden += more;
        let fresh = now.since(count.at) < BELIEVED && count.hidden < BELIEVED_FOR;
        fresh.then_some(count.in_flight + count.hidden)
    }

    fn learn(&self, in_flight: u64, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Count {
            at: now,
            in_flight,
            hidden: 0,
        });
    }
}

impl Lane {
    /// Lets the deferred ones of `ended` wait. Those that were sent again are marked: they are to be acknowledged.
    pub(super) async fn let_wait(&self, ended: &mut [Ended], now: Timestamp) {
        let waiting = ended.iter().filter(|ended| until(ended).is_some()).count();
        if waiting == 0 {
            return;
        }
        let in_flight = self.in_flight(waiting, now).await;
        let (mut hidden, mut again, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for (at, ended) in ended.iter().enumerate() {
            let Some(until) = until(ended) else { continue };
            let message = &ended.message;
            let jitter = retry::jitter(&message.id, u64::from(message.receive_count));
            match queue::way_back(message, until, now, in_flight, jitter) {
                WayBack::Hidden(wait) => hidden.push((message.receipt_handle.clone(), wait)),
                WayBack::SentAgain(delay) => {
                    let message = message.clone();
                    again.push(Again { message, delay });
                    senders.push(at);
                }
            }
        }
        if !again.is_empty() {
            let sent = self.seams.queue.send_again(&again).await;
            for ((at, again), sent) in senders.into_iter().zip(again).zip(sent) {
                match sent {
                    Ok(()) => ended[at].sent_again = true,
                    Err(error) => {
                        tracing::warn!(%error, message_id = again.message.id, "a message could not be sent again");
                        hidden.push((again.message.receipt_handle, again.delay));
                    }
                }
            }
        }
        if hidden.is_empty() {
            return;
        }
        let changed = self.seams.queue.hide(&hidden).await;
        for error in changed.into_iter().filter_map(Result::err) {
            // Harmless: the message comes back with its present visibility, and the ledger knows what to do.
            tracing::warn!(%error, "a visibility timeout could not be changed");
        }
    }

    /// How many messages are in flight; none where the queue does not tell: then there is room, as nearly always.
    async fn in_flight(&self, waiting: usize, now: Timestamp) -> u64 {
        let more = u64::try_from(waiting).unwrap_or(u64::MAX);
        if let Some(count) = self.room.believed(more, now) {
            return count;
        }
        match self.seams.queue.in_flight().await {
            Ok(count) => {
                self.room.learn(count, now);
                count
            }
            Err(error) => {
                tracing::warn!(%error, "the messages in flight could not be counted");
                0
            }
        }
    }
}

fn until(ended: &Ended) -> Option<Timestamp> {
    match ended.outcome {
        Outcome::Deferred { until, .. } | Outcome::Retry { until, .. } => Some(until),
        _ => None,
    }
}
