//! The stores in memory, on which the simulation relies, and the adapters to AWS's services answer alike, step by step.
//!
//! One seed makes one walk: a sequence of operations, each made from what the walk has seen so far. The same code takes
//! the same walk on both; the first answer that differs ends the test with seed, step and operation. The seed alone
//! replays it: `CAUSEWAY_CONFORMANCE_SEED=… cargo test -p causeway-local --test it conformance`.

mod failures;
mod ledger;
mod queue;
pub mod samples;
mod states;
mod wire_calls;

use std::env;
use std::fmt::Debug;
use std::ops::Range;

/// Walks of one run where no seed is asked for.
const SEEDS: Range<u64> = 1..17;

/// The seeds to walk.
fn seeds() -> Range<u64> {
    match env::var("CAUSEWAY_CONFORMANCE_SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("CAUSEWAY_CONFORMANCE_SEED is a number");
            seed..seed + 1
        }
        Err(_) => SEEDS,
    }
}

/// Compares the two answers to one operation.
fn agree<T: PartialEq + Debug>(
    seed: u64,
    step: usize,
    operation: &impl Debug,
    memory: &T,
    aws: &T,
) {
    assert!(
        memory == aws,
        "seed {seed}, step {step}: {operation:#?}\n in memory: {memory:#?}\n on AWS:    {aws:#?}"
    );
}
