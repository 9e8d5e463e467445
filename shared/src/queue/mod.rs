//! The seam to the lane's queues, and what a message and a dead letter are.

pub mod attributes;
mod memory;
#[cfg(feature = "aws")]
mod sqs;
mod state;
mod text;

use std::time::Duration;

use async_trait::async_trait;

pub use memory::{MemoryProducer, MemoryQueue};
#[cfg(feature = "aws")]
pub use sqs::{SqsProducer, SqsQueue};
pub use state::{MAX_DEFERRAL, MAX_DELAY, MAX_WAITING, WayBack, is_spent, way_back};
pub use text::carried_json;

use crate::outcome::Reason;
use crate::trace::RemoteParent;
use crate::{StoreError, Timestamp};

/// A message as the function receives it.
///
/// A message that the lane itself [sent again](Queue::send_again) carries its history along: only `id` and
/// `receipt_handle` are the new one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SQS's id of this very message: what the batch's answer names.
    pub id: String,
    /// SQS's id of the message that the producer sent: `id`, unless the lane sent it again. A redrive is a new message.
    pub origin: String,
    /// What this receive is answered with.
    pub receipt_handle: String,
    /// The request, as the producer wrote it.
    pub body: String,
    /// Times it was received, this one included.
    pub receive_count: u32,
    /// When it was put on the queue.
    pub sent_at: Timestamp,
    /// When the request was first seen: earlier than `sent_at` for a dead letter that was put on the queue again.
    pub first_seen: Timestamp,
    /// The end of its request that it is a letter of, where a person sent one again.
    pub mark: Option<u64>,
    /// The revision of the pack that accepted the request, where ingest did: [`Spec::revision`](crate::provider::Spec::revision).
    pub revision: Option<u32>,
    /// Fair-queue group, where the producer gave one.
    pub group_id: Option<String>,
    /// The producer's trace, where there is one (`AWSTraceHeader`).
    pub trace_header: Option<String>,
}

impl Message {
    /// The producer's span, where the message names one.
    #[must_use]
    pub fn trace(&self) -> Option<RemoteParent> {
        RemoteParent::from_xray(self.trace_header.as_deref()?)
    }
}

/// A message that is to be sent again because too many wait by visibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The message, as it was received.
    pub message: Message,
    /// For how long it is delayed: at most [`MAX_DELAY`].
    pub delay: Duration,
}

/// A message on its way to the dead-letter queue, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The original body.
    pub body: String,
    /// Why.
    pub reason: Reason,
    /// When the request was first seen.
    pub first_seen: Timestamp,
    /// The request's id, where it could be read.
    pub request_id: Option<String>,
    /// The connection, where it could be read.
    pub connection: Option<String>,
    /// The operation, where it could be read.
    pub operation: Option<String>,
    /// Goes along unchanged.
    pub revision: Option<u32>,
    /// Goes along unchanged.
    pub group_id: Option<String>,
    /// Goes along unchanged.
    pub trace_header: Option<String>,
}

/// The lane's queue and its dead-letter queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends `letters` to the dead-letter queue; one result a letter, in their order.
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>>;

    /// Hides each message for the given time from now on; one result a message, in their order. A message whose
    /// result is an error comes back when the visibility it was received with ends.
    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>>;

    /// Puts each message on the lane's queue again with its history; one result a message, in their order. One that
    /// was sent is to be acknowledged; if that fails there are two of it, and the ledger tells.
    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>>;

    /// How many messages are in flight: received, and neither acknowledged nor visible again. SQS's own estimate,
    /// which may be a minute old.
    async fn in_flight(&self) -> Result<u64, StoreError>;
}

/// A request on its way to a lane's queue, from whoever wants it carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Post {
    /// The request, [as SQS carries it](carried_json).
    pub body: String,
    /// Fair-queue group: the connection, so that one that sends much does not keep the others waiting.
    pub group_id: Option<String>,
    /// The producer's trace (`AWSTraceHeader`).
    pub trace_header: Option<String>,
    /// When the request was first seen, where it is a dead letter that goes again.
    pub first_seen: Option<Timestamp>,
    /// The end that such a letter tells of: by it the ledger tells a redrive from a copy.
    pub mark: Option<u64>,
    /// The revision of the pack that accepted it: a lane with an older one waits for its own.
    pub revision: Option<u32>,
}

/// Why a post is not on the queue, or may not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// The queue takes it never, as it is.
    #[error("refused: {code}")]
    Refused {
        /// The queue's word.
        code: String,
        /// The same for a person: for whoever wrote the post and for no log, since it may quote it.
        reason: Option<String>,
    },
    /// Nobody knows: sent again, the ledger tells.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// The lanes' queues, seen from where requests come from.
#[async_trait]
pub trait Producer: Send + Sync {
    /// Puts `posts` on the queue; one result a post, in their order.
    async fn put(&self, queue_url: &str, posts: &[Post]) -> Vec<Result<(), PutError>>;
}
