//! SQS as it may behave: at least once, in any order, with visibility, retention and a dead-letter queue.

use std::collections::BTreeSet;

use causeway::outcome::Code;
use causeway::queue::{Letter, Message};
use causeway::{StoreError, Timestamp};

use crate::profile::{DAY, HOUR};
use crate::rng::Rng;

/// How long both queues keep a message.
pub const RETENTION: i64 = 14 * DAY;
/// The longest that a message is hidden, counted from its receive.
pub const MAX_VISIBILITY: i64 = 12 * HOUR;
/// Messages in flight beyond which nobody receives anything.
pub const MAX_IN_FLIGHT: usize = 120_000;
/// The queue's own last guard: a message received more often goes to the dead-letter queue without a word.
pub const MAX_RECEIVES: u32 = 1_000;

/// A message on the lane's queue.
#[derive(Clone, Debug)]
pub struct Stored {
    /// SQS's id.
    pub id: String,
    /// The request, by its number.
    pub request: usize,
    body: String,
    /// When it was put on the queue.
    pub sent_at: i64,
    /// As its attribute says; of a message without one, `sent_at`.
    pub first_seen: i64,
    /// The end whose letter it was.
    pub mark: Option<u64>,
    /// The revision of the pack that accepted it.
    revision: Option<u32>,
    history: Option<History>,
    receive_count: u32,
    /// Somebody died who had it.
    pub interrupted: bool,
    received_at: i64,
    visible_at: i64,
    /// When it was last sent again.
    pub sent_again_at: i64,
    is_visible: bool,
    /// Nothing is left of it.
    pub gone: bool,
    /// It was acknowledged, and that was in order.
    pub acknowledged: bool,
}

/// What a message that was sent again tells of its past.
#[derive(Clone, Debug)]
struct History {
    origin: String,
    receives: u32,
    sent_at: Timestamp,
}

/// A letter in the dead-letter queue.
#[derive(Clone, Debug)]
pub struct Dead {
    /// What it says.
    pub letter: Letter,
    /// The request, by its number.
    pub request: usize,
    /// When it was put there.
    pub at: i64,
    /// It was taken out again.
    pub gone: bool,
}

/// A lane's queue and its dead-letter queue.
#[derive(Debug, Default)]
pub struct Sqs {
    /// Every message there ever was.
    pub messages: Vec<Stored>,
    hidden: BTreeSet<(i64, usize)>,
    visible: Vec<usize>,
    /// How many of the hidden ones were never received: they are not in flight.
    delayed: usize,
    /// The most messages that were in flight at once.
    pub most_in_flight: usize,
    /// Every letter there ever was.
    pub letters: Vec<Dead>,
}

impl Sqs {
    /// Puts a message on the queue. `first_seen` is what its attribute says.
    pub fn send(&mut self, request: usize, body: &str, now: i64, first_seen: Option<i64>) {
        let number = self.messages.len();
        self.messages.push(Stored {
            id: format!("m{number}"),
            request,
            body: body.to_owned(),
            sent_at: now,
            first_seen: first_seen.unwrap_or(now).min(now),
            mark: None,
            revision: None,
            history: None,
            receive_count: 0,
            interrupted: false,
            received_at: 0,
            visible_at: now,
            sent_again_at: 0,
            is_visible: true,
            gone: false,
            acknowledged: false,
        });
        self.visible.push(number);
    }

    /// Puts a message on the queue once more, hidden for `delay` ms.
    pub fn send_again(&mut self, message: &Message, delay: i64, now: i64) {
        let Some((number, _)) = parse(&message.receipt_handle) else {
            return;
        };
        self.messages[number].sent_again_at = now;
        let (request, body) = (self.messages[number].request, message.body.clone());
        self.send(request, &body, now, Some(message.first_seen.as_millis()));
        if let Some(copy) = self.messages.last_mut() {
            copy.history = Some(History {
                origin: message.origin.clone(),
                receives: message.receive_count,
                sent_at: message.sent_at,
            });
            copy.mark = message.mark;
            copy.revision = message.revision;
            copy.visible_at = now + delay;
        }
        if delay > 0
            && let Some(number) = self.visible.pop()
        {
            self.messages[number].is_visible = false;
            self.hidden.insert((now + delay, number));
            self.delayed += 1;
        }
    }

    /// When something may be received next; none when nothing is left.
    pub fn next_visible(&mut self, now: i64) -> Option<i64> {
        self.show(now);
        if self.visible.is_empty() {
            self.hidden.first().map(|(at, _)| *at)
        } else {
            Some(now)
        }
    }

    /// Whether anything is left to do.
    pub fn is_empty(&self) -> bool {
        self.visible.is_empty() && self.hidden.is_empty()
    }

    /// Messages that were received and neither deleted nor shown again.
    pub fn in_flight(&self) -> usize {
        self.hidden.len().saturating_sub(self.delayed)
    }

    /// Messages that are visible, delayed or in flight.
    pub fn held(&self) -> u64 {
        (self.visible.len() + self.hidden.len()) as u64
    }

    fn show(&mut self, now: i64) {
        while let Some(&(at, number)) = self.hidden.first() {
            if at > now {
                break;
            }
            self.hidden.pop_first();
            self.delayed -= usize::from(self.messages[number].receive_count == 0);
            self.messages[number].is_visible = true;
            self.visible.push(number);
        }
    }

