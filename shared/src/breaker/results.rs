//! What one batch learnt about the provider's health.

/// How a call that was made ended, seen from the provider's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallResult {
    /// The provider answered in time. A 4xx and a 429 belong here: they are answers, not ill health.
    Success,
    /// The provider answered, but slower than [`slow_call`](super::BreakerSpec::slow_call).
    Slow,
    /// A 5xx, a timeout, a connect failure, or what the provider's `classify` calls a fault.
    Fault,
}

/// The calls of one batch, in the order in which they ended. Only calls that were made count: a deferred or
/// duplicate record says nothing about the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchResults {
    successes: u32,
    slow: u32,
    faults: u32,
    trailing_faults: u32,
}

impl BatchResults {
    /// Adds the call that ended next.
    pub const fn add(&mut self, result: CallResult) {
        match result {
            CallResult::Success => self.successes = self.successes.saturating_add(1),
            CallResult::Slow => self.slow = self.slow.saturating_add(1),
            CallResult::Fault => self.faults = self.faults.saturating_add(1),
        }
        self.trailing_faults = match result {
            CallResult::Fault => self.trailing_faults.saturating_add(1),
            CallResult::Success | CallResult::Slow => 0,
        };
    }

    /// Calls that ended.
    pub const fn calls(&self) -> u32 {
        self.answered().saturating_add(self.faults)
    }

    /// Calls that the provider answered, in time or slowly.
    pub const fn answered(&self) -> u32 {
        self.successes.saturating_add(self.slow)
    }

    /// Calls that were answered in time.
    pub const fn successes(&self) -> u32 {
        self.successes
    }

    /// Calls that count against the provider: faults and slow ones.
    pub const fn bad(&self) -> u32 {
        self.faults.saturating_add(self.slow)
    }

    /// Faults since the last answer.
    pub const fn trailing_faults(&self) -> u32 {
        self.trailing_faults
    }
}

impl FromIterator<CallResult> for BatchResults {
    fn from_iter<I: IntoIterator<Item = CallResult>>(results: I) -> Self {
        let mut all = Self::default();
        for result in results {
            all.add(result);
        }
        all
    }
}
