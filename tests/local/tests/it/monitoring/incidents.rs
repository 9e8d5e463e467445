//! Two troubles in a row, each of which must call: what the code emits, put before the templates' own alarms.

use std::sync::Arc;
use std::time::Duration;

use causeway::Timestamp;
use causeway::clock::{Clock, ManualClock};
use causeway::credentials::{self, Pause, Reason as PauseReason};
use causeway::gatekeeper::{Cause, Gatekeeper, Letters, WatchedLane, letters_key};
use causeway::lane_control::{EventSource, MemoryLaneControl};
use causeway::lanes::{self, MemoryStates, StateStore};
use causeway::outcome::{Deferral, Outcome, Reason, code};
use causeway::pipeline::{Entry, Report};
use causeway::request::Peek;
use causeway::telemetry::metric_lines;
use serde_json::{Map, Value, json};

use super::evaluator::{Alarm, Call, Feed};
use super::{Transformed, both};

const NAMESPACE: &str = "Causeway";
const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: usize = 24 * 60;

fn alarm(id: &str) -> Map<String, Value> {
    let found = both().iter().find_map(|template: &Transformed| {
        let mut alarms = template.alarms().into_iter();
        let (_, alarm) = alarms.find(|(of, _)| *of == id)?;
        Some(alarm.clone())
    });
    found.unwrap_or_else(|| panic!("no alarm {id}"))
}

/// When the alarm goes on, and for whom.
fn on(calls: &[Call]) -> Vec<(usize, &str)> {
    let on = calls.iter().filter(|call| call.on);
    on.map(|call| (call.minute, call.about.as_str())).collect()
}

/// A batch of one message, as the lane says it.
fn batch(feed: &mut Feed, minute: usize, outcome: Outcome, late: Option<Duration>) {
    let entry = Entry {
        message_id: "m".to_owned(),
        peek: Peek::default(),
        outcome,
        acknowledged: true,
        end_to_end: Duration::from_secs(1),
        late,
        trace: None,
    };
    let report = Report {
        entries: vec![entry],
        ..Report::default()
    };
    for line in metric_lines(NAMESPACE, "stripe", &report, NOON) {
        feed.line(minute, &serde_json::from_str(&line).expect("JSON"));
    }
}

fn rejected() -> Outcome {
    Outcome::Rejected(Reason::new(code::PROVIDER_REJECTED, "no such customer"))
}

fn unknown() -> Outcome {
    Outcome::Unknown(Reason::new(code::OUTCOME_UNKNOWN, "timeout"))
}

/// The alarm was on for as long as a letter lay in the queue, for days: whatever came next called nobody.
#[test]
fn a_second_letter_calls_while_the_first_lies() {
    let mut feed = Feed::default();
    for minute in [10, 12, 100] {
        batch(&mut feed, minute, rejected(), None);
    }
    for minute in 10..200 {
        letters(&mut feed, minute, if minute < 100 { 2.0 } else { 3.0 });
    }
    let alarm = alarm("StripeDeadLettersAlarm");
    let calls = Alarm(&alarm).calls(&feed, 200);
    // The second one came two minutes after the first: one call.
    assert_eq!(on(&calls), [(10, ""), (100, "")]);
    assert_eq!(
        calls.len(),
        2,
        "an event has no end that anybody is told of"
    );
}

/// An open payment is not to be found in the morning behind a letter of bad input.
#[test]
fn an_unknown_end_calls_while_a_letter_lies_and_so_does_the_next() {
    let mut feed = Feed::default();
    batch(&mut feed, 5, rejected(), None);
    for minute in [30, 31, 60] {
        batch(&mut feed, minute, unknown(), None);
    }
    // Letters go on coming: they have an alarm of their own.
    for minute in 20..90 {
        batch(&mut feed, minute, rejected(), None);
        letters(&mut feed, minute, 9.0);
    }
    let alarm = alarm("StripeUnknownOutcomeAlarm");
    assert_eq!(on(&Alarm(&alarm).calls(&feed, 120)), [(30, ""), (60, "")]);
}

