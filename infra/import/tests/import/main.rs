//! What an import makes of small documents, and of the collection beside the project.

mod collection;
mod determinism;
mod diff;
mod draft;
mod fit;
mod fixtures;
mod mistakes;
mod payload;
mod rows;
mod schemas;
