#![doc = include_str!("../README.md")]

pub mod corpus;
pub mod coverage;
pub mod random;
pub mod targets;

/// One thing that reads bytes, and what must hold of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line, and its folder in the corpus.
    pub name: &'static str,
    /// Reads the bytes; panics where something does not hold.
    pub run: fn(&[u8]),
    /// Longest input that engines try. Longer ones cost time and find nothing new.
    pub max_len: usize,
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target {
        name: "request",
        run: targets::request::run,
        max_len: 2048,
    },
    Target {
        name: "payload",
        run: targets::payload::run,
        max_len: 256,
    },
    Target {
        name: "canonical",
        run: targets::canonical::run,
        max_len: 1024,
    },
    Target {
        name: "number",
        run: targets::number::run,
        max_len: 64,
    },
    Target {
        name: "signal",
        run: targets::signal::run,
        max_len: 256,
    },
    Target {
        name: "form",
        run: targets::form::run,
        max_len: 1024,
    },
    Target {
        name: "mapping",
        run: targets::mapping::run,
        max_len: 512,
    },
];

/// The target of that name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
