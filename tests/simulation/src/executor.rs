//! A virtual clock and the futures that wait on it: single-threaded, in one order for one seed.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// What happens at a point in time.
#[derive(Debug)]
pub enum Due<E> {
    /// A future goes on.
    Wake(Waker),
    /// Something in the world.
    Event(E),
}

#[derive(Debug)]
struct Entry<E> {
    at: i64,
    order: u64,
    due: Due<E>,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    /// The earliest is the greatest, and of two at one time the one that was set first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// Everything that will happen.
#[derive(Debug)]
pub struct Agenda<E> {
    entries: BinaryHeap<Entry<E>>,
    set: u64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self {
            entries: BinaryHeap::new(),
            set: 0,
        }
    }
}

impl<E> Agenda<E> {
    /// Adds what is due at `at`.
    pub fn set(&mut self, at: i64, due: Due<E>) {
        self.set += 1;
        self.entries.push(Entry {
            at,
            order: self.set,
            due,
        });
    }

    /// Takes what is due next, and when.
    pub fn take(&mut self) -> Option<(i64, Due<E>)> {
        self.entries.pop().map(|entry| (entry.at, entry.due))
    }
}

/// Tasks whose futures can go on, in the order in which they were woken.
pub type Ready = Arc<Mutex<VecDeque<usize>>>;

struct Bell {
    task: usize,
    ready: Ready,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(&self.task) {
            ready.push_back(self.task);
        }
    }
}

/// A future that is polled when it is woken.
pub struct Task<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    waker: Waker,
}

impl<T> Task<T> {
    /// `future` under the number `task`.
    pub fn new(future: impl Future<Output = T> + 'static, task: usize, ready: &Ready) -> Self {
        let bell = Bell {
            task,
            ready: ready.clone(),
        };
        Self {
            future: Box::pin(future),
            waker: Arc::new(bell).into(),
        }
    }

    /// Goes on as far as it can.
    pub fn poll(&mut self) -> Poll<T> {
        self.future
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker))
    }
}
