//! Results that are shown again and again.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::error::Error;
use crate::{output, text};

/// The longest that anything is watched: who forgets it in a terminal should not be billed for its reads for ever.
pub const WATCH_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// Clears what a terminal shows and what it kept, and goes to its corner.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Where a result takes the place of the one before.
#[derive(Debug)]
pub struct Screen {
    is_terminal: bool,
}

impl Default for Screen {
    fn default() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { is_terminal }
    }
}

impl Screen {
    /// Shows `text`: in the place of the last on a terminal, under it elsewhere.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn show(&self, text: &str) -> Result<(), Error> {
        if !self.is_terminal {
            return output::line(text);
        }
        // One write, so that nobody sees an empty screen.
        let mut out = io::stdout().lock();
        let written = out.write_all(format!("{CLEAR}{}\n", text::shown(text)).as_bytes());
        written
            .and_then(|()| out.flush())
            .map_err(Error::io("write the result"))
    }
}
