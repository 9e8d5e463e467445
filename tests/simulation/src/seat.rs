//! An environment's place in the world: every seam goes through [`Seat::trip`], where things go wrong.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use causeway::StoreError;

use crate::profile::SECOND;
use crate::world::{Shared, World};

/// One environment's way to everything.
#[derive(Clone)]
pub struct Seat {
    /// The world.
    pub shared: Shared,
    /// Which environment this is.
    pub environment: usize,
}

/// What happens to one trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    DiesBefore,
    DiesAfter,
    Refused,
    ReplyLost,
    Repeated,
}

impl Seat {
    /// A trip to one of AWS's services: takes its time, and may fail on the way there or on the way back, be made
    /// twice by the client, or be the last thing that the environment does.
    ///
    /// # Errors
    /// When the trip was refused, or its reply was lost.
    pub async fn trip<T>(
        &self,
        what: &'static str,
        mut apply: impl FnMut(&mut World) -> T + Send,
    ) -> Result<T, StoreError> {
        let (fate, there, back) = self.fate();
        self.wait(there).await;
        match fate {
            Fate::DiesBefore => self.die(what).await,
            Fate::Refused => {
                let mut world = self.shared.lock();
                world.counts.throttles += 1;
                world.note(Some(self.environment), || format!("{what} is throttled"));
                return Err(StoreError::new(what, "throttled"));
            }
            _ => {}
        }
        let mut reply = apply(&mut self.shared.lock());
        if fate == Fate::DiesAfter {
            self.die(what).await;
        }
        self.wait(back).await;
        match fate {
            Fate::ReplyLost => {
                let mut world = self.shared.lock();
                world.counts.lost_replies += 1;
                world.note(Some(self.environment), || format!("{what}: reply lost"));
                return Err(StoreError::new(what, "timed out"));
            }
            Fate::Repeated => {
                {
                    let mut world = self.shared.lock();
                    world.counts.repeated_trips += 1;
                    world.note(Some(self.environment), || format!("{what} is repeated"));
                    reply = apply(&mut world);
                }
                self.wait(back).await;
            }
            _ => {}
        }
        Ok(reply)
    }

    fn fate(&self) -> (Fate, i64, i64) {
        let mut world = self.shared.lock();
        let World { profile, rng, .. } = &mut *world;
        let (mut there, mut back) = (rng.latency(profile.latency), rng.latency(profile.latency));
        if rng.chance(profile.hangs) {
            let way = if rng.chance(0.5) {
                &mut there
            } else {
                &mut back
            };
            *way += rng.between(SECOND, 25 * SECOND);
        }
        let fate = if rng.chance(profile.crash) {
            if rng.chance(0.5) {
                Fate::DiesBefore
            } else {
                Fate::DiesAfter
            }
        } else if rng.chance(profile.refuse) {
            Fate::Refused
        } else if rng.chance(profile.lose) {
            Fate::ReplyLost
        } else if rng.chance(profile.repeat) {
            Fate::Repeated
        } else {
            Fate::Arrives
        };
        (fate, there, back)
    }

    /// Dies now, if the world wants it so.
    pub async fn maybe_die(&self, what: &str) {
        let probability = self.shared.lock().profile.crash;
        self.die_with(probability, what).await;
    }

    /// Dies now, with `probability`.
    pub async fn die_with(&self, probability: f64, what: &str) {
        let dies = self.shared.lock().rng.chance(probability);
        if dies {
            self.die(what).await;
        }
    }

    /// Dies: nothing after this happens.
    pub async fn die(&self, what: &str) {
        self.shared.lock().kill(self.environment, what);
        pending::<()>().await;
    }

    /// Which of its environment's side by side futures asks: each has a waker of its own.
    pub async fn strand(&self) -> usize {
        poll_fn(|cx| Poll::Ready(cx.waker().data().addr())).await
    }

    /// Lets `ms` pass.
    pub async fn wait(&self, ms: i64) {
        let at = self.shared.lock().now + ms;
        self.wait_until(at).await;
    }

    /// Lets time pass until it is truly `at`.
    pub async fn wait_until(&self, at: i64) {
        Until {
            shared: &self.shared,
            at,
            set: false,
        }
        .await;
    }
}

struct Until<'a> {
    shared: &'a Shared,
    at: i64,
    set: bool,
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut world = self.shared.lock();
        if world.now >= self.at {
            return Poll::Ready(());
        }
        if !self.set {
            world.wake_at(self.at, cx.waker().clone());
            drop(world);
            self.set = true;
        }
        Poll::Pending
    }
}
