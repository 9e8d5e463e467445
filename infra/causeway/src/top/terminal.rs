//! The terminal while it is ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc;

use crate::error::Error;

/// How long one look at the keyboard waits; the screen's end waits no longer for the reader.
const LOOK: Duration = Duration::from_millis(100);

/// Keys that may wait to be taken; a person types more slowly, and what a paste has beyond it waits in the terminal.
const WAITING_MAX: usize = 64;

/// A terminal in raw mode on its other screen. Dropping it gives it back; so does a panic.
#[derive(Debug)]
pub struct Screen {
    /// What is drawn on.
    pub terminal: DefaultTerminal,
    keys: mpsc::Receiver<Event>,
    is_over: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be put into raw mode.
    pub fn take() -> Result<Self, Error> {
        let terminal = ratatui::try_init().map_err(Error::io("take the terminal"))?;
        let (tell, keys) = mpsc::channel(WAITING_MAX);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        std::thread::spawn(move || read(&tell, &over));
        Ok(Self {
            terminal,
            keys,
            is_over,
        })
    }

    /// The next key, or change of size; none when the terminal is gone.
    pub async fn event(&mut self) -> Option<Event> {
        self.keys.recv().await
    }
}

/// Reading blocks, so it has a thread of its own.
fn read(tell: &mpsc::Sender<Event>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        match event::poll(LOOK) {
            Ok(false) => {}
            Ok(true) => {
                let Ok(event) = event::read() else { return };
                if tell.blocking_send(event).is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // A terminal that is gone needs no restoring.
        let _ = ratatui::try_restore();
    }
}
