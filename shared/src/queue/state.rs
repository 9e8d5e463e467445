//! The pure decision how long a message may wait in a queue whose patience is finite.

use std::time::Duration;

use super::Message;
use crate::Timestamp;

/// Longest deferral. SQS caps the time a message is hidden at 12 h from its receive; the invocation itself takes up
/// to 15 min of them. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html>
pub const MAX_DEFERRAL: Duration = Duration::from_secs(11 * 60 * 60);

/// From this receive on a message waits at least [`SLOW_DEFERRAL`], so that the queue's own `maxReceiveCount` (1000)
/// is not reached within its 14 days.
const SLOW_FROM_RECEIVE: u32 = 100;

/// 1,000 receives, 20 min apart, are 13.9 days.
const SLOW_DEFERRAL: Duration = Duration::from_secs(20 * 60);

/// The function itself gives up here, with a reason, before the queue would do it without one.
const LAST_RECEIVE: u32 = 950;

/// Queues retain for 14 days; the last day is for the letter to be written.
const LAST_AGE: Duration = Duration::from_secs(13 * 24 * 60 * 60);

/// Whether `message` has spent the time that its queue can give it.
pub fn is_spent(message: &Message, now: Timestamp) -> bool {
    message.receive_count >= LAST_RECEIVE || now.since(message.sent_at) >= LAST_AGE
}

/// How long `message` is hidden when it should come back at `until`: whole seconds, rounded up.
pub fn postpone(message: &Message, until: Timestamp, now: Timestamp) -> Duration {
    let least = if message.receive_count >= SLOW_FROM_RECEIVE {
        SLOW_DEFERRAL
    } else {
        Duration::ZERO
    };
    let wait = until.since(now).max(least).min(MAX_DEFERRAL);
    Duration::from_secs(
        wait.as_millis()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(u64::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn message(receive_count: u32, age: Duration) -> Message {
        Message {
            id: "m".into(),
            receipt_handle: "r".into(),
            body: String::new(),
            receive_count,
            sent_at: NOW - age,
            first_seen: NOW - age,
            group_id: None,
            trace_header: None,
        }
    }

    #[test]
    fn waits_are_whole_seconds_rounded_up_and_at_most_eleven_hours() {
        let fresh = message(1, Duration::ZERO);
        assert_eq!(
            postpone(&fresh, NOW + Duration::from_millis(1001), NOW),
            Duration::from_secs(2)
        );
        assert_eq!(
            postpone(&fresh, NOW - Duration::from_secs(1), NOW),
            Duration::ZERO
        );
        assert_eq!(
            postpone(&fresh, NOW + Duration::from_secs(86_400), NOW),
            MAX_DEFERRAL
        );
    }

    #[test]
    fn from_receive_one_hundred_on_waits_are_at_least_twenty_minutes() {
        assert_eq!(
            postpone(&message(99, Duration::ZERO), NOW, NOW),
            Duration::ZERO
        );
        assert_eq!(
            postpone(&message(100, Duration::ZERO), NOW, NOW),
            SLOW_DEFERRAL
        );
    }

    #[test]
    fn the_function_gives_up_before_the_queue_does() {
        let day = Duration::from_secs(24 * 60 * 60);
        assert!(!is_spent(&message(949, day * 12), NOW));
        assert!(is_spent(&message(950, Duration::ZERO), NOW));
        assert!(is_spent(&message(1, day * 13), NOW));
        // At the slowest allowed pace the last receive comes within the retention of 14 days.
        assert!(SLOW_DEFERRAL * (LAST_RECEIVE - SLOW_FROM_RECEIVE) < day * 14);
    }
}
