//! `causeway completions`: what a shell needs to complete the command's words.

use clap::Args;
use clap_complete::{Shell, generate};

use crate::context::Done;
use crate::error::Error;
use crate::output;

/// How each shell is told; not in the documentation, which takes the brackets for a link.
const HOW: &str = r#"bash: source <(causeway completions bash)
zsh:  causeway completions zsh > "${fpath[1]}/_causeway"
fish: causeway completions fish > ~/.config/fish/completions/causeway.fish"#;

/// Print completions for a shell.
#[derive(Args, Debug)]
#[command(after_help = HOW)]
pub struct Arguments {
    /// The shell.
    #[arg(value_parser = clap::value_parser!(Shell))]
    shell: Shell,
}

/// Prints those of `command_line`.
///
/// # Errors
/// When standard output is gone.
pub fn run(arguments: &Arguments, mut command_line: clap::Command) -> Result<Done, Error> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut command_line, "causeway", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Done::All)
}
