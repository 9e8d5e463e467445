//! What is counted over seeds.

use std::collections::BTreeMap;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Sums over everything that was simulated.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
            /// What became of received messages: outcome and code.
            pub outcomes: BTreeMap<String, u64>,
        }

        impl Counts {
            /// Adds `other`.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                for (outcome, count) in &other.outcomes {
                    *self.outcomes.entry(outcome.clone()).or_default() += count;
                }
            }

            /// Every sum by its name.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counts! {
    /// Requests that producers made, their repetitions left out.
    requests,
    /// Messages put on queues.
    messages,
    /// Messages received, each time.
    receives,
    /// Messages handed to two environments at once, or delivered after they were deleted.
    duplicates_delivered,
    /// Acknowledgements that never reached the queue.
    lost_acknowledgements,
    /// Invocations.
    invocations,
    /// Environments that died.
    crashes,
    /// Of these, at the end of their invocation's time.
    timeouts,
    /// Calls to vendors, lookups included.
    calls,
    /// Of these, with several requests in them.
    batched_calls,
    /// Requests in these.
    batched_requests,
    /// What came to be at vendors.
    effects,
    /// Trips that were refused.
    throttles,
    /// Trips that were carried out and whose replies were lost.
    lost_replies,
    /// Trips that the client made twice.
    repeated_trips,
    /// Entries of batches that failed alone.
    partial_failures,
    /// Conditional writes that somebody else had come before.
    conflicts,
    /// Writes to the ledger.
    ledger_writes,
    /// Writes to shared state.
    state_writes,
    /// Secrets that lanes were given to use.
    secrets,
    /// Dead letters.
    letters,
    /// Messages that the lane sent again because too many waited.
    sent_again,
    /// Letters that an operator sent again.
    redriven,
    /// Times that a breaker opened.
    openings,
    /// Times that a lane's event source was set.
    source_updates,
    /// Calls for operations without any safety whose end nobody knows.
    ambiguous_unsafe,
}
