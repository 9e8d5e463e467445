use causeway::lanes::MemoryStates;
use time::UtcOffset;

use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);
const KEY: &str = "stripe#*#breaker";

fn open(minutes: u64) -> Order<'static> {
    Order::Open {
        reason: "maintenance",
        until: NOON + Duration::from_secs(60 * minutes),
    }
}

#[tokio::test]
async fn an_order_tells_before_and_after_and_twice_is_as_good_as_once() {
    let states = MemoryStates::default();
    let first = change(&states, KEY, open(120), NOON).await.expect("open");
    assert_eq!(first.before, Breaker::default());
    assert_eq!(first.after.state, State::ForcedOpen);
    let again = change(&states, KEY, open(120), NOON).await.expect("open");
    assert_eq!(again.before, first.after);
    assert_eq!(again.after, first.after);
    assert_eq!(states.writes(), 1, "the second changes nothing");

    let closed = change(&states, KEY, Order::Close, NOON)
        .await
        .expect("close");
    assert_eq!(closed.before, first.after);
    assert_eq!(closed.after.state, State::Closed);
    let again = change(&states, KEY, Order::Close, NOON)
        .await
        .expect("close");
    assert_eq!(again.after, closed.after);
    assert_eq!(states.writes(), 2);
}

/// The fleet may write at any time. The order is decided anew on what it wrote, and keeps the counts of openings.
#[tokio::test]
async fn an_order_that_loses_the_race_decides_again() {
    let states = MemoryStates::default();
    let fleets = Breaker {
        state: State::Open,
        epoch: 1,
        opened: 7,
        open_until: Some(NOON + Duration::from_secs(60)),
        ..Breaker::default()
    };
    let value = serde_json::to_value(&fleets).expect("JSON");
    let swapped = states.swap(KEY, None, &value, "fleet").await;
    swapped.expect("a store in memory");
    // What `update` is told to begin with is older than the store.
    let stale = lanes::Known::<Breaker>::default();
    let updated = lanes::update(&states, &SystemClock, KEY, "me", stale, |breaker, _| {
        (Some(breaker.force_close(NOON)), breaker.clone())
    });
    let (known, before) = updated.await.expect("a store").expect("few tries");
    assert_eq!((before.state, before.opened), (State::Open, 7));
    assert_eq!((known.value.state, known.value.opened), (State::Closed, 7));
}

#[tokio::test]
async fn an_order_against_the_rules_names_the_rule_and_writes_nothing() {
    let states = MemoryStates::default();
    let week = 7 * 24 * 60;
    let error = change(&states, KEY, open(week + 1), NOON).await;
    let error = error.expect_err("more than seven days");
    assert!(error.is_usage());
    assert!(error.to_string().contains("at most 7 days"), "{error}");
    let nameless = Order::Open {
        reason: "",
        until: NOON + Duration::from_secs(60),
    };
    let error = change(&states, KEY, nameless, NOON).await;
    assert!(error.expect_err("no reason").to_string().contains("reason"));
    assert_eq!(states.writes(), 0);
}

#[test]
fn a_breaker_is_one_line() {
    let breaker = Breaker::default();
    let opened = breaker
        .force_open(NOON, "maintenance", NOON + Duration::from_secs(7200))
        .expect("within the rules");
    let now = Now::at(NOON, UtcOffset::UTC);
    assert_eq!(
        view(None, &opened).sentence("stripe", &now),
        "stripe: ForcedOpen until 2026-11-22 14:00:00 +00:00 (in 2 h), maintenance"
    );
    assert_eq!(
        view(Some("shop-1".to_owned()), &breaker).sentence("shopify", &now),
        "shopify/shop-1: Closed"
    );
}
