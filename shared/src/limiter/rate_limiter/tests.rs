//! One environment's view: what it asks for, and what it knows without asking.

use super::*;
use crate::clock::ManualClock;
use crate::lanes::watched::{Trips, WatchedStates};
use crate::limiter::{Remaining, Signals};

const KEY: &str = "acme#default#limit#account";
const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const MINUTE: Limit = Limit::window("minute", 20, Duration::from_secs(60));
const SECOND: Limit = Limit::window("second", 3, Duration::from_secs(1));
const PERMITS: Limit = Limit::concurrency("2 at once", 2);

struct World {
    states: Arc<WatchedStates>,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        Self {
            states: Arc::default(),
            clock: ManualClock::at(NOON),
        }
    }

    fn environment(&self, name: &str) -> RateLimiter {
        RateLimiter::new(self.states.clone(), name.to_owned())
    }

    async fn take(&self, environment: &RateLimiter, limits: &[&Limit], want: usize) -> Taken {
        let demand = Demand {
            costs: &vec![1; want],
            share: FULL_RATE,
            holder: &environment.environment,
            lead: environment.lead(limits.iter().copied(), Before::Claim),
            deadline: self.clock.now() + Duration::from_secs(30),
        };
        let taken = environment.take(KEY, limits, &demand, &self.clock).await;
        taken.expect("a store in memory")
    }
}

fn trips(loads: usize, swaps: usize) -> Trips {
    Trips { loads, swaps }
}

#[tokio::test]
async fn a_batch_is_one_write_and_what_is_refused_is_none() {
    let world = World::new();
    let one = world.environment("one");
    assert_eq!(world.take(&one, &[&SECOND], 2).await.granted, 2);
    assert_eq!(world.states.trips(), trips(0, 1));
    let partly = world.take(&one, &[&SECOND], 2).await;
    assert_eq!(partly.granted, 1);
    assert!(partly.again > NOON + Duration::from_secs(1));
    assert_eq!(world.states.trips(), trips(0, 1));
    let refused = world.take(&one, &[&SECOND], 2).await;
    assert_eq!((refused.granted, refused.again), (0, partly.again));
    assert_eq!(world.states.trips(), trips(0, 0), "it knows");
    world.clock.sleep_until(partly.again).await;
    assert_eq!(world.take(&one, &[&SECOND], 2).await.granted, 2);
}

#[tokio::test]
async fn whoever_lost_a_race_decides_on_what_the_winner_wrote() {
    let world = World::new();
    let (one, two) = (world.environment("one"), world.environment("two"));
    world.take(&one, &[&SECOND], 1).await;
    world.states.trips();
    assert_eq!(world.take(&two, &[&SECOND], 3).await.granted, 2);
    assert_eq!(world.states.trips(), trips(0, 2), "one to see, one to draw");
    // Additions do not get in each other's way.
    world.clock.advance(Duration::from_secs(2));
    world.take(&one, &[&SECOND], 1).await;
    world.take(&two, &[&SECOND], 1).await;
    world.states.trips();
    assert_eq!(world.take(&one, &[&SECOND], 1).await.granted, 1);
    assert_eq!(world.states.trips(), trips(0, 1));
}

#[tokio::test]
async fn refused_messages_get_slots_that_follow_each_other_and_begin_when_there_is_room() {
    let world = World::new();
    let one = world.environment("one");
    world.take(&one, &[&SECOND], 9).await;
    let free = NOON + Duration::from_millis(1_120);
    let first = one.slots(KEY, &[&SECOND], &[1; 6], NOON);
    let more = one.slots(KEY, &[&SECOND], &[1; 2], NOON);
    let all: Vec<Timestamp> = first.into_iter().chain(more).collect();
    assert!(all.iter().all(|slot| *slot >= free), "{all:?}");
    let last = all[7].since(all[0]);
    assert!(
        last > Duration::from_secs(1) && last < Duration::from_secs(4),
        "{last:?}"
    );
}

#[tokio::test]
async fn the_larger_the_crowd_the_later_it_asks_and_the_wider_its_slots() {
    let world = World::new();
    let (first, late) = (world.environment("first"), world.environment("late"));
    world.take(&first, &[&MINUTE], 20).await;
    let mut spans = Vec::new();
    for _ in 0..5 {
        // Others are always quicker.
        world.clock.advance(Duration::from_secs(70));
        world.take(&first, &[&MINUTE], 20).await;
        assert_eq!(world.take(&late, &[&MINUTE], 1).await.granted, 0);
        let slots = late.slots(KEY, &[&MINUTE], &[1; 20], world.clock.now());
        spans.push(slots[19].since(slots[0]));
    }
    assert!(spans[4] > spans[0] + Duration::from_secs(60), "{spans:?}");
}

