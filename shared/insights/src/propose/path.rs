//! Places in a document: keys, and *each element of a list*.

use std::fmt;

use serde::{Serialize, Serializer};

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A field of an object.
    Key(String),
    /// Each element of a list.
    Each,
}

/// Where a field is: `lines[].price`. Keys that are no plain words stand in backticks, as in JSONata.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// The field `key` of what is here.
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// Each element of the list that is here.
    pub fn each(&self) -> Self {
        self.step(Step::Each)
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Its steps, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Its keys, outermost first.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Each => None,
        })
    }

    /// The innermost key; empty where there is none.
    pub fn name(&self) -> &str {
        self.keys().next_back().unwrap_or_default()
    }

    /// The innermost list that this is in (`lines[]` of `lines[].price`), and none where it is in none.
    pub fn list(&self) -> Option<Self> {
        let last = self.0.iter().rposition(|step| *step == Step::Each)?;
        Some(Self(self.0[..=last].to_vec()))
    }

    /// The steps below `outer`, where this is inside of it.
    pub fn below(&self, outer: &Self) -> Option<&[Step]> {
        self.0.strip_prefix(outer.0.as_slice())
    }

    /// The first `count` steps.
    pub(super) fn first(&self, count: usize) -> Self {
        Self(self.0.iter().take(count).cloned().collect())
    }

    /// Without `[]` at its end.
    pub(super) fn without_each(&self) -> &[Step] {
        let mut steps = self.0.as_slice();
        while let Some((Step::Each, rest)) = steps.split_last() {
            steps = rest;
        }
        steps
    }
}

impl From<Vec<Step>> for Path {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

/// Whether JSONata and people read `key` as one name without quotes.
pub(super) fn is_plain(key: &str) -> bool {
    let mut chars = key.chars();
    let first = chars.next();
    // Words of the language would be read as operators.
    !matches!(
        key,
        "and" | "or" | "in" | "true" | "false" | "null" | "function"
    ) && first.is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Each => f.write_str("[]")?,
                Step::Key(key) => {
                    let dot = if index == 0 { "" } else { "." };
                    match is_plain(key) || is_plain(&key.replace(['-', '$', ':', ' '], "_")) {
                        true => write!(f, "{dot}{key}")?,
                        false => write!(f, "{dot}`{}`", key.replace('`', "``"))?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_people_write_it() {
        let price = Path::root().key("lines").each().key("unit-price");
        assert_eq!(price.to_string(), "lines[].unit-price");
        assert_eq!(price.name(), "unit-price");
        assert_eq!(
            price.list().map(|list| list.to_string()).as_deref(),
            Some("lines[]")
        );
        assert_eq!(Path::root().key("a.b`c").key("").to_string(), "`a.b``c`.``");
    }
}
