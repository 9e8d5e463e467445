//! Takes requests by HTTP, checks them and puts them on their lanes' queues.

pub mod catalogue;
