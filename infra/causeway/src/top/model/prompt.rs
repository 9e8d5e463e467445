//! Questions that are asked before something is done.

use std::time::Duration;

use ratatui::crossterm::event::KeyCode;

use crate::when;

/// The longest text that a field takes; a breaker's reason may have 200 bytes.
const TEXT_MAX: usize = 200;

/// What the window is about just now.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mode {
    /// The lanes.
    #[default]
    Browse,
    /// A filter is typed.
    Filter,
    /// The keys are explained.
    Help,
    /// A forced opening is described.
    Open(OpenForm),
    /// Something is about to be done.
    Confirm(Confirm),
    /// What a redrive would do is being found out, or is shown.
    Redrive {
        /// The lane.
        provider: String,
        /// The dry run's words; none as long as it is under way.
        plan: Option<String>,
    },
}

/// Something that is done when it is confirmed.
#[derive(Clone, Debug, PartialEq)]
pub enum Confirm {
    /// Close these breakers.
    Close {
        /// The lane.
        provider: String,
        /// Connections whose breaker it is; an empty name where it stands for the provider.
        connections: Vec<String>,
    },
    /// Turn on the event source.
    Enable {
        /// The lane.
        provider: String,
    },
    /// End while a redrive is under way.
    Quit,
}

/// The fields of a forced opening.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenForm {
    /// The lane.
    pub provider: String,
    /// Names and values of the fields, in the order in which they are asked.
    pub fields: Vec<(Field, String)>,
    /// The field that is being typed; all are given where it is past the last.
    pub at: usize,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Whose breaker, where each connection has one.
    Connection,
    /// Why.
    Reason,
    /// For how long.
    Duration,
}

/// What a key came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    /// More is to be typed.
    More,
    /// Never mind.
    Cancelled,
    /// It is confirmed: force this lane's breaker open.
    Open {
        /// The connection; empty where the breaker stands for the provider.
        connection: String,
        /// Why.
        reason: String,
        /// For how long.
        duration: Duration,
    },
}

impl OpenForm {
    /// An empty form.
    #[must_use]
    pub fn of(provider: &str, by_connection: bool) -> Self {
        let mut fields = Vec::new();
        if by_connection {
            fields.push((Field::Connection, "default".to_owned()));
        }
        fields.push((Field::Reason, String::new()));
        fields.push((Field::Duration, "1h".to_owned()));
        Self {
            provider: provider.to_owned(),
            fields,
            at: 0,
            problem: None,
        }
    }

    /// Whether all fields are given, and a yes or no is asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.at >= self.fields.len()
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, field: Field) -> &str {
        let found = self.fields.iter().find(|(name, _)| *name == field);
        found.map_or("", |(_, value)| value)
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyCode) -> Typed {
        if key == KeyCode::Esc {
            return Typed::Cancelled;
        }
        let Some((field, value)) = self.fields.get_mut(self.at) else {
            return self.confirm(key);
        };
        match key {
            KeyCode::Enter => match problem(*field, value) {
                None => {
                    self.at += 1;
                    self.problem = None;
                }
                wrong => self.problem = wrong,
            },
            other => {
                edit(value, other);
                self.problem = None;
            }
        }
        Typed::More
    }

    fn confirm(&self, key: KeyCode) -> Typed {
        match (key, when::duration(self.value(Field::Duration))) {
            (KeyCode::Char('y'), Ok(duration)) => Typed::Open {
                connection: self.value(Field::Connection).to_owned(),
                reason: self.value(Field::Reason).to_owned(),
                duration,
            },
            (KeyCode::Char('n'), _) => Typed::Cancelled,
            _ => Typed::More,
        }
    }
}

/// What is wrong with a field's value.
fn problem(field: Field, value: &str) -> Option<String> {
    match field {
        Field::Connection => crate::target::name(value)
            .err()
            .map(|rule| format!("the connection {rule}")),
        Field::Reason if value.trim().is_empty() => {
            Some("say why, for whoever sees it next".to_owned())
        }
        Field::Reason => None,
        Field::Duration => match when::duration(value) {
            Ok(duration) if duration > causeway::breaker::FORCED_OPEN_MAX => {
                Some("at most 7d".to_owned())
            }
            Ok(_) => None,
            Err(rule) => Some(rule),
        },
    }
}

/// Types into a text.
pub(super) fn edit(text: &mut String, key: KeyCode) {
    match key {
        KeyCode::Char(letter)
            if !letter.is_control() && text.len() + letter.len_utf8() <= TEXT_MAX =>
        {
            text.push(letter);
        }
        KeyCode::Backspace => {
            text.pop();
        }
        _ => {}
    }
}
