//! Tests of the crate as a whole.

mod dates;
mod dependencies;
#[cfg(feature = "aws")]
mod http_client;
mod jsonata_suite;
mod layers;
#[cfg(feature = "aws")]
mod log_fields;
