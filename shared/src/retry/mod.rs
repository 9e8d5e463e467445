//! When a failed attempt is made again: exponential backoff with full jitter, inside the bounds of its series.
//!
//! Full jitter (a uniform draw between zero and the exponential step) spreads a burst of failures best; see
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.

mod budget;
mod state;

pub use budget::RetryBudget;
pub use state::{Attempts, Next, RetrySpec, next};

/// A number in `0.0..1.0` that is the same for the same `seed`: jitter that a replay repeats.
///
/// FNV-1a with a finishing mix; it spreads load and guards nothing.
pub fn jitter(seed: &str, salt: u64) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ salt;
    for byte in seed.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // 53 bits fit a double exactly.
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::jitter;

    #[test]
    fn jitter_spreads_over_its_whole_range_and_repeats_for_its_seed() {
        let draws: Vec<f64> = (0..1000).map(|n| jitter("message", n)).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        for tenth in 0..10 {
            let low = f64::from(tenth) / 10.0;
            let count = draws
                .iter()
                .filter(|draw| (low..low + 0.1).contains(draw))
                .count();
            assert!(
                (50..=150).contains(&count),
                "{count} of 1000 draws from {low}"
            );
        }
        assert!((jitter("message", 7) - jitter("message", 7)).abs() < f64::EPSILON);
    }
}
