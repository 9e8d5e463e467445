//! The engine for machines without a C++ compiler: mutations of the corpus, blind to coverage.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Target;

/// Pieces that mean something to one target or another, put in where chance has it.
const WORDS: [&str; 20] = [
    "null",
    "true",
    "1e400",
    "-0",
    "0.1",
    "9007199254740993",
    "\\u0000",
    "\\ud800",
    "{}",
    "[]",
    "\"\"",
    "\":",
    "payload",
    "idempotency_key",
    "deadline",
    "GMT",
    "T00:00:00Z",
    "1m30s",
    "\u{fffe}",
    "[[[[[[[[",
];

/// A stream of numbers from a seed (xorshift64*): the same seed, the same search.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `bound`; zero for a bound of zero.
    pub const fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        if bound == 0 {
            0
        } else {
            drawn as usize % bound
        }
    }
}

/// An input made from one or two of `inputs`.
pub fn mutated(inputs: &[Vec<u8>], max_len: usize, chance: &mut Chance) -> Vec<u8> {
    let pick = |chance: &mut Chance| inputs.get(chance.below(inputs.len())).cloned();
    let mut input = pick(chance).unwrap_or_default();
    for _ in 0..=chance.below(4) {
        let at = chance.below(input.len() + 1);
        let end = at + chance.below(input.len() + 1 - at);
        match chance.below(6) {
            0 => {
                input.drain(at..end);
            }
            1 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            2 => input.insert(at, chance.below(256) as u8),
            3 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            4 => {
                let word = WORDS[chance.below(WORDS.len())];
                input.splice(at..at, word.bytes());
            }
            _ => {
                let other = pick(chance).unwrap_or_default();
                input.truncate(at);
                input.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
        }
        input.truncate(max_len);
    }
    input
}

/// Whether `target` lives through `input`.
pub fn survives(target: Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}
