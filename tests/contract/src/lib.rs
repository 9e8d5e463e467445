//! What every provider promises, as one suite.
//!
//! It holds a provider's [`Spec`](causeway::provider::Spec), its README and its wire fixtures in `fixtures/` against the
//! [lines](Line) of the contract and lists *all* broken ones, each with its place.
//!
//! `CAUSEWAY_BLESS=1` writes into the fixtures what the code makes of things: each `request`, `verdict` and `signals`.
//! What it wrote is data for a reviewer, not a proof: read the diff.

mod answers;
mod batches;
mod breach;
mod fixture;
pub mod generate;
mod guard;
mod hostile;
mod judge;
mod lookups;
pub mod mappings;
mod offered;
mod payloads;
mod refusals;
mod requests;
mod schemas;
mod signals;
mod structure;
mod variants;

use std::fmt::Write;

use causeway::Timestamp;
use causeway::provider::Provider;

pub use breach::{Breach, Line};
pub use fixture::Mode;
pub use offered::of_schema;

/// The idempotency key that fixtures show: as long as a real one, which is 43 characters.
const VENDOR_KEY: &str = "cw-0123456789abcdef0123456789abcdef01234567";

/// The longest key that every known vendor takes.
const VENDOR_KEY_MAX: usize = 45;

/// When fixtures' answers arrive: 2026-11-22T12:00:00Z. Hints given as a date count from here.
const NOW: Timestamp = Timestamp::from_millis(1_795_348_800_000);

/// Runs the whole suite.
///
/// # Panics
/// When a line of the contract is broken, with the list of all that are.
pub fn check(provider: &dyn Provider, manifest_dir: &str) {
    fail_if_any(
        provider,
        &breaches(provider, manifest_dir, Mode::from_env()),
    );
}

/// What [`check`] finds.
pub fn breaches(provider: &dyn Provider, manifest_dir: &str, mode: Mode) -> Vec<Breach> {
    let mut found = Vec::new();
    let spec = provider.spec();
    structure::check(spec, manifest_dir, &mut found);
    mappings::check(spec, manifest_dir, mode, &mut found);
    if found.iter().any(|breach| breach.line == Line::Names) {
        // A header whose name is no header name makes dressing a request panic: first things first.
        return found;
    }
    let fixtures = fixture::load_all(provider, manifest_dir, &mut found);
    let operations: Vec<_> = fixtures.iter().map(|(operation, _)| *operation).collect();
    schemas::check(&operations, !spec.refuses_unknown_fields, &mut found);
    for (operation, mut fixture) in fixtures.iter().cloned() {
        requests::check(provider, operation, &mut fixture, mode, &mut found);
        payloads::check(operation, &fixture, &mut found);
        answers::check(provider, operation, &mut fixture, mode, &mut found);
        batches::check(provider, operation, &mut fixture, mode, &mut found);
        lookups::check(provider, operation, &mut fixture, mode, &mut found);
        refusals::check(provider, operation, &fixture, &mut found);
        if mode == Mode::Bless {
            fixture::store(manifest_dir, &fixture, &mut found);
        }
    }
    hostile::check(provider, &fixtures, &mut found);
    found
}

fn fail_if_any(provider: &dyn Provider, found: &[Breach]) {
    if found.is_empty() {
        return;
    }
    let mut list = String::new();
    for breach in found {
        // Writing to a String does not fail.
        let _ = write!(list, "\n- {breach}");
    }
    panic!(
        "provider `{}` breaks the contract in {} places:{list}\n",
        provider.spec().name,
        found.len()
    );
}
