#![doc = include_str!("../README.md")]

pub mod explain;
pub mod model;
pub mod propose;
pub mod warning;
