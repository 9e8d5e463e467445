//! From fates to acknowledgements: first the dead letters, then the waits, and only then the answer to Lambda.

use super::Lane;
use super::job::Ended;
use super::report::{Entry, Report};
use crate::Timestamp;
use crate::bugs::{self, Bug};
use crate::outcome::{Deferral, Outcome, Reason, code};
use crate::queue::{self, Letter};

impl Lane {
    /// Carries out what was decided for each message. Adds to `report` what must not be acknowledged.
    pub(super) async fn finish(&self, ended: Vec<Ended>, report: &mut Report) {
        let now = self.seams.clock.now();
        let mut ended: Vec<Ended> = ended
            .into_iter()
            .map(|ended| give_up_in_time(ended, now))
            .collect();

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
                if let Err(error) = sent
                    && !bugs::is(Bug::AcknowledgeWithoutLetter)
                {
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
            let waits = matches!(outcome, Outcome::Deferred { .. } | Outcome::Retry { .. });
            if waits && !sent_again {
                report.retained.push(message.id.clone());
            }
            let end_to_end = now.since(message.sent_at);
            report.entries.push(Entry {
                trace: message.trace(),
                message_id: message.id,
                peek,
                outcome,
                end_to_end,
            });
        }
    }
}

/// A message that would wait longer than its queue can hold it goes to the dead-letter queue now, with its reason.
fn give_up_in_time(mut ended: Ended, now: Timestamp) -> Ended {
    if let Outcome::Deferred { reason, .. } = &ended.outcome
        && queue::is_spent(&ended.message, now)
    {
        let detail = format!("last deferral: {}", reason.code());
        ended.outcome = Outcome::Rejected(Reason {
            attempts: ended.attempts,
            last_attempt: ended.last_attempt,
            ..Reason::new(code::QUEUE_TIME_SPENT, detail)
        });
    }
    ended
}

fn letter(ended: &Ended) -> Option<Letter> {
    let (Outcome::Rejected(reason) | Outcome::Unknown(reason)) = &ended.outcome else {
        return None;
    };
    Some(Letter {
        body: ended.message.body.clone(),
        reason: reason.clone(),
        first_seen: if bugs::is(Bug::ForgetFirstSeen) {
            ended.message.sent_at
        } else {
            ended.message.first_seen
        },
        request_id: ended.peek.id.clone(),
        connection: ended.peek.connection.clone(),
        operation: ended.peek.operation.clone(),
        group_id: ended.message.group_id.clone(),
        trace_header: ended.message.trace_header.clone(),
    })
}
