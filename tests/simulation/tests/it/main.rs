//! Worlds, a few hundred of them, and what the simulation says of itself.

mod await_points;
mod scenarios;
mod secrets;
mod worlds;
