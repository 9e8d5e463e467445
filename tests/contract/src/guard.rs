//! Calls into a provider that may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Breach, Line};

/// What `call` gives, or a breach where it panics.
pub fn guard<T>(place: &str, found: &mut Vec<Breach>, call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call))
        .map_err(|panic| {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("a panic without text");
            found.push(Breach::new(Line::NoPanic, place, text));
        })
        .ok()
}
