//! The gatekeeper's rules as stories.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Timestamp;
use crate::breaker::{Admission, BatchResults, BreakerSpec, CallResult, State};
use crate::clock::ManualClock;
use crate::lane_control::MemoryLaneControl;
use crate::lanes::watched::WatchedStates;
use crate::lanes::{StateStore, Swap};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const FULL: u16 = 5;
const LEASE: Duration = Duration::from_secs(30);
const SPEC: BreakerSpec = BreakerSpec::DEFAULT;

const AT_FULL: Setting = Setting::Enabled {
    maximum_concurrency: FULL,
};
const AT_MINIMUM: Setting = Setting::Enabled {
    maximum_concurrency: MIN_CONCURRENCY,
};

fn source(setting: Setting) -> EventSource {
    EventSource {
        enabled: setting != Setting::Disabled,
        maximum_concurrency: match setting {
            Setting::Enabled {
                maximum_concurrency,
            } => Some(maximum_concurrency),
            Setting::Disabled => Some(MIN_CONCURRENCY),
        },
        is_changing: false,
    }
}

/// A breaker in `state` whose window ends in `left` seconds.
fn breaker(state: State, left: f64) -> Breaker {
    let end = NOON.as_millis() + (left * 1000.0) as i64;
    Breaker {
        state,
        open_until: Some(Timestamp::from_millis(end)),
        ..Breaker::default()
    }
}

/// Lanes with their breakers and event sources, and time in hand.
struct World {
    states: Arc<WatchedStates>,
    control: Arc<MemoryLaneControl>,
    clock: Arc<ManualClock>,
    gatekeeper: Gatekeeper,
}

impl World {
    fn new(providers: &[&str]) -> Self {
        let states = Arc::new(WatchedStates::default());
        let control = Arc::new(MemoryLaneControl::default());
        let clock = Arc::new(ManualClock::at(NOON));
        let lanes = providers.iter().map(|provider| WatchedLane {
            provider: (*provider).to_owned(),
            source: format!("source-of-{provider}"),
            maximum_concurrency: FULL,
        });
        let lanes: Vec<WatchedLane> = lanes.collect();
        for lane in &lanes {
            control.put(&lane.source, source(AT_FULL));
        }
        let gatekeeper = Gatekeeper::new(lanes, states.clone(), control.clone(), clock.clone());
        Self {
            states,
            control,
            clock,
            gatekeeper,
        }
    }

    async fn store(&self, key: &str, value: &serde_json::Value) {
        let version = self.states.load(key).await.expect("a state");
        let swap = self
            .states
            .swap(key, version.map(|stored| stored.version), value, "");
        let swapped = swap.await.expect("a store");
        assert!(matches!(swapped, Swap::Swapped { .. }));
    }

    /// Stores acme's breaker as `breaker` is, and tells the gatekeeper.
    async fn change(&self, breaker: &Breaker) -> Option<Setting> {
        let value = serde_json::to_value(breaker).expect("JSON");
        self.store("acme#*#breaker", &value).await;
        let key = "acme#*#breaker".to_owned();
        let run = self.gatekeeper.run(&Cause::Changed(vec![key])).await;
        run.visits[0].set
    }

    /// The next minute's run: what it set for the first lane.
    async fn minute(&self) -> Option<Setting> {
        self.clock.advance(Duration::from_secs(60));
        self.gatekeeper.run(&Cause::Schedule).await.visits[0].set
    }

    /// What one call, admitted as `owner` may be, makes of `breaker`.
    fn call(&self, breaker: &Breaker, owner: &str, result: CallResult) -> Breaker {
        let now = self.clock.now();
        let breaker = match breaker.admit(&SPEC, now, owner, LEASE) {
            Admission::Probe { next } => *next,
            _ => breaker.clone(),
        };
        let results: BatchResults = [result].into_iter().collect();
        let next = breaker.record(&SPEC, now, owner, breaker.epoch, &results, 0.0);
        next.unwrap_or(breaker)
    }
}

