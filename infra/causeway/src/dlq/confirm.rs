//! The question before anything is moved.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::sync::oneshot;

use super::queue::DeadLetters;
use crate::error::Error;

/// How often the holds are looked at while a person thinks: more often than the shortest hold (5 s) needs.
const LOOK: Duration = Duration::from_secs(2);

/// Longest time for an answer. Letters that are held are hidden from others.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Whether the person at the terminal wants it done.
///
/// # Errors
/// When there is nobody to ask, or no answer comes within 15 minutes.
pub async fn confirm(letters: &mut DeadLetters, question: &str) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Err(
            Error::usage("there is nobody to ask: standard input is no terminal")
                .hint("say --yes to do it, or --dry-run to see it"),
        );
    }
    eprint!("{question} [y/N] ");
    let (answer, mut asked) = oneshot::channel();
    // A thread of its own: reading a terminal blocks, and the process may end while it does.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line);
        let _ = answer.send(line);
    });
    for _ in 0..PATIENCE.as_secs() / LOOK.as_secs() {
        tokio::select! {
            line = &mut asked => {
                let line = line.unwrap_or_default();
                return Ok(matches!(line.trim(), "y" | "Y" | "yes"));
            }
            () = tokio::time::sleep(LOOK) => letters.renew().await,
        }
    }
    Err(Error::new("no answer came within 15 minutes"))
}
