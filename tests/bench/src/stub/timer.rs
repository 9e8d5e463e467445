//! Waits that end when they should. Tokio's timer counts milliseconds, rounded up: at a latency of 5 ms that alone would
//! be a tenth of what is measured. A thread that waits on a condition is woken as the kernel's own timers are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

/// The thread's address. It ends with the last of them.
#[derive(Clone, Debug)]
pub struct Timer {
    orders: Sender<Order>,
}

#[derive(Debug)]
struct Order {
    due: Instant,
    number: u64,
    done: oneshot::Sender<()>,
}

impl Timer {
    /// A thread of its own.
    pub fn start() -> Self {
        let (orders, received) = channel();
        thread::spawn(move || serve(&received));
        Self { orders }
    }

    /// Waits until `due`; not at all where that is past.
    pub async fn at(&self, due: Instant) {
        if due <= Instant::now() {
            return;
        }
        let (done, waits) = oneshot::channel();
        let order = Order {
            due,
            number: 0,
            done,
        };
        if self.orders.send(order).is_ok() {
            let _ = waits.await;
        }
    }
}

fn serve(orders: &Receiver<Order>) {
    let mut waiting: BinaryHeap<Reverse<Order>> = BinaryHeap::new();
    let mut number = 0;
    loop {
        let next = waiting.peek().map(|Reverse(order)| order.due);
        let received = match next {
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => orders.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match received {
            Ok(order) => {
                number += 1;
                waiting.push(Reverse(Order { number, ..order }));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        while waiting
            .peek()
            .is_some_and(|Reverse(order)| order.due <= now)
        {
            if let Some(Reverse(order)) = waiting.pop() {
                let _ = order.done.send(());
            }
        }
    }
}

impl Ord for Order {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Order {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Later is possible on a busy machine, earlier never.
    #[tokio::test]
    async fn whoever_waits_is_woken_and_not_before_the_moment() {
        let timer = Timer::start();
        let begun = Instant::now();
        let wait = |ms: u64| {
            let (timer, due) = (timer.clone(), begun + Duration::from_millis(ms));
            async move {
                timer.at(due).await;
                (due, Instant::now())
            }
        };
        let woken = futures_util::future::join_all([wait(30), wait(10), wait(20), wait(0)]).await;
        for (due, woken) in &woken {
            assert!(woken >= due);
        }
    }
}
