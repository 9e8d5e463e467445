//! The contract that every provider keeps.

#[test]
fn keeps_the_contract() {
    causeway_contract::check(&causeway_seam::Seam, env!("CARGO_MANIFEST_DIR"));
}
