//! How many round trips one environment's view of the breaker costs.

use super::*;
use crate::breaker::CallResult;
use crate::clock::ManualClock;
use crate::lanes::watched::{Trips, WatchedStates};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const KEY: &str = "acme#*#breaker";
const LEASE: Duration = Duration::from_secs(60);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn circuit(states: &Arc<WatchedStates>, environment: &str) -> CircuitBreaker {
    CircuitBreaker::new(states.clone(), BreakerSpec::DEFAULT, environment.into())
}

fn results(result: CallResult, count: usize) -> BatchResults {
    std::iter::repeat_n(result, count).collect()
}

fn trips(loads: usize, swaps: usize) -> Trips {
    Trips { loads, swaps }
}

async fn admit(circuit: &CircuitBreaker, now: Timestamp) -> Gate {
    circuit
        .admit(KEY, &ManualClock::at(now), LEASE)
        .await
        .expect("memory")
}

async fn record(circuit: &CircuitBreaker, now: Timestamp, result: CallResult, count: usize) {
    let results = results(result, count);
    let recorded = circuit
        .record(KEY, &ManualClock::at(now), Epochs::default(), &results, 0.0)
        .await;
    recorded.expect("memory");
}

const FULL: Gate = Gate::Open {
    permille: 1000,
    epoch: Epochs {
        own: 0,
        probe_above: None,
    },
};

#[tokio::test]
async fn a_healthy_breaker_costs_one_read_a_second_and_no_write() {
    let states = Arc::new(WatchedStates::default());
    let circuit = circuit(&states, "one");
    assert_eq!(admit(&circuit, NOON).await, FULL);
    assert_eq!(states.trips(), trips(1, 0));
    for millis in [1, 500, 999] {
        assert_eq!(admit(&circuit, NOON + ms(millis)).await, FULL);
        record(&circuit, NOON + ms(millis), CallResult::Success, 10).await;
    }
    assert_eq!(states.trips(), trips(0, 0));
    assert_eq!(admit(&circuit, NOON + ms(1000)).await, FULL);
    assert_eq!(states.trips(), trips(1, 0));
}

#[tokio::test]
async fn a_failing_batch_makes_one_write() {
    let states = Arc::new(WatchedStates::default());
    let circuit = circuit(&states, "one");
    admit(&circuit, NOON).await;
    states.trips();
    record(&circuit, NOON, CallResult::Fault, 3).await;
    assert_eq!(states.trips(), trips(0, 1));
    // While failures are remembered, successes are told as well.
    record(&circuit, NOON + ms(500), CallResult::Success, 3).await;
    assert_eq!(states.trips(), trips(0, 1));
}

#[tokio::test]
async fn an_opening_elsewhere_is_seen_within_a_second() {
    let states = Arc::new(WatchedStates::default());
    let (one, two) = (circuit(&states, "one"), circuit(&states, "two"));
    assert_eq!(admit(&two, NOON).await, FULL);
    for circuit in [&one, &two] {
        record(circuit, NOON, CallResult::Fault, 3).await;
    }
    let until = NOON + Duration::from_secs(60);
    assert_eq!(
        admit(&one, NOON + ms(1000)).await,
        Gate::Shut { until },
        "it knew itself closed at noon"
    );
    assert!(!one.believed_closed(KEY, NOON + ms(1000)));
}

#[tokio::test]
async fn a_loser_of_the_swap_adds_to_what_the_winner_wrote() {
    let states = Arc::new(WatchedStates::default());
    let (one, two) = (circuit(&states, "one"), circuit(&states, "two"));
    admit(&one, NOON).await;
    admit(&two, NOON).await;
    states.trips();
    record(&one, NOON, CallResult::Fault, 2).await;
    record(&two, NOON, CallResult::Fault, 2).await;
    assert_eq!(
        states.trips(),
        trips(0, 3),
        "the refused write brings the new state along"
    );
    let stored: Known<Breaker> = lanes::read(states.as_ref(), KEY).await.expect("memory");
    assert_eq!(stored.value.consecutive, 4);
    assert!(stored.value.corroborated);
}

/// A breaker that opened at noon.
async fn opened(states: &Arc<WatchedStates>) {
    for environment in ["a", "b"] {
        record(&circuit(states, environment), NOON, CallResult::Fault, 3).await;
    }
    states.trips();
}

#[tokio::test]
async fn of_two_who_could_probe_one_is_elected_by_one_write() {
    let states = Arc::new(WatchedStates::default());
    opened(&states).await;
    let (one, two) = (circuit(&states, "one"), circuit(&states, "two"));
    let end = NOON + Duration::from_secs(60);
    let gate = admit(&one, end).await;
    assert!(matches!(gate, Gate::Probe { .. }), "{gate:?}");
    assert_eq!(states.trips(), trips(1, 1));
    assert_eq!(
        admit(&two, end).await,
        Gate::Shut {
            until: end + ASK_AGAIN
        }
    );
    assert_eq!(states.trips(), trips(1, 0));

    one.release_probe(KEY, &ManualClock::at(end))
        .await
        .expect("memory");
    assert_eq!(states.trips(), trips(0, 1));
    assert!(matches!(admit(&two, end).await, Gate::Probe { .. }));
}

