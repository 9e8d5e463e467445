//! A lane as a Lambda function: the pack stands in the folder `pack` beside the program.

fn main() -> Result<(), causeway::lambda::Error> {
    let program = std::env::current_exe()?;
    let folder = program.with_file_name("pack");
    causeway::lambda::run(causeway_lane::read(&folder)?)
}