#[tokio::test]
async fn an_outage_turns_the_lane_down_off_on_for_each_probe_and_up_again() {
    let world = World::new(&["acme"]);
    let mut breaker = Breaker::default();
    for owner in ["a", "b", "a", "b", "a"] {
        breaker = world.call(&breaker, owner, CallResult::Fault);
    }
    assert_eq!(breaker.state, State::Open);

    // A minute is not worth a switch; fewer batches at once are.
    assert_eq!(world.change(&breaker).await, Some(AT_MINIMUM));
    // The window is over: it is set as a probe needs it already.
    assert_eq!(world.minute().await, None);

    // The probe fails, and the lane is opened for two minutes.
    breaker = world.call(&breaker, "a", CallResult::Fault);
    assert_eq!(breaker.state, State::Open);
    assert_eq!(world.change(&breaker).await, Some(Setting::Disabled));
    // The first minute's end leaves it disabled, though less than a minute remains.
    assert_eq!(world.minute().await, None);
    // The window is over; nothing but the schedule can know.
    assert_eq!(world.minute().await, Some(AT_MINIMUM));

    // Again, for four minutes.
    breaker = world.call(&breaker, "b", CallResult::Fault);
    assert_eq!(world.change(&breaker).await, Some(Setting::Disabled));
    for _ in 0..3 {
        assert_eq!(world.minute().await, None);
    }
    assert_eq!(world.minute().await, Some(AT_MINIMUM));

    // Three probes succeed; until the third the lane stays at its minimum.
    for left in [2, 1, 0] {
        breaker = world.call(&breaker, "a", CallResult::Success);
        let set = world.change(&breaker).await;
        assert_eq!(set, (left == 0).then_some(AT_FULL), "{left} to go");
    }
    assert_eq!(breaker.state, State::Closed);
    assert_eq!(world.minute().await, None);
}

#[tokio::test]
async fn the_schedule_enables_a_lane_whatever_was_lost() {
    let world = World::new(&["acme"]);
    let off = || {
        world
            .control
            .put("source-of-acme", source(Setting::Disabled))
    };

    // The item is gone.
    off();
    assert_eq!(world.minute().await, Some(AT_FULL));
    // The item is something else.
    off();
    let value = serde_json::json!({"state": "Ajar"});
    world.store("acme#*#breaker", &value).await;
    assert_eq!(world.minute().await, Some(AT_FULL));
    // The item cannot be read.
    off();
    world.states.fail(true);
    assert_eq!(world.minute().await, Some(AT_FULL));
    world.states.fail(false);
    // The window is long over, and nobody is there to probe.
    off();
    let stale = breaker(State::Open, -100_000.0);
    assert_eq!(world.change(&stale).await, Some(AT_MINIMUM));
    // The prober died; the item says half open for ever.
    off();
    let orphan = breaker(State::HalfOpen, 0.0);
    assert_eq!(world.change(&orphan).await, Some(AT_MINIMUM));
    // The close's event and its update were lost.
    off();
    let closed = serde_json::to_value(Breaker::default()).expect("JSON");
    world.store("acme#*#breaker", &closed).await;
    world.control.refuse("source-of-acme", true);
    assert_eq!(world.minute().await, None);
    world.control.refuse("source-of-acme", false);
    assert_eq!(world.minute().await, Some(AT_FULL));
}

#[tokio::test]
async fn one_lanes_failures_keep_nobody_from_the_others() {
    let world = World::new(&["acme", "gone", "refused", "zeta"]);
    for provider in ["acme", "refused", "zeta"] {
        let id = format!("source-of-{provider}");
        world.control.put(&id, source(Setting::Disabled));
    }
    world.control.remove("source-of-gone");
    world.control.refuse("source-of-refused", true);

    let run = world.gatekeeper.run(&Cause::Schedule).await;
    let failed: Vec<&str> = run
        .visits
        .iter()
        .filter(|visit| visit.failed)
        .map(|visit| visit.provider.as_str())
        .collect();
    assert_eq!(failed, ["gone", "refused"]);
    let changed = |id: &str| (id.to_owned(), AT_FULL);
    assert_eq!(
        world.control.changes(),
        [changed("source-of-acme"), changed("source-of-zeta")]
    );
    assert!(run.sources_read);
}

