//! The engine that follows coverage: libFuzzer around instrumented targets, on the stable toolchain.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::{env, fs, io};

use crate::{Target, corpus};

/// Tells the instrumented program which target to run.
pub const TARGET_VARIABLE: &str = "CAUSEWAY_FUZZ_TARGET";

/// What `cargo fuzz` passes too, without the sanitizers that need a nightly compiler: edges counted in eight bits each,
/// comparisons reported, and overflows caught.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 \
    -Cdebug-assertions=on -Coverflow-checks=on";

/// Most lines of a panic's message that are shown: both sides of a comparison, and where it stands.
const MAX_FAULT_LINES: usize = 8;

/// Longest time that one input may take, in seconds: all targets are linear in it.
const INPUT_TIMEOUT_S: u32 = 10;

/// Where what a search builds and finds is kept; not checked in.
pub fn work_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz")
}

/// Builds the instrumented program, apart from all other builds: its flags would have everything compiled anew.
///
/// # Errors
/// When there is no C++ compiler, or cargo does not run or does not succeed.
pub fn build() -> io::Result<PathBuf> {
    find_compiler()?;
    let host = host()?;
    let status = Command::new(cargo())
        .args([
            "build",
            "--locked",
            "--release",
            "--package",
            "causeway-fuzz",
        ])
        .args(["--no-default-features", "--features", "engine"])
        .args(["--bin", "coverage"])
        // With a target named, build scripts and macros are not instrumented.
        .args(["--target", &host])
        .env("CARGO_TARGET_DIR", work_folder())
        .env("RUSTFLAGS", FLAGS)
        // For speed of the search and of the build, not for size.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()?;
    succeeded(status, "the build of the instrumented program")?;
    Ok(work_folder().join(host).join("release/coverage"))
}

/// Searches for `seconds` and says how far that went; false, with what the panic said, when an input was found that
/// fails. It then stands in `failures`.
///
/// # Errors
/// When the program does not run, or a folder or the log cannot be written.
pub fn search(
    program: &Path,
    target: Target,
    seconds: u64,
    failures: &Path,
) -> io::Result<(bool, String)> {
    let found = work_folder().join("corpus").join(target.name);
    fs::create_dir_all(&found)?;
    let log = work_folder().join(format!("{}.log", target.name));
    let status = Command::new(program)
        .env(TARGET_VARIABLE, target.name)
        .env("RUST_BACKTRACE", "0")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", target.max_len))
        .arg(format!("-timeout={INPUT_TIMEOUT_S}"))
        .arg(format!("-artifact_prefix={}/", failures.display()))
        .args(["-use_value_profile=1", "-print_funcs=0"])
        .args([&found, &corpus::folder(target)])
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?)
        .status()?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let summary = if status.success() {
        progress(&text)
    } else {
        fault(&text)
    };
    let see_log = || {
        format!(
            "ended in a way of its own ({status}): see {}",
            log.display()
        )
    };
    Ok((status.success(), summary.unwrap_or_else(see_log)))
}

/// What the panic said, without its trace.
fn fault(log: &str) -> Option<String> {
    let lines = log.lines().skip_while(|line| !line.contains("panicked at"));
    let is_message = |line: &&str| !line.starts_with("note:") && !line.starts_with("==");
    let lines: Vec<&str> = lines.take_while(is_message).take(MAX_FAULT_LINES).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// From libFuzzer's last words: `#123 DONE cov: 45 ft: 67 …`.
fn progress(log: &str) -> Option<String> {
    let line = log.lines().rev().find(|line| line.contains("DONE"))?;
    let mut words = line.split_whitespace();
    let inputs = words.next()?.strip_prefix('#')?;
    let edges = words.skip_while(|word| *word != "cov:").nth(1)?;
    Some(format!("{inputs} inputs tried, {edges} edges reached"))
}

fn find_compiler() -> io::Result<()> {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut ask = Command::new(&compiler);
    ask.arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if ask.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "no C++ compiler: `{}` does not run, and libFuzzer is C++. Install one (Debian, Ubuntu: g++; Fedora, \
         Amazon Linux: gcc-c++; macOS: xcode-select --install), or name it by CXX",
        compiler.display()
    )))
}

fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The host's target triple.
fn host() -> io::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| io::Error::other("rustc does not tell its host"))
}

fn succeeded(status: ExitStatus, what: &str) -> io::Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{what} failed: {status}")))
}
