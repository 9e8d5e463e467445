//! A fleet that works off a backlog through one limit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use causeway::clock::Clock;
use causeway::lanes::StateStore;
use causeway::limiter::{Before, Demand, FULL_RATE, Limit, RateLimiter, Taken};
use causeway_simulation::rng::Rng;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::store::{Counts, ModelStates};
use crate::time::{NOON, SkewedClock, Time};

const KEY: &str = "vendor#default#limit#account";

/// The most messages of a batch: a lane's default.
const BATCH: usize = 10;

/// The pipeline's inline wait.
const INLINE_WAIT: Duration = Duration::from_millis(500);

/// The pipeline's pause between two rounds of asking.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// How long a message waits whose limit could not be asked: the pipeline's.
const TROUBLE_MS: i64 = 5_000;

/// How long Lambda takes from a message to an invocation, in ms.
const RECEIVE_MS: (i64, i64) = (5, 20);

/// From a token to the last look at the clock before its call: the claim.
const PREPARE_MS: (i64, i64) = (4, 15);

/// How long the vendor takes, in ms.
const CALL_MS: (i64, i64) = (40, 120);

/// What a fleet has to do, and what befalls it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The limit, as the limiter knows it.
    pub limit: Limit,
    /// How many environments.
    pub environments: usize,
    /// How many messages wait at the beginning.
    pub backlog: usize,
    /// After how many calls it may stop.
    pub calls: usize,
    /// How far clocks are from the truth, in ms, either way.
    pub skew: i64,
    /// How long a call may be on its way after its last look at the clock, in ms.
    pub on_its_way: i64,
    /// How often something goes wrong: functions die with their tokens, or calls turn out not to be made.
    pub trouble: f64,
    /// The ramp's share of the rate, in permille.
    pub share: u16,
    /// Until when it works, in ms.
    pub at_most: i64,
    /// The whole run in one number.
    pub seed: u64,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// When calls reached the vendor, in true ms since the beginning, in order.
    pub starts: Vec<i64>,
    /// How many each environment made.
    pub by_environment: Vec<usize>,
    /// How often messages were received.
    pub receives: u64,
    /// What the store saw.
    pub counts: Counts,
}

impl Outcome {
    /// By how many calls any window of `per` ms saw more than `most`.
    #[must_use]
    pub fn too_many(&self, most: u32, per: i64) -> usize {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let within = self.starts.iter().enumerate().map(|(first, from)| {
            let within = self.starts[first..].partition_point(|at| at - from <= per);
            within.saturating_sub(most)
        });
        within.max().unwrap_or(0)
    }
}

#[derive(Default)]
struct Inner {
    visible: usize,
    idle: Vec<(usize, Waker)>,
    spawned: Vec<BoxFuture<'static, ()>>,
    outcome: Outcome,
}

/// The queue, and what is seen of the fleet.
#[derive(Clone)]
struct Scene {
    plan: Plan,
    time: Time,
    inner: Arc<Mutex<Inner>>,
}

struct Environment {
    scene: Scene,
    number: usize,
    clock: SkewedClock,
    limiter: RateLimiter,
    rng: Rng,
}

/// Works off the backlog.
#[must_use]
pub fn run(plan: Plan) -> Outcome {
    let time = Time::new();
    let mut rng = Rng::new(plan.seed);
    let store = Arc::new(ModelStates::new(time.clone(), Rng::new(rng.bits())));
    let scene = Scene {
        plan,
        time: time.clone(),
        inner: Arc::default(),
    };
    {
        let mut inner = scene.lock();
        inner.visible = plan.backlog;
        inner.outcome.by_environment = vec![0; plan.environments];
    }
    let environments = (0..plan.environments).map(|number| {
        let states: Arc<dyn StateStore> = store.clone();
        let environment = Environment {
            scene: scene.clone(),
            number,
            clock: SkewedClock {
                time: time.clone(),
                skew: rng.between(-plan.skew, plan.skew),
            },
            limiter: RateLimiter::new(states, format!("{}-{number}", plan.seed)),
            rng: Rng::new(rng.bits()),
        };
        environment.work().boxed()
    });
    let spawned = || {
        let mut inner = scene.lock();
        let done = inner.outcome.starts.len() >= plan.calls;
        (!done).then(|| std::mem::take(&mut inner.spawned))
    };
    time.run(environments.collect(), spawned, NOON + plan.at_most);
    let mut outcome = std::mem::take(&mut scene.lock().outcome);
    outcome.starts.sort_unstable();
    outcome.counts = store.counts();
    outcome
}

impl Scene {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch for `environment`, as soon as there is one.
    async fn receive(&self, environment: usize) -> usize {
        std::future::poll_fn(|context| {
            let mut inner = self.lock();
            if inner.visible == 0 {
                inner.idle.push((environment, context.waker().clone()));
                return Poll::Pending;
            }
            let batch = inner.visible.min(BATCH);
            inner.visible -= batch;
            inner.outcome.receives += batch as u64;
            Poll::Ready(batch)
        })
        .await
    }

