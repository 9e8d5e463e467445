#![doc = include_str!("../README.md")]

pub mod collection;
pub mod document;
pub mod payload;
pub mod planted;
pub mod raw;
pub mod remade;
pub mod run;
pub mod shelf;
pub mod summary;
pub mod sweep;
