//! A lane's dead-letter queue, read without losing anything.
//!
//! Reading a queue is receiving from it: a letter is hidden from everybody else until it is released, or until its
//! hold ends by itself, which is what happens when this process dies. Two things follow. Letters that others hold at
//! that moment are not seen. And every look raises the letter's receive count, which is harmless here: dead-letter
//! queues have no redrive policy of their own that could move a letter on.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::change_message_visibility_batch::ChangeMessageVisibilityBatchOutput;
use aws_sdk_sqs::operation::delete_message_batch::DeleteMessageBatchOutput;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName, QueueAttributeName,
};
use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use futures_util::future::join_all;
use indicatif::{ProgressBar, ProgressStyle};

use super::letter::Letter;
use crate::error::Error;

/// Entries in one batch call, and messages in one receive (SQS's limit).
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub const MAX_ENTRIES: usize = 10;

/// The longest that one receive waits. Any wait asks all of SQS's servers; none asks some, and may miss letters.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html>
const WAIT: Duration = Duration::from_secs(1);

/// Receives without a letter, one after the other, after which there are none left to see.
const EMPTY_READS: usize = 2;

/// Bytes of bodies that are held in memory, after which no more are read: a queue of the largest requests (256 KiB)
/// would fill a small machine otherwise.
const MAX_BYTES: usize = 128 << 20;

/// Batch calls under way at once.
const AT_ONCE: usize = 8;

/// A dead-letter queue, and the letters of it that this process holds.
#[derive(Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
    hold: Duration,
    /// Receipt handles, and until when SQS hides their letters.
    held: Vec<(String, Timestamp)>,
    is_cut: bool,
    shows_progress: bool,
}

/// How many letters a queue has: SQS's own estimates, which may be a minute old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Letters that can be read.
    pub visible: u64,
    /// Letters that somebody holds just now: they are not seen.
    pub in_flight: u64,
}

impl DeadLetters {
    /// The queue at `url`; each letter read is hidden from others for `hold`.
    pub fn new(client: Client, url: impl Into<String>, hold: Duration) -> Self {
        Self {
            client,
            url: url.into(),
            hold,
            held: Vec::new(),
            is_cut: false,
            shows_progress: false,
        }
    }

    /// Shows on standard error, where that is a terminal, how far it has read.
    #[must_use]
    pub fn with_progress(self) -> Self {
        Self {
            shows_progress: true,
            ..self
        }
    }

