//! Commands that are told to somebody who will paste them.

use std::fmt;

/// A command line of `causeway`: a POSIX shell takes it as it is printed, and the command the words as they were given.
///
/// Keys may hold quotes and blanks, and begin with a dash, which makes an argument an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    verb: &'static str,
    arguments: Vec<String>,
    options: Vec<String>,
}

impl CommandLine {
    /// `causeway` and these words: `dlq show`.
    #[must_use]
    pub const fn new(verb: &'static str) -> Self {
        Self {
            verb,
            arguments: Vec::new(),
            options: Vec::new(),
        }
    }

    /// With an argument.
    #[must_use]
    pub fn argument(mut self, text: &str) -> Self {
        self.arguments.push(text.to_owned());
        self
    }

    /// With an option and its value.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        let between = if value.starts_with('-') { '=' } else { ' ' };
        self.options
            .push(format!("{name}{between}{}", shell_word(value)));
        self
    }

    /// With an option that has no value.
    #[must_use]
    pub fn flag(mut self, name: &str) -> Self {
        self.options.push(name.to_owned());
        self
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "causeway {}", self.verb)?;
        let has_dash = self.arguments.iter().any(|text| text.starts_with('-'));
        let arguments = self.arguments.iter().map(|text| shell_word(text));
        let options = self.options.iter().cloned();
        // Behind two dashes nothing is an option.
        let words: Vec<String> = match has_dash {
            true => options.chain(["--".to_owned()]).chain(arguments).collect(),
            false => arguments.chain(options).collect(),
        };
        words.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

/// `text` as one word of a shell's command line, quoted where it must be.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_whatever_it_holds() {
        let show = |key: &str| {
            CommandLine::new("dlq show")
                .argument("stripe")
                .argument(key)
        };
        for (key, expected) in [
            ("order-1", "causeway dlq show stripe order-1"),
            ("o'clock 5", r"causeway dlq show stripe 'o'\''clock 5'"),
            ("a#b#$HOME", "causeway dlq show stripe 'a#b#$HOME'"),
            ("", "causeway dlq show stripe ''"),
            ("--body", "causeway dlq show -- stripe --body"),
        ] {
            assert_eq!(show(key).to_string(), expected);
        }
    }

    #[test]
    fn what_begins_with_a_dash_is_no_option() {
        let line = CommandLine::new("status").argument("stripe").argument("-v");
        assert_eq!(
            line.flag("--watch").to_string(),
            "causeway status --watch -- stripe -v"
        );
        let line = CommandLine::new("dlq drop").argument("stripe");
        assert_eq!(
            line.option("--code", "--all")
                .option("--reason", "…")
                .to_string(),
            "causeway dlq drop stripe --code=--all --reason '…'"
        );
    }
}
