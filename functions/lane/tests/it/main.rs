//! The lane as a program.

use std::process::Command;

/// It stands without a pack in the folder of what was compiled: the first thing that it misses is that.
#[test]
fn a_lane_without_a_pack_ends_at_once_and_names_the_file() {
    let lane = Command::new(env!("CARGO_BIN_EXE_lane")).output();
    let output = lane.expect("the program starts");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("pack/provider.toml"), "{said}");
}
