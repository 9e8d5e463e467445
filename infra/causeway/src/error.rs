//! What went wrong, for the person at the terminal: one line what, one line what to do.

use std::error::Error as StdError;
use std::fmt;

use crate::text::shown;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Error {
    what: String,
    hint: Option<String>,
    usage: bool,
}

impl Error {
    /// Something failed.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
            usage: false,
        }
    }

    /// The command was given something that cannot be: name the argument and the rule.
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            usage: true,
            ..Self::new(what)
        }
    }

    /// With what the person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A call of AWS that failed: `what` was attempted, and every cause that the SDK names.
    pub fn aws<E: StdError + 'static>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::new(format!("cannot {what}: {}", causes(&error)))
    }

    /// A file, pipe or terminal that failed.
    pub fn io(what: impl fmt::Display) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::new(format!("cannot {what}: {error}"))
    }

    /// What went wrong.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What the person can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether the command was called wrongly, rather than failed.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        self.usage
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.what))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {}", shown(hint)),
            None => Ok(()),
        }
    }
}

impl StdError for Error {}

/// `error` and what caused it. The SDK's own text ends where it gets interesting.
fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += ": ";
            text += &cause_text;
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_gives_a_terminal_no_orders() {
        let error = Error::new("refused: \u{1b}[2J").hint("\u{9b}m");
        assert_eq!(error.to_string(), "refused: \\u{1b}[2J\n  \\u{9b}m");
    }
}
