#![doc = include_str!("../README.md")]

pub mod fit;
pub mod gdc;
pub mod generator;
pub mod nab;
pub mod pair;
pub mod pairs;
pub mod warning;
