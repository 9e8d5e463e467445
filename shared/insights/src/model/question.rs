//! A question: words of the program's own, facts that may leave, and the form of the answer.

use std::fmt;

use super::fact::Fact;
use super::form::Form;

/// Largest question, in bytes of its facts: some three hundred fields with their candidates. It is about 10,000 tokens,
/// which every model reads, and a cent with a dear one.
const QUESTION_BYTES_MAX: usize = 32 * 1024;

/// What a model is asked.
///
/// `Debug` tells its size only.
#[derive(Clone, PartialEq)]
pub struct Question {
    task: &'static str,
    facts: String,
    form: Form,
    tokens: u32,
}

/// A question whose facts are more than may leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a question has at most {QUESTION_BYTES_MAX} bytes of facts")]
pub struct QuestionTooLong;

impl Question {
    /// Asks for `task` on `facts`, to be answered by an object of these fields in at most `tokens` tokens, those that
    /// the model thinks included.
    ///
    /// # Errors
    /// When the facts are too many.
    pub fn new(
        task: &'static str,
        facts: &Fact,
        answer: Vec<(&'static str, Form)>,
        tokens: u32,
    ) -> Result<Self, QuestionTooLong> {
        let facts = facts.to_value().to_string();
        if facts.len() > QUESTION_BYTES_MAX {
            return Err(QuestionTooLong);
        }
        Ok(Self {
            task,
            facts,
            form: Form::Record(answer),
            tokens,
        })
    }

    /// What is to be done.
    pub(super) const fn task(&self) -> &'static str {
        self.task
    }

    /// What is known, as JSON: all that is sent beside the program's own words.
    #[must_use]
    pub fn facts(&self) -> &str {
        &self.facts
    }

    /// The answer's shape.
    pub(super) const fn form(&self) -> &Form {
        &self.form
    }

    /// The longest answer.
    pub(super) const fn tokens(&self) -> u32 {
        self.tokens
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a question of {} bytes", self.facts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FieldName;

    #[test]
    fn too_much_is_no_question_and_debug_shows_none_of_it() {
        let name = || Fact::from(FieldName::new("guest_email").expect("a name"));
        let ask = |count| {
            let names: Vec<Fact> = (0..count).map(|_| name()).collect();
            Question::new("pick", &names.into(), vec![("sure", Form::Flag)], 10)
        };
        let question = ask(1).expect("a short one");
        assert_eq!(question.facts(), r#"["guest_email"]"#);
        assert_eq!(format!("{question:?}"), "a question of 15 bytes");
        assert_eq!(ask(QUESTION_BYTES_MAX), Err(QuestionTooLong));
    }
}