    /// Receives up to `most` messages and hides them for `visibility` ms. `twice` is the chance that a message is
    /// handed to somebody else as well. Returns them with the numbers of those whose time had run out.
    pub fn receive(
        &mut self,
        most: usize,
        visibility: i64,
        twice: f64,
        now: i64,
        rng: &mut Rng,
    ) -> (Vec<Message>, Vec<usize>) {
        self.show(now);
        let (mut batch, mut expired, mut again) = (Vec::new(), Vec::new(), Vec::new());
        while batch.len() < most && !self.visible.is_empty() && self.in_flight() < MAX_IN_FLIGHT {
            let at = rng.index(self.visible.len().min(64));
            let number = self.visible.swap_remove(at);
            let stored = &mut self.messages[number];
            stored.is_visible = false;
            if stored.sent_at + RETENTION <= now || stored.receive_count >= MAX_RECEIVES {
                stored.gone = true;
                expired.push(number);
                continue;
            }
            stored.receive_count += 1;
            stored.received_at = now;
            stored.visible_at = now + visibility;
            batch.push(message(stored, number));
            if rng.chance(twice) {
                again.push(number);
            } else {
                self.hidden.insert((now + visibility, number));
            }
        }
        for &number in &again {
            self.messages[number].is_visible = true;
        }
        self.visible.extend(again);
        self.most_in_flight = self.most_in_flight.max(self.in_flight());
        (batch, expired)
    }

    /// Hides a message for `wait` ms from now on.
    ///
    /// # Errors
    /// When the receipt is an old one, or 12 hours since the receive would be exceeded.
    pub fn hide(&mut self, receipt: &str, wait: i64, now: i64) -> Result<(), StoreError> {
        let refused = |reason| Err(StoreError::new("ChangeMessageVisibility", reason));
        let Some((number, receive)) = parse(receipt) else {
            return refused("no such receipt");
        };
        let stored = &mut self.messages[number];
        if stored.receive_count != receive || !self.hidden.contains(&(stored.visible_at, number)) {
            return refused("the message is not in flight");
        }
        if now + wait > stored.received_at + MAX_VISIBILITY {
            return refused("beyond the maximum of 12 hours since the receive");
        }
        self.hidden.remove(&(stored.visible_at, number));
        stored.visible_at = now + wait;
        self.hidden.insert((stored.visible_at, number));
        Ok(())
    }

    /// Deletes a message. With an old receipt it may stay.
    pub fn delete(&mut self, receipt: &str, rng: &mut Rng) -> Option<usize> {
        let (number, receive) = parse(receipt)?;
        let stored = &mut self.messages[number];
        if stored.receive_count != receive && rng.chance(0.5) {
            return None;
        }
        stored.gone = true;
        self.hidden.remove(&(stored.visible_at, number));
        if std::mem::take(&mut stored.is_visible) {
            self.visible.retain(|other| *other != number);
        }
        Some(number)
    }

    /// A deleted message is delivered all the same.
    pub fn haunt(&mut self, number: usize, at: i64) {
        let stored = &mut self.messages[number];
        if stored.gone {
            stored.gone = false;
            stored.visible_at = at;
            self.hidden.insert((at, number));
        }
    }

    /// Puts a letter into the dead-letter queue.
    pub fn bury(&mut self, request: usize, letter: Letter, now: i64) {
        self.letters.push(Dead {
            letter,
            request,
            at: now,
            gone: false,
        });
    }

    /// Sends a letter to the queue again, as an operator does.
    pub fn redrive(&mut self, number: usize, now: i64) -> Option<Code> {
        let dead = self.letters.get_mut(number)?;
        if dead.gone || dead.at + RETENTION <= now {
            return None;
        }
        dead.gone = true;
        let (request, letter) = (dead.request, dead.letter.clone());
        self.send(
            request,
            &letter.body,
            now,
            Some(letter.first_seen.as_millis()),
        );
        if let Some(copy) = self.messages.last_mut() {
            copy.mark = letter.reason.closing;
            copy.revision = letter.revision;
        }
        Some(letter.reason.code)
    }

    /// Whether a message that the producer, or an operator, sent as `origin` is still to be worked on.
    pub fn is_waiting(&self, origin: &str) -> bool {
        self.messages.iter().any(|message| {
            let own = message
                .history
                .as_ref()
                .map_or(&message.id, |past| &past.origin);
            own == origin && !message.gone
        })
    }
}

/// The number of the message that a receipt is for, and of its receive.
pub fn parse(receipt: &str) -> Option<(usize, u32)> {
    let (number, receive) = receipt.split_once('/')?;
    Some((number.parse().ok()?, receive.parse().ok()?))
}

fn message(stored: &Stored, number: usize) -> Message {
    let time = Timestamp::from_millis;
    let own = Message {
        id: stored.id.clone(),
        origin: stored.id.clone(),
        receipt_handle: format!("{number}/{}", stored.receive_count),
        body: stored.body.clone(),
        receive_count: stored.receive_count,
        sent_at: time(stored.sent_at),
        mark: stored.mark,
        revision: stored.revision,
        first_seen: time(stored.first_seen),
        group_id: None,
        trace_header: None,
    };
    match &stored.history {
        None => own,
        Some(past) => Message {
            origin: past.origin.clone(),
            receive_count: own.receive_count + past.receives,
            sent_at: past.sent_at,
            ..own
        },
    }
}
