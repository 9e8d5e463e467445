//! How many round trips one environment's view of the limits costs, and that two environments share one limit.

use super::super::Signals;
use super::*;
use crate::lanes::watched::{Trips, WatchedStates};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const KEY: &str = "acme#default#limit#account";

/// A burst that pays for drawing ahead.
const ROOMY: Limit = Limit::window("1000/min", 1_000, Duration::from_secs(60), 500);
/// One that does not.
const TIGHT: Limit = Limit::window("10/s", 10, Duration::from_secs(1), 5);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn limiter(states: &Arc<WatchedStates>, environment: &str) -> RateLimiter {
    RateLimiter::new(states.clone(), environment.into())
}

async fn try_take(
    limiter: &RateLimiter,
    limit: &Limit,
    now: Timestamp,
    want: usize,
) -> Result<Taken, StoreError> {
    let demand = Demand {
        costs: &vec![1; want],
        now,
        inline_wait: Duration::ZERO,
        share: FULL_RATE,
        holder: "invocation",
        deadline: now + ms(60_000),
    };
    limiter.take(KEY, &[limit], &demand).await
}

async fn take(limiter: &RateLimiter, limit: &Limit, now: Timestamp, want: usize) -> Taken {
    try_take(limiter, limit, now, want).await.expect("memory")
}

async fn give_back(
    limiter: &RateLimiter,
    limit: &Limit,
    taken: &Taken,
    calls: u32,
    now: Timestamp,
) {
    let unused = Unused { last: calls, calls };
    let returned = limiter.give_back(KEY, &[limit], taken, unused, now).await;
    returned.expect("memory");
}

fn swaps(swaps: usize) -> Trips {
    Trips { loads: 0, swaps }
}

#[tokio::test]
async fn a_batch_costs_one_swap_and_none_while_an_allotment_lasts() {
    let states = Arc::new(WatchedStates::default());
    let limiter = limiter(&states, "one");
    take(&limiter, &ROOMY, NOON, 10).await;
    assert_eq!(
        states.trips(),
        swaps(1),
        "no read: what it believes is tried"
    );
    // The second batch within a second is a stream, and pays for the third as well.
    take(&limiter, &ROOMY, NOON + ms(100), 10).await;
    assert_eq!(states.trips(), swaps(1));
    let taken = take(&limiter, &ROOMY, NOON + ms(200), 10).await;
    assert_eq!(states.trips(), swaps(0));
    assert_eq!(taken.grants, vec![NOON + ms(100); 10]);
    assert_eq!(taken.next, None);
    // Those of duplicates go back into it, as old as they are.
    give_back(&limiter, &ROOMY, &taken, 10, NOON + ms(200)).await;
    assert_eq!(states.trips(), swaps(0));
    let taken = take(&limiter, &ROOMY, NOON + ms(250), 10).await;
    assert_eq!(taken.grants, vec![NOON + ms(100); 10]);
    assert_eq!(states.trips(), swaps(0));
    take(&limiter, &ROOMY, NOON + ms(300), 10).await;
    assert_eq!(states.trips(), swaps(1), "used up");
}

#[tokio::test]
async fn an_allotment_lapses_after_a_second() {
    let states = Arc::new(WatchedStates::default());
    let limiter = limiter(&states, "one");
    take(&limiter, &ROOMY, NOON, 10).await;
    take(&limiter, &ROOMY, NOON + ms(100), 10).await;
    states.trips();
    take(&limiter, &ROOMY, NOON + ms(1_100), 10).await;
    assert_eq!(states.trips(), swaps(1));
}

