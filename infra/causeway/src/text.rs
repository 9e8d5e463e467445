//! Text from outside, for those who would take it for something else: a terminal, a shell.

use std::borrow::Cow;

pub use causeway_insights::explain::CommandLine;

/// `text` with control characters spelled out, line ends and tabs aside: vendors' words, names of fields and payloads
/// are shown to an operator, whose terminal must not take orders from them.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    let is_harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmless(c) {
            safe.push(c);
        } else {
            safe.extend(c.escape_unicode());
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vendor's message, or a field's name in a payload, could clear the screen or write what the operator would take
    /// for the command's own words.
    #[test]
    fn text_from_outside_gives_a_terminal_no_orders() {
        let hostile = "declined\u{1b}[2J\u{9b}31m\r\u{7}\u{7f}";
        assert_eq!(
            shown(hostile),
            "declined\\u{1b}[2J\\u{9b}31m\\u{d}\\u{7}\\u{7f}"
        );
        assert_eq!(shown("Zoë\t€5\n"), "Zoë\t€5\n");
    }
}
