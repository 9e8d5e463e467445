#![doc = include_str!("../README.md")]

mod diff;
mod document;
mod draft;
mod error;
mod flat;
mod import;
mod names;
mod notice;
mod old;
mod open;
mod read;
mod refs;
mod report;
mod route;
mod rules;
mod run;
mod schema;
mod select;
mod share;

pub use diff::{Diff, diff};
pub use document::Facts;
pub use draft::draft;
pub use error::{ImportError, Mistakes};
pub use import::{Imported, import};
pub use notice::{Origin, notice, origins};
pub use report::Report;
pub use route::LeftOut;
pub use run::{RunError, page, run};
pub use schema::Losses;
