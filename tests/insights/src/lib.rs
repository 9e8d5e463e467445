#![doc = include_str!("../README.md")]

pub mod generator;
pub mod nab;
pub mod warning;
