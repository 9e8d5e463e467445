//! Field mapping: a mapping document proposed for a source and an operation.
