//! The operators' command under another name, so that it is built along with the tests that run it.

fn main() -> std::process::ExitCode {
    causeway_command::main()
}