#[tokio::test]
async fn tokens_drawn_ahead_and_a_full_bucket_together_stay_within_the_burst() {
    const FORTY: Limit = Limit::bucket("40, 10/s", 40, 10, Duration::from_secs(1));
    let states = Arc::new(WatchedStates::default());
    let (one, two) = (limiter(&states, "one"), limiter(&states, "two"));
    take(&one, &FORTY, NOON, 3).await;
    take(&one, &FORTY, NOON + ms(100), 3).await;
    states.trips();
    let late = NOON + ms(1_050);
    let drawn = take(&one, &FORTY, late, 3).await.grants.len();
    assert_eq!((drawn, states.trips()), (3, swaps(0)));
    let fresh = take(&two, &FORTY, late, 100).await.grants.len();
    // 40 less the half second that is for clocks alone; the second for what is drawn ahead is here spent.
    assert!(drawn + fresh <= 35, "{drawn} + {fresh} at once");
}

#[tokio::test]
async fn a_limit_whose_burst_cannot_pay_is_never_drawn_ahead() {
    let states = Arc::new(WatchedStates::default());
    let limiter = limiter(&states, "one");
    for batch in 0..4 {
        take(&limiter, &TIGHT, NOON + ms(100) * batch, 1).await;
        assert_eq!(states.trips(), swaps(1));
    }
}

#[tokio::test]
async fn a_short_allotment_is_left_and_the_whole_batch_asked_for() {
    let states = Arc::new(WatchedStates::default());
    let limiter = limiter(&states, "one");
    take(&limiter, &ROOMY, NOON, 3).await;
    take(&limiter, &ROOMY, NOON + ms(100), 3).await;
    states.trips();
    let taken = take(&limiter, &ROOMY, NOON + ms(200), 10).await;
    assert_eq!(states.trips(), swaps(1));
    assert_eq!(taken.grants.len(), 10);
}

#[tokio::test]
async fn two_environments_share_one_limit_and_the_loser_asks_once_more() {
    let states = Arc::new(WatchedStates::default());
    let (one, two) = (limiter(&states, "one"), limiter(&states, "two"));
    let first = take(&one, &TIGHT, NOON, 10).await;
    assert_eq!(states.trips(), swaps(1));
    let second = take(&two, &TIGHT, NOON, 10).await;
    assert_eq!(
        states.trips(),
        swaps(2),
        "the refused one brings the state along"
    );
    let granted = first.grants.len() + second.grants.len();
    assert!(
        (1..=5).contains(&granted),
        "{granted} at once of a burst of 5"
    );
    let slots = |taken: &Taken| taken.slots.clone();
    let mut all = [slots(&first), slots(&second)].concat();
    all.dedup();
    assert_eq!(
        all.len(),
        20 - granted,
        "every refused one has a slot of its own"
    );
}

#[tokio::test]
async fn tokens_that_come_back_can_be_taken_again() {
    let states = Arc::new(WatchedStates::default());
    let limiter = limiter(&states, "one");
    let rested = take(&limiter, &TIGHT, NOON, 10).await;
    let unused = u32::try_from(rested.grants.len()).expect("a burst");
    give_back(&limiter, &TIGHT, &rested, unused, NOON).await;
    let again = take(&limiter, &TIGHT, NOON, 10).await;
    assert_eq!(again.grants, rested.grants);
}

#[tokio::test]
async fn a_vendors_wait_ends_an_allotment_at_once() {
    let states = Arc::new(WatchedStates::default());
    let limiter = limiter(&states, "one");
    take(&limiter, &ROOMY, NOON, 10).await;
    take(&limiter, &ROOMY, NOON + ms(100), 10).await;
    let feedback = Feedback {
        signals: Signals {
            blocked_until: Some(NOON + Duration::from_secs(30)),
            ..Signals::default()
        },
        ..Feedback::default()
    };
    limiter
        .heed(KEY, &[&ROOMY], &feedback, NOON + ms(200))
        .await
        .expect("memory");
    let taken = take(&limiter, &ROOMY, NOON + ms(300), 10).await;
    assert_eq!((taken.grants.len(), taken.slots.len()), (0, 10));
}

#[tokio::test]
async fn a_store_that_does_not_answer_grants_nothing() {
    let states = Arc::new(WatchedStates::default());
    states.fail(true);
    let limiter = limiter(&states, "one");
    assert!(try_take(&limiter, &TIGHT, NOON, 1).await.is_err());
}
