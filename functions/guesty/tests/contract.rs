//! The contract that every provider keeps.

#[test]
fn keeps_the_contract() {
    causeway_contract::check(&causeway_guesty::Guesty, env!("CARGO_MANIFEST_DIR"));
}
