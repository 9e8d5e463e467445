//! `local`: the project's chores on one machine. `make` calls it.

use std::process::ExitCode;

fn main() -> ExitCode {
    causeway_local::cli::main()
}
