//! Who dies, and when.

use std::fs;
use std::time::{Duration, Instant};

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};

use super::{Options, VISIBILITY_TIMEOUT_S};
use crate::demo::DemoError;
use crate::demo::plan::Random;
use crate::stack::LocalStack;

/// Longest pause between two kills, milliseconds; the mean is half of it. After a kill that hit work the emulator
/// leaves the lane's queue alone for a second, so that more kills would mostly find nobody at work.
const PAUSE_MAX_MS: usize = 800;

/// What the emulator logs, after the function's name, of an invocation whose process ended without an answer.
const INTERRUPTED: &str = ": Runtime exited before returning a response";

/// Kills the functions' processes at moments that nobody can foresee.
pub(super) struct Killer {
    random: Random,
    kills: u64,
    last: Timestamp,
}

impl Killer {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            kills: 0,
            last: Timestamp::default(),
        }
    }

    /// Processes that were killed so far, over all rounds.
    pub(super) fn kills(&self) -> u64 {
        self.kills
    }

    /// When the last of them was killed.
    pub(super) fn last(&self) -> Timestamp {
        self.last
    }

    /// One round's kills, at most until `end`.
    pub(super) async fn round(&mut self, stack: &LocalStack, options: &Options, end: Instant) {
        let back = Instant::now() + Duration::from_secs(VISIBILITY_TIMEOUT_S.into());
        self.kill(stack, options.kills, end).await;
        if options.late_kills > 0 {
            tokio::time::sleep_until(back.into()).await;
            self.kill(stack, options.late_kills, end).await;
        }
    }

    async fn kill(&mut self, stack: &LocalStack, kills: usize, end: Instant) {
        let enough = self.kills + kills as u64;
        while self.kills < enough && Instant::now() < end {
            let pause = self.random.below(PAUSE_MAX_MS);
            tokio::time::sleep(Duration::from_millis(pause as u64)).await;
            let processes = stack.environments();
            // Only one that was there to be killed counts.
            if !processes.is_empty() {
                let one = processes[self.random.below(processes.len())];
                if stack.kill(one) {
                    self.kills += 1;
                    self.last = SystemClock.now();
                }
            }
        }
    }
}

/// How many invocations ended without an answer since the stack is up, by the emulator's log: those kills hit work,
/// the others hit a process that was waiting for some.
pub(super) fn interrupted_invocations(stack: &LocalStack) -> Result<u64, DemoError> {
    let log = fs::read_to_string(stack.paths().log("ministack"))?;
    Ok(log.matches(INTERRUPTED).count() as u64)
}
