//! Ends: letters, acknowledgements, and what is left when all is over.

use causeway::ledger::{Record, Status};
use causeway::outcome::Outcome;
use causeway::provider::Safety;
use causeway::queue::Letter;

use super::Invariant;
use crate::limits;
use crate::world::World;

impl World {
    /// A letter was sent.
    pub fn see_letter(&mut self, letter: &Letter) {
        self.counts.letters += 1;
        let now = self.now;
        let Some(&number) = self.bodies.get(&letter.body) else {
            let text = format!("a letter holds what nobody wrote: {}", letter.body);
            return self.violated(Invariant::Letters, text);
        };
        let messages = self.queue.messages.iter();
        let mut messages = messages.filter(|message| message.request == number);
        let code = letter.reason.code.as_str();
        let first_seen = letter.first_seen.as_millis();
        // Of several messages with one body each has a time of its own.
        let is_known = messages.any(|message| message.first_seen == first_seen);
        if code.is_empty() || letter.reason.detail.len() > 1024 {
            self.violated(
                Invariant::Letters,
                format!("r{number}: no code, or too much detail"),
            );
        }
        if !is_known {
            self.violated(
                Invariant::Letters,
                format!("r{number}: first_seen is {first_seen}"),
            );
        }
        // Copies of one message may close its record in turn: each letter tells of one of them.
        let said = letter.reason.attempts;
        let key = self.requests[number].ledger_key.clone();
        let record = key.as_ref().and_then(|key| self.record(key));
        if let Some(record) = record
            && record
                .code
                .as_ref()
                .is_some_and(|stored| stored.as_str() == code)
            && !self.watch.closed.contains(&(record.pk.clone(), said))
        {
            let attempts = record.attempts;
            let text = format!("r{number}: the letter says {said} attempts, the record {attempts}");
            self.violated(Invariant::Letters, text);
        }
        if let (Some(key), Some(closing)) = (key, letter.reason.closing) {
            self.watch.told.insert((key, closing));
        }
        self.queue.bury(number, letter.clone(), now);
    }

    /// A message is acknowledged because of `outcome`, by an invocation that began at `since`.
    pub fn see_acknowledged(&mut self, message: usize, outcome: &Outcome, since: i64) {
        let number = self.queue.messages[message].request;
        let request = &self.requests[number];
        let record = request.ledger_key.as_ref().and_then(|key| self.record(key));
        let completed = record.as_ref().is_some_and(|record| {
            record.status == Status::Completed
                && Some(&record.payload_hash) == request.payload_hash.as_ref()
        });
        let in_order = match outcome {
            Outcome::Delivered => completed,
            // An end's letter speaks for the copies too, when it is sent; but not for what a person made of it.
            Outcome::Duplicate => {
                let mark = self.queue.messages[message].mark;
                let swallowed = |record: &Record| mark == Some(record.closing);
                completed
                    || record.is_some_and(|record| self.is_told(&record) && !swallowed(&record))
            }
            Outcome::Rejected(_) | Outcome::Unknown(_) => self
                .queue
                .letters
                .iter()
                .any(|dead| dead.request == number && dead.at >= since),
            Outcome::Deferred { .. } | Outcome::Retry { .. } => {
                self.queue.messages[message].sent_again_at >= since
            }
        };
        if in_order {
            self.queue.messages[message].acknowledged = true;
        } else {
            let text = format!(
                "a message of r{number} is acknowledged as {}",
                outcome.name()
            );
            self.violated(Invariant::Lost, text);
        }
    }

    /// Whether whoever sent the request has heard, or will, of its last end.
    fn is_told(&self, record: &Record) -> bool {
        let end = (record.pk.clone(), record.closing);
        record.closing > 0
            && (self.watch.told.contains(&end) || self.queue.is_waiting(&record.message_id))
    }

    /// Judges the end.
    pub fn see_end(&mut self) {
        for at in 0..self.queue.messages.len() {
            let message = &self.queue.messages[at];
            let (number, gone, acknowledged) =
                (message.request, message.gone, message.acknowledged);
            if !gone {
                self.violated(Invariant::Stuck, format!("a message of r{number} is left"));
            } else if !acknowledged {
                self.violated(Invariant::Lost, format!("a message of r{number} is gone"));
            }
        }
        for (key, group) in self.groups.clone() {
            self.see_ended(&key, &group);
        }
        self.see_recovery();
        // The world is calm by now: how far apart clocks were is known of those that had one.
        let skews = || self.environments.iter().map(|own| own.skew);
        let apart = skews().max().unwrap_or(0) - skews().min().unwrap_or(0);
        for ((scope, name), (limit, mut calls)) in std::mem::take(&mut self.watch.calls) {
            let excess = limits::excess(limit, &mut calls, apart);
            if excess > 0 {
                let text = format!("limit `{name}` of {scope}: {excess} calls too many");
                self.violated(Invariant::LimitViolations, text);
            }
        }
    }

    fn see_ended(&mut self, key: &str, group: &[usize]) {
        let effective = self.took_effect(key);
        let record = self.record(key);
        let status = record.as_ref().map(|record| record.status);
        let ambiguous = record.as_ref().is_some_and(|record| record.ambiguous);
        let in_doubt = ambiguous || status == Some(Status::Unknown);
        if effective && status != Some(Status::Completed) && !in_doubt {
            let text = format!("{key} ended as {status:?} and took effect");
            self.violated(Invariant::FalseRejections, text);
        }
        if status == Some(Status::Completed) && !effective {
            let text = format!("{key} counts as delivered and never took effect");
            self.violated(Invariant::Lost, text);
        }
        let is_end = matches!(status, Some(Status::Rejected | Status::Unknown));
        let told = record.as_ref().is_some_and(|record| {
            let end = (record.pk.clone(), record.closing);
            record.resolved_at.is_some() || self.watch.told.contains(&end)
        });
        if status != Some(Status::Completed) && (!is_end || !told) {
            let text = format!("{key} ended as {status:?}, and no letter tells of it");
            self.violated(Invariant::Unreported, text);
        }
        let known = group.iter().any(|number| self.requests[*number].sent);
        if status == Some(Status::Unknown) && !known && !self.watch.abandoned.contains(key) {
            let text = format!("{key} was never sent and ended as unknown");
            self.violated(Invariant::FalseUnknowns, text);
        }
        let is_unsafe = |number: &usize| self.requests[*number].safety == Some(Safety::Unsafe);
        let doubted = |number: &usize| self.requests[*number].doubted;
        let unsafe_doubt = group
            .iter()
            .any(|number| is_unsafe(number) && doubted(number));
        let unsafe_effect = effective && group.iter().any(is_unsafe);
        let reported = status == Some(Status::Unknown);
        if unsafe_doubt && !reported
            || unsafe_effect && !reported && status != Some(Status::Completed)
        {
            let text = format!("{key} is in doubt and ended as {status:?}");
            self.violated(Invariant::Unreported, text);
        }
    }
}