    /// Whether the last read ended before the queue did: there may be more letters.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many letters there are.
    ///
    /// # Errors
    /// When SQS refuses.
    pub async fn counts(&self) -> Result<Counts, Error> {
        use QueueAttributeName as Name;
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
        ];
        let reply = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .map_err(Error::aws("count the dead letters"))?;
        let known = reply.attributes.unwrap_or_default();
        let count = |name| known.get(&name).and_then(|text| text.parse().ok());
        Ok(Counts {
            visible: count(Name::ApproximateNumberOfMessages).unwrap_or_default(),
            in_flight: count(Name::ApproximateNumberOfMessagesNotVisible).unwrap_or_default(),
        })
    }

    /// Up to `limit` letters, each held from now on. `go_on` is shown all that were read so far after each page.
    ///
    /// # Errors
    /// When SQS refuses; what was read until then is held, and goes with [`release`](Self::release).
    pub async fn read(
        &mut self,
        limit: usize,
        mut go_on: impl FnMut(&[Letter]) -> bool,
    ) -> Result<Vec<Letter>, Error> {
        let bar = if self.shows_progress {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        let bar = bar.with_message("dead letters read");
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}") {
            bar.set_style(style);
        }
        let (mut letters, mut empty, mut bytes) = (Vec::new(), 0, 0);
        while letters.len() < limit && empty < EMPTY_READS && bytes < MAX_BYTES {
            let page = self.receive(MAX_ENTRIES.min(limit - letters.len())).await?;
            empty = if page.is_empty() { empty + 1 } else { 0 };
            bytes += page.iter().map(|letter| letter.body.len()).sum::<usize>();
            letters.extend(page);
            bar.set_position(letters.len() as u64);
            self.renew().await;
            if !go_on(&letters) {
                break;
            }
        }
        self.is_cut = empty < EMPTY_READS;
        bar.finish_and_clear();
        Ok(letters)
    }

    async fn receive(&mut self, most: usize) -> Result<Vec<Letter>, Error> {
        let reply = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(most).unwrap_or(1))
            .visibility_timeout(seconds(self.hold))
            .wait_time_seconds(seconds(WAIT))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(Error::aws("read the dead letters"))?;
        let until = SystemClock.now() + self.hold;
        let letters: Vec<_> = reply
            .messages
            .unwrap_or_default()
            .into_iter()
            .filter_map(Letter::of)
            .collect();
        let handles = letters.iter().map(|letter| letter.receipt.clone());
        self.held.extend(handles.map(|handle| (handle, until)));
        Ok(letters)
    }

    /// Holds on to every letter whose hold is half over. What SQS refuses is not held any more.
    pub async fn renew(&mut self) {
        let now = SystemClock.now();
        let half = now + self.hold / 2;
        let (due, fresh): (Vec<_>, Vec<_>) =
            self.held.drain(..).partition(|(_, until)| *until < half);
        self.held = fresh;
        let handles: Vec<_> = due.into_iter().map(|(handle, _)| handle).collect();
        let until = now + self.hold;
        let renewed = self.set_visibility(handles, self.hold).await;
        self.held
            .extend(renewed.into_iter().map(|handle| (handle, until)));
    }

    /// Whether `letter` is ours for some time still: long enough to be sent and deleted.
    pub fn holds(&self, letter: &Letter) -> bool {
        let soon = SystemClock.now() + self.hold / 4;
        let held = self
            .held
            .iter()
            .find(|(handle, _)| *handle == letter.receipt);
        held.is_some_and(|(_, until)| *until > soon)
    }

    /// Lets others see `letters` again, at once.
    pub async fn let_go(&mut self, letters: &[&Letter]) {
        let handles: Vec<_> = letters
            .iter()
            .map(|letter| letter.receipt.clone())
            .collect();
        self.held.retain(|(handle, _)| !handles.contains(handle));
        self.set_visibility(handles, Duration::ZERO).await;
    }

    /// Lets others see everything that is held, at once. What cannot be released comes back when its hold ends.
    pub async fn release(&mut self) {
        let handles = self.held.drain(..).map(|(handle, _)| handle).collect();
        self.set_visibility(handles, Duration::ZERO).await;
    }

    /// Deletes `letters`; one result a letter, in their order. One that is not deleted stays.
    pub async fn delete(&mut self, letters: &[&Letter]) -> Vec<bool> {
        let mut deleted = vec![false; letters.len()];
        for (at, chunk) in letters.chunks(MAX_ENTRIES).enumerate() {
            let entries = chunk.iter().enumerate().filter_map(|(id, letter)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(id.to_string())
                    .receipt_handle(&letter.receipt)
                    .build()
                    .ok()
            });
            let reply = self
                .client
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.collect()))
                .send()
                .await;
            for id in reply.iter().flat_map(DeleteMessageBatchOutput::successful) {
                let place = id.id().parse::<usize>().ok();
                if let Some(done) = place.and_then(|id| deleted.get_mut(at * MAX_ENTRIES + id)) {
                    *done = true;
                }
            }
        }
        let gone: Vec<_> = letters
            .iter()
            .zip(&deleted)
            .filter(|(_, done)| **done)
            .collect();
        self.held
            .retain(|(handle, _)| !gone.iter().any(|(letter, _)| letter.receipt == *handle));
        deleted
    }

    /// Hides each for `time` from now on; the handles of those that SQS says it hid.
    async fn set_visibility(&self, handles: Vec<String>, time: Duration) -> Vec<String> {
        let mut changed = Vec::with_capacity(handles.len());
        let chunks: Vec<_> = handles.chunks(MAX_ENTRIES).collect();
        for calls in chunks.chunks(AT_ONCE) {
            let calls = calls.iter().map(|chunk| self.change(chunk, time));
            changed.extend(join_all(calls).await.concat());
        }
        changed
    }

    async fn change(&self, handles: &[String], time: Duration) -> Vec<String> {
        let entries = handles.iter().enumerate().filter_map(|(id, handle)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(id.to_string())
                .receipt_handle(handle)
                .visibility_timeout(seconds(time))
                .build()
                .ok()
        });
        let reply = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries.collect()))
            .send()
            .await;
        let done = reply
            .iter()
            .flat_map(ChangeMessageVisibilityBatchOutput::successful);
        let handle = |id: &str| handles.get(id.parse::<usize>().ok()?).cloned();
        done.filter_map(|entry| handle(entry.id())).collect()
    }
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
