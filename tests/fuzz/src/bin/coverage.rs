//! libFuzzer's side: one instrumented program for all targets, which `fuzz` builds and runs.
//!
//! The environment names the target, since libFuzzer owns the command line.

#![no_main]

use std::sync::OnceLock;

use causeway_fuzz::{Target, target};

static TARGET: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    *TARGET.get_or_init(|| {
        let name = std::env::var(causeway_fuzz::coverage::TARGET_VARIABLE).unwrap_or_default();
        target(&name).expect("the environment names a target")
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| (chosen().run)(data));
