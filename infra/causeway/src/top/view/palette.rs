//! Colours: they underline what words say, and never say it alone.

use causeway::breaker::State;
use ratatui::style::{Color, Modifier, Style};

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Otherwise only what every terminal can: bold and reversed.
    pub colours: bool,
}

impl Palette {
    /// As the environment wants it. <https://no-color.org>
    #[must_use]
    pub fn of_environment() -> Self {
        let off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: !off }
    }

    /// Of a breaker's state.
    #[must_use]
    pub fn state(self, state: State) -> Style {
        match state {
            State::Closed => self.colour(Color::Green),
            State::HalfOpen => self.colour(Color::Yellow).add_modifier(Modifier::BOLD),
            State::Open => self.colour(Color::Red).add_modifier(Modifier::BOLD),
            State::ForcedOpen => self.colour(Color::Magenta).add_modifier(Modifier::BOLD),
        }
    }

    /// Of what wants a person.
    #[must_use]
    pub fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Of what may soon want one.
    #[must_use]
    pub fn warn(self) -> Style {
        self.colour(Color::Yellow)
    }

    /// Of what went well.
    #[must_use]
    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// Of what is beside the point.
    #[must_use]
    pub fn faint(self) -> Style {
        self.colour(Color::DarkGray)
    }

    /// Of bars.
    #[must_use]
    pub fn bars(self) -> Style {
        self.colour(Color::Cyan)
    }

    fn colour(self, colour: Color) -> Style {
        if self.colours {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }
}