#[tokio::test]
async fn unreadable_event_sources_change_nothing_and_the_breakers_are_still_reported() {
    let world = World::new(&["acme"]);
    world.change(&breaker(State::Open, 300.0)).await;
    world.control.fail_reads(true);
    let run = world.gatekeeper.run(&Cause::Schedule).await;
    assert!(!run.sources_read && run.visits[0].failed);
    assert_eq!(run.visits[0].breaker, Some(Report::Open));
    assert_eq!(run.visits[0].set, None);
}

#[tokio::test]
async fn a_change_concerns_the_lanes_whose_breaker_is_named() {
    let world = World::new(&["acme", "zeta"]);
    let keys = [
        "zeta#*#breaker",
        "acme#shop-1#breaker",
        "other#*#breaker",
        "acme#*#limit#account",
    ];
    let cause = Cause::Changed(keys.map(str::to_owned).to_vec());
    let run = world.gatekeeper.run(&cause).await;
    let looked_at: Vec<&str> = run
        .visits
        .iter()
        .map(|visit| visit.provider.as_str())
        .collect();
    assert_eq!(looked_at, ["zeta"]);
}

#[tokio::test]
async fn connections_with_breakers_of_their_own_never_turn_the_lane_off() {
    let world = World::new(&["acme"]);
    let open = serde_json::to_value(breaker(State::Open, 900.0)).expect("JSON");
    world.store("acme#shop-1#breaker", &open).await;
    assert_eq!(world.minute().await, None);
    assert_eq!(world.control.get("source-of-acme"), Some(source(AT_FULL)));
}

#[test]
fn a_source_that_is_still_changing_is_left_alone() {
    let mut changing = source(Setting::Disabled);
    changing.is_changing = true;
    assert_eq!(decide(None, &changing, FULL, NOON), None);
}

#[test]
fn an_operators_opening_counts_like_any_other() {
    let forced = breaker(State::ForcedOpen, 86_400.0);
    let on = source(AT_FULL);
    assert_eq!(
        decide(Some(&forced), &on, FULL, NOON),
        Some(Setting::Disabled)
    );
    let over = breaker(State::ForcedOpen, 0.0);
    let off = source(Setting::Disabled);
    assert_eq!(decide(Some(&over), &off, FULL, NOON), Some(AT_MINIMUM));
}

#[test]
fn an_open_breaker_is_reported_every_time_and_a_close_for_a_while() {
    for state in [State::Open, State::HalfOpen, State::ForcedOpen] {
        for waiting in [None, Some(1)] {
            let said = report(&breaker(state, -10.0), waiting, NOON);
            assert_eq!(said, Some(Report::Open), "{state:?} {waiting:?}");
        }
    }
    let mut closed = Breaker::default();
    assert_eq!(report(&closed, None, NOON), None);
    closed.closed_at = Some(NOON);
    let after = |seconds| report(&closed, None, NOON + Duration::from_secs(seconds));
    assert_eq!((after(59), after(120)), (Some(Report::Closed), None));
}

#[test]
fn a_breaker_is_idle_only_where_nothing_but_a_probe_is_missing() {
    for state in [State::Open, State::HalfOpen, State::ForcedOpen] {
        let over = report(&breaker(state, -10.0), Some(0), NOON);
        assert_eq!(over, Some(Report::Idle), "{state:?}");
    }
    for state in [State::Open, State::ForcedOpen] {
        let open = report(&breaker(state, 10.0), Some(0), NOON);
        assert_eq!(open, Some(Report::Open), "{state:?}: its window lasts");
    }
    let mut probing = breaker(State::HalfOpen, -10.0);
    probing.probe_until = Some(NOON + Duration::from_secs(1));
    assert_eq!(report(&probing, Some(0), NOON), Some(Report::Open));
}

/// The breaker of a lane that nothing was sent to any more stayed open, and its alarm on, for days.
#[tokio::test]
async fn an_idle_lane_is_told_apart_from_an_outage() {
    let world = World::new(&["acme"]);
    let value = serde_json::to_value(breaker(State::Open, -10.0)).expect("JSON");
    world.store("acme#*#breaker", &value).await;
    let said = || async { world.gatekeeper.run(&Cause::Schedule).await.visits[0].breaker };
    assert_eq!(said().await, Some(Report::Idle));
    world.control.put_waiting("source-of-acme", 1);
    assert_eq!(said().await, Some(Report::Open));
}