#[tokio::test]
async fn an_open_breaker_is_looked_at_by_every_batch_and_written_by_none() {
    let states = Arc::new(WatchedStates::default());
    opened(&states).await;
    let one = circuit(&states, "one");
    for second in 0..5 {
        let now = NOON + Duration::from_secs(second);
        assert!(matches!(admit(&one, now).await, Gate::Shut { .. }));
    }
    assert_eq!(states.trips(), trips(5, 0));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_no_leave() {
    let states = Arc::new(WatchedStates::default());
    let circuit = circuit(&states, "one");
    admit(&circuit, NOON).await;
    states.fail(true);
    assert_eq!(
        admit(&circuit, NOON + ms(900)).await,
        FULL,
        "trusted for a second"
    );
    assert!(
        circuit
            .admit(KEY, &ManualClock::at(NOON + ms(1000)), LEASE)
            .await
            .is_err()
    );
}

const SHOP: &str = "acme#shop-1#breaker";
const ABOVE: &str = "acme#*#breaker";

fn shops(states: &Arc<WatchedStates>, environment: &str) -> CircuitBreaker {
    let spec = BreakerSpec::DEFAULT.by_connection();
    CircuitBreaker::new(states.clone(), spec, environment.into())
}

async fn leave(circuit: &CircuitBreaker, key: &str, now: Timestamp) -> Gate {
    circuit
        .admit(key, &ManualClock::at(now), LEASE)
        .await
        .expect("memory")
}

async fn ended(circuit: &CircuitBreaker, key: &str, now: Timestamp, result: CallResult) {
    let gate = leave(circuit, key, now).await;
    let (Gate::Open { epoch, .. } | Gate::Probe { epoch, .. }) = gate else {
        return;
    };
    let results = results(result, 3);
    let told = circuit
        .record(key, &ManualClock::at(now), epoch, &results, 0.0)
        .await;
    told.expect("memory");
}

async fn stored(states: &WatchedStates, key: &str) -> Breaker {
    lanes::read(states, key).await.expect("memory").value
}

#[tokio::test]
async fn a_healthy_connection_costs_its_own_read_and_the_provider_s_a_second() {
    let states = Arc::new(WatchedStates::default());
    let circuit = shops(&states, "one");
    assert_eq!(leave(&circuit, SHOP, NOON).await, FULL);
    assert_eq!(states.trips(), trips(2, 0));
    ended(&circuit, SHOP, NOON + ms(900), CallResult::Success).await;
    assert_eq!(states.trips(), trips(0, 0));
}

#[tokio::test]
async fn healthy_connections_elsewhere_are_heard_before_the_provider_s_breaker_opens() {
    let states = Arc::new(WatchedStates::default());
    let (ill, well) = (shops(&states, "one"), shops(&states, "two"));
    let mut now = NOON;
    for shop in 0..7 {
        ended(
            &well,
            &format!("acme#well-{shop}#breaker"),
            now,
            CallResult::Success,
        )
        .await;
    }
    for shop in 0..3 {
        for _ in 0..2 {
            ended(
                &ill,
                &format!("acme#ill-{shop}#breaker"),
                now,
                CallResult::Fault,
            )
            .await;
            now = now + Duration::from_secs(2);
            leave(&well, "acme#well-0#breaker", now).await;
        }
        let key = format!("acme#ill-{shop}#breaker");
        assert_eq!(stored(&states, &key).await.state, State::Open);
    }
    assert_eq!(stored(&states, ABOVE).await.state, State::Closed, "3 of 10");
    assert_eq!(leave(&well, "acme#well-1#breaker", now).await, FULL);
}

/// The provider's breaker as three ill connections opened it, with its window over.
async fn opened_above(states: &Arc<WatchedStates>) -> (CircuitBreaker, Timestamp) {
    let circuit = shops(states, "one");
    let mut now = NOON;
    for shop in 0..3 {
        for _ in 0..2 {
            ended(
                &circuit,
                &format!("acme#ill-{shop}#breaker"),
                now,
                CallResult::Fault,
            )
            .await;
            now = now + Duration::from_secs(2);
        }
    }
    let above = stored(states, ABOVE).await;
    assert_eq!(above.state, State::Open);
    let shut = leave(&circuit, SHOP, now).await;
    assert!(matches!(shut, Gate::Shut { .. }), "{shut:?}");
    (circuit, above.open_until.expect("an end"))
}

#[tokio::test]
async fn the_provider_s_probe_is_one_connection_s_call_and_its_end_is_told() {
    let states = Arc::new(WatchedStates::default());
    let (circuit, over) = opened_above(&states).await;
    let probe = leave(&circuit, SHOP, over).await;
    assert!(matches!(probe, Gate::Probe { .. }), "{probe:?}");
    let other = leave(&circuit, "acme#shop-2#breaker", over).await;
    assert!(matches!(other, Gate::Shut { .. }), "one probe: {other:?}");
    circuit
        .release_probe(SHOP, &ManualClock::at(over))
        .await
        .expect("memory");
    ended(&circuit, SHOP, over, CallResult::Fault).await;
    let above = stored(&states, ABOVE).await;
    assert_eq!((above.state, above.reopenings), (State::Open, 1));
}

#[tokio::test]
async fn a_connection_that_may_not_call_gives_the_provider_s_probe_back() {
    let states = Arc::new(WatchedStates::default());
    let (circuit, over) = opened_above(&states).await;
    let forced = Breaker::default().force_open(over, "drill", over + Duration::from_secs(600));
    let value = serde_json::to_value(forced.expect("allowed")).expect("JSON");
    states.swap(SHOP, None, &value, "").await.expect("stored");
    let refused = leave(&circuit, SHOP, over + ms(1000)).await;
    assert!(matches!(refused, Gate::Shut { .. }), "{refused:?}");
    let probe = leave(&circuit, "acme#shop-2#breaker", over + ms(1000)).await;
    assert!(matches!(probe, Gate::Probe { .. }), "{probe:?}");
}
