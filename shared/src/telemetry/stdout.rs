//! Standard output, which is a function's log stream: line by line, or several lines in one write.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// What is held back at most: as much as a pipe takes at once. <https://man7.org/linux/man-pages/man7/pipe.7.html>
const HELD_MAX: usize = 64 * 1024;

/// The lines of the present section; none where each goes out by itself.
static HELD: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// Holds lines back while it lives, and then writes them at once: a batch's lines are a dozen, and a write costs as much
/// as a line. It must not live across an await, so that no line is held when the environment is frozen or ended; a panic
/// drops it.
pub(super) struct Section(());

impl Section {
    /// Begins a section.
    pub fn begin() -> Self {
        held().get_or_insert_default();
        Self(())
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        if let Some(lines) = held().take() {
            // Losing a line is no reason to fail a batch.
            let _ = out(&lines);
        }
    }
}

/// Where lines go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut held = held();
        match &mut *held {
            None => out(line)?,
            Some(lines) => {
                lines.extend_from_slice(line);
                if lines.len() >= HELD_MAX {
                    out(lines)?;
                    lines.clear();
                }
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

fn out(lines: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines)?;
    stdout.flush()
}

fn held() -> MutexGuard<'static, Option<Vec<u8>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sections_lines_wait_for_its_end_and_a_panic_is_one() {
        let section = Section::begin();
        writeln!(Lines, "one").expect("held");
        writeln!(Lines, "two").expect("held");
        assert_eq!(held().as_deref(), Some(b"one\ntwo\n".as_slice()));
        drop(section);
        assert!(held().is_none());

        let panicked = std::panic::catch_unwind(|| {
            let _section = Section::begin();
            panic!("within a section");
        });
        assert!(panicked.is_err() && held().is_none());

        let _section = Section::begin();
        Lines.write_all(&[b'\n'; HELD_MAX]).expect("written");
        assert_eq!(
            held().as_deref(),
            Some([].as_slice()),
            "no more is held than its bound"
        );
    }
}
