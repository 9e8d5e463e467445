//! Paragraphs of the program's own words, for translation: what they tell of somebody stays here, and a numbered blank
//! leaves in its place.

use std::fmt;

use super::{Code, Fact, Form, LanguageModel, Misfit, ModelError, Question};

const TASK: &str = "Translate `text` into the language with the tag `language`, in plain words and complete sentences. \
     Blanks such as {1} stand for what you do not see: copy each of them once, where it belongs, and add none. Do not add, \
     leave out or explain anything.";

/// Longest paragraph, in bytes: explanations have a few hundred.
const BYTES_MAX: usize = 4 * 1024;
/// Longest translation, as a multiple of the English text's bytes, in characters: no language needs more.
const LONGEST: usize = 2;
/// Tokens of an answer beside the translation itself: what a model thinks.
const TOKENS: u32 = 2048;

/// A paragraph whose facts are hidden. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Prose {
    text: String,
    /// What stands in blank 1, 2, …
    hidden: Vec<String>,
}

impl Prose {
    /// `text` with each of `facts` (names, keys, ids, codes, numbers, times) as a blank wherever it stands.
    ///
    /// None where something is left that the program's own words do not have (a digit, an address, an identifier): a fact
    /// was not named, and the paragraph must not leave.
    #[must_use]
    pub fn new(text: &str, facts: &[&str]) -> Option<Self> {
        if text.len() > BYTES_MAX || text.contains(['{', '}']) {
            return None;
        }
        let mut prose = Self {
            text: String::with_capacity(text.len()),
            hidden: Vec::new(),
        };
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            match prose.fact_at(rest, facts) {
                Some(fact) => {
                    prose.hidden.push(fact.to_owned());
                    prose.text += &format!("{{{}}}", prose.hidden.len());
                    rest = &rest[fact.len()..];
                }
                None if is_of_words(next) => {
                    prose.text.push(next);
                    rest = &rest[next.len_utf8()..];
                }
                None => return None,
            }
        }
        Some(prose)
    }

    /// The longest fact with which `rest` begins, where it is a word of its own.
    fn fact_at<'f>(&self, rest: &str, facts: &[&'f str]) -> Option<&'f str> {
        let is_edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if !is_edge(self.text.chars().next_back()) {
            return None;
        }
        let begins = facts.iter().copied().filter(|fact| !fact.is_empty());
        let begins = begins.filter(|fact| {
            rest.strip_prefix(fact)
                .is_some_and(|after| is_edge(after.chars().next()))
        });
        begins.max_by_key(|fact| fact.len())
    }

    /// `said` with the facts in their blanks; none unless each blank stands there once, and no other.
    #[must_use]
    pub fn restore(&self, said: &str) -> Option<String> {
        let mut restored = String::with_capacity(said.len());
        let mut used = vec![false; self.hidden.len()];
        let mut rest = said;
        while let Some((before, after)) = rest.split_once('{') {
            let (number, after) = after.split_once('}')?;
            let at = number.parse::<usize>().ok()?.checked_sub(1)?;
            if std::mem::replace(used.get_mut(at)?, true) {
                return None;
            }
            restored += before;
            restored += &self.hidden[at];
            rest = after;
        }
        restored += rest;
        used.into_iter().all(|used| used).then_some(restored)
    }
}

/// What English sentences are made of, and no identifier, number or address.
fn is_of_words(c: char) -> bool {
    c.is_alphabetic() || c.is_whitespace() || ".,;:!?'’()“”\"-–—".contains(c)
}

impl fmt::Debug for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a paragraph of {} bytes with {} blanks",
            self.text.len(),
            self.hidden.len()
        )
    }
}

impl From<&Prose> for Fact {
    fn from(prose: &Prose) -> Self {
        Self::Prose(Blanked(prose.text.clone()))
    }
}

/// A paragraph without what it tells of: only [`Prose`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blanked(String);

