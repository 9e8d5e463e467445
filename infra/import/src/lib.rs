#![doc = include_str!("../README.md")]

mod diff;
mod document;
mod draft;
mod error;
mod fit;
mod flat;
mod import;
mod names;
mod notice;
mod old;
mod open;
mod page;
mod read;
mod refs;
mod report;
mod route;
mod rules;
mod schema;
mod select;
mod share;

pub use diff::{Diff, diff};
pub use document::Facts;
pub use draft::draft;
pub use error::{ImportError, Mistakes};
pub use fit::{Misfit, misfits};
pub use import::{Imported, import};
pub use notice::{Origin, notice, origins};
pub use page::{PageError, page};
pub use report::Report;
pub use route::LeftOut;
pub use schema::Losses;
