//! The harness, held against contenders whose work is known.

use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_bench::contender::{Contender, Places};
use causeway_bench::run::{Plan, USUAL, once};
use causeway_bench::shipped::shipped;
use causeway_bench::work::Work;

/// Answers every event at once, and does nothing.
const IDLE: &str = r#"
import os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as event:
        event.read()
        id = event.headers["lambda-runtime-aws-request-id"]
    urllib.request.urlopen(f"{api}/{id}/response", data=b'{"batchItemFailures":[]}').read()
"#;

fn plan() -> Plan {
    Plan {
        cells: vec![USUAL],
        batches: 5,
        cell_time: Duration::from_secs(5),
        batches_min: 5,
    }
}

fn contender(name: &'static str, program: &str, arguments: &[&str]) -> Contender {
    Contender {
        name,
        title: name,
        work: Work::Stripe,
        program: PathBuf::from(program),
        arguments: arguments.iter().map(Into::into).collect(),
        variables: Vec::new(),
        artefact: Vec::new(),
    }
}

fn logs() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

#[tokio::test]
async fn the_bare_loop_makes_the_calls_of_a_keyed_lane_with_one_limit() {
    let floor = contender("floor", env!("CARGO_BIN_EXE_bench-floor"), &[]);
    let sample = once(&floor, &plan(), None, logs()).await.expect("it runs");
    // The batch's own write, and two a record.
    assert!((sample.write_units - 2.1).abs() < 1e-9, "{sample:?}");
    assert_eq!((sample.put_back, sample.reads), (0.0, 0.0));
    let walls = &sample.wall_ms[&USUAL.name()];
    let limit = USUAL.limit().as_secs_f64() * 1e3;
    assert!(
        walls.len() == 5 && walls.iter().all(|wall| *wall >= limit),
        "{walls:?}"
    );
    assert!(sample.cpu_ms_record > 0.0 && sample.start_cpu_ms > 0.0 && sample.peak_mib > 1.0);
}

/// A get, a call, a put: one write a record, and a read each of breaker and record.
#[tokio::test]
async fn the_naive_handler_reads_everything_anew_for_each_record() {
    let naive = contender("naive", env!("CARGO_BIN_EXE_bench-naive"), &[]);
    let sample = once(&naive, &plan(), None, logs()).await.expect("it runs");
    assert_eq!((sample.write_units, sample.reads), (1.0, 20.0));
    let name = "naive-claims";
    let steps = ["--reuse", "--parallel", "--cached", "--claims"];
    let claims = contender(name, env!("CARGO_BIN_EXE_bench-naive"), &steps);
    let sample = once(&claims, &plan(), None, logs()).await.expect("it runs");
    assert_eq!((sample.write_units, sample.reads), (2.0, 0.0));
}

#[tokio::test]
async fn nobody_is_fast_by_doing_nothing() {
    let idle = contender("idle", "python3", &["-c", IDLE]);
    let refused = once(&idle, &plan(), None, logs()).await;
    let error = refused.expect_err("no effects").to_string();
    assert!(error.contains("messages had 0 effects"), "{error}");
}

#[tokio::test]
async fn a_process_that_ends_is_said_to_have_ended() {
    let ends = contender("ends", "true", &[]);
    let refused = once(&ends, &plan(), None, logs()).await;
    let error = refused.expect_err("it ended").to_string();
    assert!(error.contains("it ended: exit status: 0"), "{error}");
}

/// The shipped form of a lane is started by `make shipped`; here is what it would say of one that is broken.
#[tokio::test]
async fn a_shipped_lane_that_ends_or_delivers_nothing_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let refused = async |name: &str, script: &str| {
        let program = logs().join(name);
        std::fs::write(&program, script).expect("a program");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, executable).expect("its mode");
        let places = Places {
            root: root.clone(),
            programs: logs().to_owned(),
            out: logs().join(format!("shipped-{name}")),
        };
        let refused = shipped(&places, &program).await;
        refused.expect_err("it is no lane").to_string()
    };
    let ends = refused("ends.sh", "#!/bin/sh\nexit 3\n").await;
    assert!(ends.contains("it ended: exit status: 3"), "{ends}");
    let script = format!("#!/usr/bin/env python3\n{IDLE}");
    let idle = refused("idle.py", &script).await;
    assert!(idle.contains("one message had 0 effects"), "{idle}");
}
