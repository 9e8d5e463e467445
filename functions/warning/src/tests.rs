use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use causeway::clock::ManualClock;
use causeway::lanes::{MemoryStates, StateStore};
use causeway::{StoreError, Timestamp};
use causeway_insights::warning::{Alert, Minute, key};

use crate::seams::{Alerts, Measures};
use crate::watch::Watcher;

/// 2026-11-22T10:00:00Z, a whole minute.
const START: Timestamp = Timestamp::from_millis(1_795_341_600_000);

/// A vendor that half of the calls fail at from a minute on.
#[derive(Debug, Default)]
struct World {
    failing_from: Option<u32>,
    reads: Mutex<Vec<(Vec<String>, RangeInclusive<u32>)>>,
    told: Mutex<Vec<Alert>>,
    deaf: AtomicBool,
    blind: AtomicBool,
    /// Neither who is active nor a depth can be asked for.
    vague: AtomicBool,
}

#[async_trait]
impl Measures for World {
    async fn active(&self) -> Result<BTreeSet<String>, StoreError> {
        if self.vague.load(Ordering::SeqCst) {
            return Err(StoreError::new("ListMetrics", "InternalServiceFault"));
        }
        Ok(BTreeSet::from(["stripe".to_owned()]))
    }

    async fn read(
        &self,
        providers: &[String],
        minutes: RangeInclusive<u32>,
    ) -> Result<BTreeMap<String, Vec<Minute>>, StoreError> {
        if self.blind.load(Ordering::SeqCst) {
            return Err(StoreError::new("GetMetricData", "Throttling"));
        }
        let seen = (providers.to_vec(), minutes.clone());
        self.reads.lock().expect("unpoisoned").push(seen);
        let of = |at| {
            let ill = self.failing_from.is_some_and(|from| at >= from);
            Minute {
                at,
                calls: 20,
                failures: if ill { 10 } else { 0 },
                ..Minute::default()
            }
        };
        let lanes = providers
            .iter()
            .map(|one| (one.clone(), minutes.clone().map(of).collect()));
        Ok(lanes.collect())
    }

    async fn waiting(&self, lane: &str) -> Result<u64, StoreError> {
        assert!(["Stripe", "Slack"].contains(&lane), "{lane}");
        if self.vague.load(Ordering::SeqCst) {
            return Err(StoreError::new("GetQueueAttributes", "InternalFailure"));
        }
        Ok(7)
    }
}

#[async_trait]
impl Alerts for World {
    async fn tell(&self, alert: &Alert) -> Result<(), StoreError> {
        if self.deaf.load(Ordering::SeqCst) {
            return Err(StoreError::new("Publish", "InternalError"));
        }
        self.told.lock().expect("unpoisoned").push(alert.clone());
        Ok(())
    }
}

struct Stage {
    world: Arc<World>,
    states: Arc<MemoryStates>,
    clock: Arc<ManualClock>,
}

impl Stage {
    /// Failing from so many minutes after the start on.
    fn failing_after(minutes: Option<u32>) -> Self {
        let start = u32::try_from(START.as_millis() / 60_000).expect("minutes");
        let world = World {
            failing_from: minutes.map(|after| start + after),
            ..World::default()
        };
        Self {
            world: Arc::new(world),
            states: Arc::default(),
            clock: Arc::new(ManualClock::at(START)),
        }
    }

    fn watcher(&self) -> Watcher {
        let lanes = [("stripe", "Stripe"), ("slack", "Slack")];
        let lanes = lanes.map(|(provider, lane)| (provider.to_owned(), lane.to_owned()));
        Watcher::new(
            lanes.into(),
            true,
            self.states.clone(),
            self.world.clone(),
            self.world.clone(),
            self.clock.clone(),
        )
    }

    /// A run a minute; how often people were told, in all.
    async fn minutes(&self, watcher: &Watcher, minutes: u32) -> usize {
        for _ in 0..minutes {
            watcher.run().await;
            self.clock.advance(Duration::from_secs(60));
        }
        self.told().len()
    }

