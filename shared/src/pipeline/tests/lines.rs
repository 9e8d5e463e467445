//! A log in memory.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Subscriber};

/// What was written to it, line by line.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub fn read(&self) -> Vec<String> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&held).into_owned();
        text.lines().map(str::to_owned).collect()
    }
}

/// This thread's lines go to `subscriber` for as long as the guards live.
///
/// The second subscriber hears nothing. While there is one alone, whether a line is of interest to anybody is asked of
/// the thread that comes to it first, which may be another test's, and is then remembered for all threads.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(super) fn listen(
    subscriber: impl Subscriber + Send + Sync + 'static,
) -> (Dispatch, DefaultGuard) {
    let second = Dispatch::new(tracing_subscriber::registry());
    (second, tracing::subscriber::set_default(subscriber))
}