/// What the dead-letter queue's own metric says.
fn letters(feed: &mut Feed, minute: usize, count: f64) {
    let queue = [("QueueName", "causeway-Stripe-dlq")];
    let name = "ApproximateNumberOfMessagesVisible";
    feed.put(minute, "AWS/SQS", name, &queue, count);
}

/// A message of a paused connection is put off.
fn put_off(feed: &mut Feed, minute: usize) {
    let outcome = Outcome::Deferred {
        reason: Deferral::ConnectionPaused,
        until: NOON,
    };
    batch(feed, minute, outcome, None);
}

/// The gatekeeper of a lane `stripe`, minute by minute.
struct Minutes {
    states: Arc<MemoryStates>,
    control: Arc<MemoryLaneControl>,
    clock: Arc<ManualClock>,
    gatekeeper: Gatekeeper,
    feed: Feed,
    minute: usize,
}

impl Minutes {
    fn new() -> Self {
        let states = Arc::new(MemoryStates::default());
        let control = Arc::new(MemoryLaneControl::default());
        let clock = Arc::new(ManualClock::at(NOON));
        let lane = WatchedLane {
            provider: "stripe".to_owned(),
            source: "source".to_owned(),
            maximum_concurrency: 5,
        };
        let source = EventSource {
            enabled: true,
            maximum_concurrency: Some(5),
            is_changing: false,
        };
        control.put("source", source);
        Self {
            gatekeeper: Gatekeeper::new(vec![lane], states.clone(), control.clone(), clock.clone()),
            states,
            control,
            clock,
            feed: Feed::default(),
            minute: 0,
        }
    }

    /// The minute's run, and the next minute.
    async fn pass(&mut self) {
        let run = self.gatekeeper.run(&Cause::Schedule).await;
        let now = self.clock.now();
        for line in causeway_gatekeeper::metrics::lines(NAMESPACE, &Cause::Schedule, &run, now) {
            self.feed.line(self.minute, &line);
        }
        self.clock.advance(MINUTE);
        self.minute += 1;
    }

    /// A connection's item changes, as pausing, each trial and resuming do, and the stream tells of it.
    async fn set(&self, connection: &str, paused: bool) {
        let now = self.clock.now();
        let pause = paused.then(|| Pause {
            reason: PauseReason::Unauthorised,
            since: NOON,
            next_trial: now + MINUTE * 15,
        });
        let key = credentials::key("stripe", connection);
        let stored = self.states.load(&key).await.expect("a state");
        let version = stored.map(|stored| stored.version);
        let value = json!({ "pause": pause });
        let swap = self.states.swap(&key, version, &value, "lane");
        swap.await.expect("stored");
        let run = self.gatekeeper.run(&Cause::Changed(vec![key])).await;
        assert!(run.visits.is_empty(), "no breaker has changed");
    }
}

/// A message of a paused connection comes back every quarter of an hour at the soonest: an alarm on those went on and off
/// 16 to 24 times a day, and was silent about whoever paused while it was on.
#[tokio::test]
async fn each_connection_that_pauses_calls_once_by_its_name() {
    let mut minutes = Minutes::new();
    for minute in 0..400 {
        match minute {
            10 => minutes.set("berlin", true).await,
            120 => minutes.set("london", true).await,
            250 => minutes.set("berlin", false).await,
            // The trial of every quarter of an hour.
            _ if minute % 15 == 0 && minute > 130 => {
                minutes.set("london", true).await;
                put_off(&mut minutes.feed, minute);
            }
            _ => {}
        }
        // The gatekeeper fails to run now and then.
        if minute % 60 == 59 {
            minutes.clock.advance(MINUTE);
            minutes.minute += 1;
            continue;
        }
        minutes.pass().await;
    }
    let alarm = alarm("UnauthorizedAlarm");
    let calls = Alarm(&alarm).calls(&minutes.feed, 400);
    assert_eq!(on(&calls), [(10, "stripe/berlin"), (120, "stripe/london")]);
    let off: Vec<_> = calls.iter().filter(|call| !call.on).collect();
    assert_eq!(off.len(), 1, "{off:?}");
    assert!(off[0].about == "stripe/berlin" && (250..265).contains(&off[0].minute));
}

