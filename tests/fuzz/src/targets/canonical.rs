//! Canonical JSON: what keys and hashes are made of.

use causeway::request::{Hash, canonical_json};
use serde_json::Value;

use super::reversed;

/// A canonical text is its own canonical text, and the order and spacing of its source do not matter.
///
/// # Panics
/// Where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let canonical = canonical_json(&value).expect("JSON has a canonical form");
    let again: Value = serde_json::from_slice(&canonical).expect("a canonical form is JSON");
    let twice = canonical_json(&again).expect("a canonical form has one");
    assert_eq!(show(&canonical), show(&twice));

    let mut other = String::new();
    reversed(&value, &mut other);
    let other: Value = serde_json::from_str(&other).expect("the same JSON");
    let hashes = [&value, &other].map(|value| Hash::of_json(value).expect("it has a form"));
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0], Hash::of(&canonical));
    assert_eq!(hashes[0].as_str().len(), 64);
    assert!(!canonical.contains(&b'\n'));
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