#[tokio::test]
async fn tokens_are_drawn_ahead_of_a_stream_and_lapse_within_a_second() {
    let world = World::new();
    let one = world.environment("one");
    world.take(&one, &[&MINUTE], 2).await;
    world.clock.advance(Duration::from_millis(100));
    world.take(&one, &[&MINUTE], 2).await;
    world.states.trips();
    let ahead = world.take(&one, &[&MINUTE], 2).await;
    assert_eq!((ahead.granted, world.states.trips()), (2, trips(0, 0)));
    one.give_back(KEY, &[&MINUTE], &ahead, &[0, 1], &world.clock)
        .await
        .expect("no write");
    assert_eq!(world.take(&one, &[&MINUTE], 2).await.granted, 2);
    assert_eq!(world.states.trips(), trips(0, 0), "they were ahead again");
    world.clock.advance(Duration::from_millis(1_500));
    world.take(&one, &[&MINUTE], 2).await;
    assert_eq!(world.states.trips(), trips(0, 1));
}

/// Where claims take 80 ms, tokens that last 20 ms were never in time.
#[tokio::test]
async fn tokens_are_drawn_for_when_calls_start() {
    let world = World::new();
    let one = world.environment("one");
    let ready = Duration::from_millis(80);
    for _ in 0..20 {
        one.was_ready(Before::Claim, ready);
    }
    let taken = world.take(&one, &[&SECOND], 1).await;
    let start = NOON + ready;
    assert!(taken.from <= start && start < taken.until, "{taken:?}");
    // A stall is no habit, and what lasts is drawn for now.
    one.was_ready(Before::Claim, Duration::from_secs(3_600));
    world.clock.advance(Duration::from_secs(2));
    let now = world.clock.now();
    let taken = world.take(&one, &[&SECOND], 1).await;
    assert!(taken.from <= now + Duration::from_millis(250), "{taken:?}");
    world.clock.advance(Duration::from_secs(70));
    let now = world.clock.now();
    let lasting = world.environment("two");
    lasting.was_ready(Before::Claim, ready);
    let taken = world.take(&lasting, &[&MINUTE], 1).await;
    assert!(taken.from <= now + Duration::from_millis(10));
}

#[tokio::test]
async fn permits_that_another_environment_returned_are_seen_without_a_write() {
    let world = World::new();
    let (one, two) = (world.environment("one"), world.environment("two"));
    world.take(&one, &[&PERMITS], 2).await;
    assert_eq!(world.take(&two, &[&PERMITS], 1).await.granted, 0);
    let release = Feedback {
        release: Some(("one", Duration::from_millis(100))),
        ..Feedback::default()
    };
    one.heed(KEY, &[&PERMITS], &release, &world.clock)
        .await
        .expect("stored");
    world.clock.advance(Duration::from_millis(100));
    assert_eq!(world.take(&two, &[&PERMITS], 1).await.granted, 1);
}

#[tokio::test]
async fn a_vendors_word_ends_what_was_drawn_ahead() {
    let world = World::new();
    let one = world.environment("one");
    for _ in 0..2 {
        world.take(&one, &[&MINUTE], 2).await;
        world.clock.advance(Duration::from_millis(10));
    }
    let now = world.clock.now();
    let spent = Feedback {
        signals: Signals {
            remaining: vec![Remaining {
                limit: "minute",
                left: 0,
                reset: Some(now + Duration::from_secs(30)),
            }],
            ..Signals::default()
        },
        ..Feedback::default()
    };
    one.heed(KEY, &[&MINUTE], &spent, &world.clock)
        .await
        .expect("stored");
    assert_eq!(world.take(&one, &[&MINUTE], 2).await.granted, 0);
    assert_eq!(one.fullest(KEY, &[&MINUTE], now), Some(("minute", 100)));
}

/// A race that was lost, or tokens that lapsed on a slow store: a day's window, used once, put such messages off for ten
/// hours.
#[tokio::test]
async fn what_no_full_window_refused_comes_back_soon() {
    const DAY: Limit = Limit::window("day", 250_000, Duration::from_secs(24 * 60 * 60));
    let world = World::new();
    let one = world.environment("one");
    let limits: [&Limit; 2] = [&MINUTE, &DAY];
    assert_eq!(world.take(&one, &limits, 1).await.granted, 1);
    let slots = one.slots(KEY, &limits, &[1; 10], NOON);
    let latest = slots.into_iter().max().expect("ten slots");
    assert!(latest < NOON + SOON, "{latest}");
}