impl Blanked {
    /// As it is sent.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// `prose` in the language with the tag `language`, its facts in their places.
///
/// # Errors
/// When there is no translation, or it lost a blank, doubled one or made one up: the English text stands.
pub async fn translate(
    model: &dyn LanguageModel,
    prose: &Prose,
    language: &Code,
) -> Result<String, ModelError> {
    let facts = Fact::Record(vec![
        ("language", language.clone().into()),
        ("text", prose.into()),
    ]);
    let most = prose.text.len() * LONGEST;
    let tokens = TOKENS + u32::try_from(most).unwrap_or(u32::MAX / 2);
    let question = Question::new(TASK, &facts, vec![("text", Form::Text(most))], tokens);
    let answer = model.ask(&question.map_err(|_| Misfit::TooLong)?).await?;
    let said = answer.value["text"].as_str().unwrap_or_default();
    Ok(prose.restore(said).ok_or(Misfit::NotListed)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "This is about the request “order-1712” to Stripe. It is tried again on 2026-11-30 12:05, the 3rd \
         time: Stripe asked for it.";
    const FACTS: [&str; 5] = [
        "order-1712",
        "Stripe",
        "2026-11-30 12:05",
        "2026-11-30",
        "3rd",
    ];

    #[test]
    fn facts_are_blanks_and_come_back_wherever_the_blanks_stand() {
        let prose = Prose::new(TEXT, &FACTS).expect("all facts are named");
        assert_eq!(
            prose.text,
            "This is about the request “{1}” to {2}. It is tried again on {3}, the {4} time: {5} asked for it."
        );
        assert_eq!(prose.restore(&prose.text).as_deref(), Some(TEXT));
        let german = "{2}, {5}: {4}, „{1}“ am {3}.";
        assert_eq!(
            prose.restore(german).as_deref(),
            Some("Stripe, Stripe: 3rd, „order-1712“ am 2026-11-30 12:05.")
        );
        for wrong in [
            "{1} {2} {3} {4}",
            "{1} {2} {3} {4} {5} {5}",
            "{1} {2} {3} {4} {5} {6}",
            "{1} {2} {3} {4} {5} {0}",
            "{1} {2} {3} {4} {5} {x",
            "{1} {2} {3} {4} {5} {}",
        ] {
            assert_eq!(prose.restore(wrong), None, "{wrong}");
        }
        assert!(!format!("{prose:?}").contains("order"), "{prose:?}");
    }

    #[test]
    fn a_paragraph_with_a_fact_that_nobody_named_does_not_leave() {
        for at in 0..FACTS.len() {
            let mut facts = FACTS.to_vec();
            let gone = facts.remove(at);
            let left = Prose::new(TEXT, &facts);
            // A name of letters alone looks like any word; a date is in the time of day that was named.
            let is_hidden = ["Stripe", "2026-11-30"].contains(&gone);
            assert_eq!(left.is_some(), is_hidden, "{gone}");
        }
        for text in ["ada@example.com", "a {1}", "a/b", "a_b", "`x`", "=5", "٣"] {
            assert_eq!(Prose::new(text, &[]), None, "{text}");
        }
        assert_eq!(Prose::new(&"a".repeat(BYTES_MAX + 1), &[]), None);
    }

    proptest! {
        /// Whatever the facts are, none of them leaves, and all come back.
        #[test]
        fn no_fact_leaves(facts in prop::collection::vec("[a-z0-9@#_./-]{3,12}", 1..5)) {
            let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
            let text = format!("It is {}.", facts.join(" and "));
            if let Some(prose) = Prose::new(&text, &facts) {
                for fact in facts.iter().filter(|fact| !"It is and".contains(*fact)) {
                    let words: Vec<&str> = prose.text.split_whitespace().collect();
                    prop_assert!(!words.contains(fact), "{fact}: {}", prose.text);
                }
                prop_assert_eq!(prose.restore(&prose.text), Some(text));
            }
        }
    }
}
