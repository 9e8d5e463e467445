//! Virtual time: whoever waits costs nothing, and the order is the same every time.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use causeway::Timestamp;
use causeway::clock::Clock;
use causeway_simulation::executor::{Agenda, Due, Ready, Task};

/// When every run begins.
pub const START: Timestamp = Timestamp::from_millis(1_795_341_600_000);

struct Inner {
    now: i64,
    agenda: Agenda<()>,
}

/// The clock of one world.
#[derive(Clone)]
pub struct Time(Arc<Mutex<Inner>>);

impl Default for Time {
    fn default() -> Self {
        let now = START.as_millis();
        let agenda = Agenda::default();
        Self(Arc::new(Mutex::new(Inner { now, agenda })))
    }
}

impl Time {
    /// Since the start.
    #[must_use]
    pub fn passed(&self) -> Duration {
        self.now().since(START)
    }

    /// Waits for `ms` milliseconds.
    #[must_use]
    pub fn sleep(&self, ms: u64) -> Sleep {
        self.until((self.now() + Duration::from_millis(ms)).as_millis())
    }

    /// Runs `tasks` until each of them is over, or nothing is left to wait for.
    pub fn run(&self, tasks: Vec<Pin<Box<dyn Future<Output = ()>>>>) {
        let ready = Ready::default();
        let tasks = tasks.into_iter().enumerate();
        let mut tasks: Vec<Option<Task<()>>> = tasks
            .map(|(at, task)| Some(Task::new(task, at, &ready)))
            .collect();
        ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(0..tasks.len());
        loop {
            let next = ready
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            if let Some(at) = next {
                let over = tasks[at]
                    .as_mut()
                    .is_some_and(|task| task.poll().is_ready());
                if over {
                    tasks[at] = None;
                }
                continue;
            }
            let due = self.lock().agenda.take();
            let Some((at, Due::Wake(waker))) = due else {
                return;
            };
            self.lock().now = at;
            waker.wake();
        }
    }

    fn until(&self, at: i64) -> Sleep {
        let time = self.clone();
        Sleep {
            time,
            at,
            is_set: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait.
pub struct Sleep {
    time: Time,
    at: i64,
    is_set: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        let mut inner = self.time.lock();
        if inner.now >= at {
            return Poll::Ready(());
        }
        let is_set = self.is_set;
        if !is_set {
            inner.agenda.set(at, Due::Wake(context.waker().clone()));
        }
        drop(inner);
        self.is_set = true;
        Poll::Pending
    }
}

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.lock().now)
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.until(at.as_millis()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_longest_is_last_and_time_stands_where_they_ended() {
        let time = Time::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        let wait = |ms: u64| -> Pin<Box<dyn Future<Output = ()>>> {
            let (time, order) = (time.clone(), order.clone());
            Box::pin(async move {
                time.sleep(ms).await;
                order.lock().expect("nobody panicked").push(ms);
            })
        };
        time.run(vec![wait(30), wait(10), wait(20)]);
        assert_eq!(*order.lock().expect("nobody panicked"), [10, 20, 30]);
        assert_eq!(time.passed(), Duration::from_millis(30));
    }
}
