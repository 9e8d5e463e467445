//! `release`: inspects the functions as `sam build` has laid them, and packs a release.
//!
//! A program that is for the wrong processor, that wants a newer C library than Lambda's runtime has, or a lane that has
//! grown too large is found here and not by the first deployment. [`program`] reads and judges programs, [`archive`]
//! makes zips of which the same contents give the same bytes, [`tree`] knows what is linked into a program, [`licences`]
//! and [`bill`] tell it, and [`mod@pack`] writes it all with a manifest and checksums.

pub mod archive;
pub mod bill;
pub mod error;
pub mod licences;
pub mod manifest;
mod notices;
pub mod pack;
pub mod papers;
pub mod program;
pub mod tree;
