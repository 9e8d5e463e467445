//! The operators' command: see the library.

fn main() -> std::process::ExitCode {
    causeway_command::main()
}
