//! From fates to acknowledgements: first the dead letters, then the waits, and only then the answer to Lambda.

use std::time::Duration;

use futures_util::future::join_all;

use super::job::Ended;
use super::report::{Entry, Report};
use super::{Lane, Run};
use crate::Timestamp;
use crate::ledger::state::Closing;
use crate::outcome::{Deferral, Outcome, code};
use crate::queue::{self, Letter, Message};

impl Lane {
    /// Carries out what was decided for each message. Adds to `report` what became of it.
    pub(super) async fn finish(&self, ended: Vec<Ended>, report: &mut Report, run: &Run<'_>) {
        let ended = ended.into_iter();
        let mut ended = join_all(ended.map(|ended| self.give_up_in_time(ended, run))).await;
        let now = self.seams.clock.now();

        let (letters, senders): (Vec<Letter>, Vec<usize>) = ended
            .iter()
            .enumerate()
            .filter_map(|(at, ended)| Some((letter(ended)?, at)))
            .unzip();
        if !letters.is_empty() {
            for (at, sent) in senders
                .into_iter()
                .zip(self.seams.queue.bury(&letters).await)
            {
                if let Err(error) = sent {
                    tracing::warn!(%error, message_id = ended[at].message.id, "the dead letter could not be sent");
                    ended[at].outcome = self.put_off(Deferral::StoreUnavailable);
                }
            }
        }

        self.let_wait(&mut ended, now).await;
        for Ended {
            message,
            peek,
            outcome,
            sent_again,
            ..
        } in ended
        {
            // What is over, explicitly: whatever is not named here comes back.
            let acknowledged = match outcome {
                Outcome::Delivered
                | Outcome::Duplicate
                | Outcome::Rejected(_)
                | Outcome::Unknown(_) => true,
                Outcome::Deferred { .. } | Outcome::Retry { .. } => sent_again,
            };
            let end_to_end = now.since(message.sent_at);
            let late = late(&message, &outcome, now);
            report.entries.push(Entry {
                trace: message.trace(),
                message_id: message.id,
                peek,
                outcome,
                acknowledged,
                end_to_end,
                late,
            });
        }
    }

    /// A message that would wait longer than its queue can hold it goes to the dead-letter queue now, with its reason.
    async fn give_up_in_time(&self, mut ended: Ended, run: &Run<'_>) -> Ended {
        if let (Outcome::Deferred { reason, .. }, Some(subject)) = (&ended.outcome, &ended.subject)
            && queue::is_spent(&ended.message, self.seams.clock.now())
        {
            let detail = format!("last deferral: {}", reason.code());
            let reason = Closing::new(code::QUEUE_TIME_SPENT, detail);
            ended.outcome = self.end(&ended.message, subject, &reason, run).await;
        }
        ended
    }
}

/// How late the lane is with `message`: what waits for a reason of its own (a retry's backoff, a paused connection, a
/// key in use) says nothing of the others. One that the lane puts off will be as old as this when it comes back, and
/// nobody sees it until then; one that is received for the first time has waited for a lane that was too slow.
fn late(message: &Message, outcome: &Outcome, now: Timestamp) -> Option<Duration> {
    match outcome {
        Outcome::Deferred { reason, until } if reason.is_the_lanes() => {
            Some(until.since(message.sent_at))
        }
        _ if message.receive_count <= 1 => Some(now.since(message.sent_at)),
        _ => None,
    }
}

fn letter(ended: &Ended) -> Option<Letter> {
    let (Outcome::Rejected(reason) | Outcome::Unknown(reason)) = &ended.outcome else {
        return None;
    };
    Some(Letter {
        body: ended.message.body.clone(),
        reason: reason.clone(),
        first_seen: ended.message.first_seen,
        request_id: ended.peek.id.clone(),
        connection: ended.peek.connection.clone(),
        operation: ended.peek.operation.clone(),
        revision: ended.message.revision,
        group_id: ended.message.group_id.clone(),
        trace_header: ended.message.trace_header.clone(),
    })
}