    fn told(&self) -> Vec<Alert> {
        self.world.told.lock().expect("unpoisoned").clone()
    }
}

#[tokio::test]
async fn a_quiet_lane_is_read_every_five_minutes_and_one_without_calls_never() {
    let stage = Stage::failing_after(None);
    assert_eq!(stage.minutes(&stage.watcher(), 21).await, 0);
    let reads = stage.world.reads.lock().expect("unpoisoned").clone();
    assert_eq!(reads.len(), 5);
    assert!(reads.iter().all(|(providers, _)| *providers == ["stripe"]));
    assert!(
        reads[1..]
            .iter()
            .all(|(_, minutes)| minutes.clone().count() == 5)
    );
    assert!(
        stage
            .states
            .load(&key("slack"))
            .await
            .expect("a store")
            .is_none()
    );
}

#[tokio::test]
async fn people_are_told_once_and_the_item_says_so_while_it_is_on() {
    let stage = Stage::failing_after(Some(10));
    let watcher = stage.watcher();
    assert_eq!(stage.minutes(&watcher, 40).await, 1);
    let alert = &stage.told()[0];
    assert!(
        alert.subject.contains("stripe: failures rising"),
        "{}",
        alert.subject
    );
    assert!(
        alert.message.contains("First: causeway lanes"),
        "{}",
        alert.message
    );
    let run = watcher.run().await;
    assert!(run.visits[0].said.is_some() && !run.visits[0].told);
    let item = stage
        .states
        .load(&key("stripe"))
        .await
        .expect("a store")
        .expect("an item");
    assert_eq!(item.value["said"]["signals"][0], "failures");
    assert!(
        item.value["lower_until"].is_i64(),
        "the gatekeeper is asked"
    );
}

#[tokio::test]
async fn an_environment_that_begins_anew_goes_on_where_the_last_one_stopped() {
    let stage = Stage::failing_after(Some(10));
    for _ in 0..40 {
        let each = stage.watcher();
        stage.minutes(&each, 1).await;
    }
    assert_eq!(stage.told().len(), 1);
}

#[tokio::test]
async fn two_that_run_at_once_tell_once() {
    let stage = Stage::failing_after(Some(10));
    let (one, other) = (stage.watcher(), stage.watcher());
    for _ in 0..40 {
        futures_util::join!(one.run(), other.run());
        stage.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(stage.told().len(), 1);
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later_under_the_same_id() {
    let stage = Stage::failing_after(Some(10));
    let watcher = stage.watcher();
    stage.world.deaf.store(true, Ordering::SeqCst);
    assert_eq!(stage.minutes(&watcher, 30).await, 0);
    stage.world.deaf.store(false, Ordering::SeqCst);
    assert_eq!(stage.minutes(&watcher, 5).await, 1);
    assert!(stage.told()[0].id.starts_with("stripe/"));
}

#[tokio::test]
async fn what_could_not_be_read_is_said_and_seen_by_the_next_run() {
    let stage = Stage::failing_after(Some(10));
    let watcher = stage.watcher();
    stage.world.blind.store(true, Ordering::SeqCst);
    let run = watcher.run().await;
    assert_eq!(run.failures[0].operation, "GetMetricData");
    stage.minutes(&watcher, 16).await;
    stage.world.blind.store(false, Ordering::SeqCst);
    assert_eq!(
        stage.minutes(&watcher, 3).await,
        1,
        "the missed minutes were read"
    );
}

#[tokio::test]
async fn where_nobody_can_tell_who_is_active_all_are_looked_at_without_a_depth() {
    let stage = Stage::failing_after(Some(10));
    let watcher = stage.watcher();
    stage.world.vague.store(true, Ordering::SeqCst);
    let run = watcher.run().await;
    let failed: Vec<_> = run.failures.iter().map(|error| error.operation).collect();
    assert_eq!(
        failed,
        ["ListMetrics", "GetQueueAttributes", "GetQueueAttributes"]
    );
    assert_eq!(run.visits.len(), 2);
    assert_eq!(
        stage.minutes(&watcher, 40).await,
        2,
        "both fail in this world"
    );
}
