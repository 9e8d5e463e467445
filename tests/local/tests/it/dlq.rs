//! `causeway dlq`, run as a process: on queues and tables alone, and on a deployed stack while it is killed.

mod killed;
mod letters;
mod queues;
