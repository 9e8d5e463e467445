//! Time that passes when everybody waits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use causeway::Timestamp;
use causeway::clock::Clock;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

/// Noon of a day, in ms: where every run begins.
pub const NOON: i64 = 1_795_341_600_000;

#[derive(Debug, Default)]
struct Inner {
    now: i64,
    timers: BinaryHeap<Reverse<(i64, u64)>>,
    wakers: HashMap<u64, Waker>,
    numbers: u64,
}

/// The time of one run, in true ms.
#[derive(Clone, Debug, Default)]
pub struct Time(Arc<Mutex<Inner>>);

impl Time {
    pub fn new() -> Self {
        let time = Self::default();
        time.lock().now = NOON;
        time
    }

    pub fn now(&self) -> i64 {
        self.lock().now
    }

    /// Is there at `at`.
    pub fn at(&self, at: i64) -> Sleep {
        Sleep {
            time: self.clone(),
            at,
            number: None,
        }
    }

    pub async fn pass(&self, millis: i64) {
        self.at(self.now() + millis).await;
    }

    /// Runs `tasks`, and those that `more` hands out in between, until it hands out none any more (nor an empty list) or
    /// nobody waits for a time up to `end`.
    pub fn run<'a>(
        &self,
        tasks: Vec<BoxFuture<'a, ()>>,
        mut more: impl FnMut() -> Option<Vec<BoxFuture<'a, ()>>>,
        end: i64,
    ) {
        let mut running: FuturesUnordered<_> = tasks.into_iter().collect();
        let mut context = Context::from_waker(Waker::noop());
        loop {
            while let Poll::Ready(Some(())) = running.poll_next_unpin(&mut context) {}
            let Some(spawned) = more() else { return };
            if !spawned.is_empty() {
                running.extend(spawned);
            } else if !self.advance(end) {
                return;
            }
        }
    }

    /// To the next time that somebody waits for.
    fn advance(&self, end: i64) -> bool {
        let woken = {
            let mut inner = self.lock();
            let Some(Reverse((at, _))) = inner.timers.peek().copied() else {
                return false;
            };
            if at > end {
                return false;
            }
            inner.now = inner.now.max(at);
            let mut woken = Vec::new();
            while let Some(Reverse((due, number))) = inner.timers.peek().copied() {
                if due > at {
                    break;
                }
                inner.timers.pop();
                woken.extend(inner.wakers.remove(&number));
            }
            woken
        };
        woken.into_iter().for_each(Waker::wake);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for its time.
pub struct Sleep {
    time: Time,
    at: i64,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let time = self.time.clone();
        let mut inner = time.lock();
        if self.at <= inner.now {
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or_else(|| {
            inner.numbers += 1;
            let number = inner.numbers;
            inner.timers.push(Reverse((self.at, number)));
            number
        });
        inner.wakers.insert(number, context.waker().clone());
        self.number = Some(number);
        Poll::Pending
    }
}

/// An environment's clock, which is `skew` ms ahead of the truth.
#[derive(Clone, Debug)]
pub struct SkewedClock {
    pub time: Time,
    pub skew: i64,
}

#[async_trait]
impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.now() + self.skew)
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.time.at(at.as_millis() - self.skew).await;
    }
}
