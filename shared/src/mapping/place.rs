//! Where in an expression something happened, as a person looks for it.

use std::fmt;

/// Longest name of an output field in an error, in characters.
const MAX_FIELD: usize = 120;

/// A place in an expression; nothing known is possible (a bound that the whole evaluation reached).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line and column in characters, from 1.
    pub position: Option<(usize, usize)>,
    /// The field of the output that was being built there, such as `money.currency`.
    pub field: Option<String>,
}

impl Place {
    /// The place at byte `at` of `source`.
    pub(super) fn of(source: &str, at: Option<usize>, field: Option<String>) -> Self {
        let position = at.map(|at| {
            let before = source.get(..at).unwrap_or(source);
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            (
                before.matches('\n').count() + 1,
                before[line_start..].chars().count() + 1,
            )
        });
        let field = field.map(|field| field.chars().take(MAX_FIELD).collect());
        Self { position, field }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.position {
            write!(f, " line {line}, column {column}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field `{field}`")?;
        }
        Ok(())
    }
}
