//! Why an import ends without a pack.

use std::fmt;

/// Why an import ends without a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A file is nothing that operations can be read from.
    #[error("{file}: {reason}")]
    Document {
        /// The file, as the caller named it.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The page does not fit the documents: one sentence a mistake.
    #[error("provider.toml: {0}")]
    Page(Mistakes),
    /// The lines of the last import cannot be read.
    #[error("operations.jsonl, line {line}: {reason}")]
    Old {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// No operation came through.
    #[error("no operation came through: {0}")]
    Nothing(Mistakes),
    /// It would take too much.
    #[error("{file}: {what} are more than {limit}")]
    TooMuch {
        /// The file.
        file: String,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// Some sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

/// The most that are shown at once.
const SHOWN: usize = 20;

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().take(SHOWN).enumerate() {
            let between = if at == 0 { "" } else { "\n" };
            write!(f, "{between}{mistake}")?;
        }
        if self.0.len() > SHOWN {
            write!(f, "\nand {} more", self.0.len() - SHOWN)?;
        }
        Ok(())
    }
}

/// `name`, and the nearest of `known` where there is one that is not far.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = |text: &str| text.to_ascii_lowercase();
    let wanted = folded(name);
    let far = (wanted.len() / 3).max(2);
    let distances = known.map(|it| (distance(&wanted, &folded(it), far), it));
    let best = distances.min_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)))?;
    (best.0 <= far).then_some(best.1)
}

/// ` (is it "x"?)`, or nothing.
pub(crate) fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |near| format!("; the nearest is `{near}`"))
}

/// Levenshtein's distance, not counted further than `far`.
fn distance(a: &str, b: &str, far: usize) -> usize {
    if a.len().abs_diff(b.len()) > far {
        return far + 1;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut above_left = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let above = row[j + 1];
            let changed = above_left + usize::from(from != *to);
            row[j + 1] = changed.min(above + 1).min(row[j] + 1);
            above_left = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["customers.create", "customers.delete", "refunds.create"];
        assert_eq!(
            nearest("customer.create", known.into_iter()),
            Some("customers.create")
        );
        assert_eq!(nearest("invoices.void", known.into_iter()), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
