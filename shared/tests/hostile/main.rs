//! Hostile mappings, each in a process of its own: how long it takes to stop them, and what they take until then.
//!
//! The program runs itself again for each case, tells the case in an argument, and reads the child's peak of resident
//! memory from `/proc/self/status` (`VmHWM`), before and after. It has no test harness, whose threads and buffers would
//! count as the mapping's.

mod cases;
mod payloads;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use causeway::Timestamp;
use causeway::mapping::Mapping;
use serde_json::json;

use cases::Case;

/// What a mapping may take above a process that does nothing, in KiB: half of the smallest Lambda function.
const MAX_KIB: u64 = 64 * 1024;

/// What a mapping may take of the time. Twice the engine's own guard, for a machine that does other things too; unoptimised
/// code gets ten times that.
const MAX_TIME: Duration = if cfg!(debug_assertions) {
    Duration::from_secs(10)
} else {
    Duration::from_secs(1)
};

/// `VmHWM` of this process, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("VmHWM").parse().expect("a number")
}

/// In the child: one case, its verdict, time and memory on one line.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine's time"
)]
#[expect(clippy::print_stdout, reason = "how the child answers")]
fn run(case: &Case) {
    let payload = (case.payload)();
    let document = json!({
        "name": "hostile", "version": 1, "provider": "acme", "operation": "things.create", "description": "Hostile.",
        "source": {}, "expression": case.expression, "examples": [{"name": "none", "input": {}, "output": {}}]
    })
    .to_string();
    // Idle: everything that a mapping needs has been used once.
    let warm = document.replace(&json!(case.expression).to_string(), "\"$pad('a', 3)\"");
    let warm = Mapping::parse(&warm).expect("a mapping");
    warm.apply(&json!({}), Timestamp::from_millis(0))
        .expect("mapped");
    let idle = peak();
    let started = Instant::now();
    let verdict = match Mapping::parse(&document)
        .and_then(|mapping| mapping.apply(&payload, Timestamp::from_millis(0)))
    {
        Ok(_) => "mapped".to_owned(),
        Err(error) => error.to_string(),
    };
    let taken = started.elapsed().as_micros();
    println!("{taken} {} {verdict}", peak().saturating_sub(idle));
}

/// The child's line, and what is wrong with it.
fn judge(case: &Case, program: &str) -> (String, Option<String>) {
    // A bound that fails must fail the test, not the machine: 2 GiB of addresses, a minute.
    let run = "ulimit -v 2097152; exec timeout 60 \"$0\" --case \"$1\"";
    let output = Command::new("sh")
        .args(["-c", run, program, case.name])
        .output()
        .expect("a child");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.trim().splitn(3, ' ');
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
    let (Some(micros), Some(kib)) = (number(), number()) else {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return (
            format!("{}: died", case.name),
            Some(format!("{:?} {told}", output.status)),
        );
    };
    let verdict = words.next().unwrap_or_default();
    let line = format!(
        "{:6} ms {:6} KiB  {}: {verdict}",
        micros / 1000,
        kib,
        case.name
    );
    let problem = if kib > MAX_KIB {
        Some("takes too much memory")
    } else if Duration::from_micros(micros) > MAX_TIME {
        Some("takes too long")
    } else if case.fails == (verdict == "mapped") {
        Some("comes to another end")
    } else if verdict.len() > 1024 {
        Some("tells too much")
    } else {
        None
    };
    (line, problem.map(str::to_owned))
}

#[expect(clippy::print_stdout, reason = "a table for a person")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let cases = cases::all();
    if let [_, flag, name] = arguments.as_slice()
        && flag == "--case"
    {
        cases.iter().filter(|case| case.name == name).for_each(run);
        return ExitCode::SUCCESS;
    }
    // `cargo test -- NAME` and `--list` come to every test program.
    let filter = arguments
        .iter()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for case in cases
        .iter()
        .filter(|case| filter.is_none_or(|filter| case.name.contains(filter.as_str())))
    {
        let (line, problem) = judge(case, &arguments[0]);
        println!("{line}");
        if let Some(problem) = problem {
            println!("       ^ {problem}");
            failed += 1;
        }
    }
    println!("{} hostile mappings, {failed} out of bounds", cases.len());
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
