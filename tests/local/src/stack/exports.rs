//! What a shell must know to work with a stack: what `make demo-up` prints, and what tests of documents set.

use super::{LocalStack, aws, sam};

/// Variables and their values.
#[must_use]
pub fn exports(stack: &LocalStack) -> Vec<(String, String)> {
    let mut exports: Vec<(String, String)> = aws::environment(stack.endpoint())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    exports.push(("CAUSEWAY_STACK".to_owned(), sam::STACK.to_owned()));
    // Producers' way in, where this release has one.
    if let Ok(url) = stack.output("IngestUrl") {
        exports.push(("INGEST_URL".to_owned(), url.to_owned()));
    }
    let vendors = stack.provider_base_url().to_owned();
    exports.push(("VENDORS_URL".to_owned(), vendors));
    exports
}
