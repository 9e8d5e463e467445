//! Queues, seen from the other side.
