//! What every function of ours is given, answers, pays and is refused with.

use jlens_core::{Error, Result};
use serde_json::Value;

use super::meter::spend;

pub(super) type Args<'a> = &'a [Option<Value>];
pub(super) type Answer = Result<Option<Value>>;

pub(super) fn too_large() -> Error {
    Error::new("U1001").with("message", "a size limit")
}

/// What breaks a rule of ours: `rule` is told, and holds nothing of the data.
pub(super) fn refused(rule: &'static str) -> Error {
    Error::new(REFUSED).with("message", rule)
}

/// The code of what [`refused`] makes.
pub(super) const REFUSED: &str = "refused";

pub(super) fn pay(bytes: usize) -> Result<()> {
    if spend(bytes) {
        Ok(())
    } else {
        Err(too_large())
    }
}

pub(super) fn text(args: Args<'_>, index: usize) -> Option<&str> {
    args.get(index)?.as_ref()?.as_str()
}

pub(super) fn number(args: Args<'_>, index: usize) -> Option<f64> {
    args.get(index)?.as_ref()?.as_f64()
}

/// The limit that an argument sets; `code` is the error of a negative one.
pub(super) fn limit(args: Args<'_>, index: usize, code: &str) -> Result<usize> {
    match number(args, index) {
        None => Ok(usize::MAX),
        Some(limit) if limit < 0.0 => Err(Error::new(code).with("index", index + 1)),
        // The cast saturates.
        Some(limit) => Ok(limit.trunc() as usize),
    }
}
