//! Worlds, a few hundred of them.