#[test]
fn a_watched_lane_is_read_as_the_template_writes_it() {
    let read = |text| WatchedLane::read("causeway-AcmePay".to_owned(), text);
    let lane = read("acme-pay:5").expect("a lane");
    assert_eq!(lane.breaker_key(), "acme-pay#*#breaker");
    assert_eq!(
        (lane.maximum_concurrency, lane.source.as_str()),
        (5, "causeway-AcmePay")
    );
    for (bad, rule) in [
        ("", "provider"),
        (":5", "provider"),
        ("acme", "2 to 1000"),
        ("acme:1", "2 to 1000"),
        ("acme:1001", "2 to 1000"),
        ("acme:many", "2 to 1000"),
    ] {
        let error = read(bad).expect_err(bad);
        assert!(error.to_string().contains(rule), "{bad}: {error}");
    }
}

fn any_breaker() -> impl Strategy<Value = Breaker> {
    let state = prop_oneof![
        Just(State::Closed),
        Just(State::Open),
        Just(State::HalfOpen),
        Just(State::ForcedOpen)
    ];
    let time = || proptest::option::of(-1_000_000_i64..1_000_000);
    let at = |ms: Option<i64>| ms.map(|ms| Timestamp::from_millis(NOON.as_millis() + ms));
    (state, time(), time()).prop_map(move |(state, until, closed)| Breaker {
        state,
        open_until: at(until),
        closed_at: at(closed),
        ..Breaker::default()
    })
}

fn any_source() -> impl Strategy<Value = EventSource> {
    let concurrency = proptest::option::of(MIN_CONCURRENCY..20);
    (any::<bool>(), concurrency).prop_map(|(enabled, maximum_concurrency)| EventSource {
        enabled,
        maximum_concurrency,
        is_changing: false,
    })
}

/// `source` after what was decided for it.
fn after(breaker: &Breaker, before: EventSource, now: Timestamp) -> EventSource {
    decide(Some(breaker), &before, FULL, now).map_or(before, source)
}

proptest! {
    /// The dead man's handle: once nothing speaks against it, the lane is enabled, whatever happened before.
    #[test]
    fn a_lane_is_enabled_unless_its_breaker_is_open_right_now(
        breaker in any_breaker(), before in any_source(),
    ) {
        let is_open = matches!(breaker.state, State::Open | State::ForcedOpen)
            && breaker.open_until.is_some_and(|until| until > NOON);
        let now = after(&breaker, before, NOON);
        prop_assert!(now.enabled || is_open);
        let full = now.maximum_concurrency == Some(FULL);
        prop_assert_eq!(now.enabled && full, breaker.state == State::Closed);
    }

    /// Nothing is switched for a window that has a minute or less to go, and a longer one is not slept through.
    #[test]
    fn a_lane_is_disabled_for_more_than_a_minute_only(
        breaker in any_breaker(), before in any_source(),
    ) {
        let now = after(&breaker, before, NOON);
        if before.enabled && !now.enabled {
            let left = breaker.open_until.map(|until| until.since(NOON));
            prop_assert!(left > Some(STAY_ENABLED));
        }
    }

    /// A second look at the same moment changes nothing.
    #[test]
    fn what_was_set_is_what_is_wanted(breaker in any_breaker(), before in any_source()) {
        let now = after(&breaker, before, NOON);
        prop_assert_eq!(decide(Some(&breaker), &now, FULL, NOON), None);
    }
}

