//! The pure decision how a message waits in a queue whose patience, and whose room for waiting, is finite.

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

/// Messages of a lane that may wait by visibility. At about 120,000 in flight SQS hands out nothing more; half of that
/// is left to what is being worked on and to an estimate that lags.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub const MAX_WAITING: u64 = 60_000;

/// The longest delay that SQS gives a message that is sent (same source). A delayed message is not in flight.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// Delays are shortened by up to this share, so that a flood that was sent again in one minute comes back in several.
const DELAY_JITTER: f64 = 0.3;

/// How a deferred message comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// It stays where it is, hidden for so long: whole seconds.
    Hidden(Duration),
    /// It is sent again with this delay, and this one is acknowledged: whole seconds.
    SentAgain(Duration),
}

/// How `message` should come back at `until` (as near to it as the queue can), when `in_flight` others are in flight.
/// `jitter` is in `0.0..1.0`.
pub fn way_back(
    message: &Message,
    until: Timestamp,
    now: Timestamp,
    in_flight: u64,
    jitter: f64,
) -> WayBack {
    let least = if message.receive_count >= SLOW_FROM_RECEIVE {
        SLOW_DEFERRAL
    } else {
        Duration::ZERO
    };
    let wait = until.since(now).max(least).min(MAX_DEFERRAL);
    if in_flight < MAX_WAITING {
        return WayBack::Hidden(whole_seconds(wait));
    }
    let delay = if wait > MAX_DELAY {
        MAX_DELAY.mul_f64(1.0 - DELAY_JITTER * jitter.clamp(0.0, 1.0))
    } else {
        wait
    };
    WayBack::SentAgain(whole_seconds(delay).min(MAX_DELAY))
}

/// Rounded up, since nobody may come back early.
fn whole_seconds(wait: Duration) -> Duration {
    let seconds = wait.as_millis().div_ceil(1000);
    Duration::from_secs(seconds.try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn message(receive_count: u32, age: Duration) -> Message {
        Message {
            id: "m".into(),
            origin: "m".into(),
            receipt_handle: "r".into(),
            body: String::new(),
            receive_count,
            sent_at: NOW - age,
            first_seen: NOW - age,
            mark: None,
            revision: None,
            group_id: None,
            trace_header: None,
        }
    }

    fn hidden(message: &Message, until: Timestamp) -> Duration {
        match way_back(message, until, NOW, 0, 0.5) {
            WayBack::Hidden(wait) => wait,
            WayBack::SentAgain(_) => panic!("nobody else is in flight"),
        }
    }

    #[test]
    fn waits_are_whole_seconds_rounded_up_and_at_most_eleven_hours() {
        let fresh = message(1, Duration::ZERO);
        let cases = [
            (NOW + Duration::from_millis(1001), Duration::from_secs(2)),
            (NOW - Duration::from_secs(1), Duration::ZERO),
            (NOW + Duration::from_secs(86_400), MAX_DEFERRAL),
        ];
        for (until, expected) in cases {
            assert_eq!(hidden(&fresh, until), expected);
        }
    }

    #[test]
    fn from_receive_one_hundred_on_waits_are_at_least_twenty_minutes() {
        assert_eq!(hidden(&message(99, Duration::ZERO), NOW), Duration::ZERO);
        assert_eq!(hidden(&message(100, Duration::ZERO), NOW), SLOW_DEFERRAL);
    }

    #[test]
    fn with_too_many_in_flight_a_message_is_sent_again_and_delayed() {
        let sent_again = |wait_s, jitter| {
            let until = NOW + Duration::from_secs(wait_s);
            way_back(&message(1, Duration::ZERO), until, NOW, MAX_WAITING, jitter)
        };
        let delayed = |seconds| WayBack::SentAgain(Duration::from_secs(seconds));
        assert_eq!(sent_again(40, 0.9), delayed(40), "a short wait is kept");
        assert_eq!(sent_again(900, 0.9), delayed(900));
        assert_eq!(sent_again(7200, 0.0), delayed(900));
        assert_eq!(sent_again(7200, 1.0), delayed(630), "spread over 270 s");
        let few = way_back(
            &message(1, Duration::ZERO),
            NOW + Duration::from_secs(7200),
            NOW,
            MAX_WAITING - 1,
            0.5,
        );
        assert_eq!(few, WayBack::Hidden(Duration::from_secs(7200)));
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