/// SQS's own age leaves out what was looked at three times. The first letter is dealt with in time; the second was sent
/// five days later, and nears its end five days later.
#[tokio::test]
async fn a_letter_that_nears_its_end_calls_and_the_next_one_does_too() {
    const QUARTER: usize = 15;
    let mut minutes = Minutes::new();
    let second_sent = NOON + MINUTE * 5 * DAY as u32;
    while minutes.minute < 18 * DAY {
        let letters = match minutes.minute / DAY {
            0 => 0,
            1..5 => 1,
            5..12 => 2,
            12..17 => 1,
            _ => 0,
        };
        minutes.control.put_letters("source", letters);
        if minutes.minute == 12 * DAY {
            // Somebody redrove the first, and lists what is left.
            let key = letters_key("stripe");
            let states = minutes.states.as_ref();
            let known = lanes::read::<Letters>(states, &key).await.expect("read");
            let seen = |_: &Letters, _| (Some(Letters::seen(Some(second_sent))), ());
            let done = lanes::update(
                states,
                minutes.clock.as_ref(),
                &key,
                "operator",
                known,
                seen,
            )
            .await;
            done.expect("stored");
        }
        minutes.pass().await;
        for _ in 1..QUARTER {
            minutes.clock.advance(MINUTE);
            minutes.minute += 1;
        }
    }
    let alarm = alarm("OldestLetterAlarm");
    let calls = Alarm(&alarm).calls(&minutes.feed, 18 * DAY);
    let days: Vec<(usize, &str, bool)> = calls
        .iter()
        .map(|call| (call.minute / DAY, call.about.as_str(), call.on))
        .collect();
    // The first was sent on day 1, the second on day 5; each calls when it is 11 days old.
    let expected = [
        (11, "stripe", true),
        (12, "stripe", false),
        (16, "stripe", true),
        (17, "stripe", false),
    ];
    assert_eq!(days, expected, "{calls:?}");
}

/// What the queue's own metric says of messages that are ready.
fn ready(feed: &mut Feed, minute: usize, messages: f64) {
    let queue = [("QueueName", "causeway-Stripe")];
    let name = "ApproximateNumberOfMessagesVisible";
    feed.put(minute, "AWS/SQS", name, &queue, messages);
}

/// What the queue's own metric says of its oldest message.
fn oldest(feed: &mut Feed, minute: usize, age: f64) {
    let queue = [("QueueName", "causeway-Stripe")];
    let name = "ApproximateAgeOfOldestMessage";
    feed.put(minute, "AWS/SQS", name, &queue, age);
}

#[test]
fn a_lane_that_is_late_calls_each_time() {
    let mut feed = Feed::default();
    for minute in 0..240 {
        // Slower than what comes in for half an hour, twice; else each is received within a second.
        let is_late = (30..60).contains(&minute) || (120..150).contains(&minute);
        let age = Duration::from_secs(if is_late { 1_200 } else { 1 });
        let outcome = match is_late {
            true => Outcome::Deferred {
                reason: Deferral::RateLimited,
                until: NOON,
            },
            false => Outcome::Delivered,
        };
        batch(&mut feed, minute, outcome, Some(age));
        ready(&mut feed, minute, 3.0);
        // What has been put off twice is none of its messages any more.
        oldest(&mut feed, minute, 1.0);
    }
    let alarm = alarm("StripeOldestMessageAlarm");
    let calls = Alarm(&alarm).calls(&feed, 240);
    let minutes: Vec<usize> = calls.iter().map(|call| call.minute).collect();
    assert_eq!(on(&calls).len(), 2, "{calls:?}");
    assert!(
        (40..50).contains(&minutes[0]) && (130..140).contains(&minutes[2]),
        "{minutes:?}"
    );
}