    /// Hides a message for whole seconds, as SQS does.
    fn put_back(&self, wait: i64, pick: u64) {
        let (scene, seconds) = (self.clone(), (wait.max(1) + 999) / 1_000);
        let comes_back = async move {
            scene.time.pass(seconds * 1_000).await;
            let mut inner = scene.lock();
            inner.visible += 1;
            if !inner.idle.is_empty() {
                let at = usize::try_from(pick).unwrap_or(0) % inner.idle.len();
                inner.idle.swap_remove(at).1.wake();
            }
        };
        self.lock().spawned.push(comes_back.boxed());
    }
}

impl Environment {
    async fn work(mut self) {
        loop {
            let batch = self.scene.receive(self.number).await;
            self.pass(RECEIVE_MS).await;
            self.process(batch).await;
        }
    }

    async fn pass(&mut self, (least, most): (i64, i64)) {
        let wait = self.rng.between(least, most);
        self.scene.time.pass(wait).await;
    }

    /// As the pipeline does: whoever is granted goes, the others wait a moment, and then they go back.
    async fn process(&mut self, batch: usize) {
        let limit = self.scene.plan.limit;
        let latest = self.clock.now() + INLINE_WAIT;
        let mut waiting = batch;
        let mut busy_until = 0;
        while waiting > 0 {
            let Ok(taken) = self.take(waiting).await else {
                for _ in 0..waiting {
                    self.put_back(TROUBLE_MS);
                }
                break;
            };
            if self.rng.chance(self.scene.plan.trouble) {
                // It died with its tokens; its messages come back when they are visible again.
                for _ in 0..waiting {
                    self.put_back(TROUBLE_MS);
                }
                return;
            }
            waiting -= taken.granted;
            if taken.granted > 0 {
                let (lapsed, ended) = self.call(&taken).await;
                waiting += lapsed;
                busy_until = busy_until.max(ended);
                if lapsed > 0 {
                    continue;
                }
            }
            let now = self.clock.now();
            if waiting == 0 {
                break;
            }
            if taken.again > latest || now >= latest {
                let slots = self.limiter.slots(KEY, &[&limit], &vec![1; waiting], now);
                for slot in slots {
                    self.put_back(slot.as_millis() - now.as_millis());
                }
                break;
            }
            let at = taken.again.max(now + ASK_EVERY);
            self.clock.sleep_until(at).await;
        }
        self.scene.time.at(busy_until).await;
    }

    async fn take(&self, count: usize) -> Result<Taken, causeway::StoreError> {
        let limit = self.scene.plan.limit;
        let demand = Demand {
            costs: &vec![1; count],
            share: self.scene.plan.share,
            holder: "",
            lead: self.limiter.lead([limit].iter(), Before::Claim),
            deadline: self.clock.now() + Duration::from_secs(30),
        };
        self.limiter
            .take(KEY, &[&limit], &demand, &self.clock)
            .await
    }

    /// Makes the calls that were granted, side by side: how many had no token any more, and when the last is over.
    async fn call(&mut self, taken: &Taken) -> (usize, i64) {
        let limit = self.scene.plan.limit;
        let mut calls = taken.granted;
        if self.rng.chance(self.scene.plan.trouble) {
            // The last turns out to be a duplicate.
            calls -= 1;
            let (limits, unused) = ([&limit], [calls]);
            let back = self
                .limiter
                .give_back(KEY, &limits, taken, &unused, &self.clock);
            // A store that is throttled keeps it: it lapses.
            drop(back.await);
            self.put_back(TROUBLE_MS);
        }
        self.pass(PREPARE_MS).await;
        if self.rng.chance(self.scene.plan.trouble) {
            // It stalls, for up to a second.
            self.pass((0, 1_000)).await;
        }
        let ready = self.clock.now();
        self.limiter.was_ready(Before::Claim, ready.since(taken.at));
        if ready > taken.until {
            return (calls, 0);
        }
        self.clock.sleep_until(taken.from).await;
        let now = self.scene.time.now();
        let mut ended = now;
        for _ in 0..calls {
            let at = now + self.rng.between(0, self.scene.plan.on_its_way);
            ended = ended.max(at + self.rng.between(CALL_MS.0, CALL_MS.1));
            let mut inner = self.scene.lock();
            inner.outcome.starts.push(at - NOON);
            inner.outcome.by_environment[self.number] += 1;
        }
        (0, ended)
    }

    fn put_back(&mut self, wait: i64) {
        let pick = self.rng.bits();
        self.scene.put_back(wait, pick);
    }
}

/// The full rate, for plans.
pub const FULL: u16 = FULL_RATE;