#[tokio::test]
async fn a_lane_is_lowered_while_early_warning_asks_for_it_and_only_where_that_is_heeded() {
    for heeds in [false, true] {
        let mut world = World::new(&["acme"]);
        world.gatekeeper = world.gatekeeper.heeding_warnings(heeds);
        let until = NOON + Duration::from_secs(150);
        let ask = serde_json::json!({"watch": {"version": 1}, "lower_until": until});
        world.store("acme#*#warning", &ask).await;
        assert_eq!(world.minute().await, heeds.then_some(AT_MINIMUM));
        assert_eq!(world.minute().await, None, "it stands so");
        // Nobody takes the ask back: it ends.
        assert_eq!(world.minute().await, heeds.then_some(AT_FULL));
        // What is no ask holds nobody back.
        world
            .store(
                "acme#*#warning",
                &serde_json::json!({"lower_until": "soon"}),
            )
            .await;
        assert_eq!(world.minute().await, None);
    }
}

/// A connection's item, as pausing it writes it.
async fn pause(world: &World, connection: &str, paused: bool) {
    let pause = serde_json::json!({"reason": "unauthorised", "since": 1, "next_trial": 2});
    let item = if paused {
        serde_json::json!({ "pause": pause, "token": {"text": "t0ken", "expires_at": 9} })
    } else {
        serde_json::json!({})
    };
    let key = format!("acme#{connection}#credentials");
    world.store(&key, &item).await;
    let run = world.gatekeeper.run(&Cause::Changed(vec![key])).await;
    assert_eq!(run.visits, [], "no breaker has changed");
}

async fn paused(world: &World) -> Vec<(String, bool)> {
    world.clock.advance(Duration::from_secs(60));
    let seen = world.gatekeeper.run(&Cause::Schedule).await.seen;
    let connections = seen.connections.into_iter();
    connections.map(|one| (one.name, one.is_paused)).collect()
}

#[tokio::test]
async fn who_is_paused_is_said_every_minute_and_until_it_is_over() {
    let world = World::new(&["acme"]);
    assert_eq!(paused(&world).await, []);
    pause(&world, "berlin", true).await;
    pause(&world, "london", true).await;
    let both = [("berlin", true), ("london", true)].map(|(name, is)| (name.to_owned(), is));
    for _ in 0..3 {
        assert_eq!(paused(&world).await, both);
    }
    // Whoever resumes it writes the item; that the stream's word of it is lost makes no difference.
    world
        .store("acme#berlin#credentials", &serde_json::json!({}))
        .await;
    let ended = [("berlin", false), ("london", true)].map(|(name, is)| (name.to_owned(), is));
    assert_eq!(paused(&world).await, ended);
    for _ in 0..10 {
        paused(&world).await;
    }
    assert_eq!(paused(&world).await, ended[1..]);
}

/// Tokens are renewed all day: none of that is written down.
#[tokio::test]
async fn a_connection_that_goes_on_costs_a_look_and_no_write() {
    let world = World::new(&["acme"]);
    let key = "acme#berlin#credentials";
    world
        .store(key, &serde_json::json!({"generation": 7}))
        .await;
    world.states.trips();
    let strangers = ["other#berlin#credentials", "acme#berlin#limit#account"];
    let keys = [&[key], &strangers[..]].concat();
    let keys = keys.into_iter().map(str::to_owned).collect();
    world.gatekeeper.run(&Cause::Changed(keys)).await;
    let trips = world.states.trips();
    assert_eq!((trips.loads, trips.swaps), (1, 0));
}

#[tokio::test]
async fn letters_are_counted_every_quarter_of_an_hour_and_told_from_a_week_on() {
    let world = World::new(&["acme"]);
    world.control.put_letters("source-of-acme", 2);
    let mut told = Vec::new();
    for quarter in 0..4 * 24 * 8 {
        let run = world.gatekeeper.run(&Cause::Schedule).await;
        if let Some((provider, age)) = run.seen.letters.first() {
            assert_eq!(provider, "acme");
            told.push((quarter, age.as_secs() / 86_400));
        }
        world.clock.advance(Duration::from_secs(15 * 60));
    }
    assert_eq!(
        told.first(),
        Some(&(4 * 24 * 7 - 1, 7)),
        "one was there a count before"
    );
    assert_eq!(told.len(), 4 * 24 + 1);
    world.clock.advance(Duration::from_secs(60));
    let between = world.gatekeeper.run(&Cause::Schedule).await;
    assert_eq!(between.seen.letters, []);
}