/// Whoever emits nothing is not late by its own word: it does not receive.
#[test]
fn a_lane_that_does_not_receive_what_is_ready_calls() {
    let mut feed = Feed::default();
    for minute in 0..60 {
        if minute < 20 {
            batch(
                &mut feed,
                minute,
                Outcome::Delivered,
                Some(Duration::from_secs(1)),
            );
        }
        ready(&mut feed, minute, if minute < 20 { 0.0 } else { 7.0 });
    }
    let alarm = alarm("StripeOldestMessageAlarm");
    let calls = Alarm(&alarm).calls(&feed, 60);
    assert_eq!(on(&calls).len(), 1, "{calls:?}");
    assert!((30..40).contains(&calls[0].minute), "{calls:?}");
}

/// Its messages are as old as its pause, and come back one by one.
#[test]
fn a_paused_connection_does_not_make_the_lane_late() {
    let mut feed = Feed::default();
    for minute in 0..240 {
        if minute % 20 == 0 {
            put_off(&mut feed, minute);
        }
        ready(&mut feed, minute, 0.0);
        oldest(&mut feed, minute, minute as f64 * 60.0);
    }
    let alarm = alarm("StripeOldestMessageAlarm");
    assert_eq!(Alarm(&alarm).calls(&feed, 240), []);
}

/// A slow vendor had the lane's one alarm on all night; the function that began to die then called nobody.
#[test]
fn a_function_that_fails_calls_while_the_vendor_is_slow() {
    let mut feed = Feed::default();
    let function = [("FunctionName", "causeway-Stripe")];
    for minute in 0..300 {
        feed.put(
            minute,
            NAMESPACE,
            "ProviderLatency",
            &[("Provider", "stripe")],
            12_000.0,
        );
        let errors = f64::from(u8::from((200..220).contains(&minute)));
        feed.put(minute, "AWS/Lambda", "Errors", &function, errors);
    }
    let [latency, errors] = ["StripeLatencyAlarm", "StripeFunctionErrorsAlarm"].map(alarm);
    assert!(
        Alarm(&latency).states(&feed, 300)[""][30..]
            .iter()
            .all(|on| *on)
    );
    assert_eq!(on(&Alarm(&errors).calls(&feed, 300)), [(202, "")]);
    // Whatever calls by itself is in no composite, where it could be hidden, or call twice.
    let rule = alarm("StripeAlarm")["AlarmRule"].to_string();
    for template in both() {
        for (id, alarm) in template.alarms() {
            let name = alarm.get("AlarmName").and_then(Value::as_str);
            let under = name.is_some_and(|name| rule.contains(&format!("\\\"{name}\\\"")));
            let calls = alarm.contains_key("AlarmActions");
            assert!(!(under && calls), "{id}");
        }
    }
}

/// Two gatekeepers with one heartbeat between them: the dead one was not missed.
#[test]
fn another_stacks_metrics_say_nothing_of_this_one() {
    let mut feed = Feed::default();
    for minute in 0..60 {
        feed.put(minute, "Other", "GatekeeperHeartbeat", &[], 1.0);
        feed.put(minute, "Other", "Unknown", &[("Provider", "stripe")], 1.0);
    }
    let [heartbeat, unknown] = ["GatekeeperAlarm", "StripeUnknownOutcomeAlarm"].map(alarm);
    assert_eq!(on(&Alarm(&heartbeat).calls(&feed, 60)).len(), 1);
    assert_eq!(Alarm(&unknown).calls(&feed, 60), []);
}
