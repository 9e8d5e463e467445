//! What stops a run. What a run *finds* is no error: it stands in the [report](crate::report).

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use causeway::http_client::CallError;

/// Every variant says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tool could not be had, or a program failed.
    #[error(transparent)]
    Stack(#[from] causeway_local::stack::Error),
    /// A program does not listen.
    #[error("{program} did not come up within {} s; see {}", within.as_secs(), log.display())]
    Start {
        /// Which one.
        program: String,
        /// How long it had.
        within: Duration,
        /// What it said.
        log: PathBuf,
    },
    /// A step takes too long.
    #[error("{step} took longer than {} s", limit.as_secs())]
    TooLong {
        /// Which one.
        step: String,
        /// How long it had.
        limit: Duration,
    },
    /// A call brought no answer.
    #[error("{call} got no answer")]
    Call {
        /// Which one.
        call: String,
        /// Why.
        #[source]
        source: CallError,
    },
    /// Data of this project, or of a vendor, is not what it should be.
    #[error("{place}: {problem}")]
    Data {
        /// Where.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A file, a socket or a process of this machine failed us.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn data(place: impl Into<String>, problem: impl ToString) -> Self {
        Self::Data {
            place: place.into(),
            problem: problem.to_string(),
        }
    }

    /// The error and its causes, one a line, for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        causeway_local::stack::report(self)
    }
}
