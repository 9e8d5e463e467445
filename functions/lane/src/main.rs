//! A lane as a Lambda function: the pack stands in the folder `pack` beside the program.

use causeway::lambda::{ALLOW_INFERRED, least};

fn main() -> Result<(), causeway::lambda::Error> {
    let least = least(&std::env::var(ALLOW_INFERRED).unwrap_or_default())?;
    let program = std::env::current_exe()?;
    let folder = program.with_file_name("pack");
    causeway::lambda::run(causeway_lane::read_from(&folder, least)?)
}
