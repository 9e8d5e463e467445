//! Why a local stack could not be had.

use std::io;
use std::path::PathBuf;

/// Every variant tells a developer what to do next, or where to read on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of the tool chain is not installed.
    #[error("`{program}` was not found; {hint}")]
    Missing {
        /// What was to be run.
        program: String,
        /// How to get it.
        hint: &'static str,
    },
    /// A program ended badly.
    #[error("{step} failed ({status}); the end of {}:\n{tail}", log.display())]
    Command {
        /// What was being done.
        step: &'static str,
        /// How it ended.
        status: String,
        /// Where all its output is.
        log: PathBuf,
        /// The last lines of the output.
        tail: String,
    },
    /// The emulator does not answer, or not as expected.
    #[error("the emulator at {endpoint} {problem}")]
    Emulator {
        /// Its address.
        endpoint: String,
        /// What is wrong.
        problem: String,
    },
    /// The vendors' fakes did not come up.
    #[error("the vendors' fakes did not start; see {}", log.display())]
    Vendors {
        /// What they said.
        log: PathBuf,
    },
    /// Processes that not even the kernel could end in time.
    #[error("{left} processes of the stack are still running")]
    StillRunning {
        /// How many.
        left: usize,
    },
    /// No stack of this name is running.
    #[error("no local stack `{name}` is running; `make demo-up` starts one")]
    NotRunning {
        /// Its name.
        name: String,
    },
    /// The template does not give this output.
    #[error("the stack has no output `{name}`")]
    NoOutput {
        /// The output's name.
        name: String,
    },
    /// A call to the emulator through the SDK failed.
    #[error("cannot {doing}")]
    Aws {
        /// What was being done.
        doing: &'static str,
        /// What the SDK says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The command printed JSON that its page does not tell.
    #[error("{problem}")]
    Shape {
        /// What is wrong.
        problem: String,
    },
    /// A file or process of this machine failed us.
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

    pub(crate) fn aws<E>(doing: &'static str) -> impl FnOnce(E) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        move |source| Self::Aws {
            doing,
            source: Box::new(source),
        }
    }

    /// The error and all its causes in one line each, for a terminal.
    #[must_use]
    pub fn report(&self) -> String {
        report(self)
    }
}

/// `error` and all its causes in one line each, for a terminal.
#[must_use]
pub fn report(error: &dyn std::error::Error) -> String {
    let mut lines = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        lines.push(format!("  because: {error}"));
        cause = error.source();
    }
    lines.join("\n")
}
