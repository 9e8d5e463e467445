//! A redrive killed again and again on a deployed stack: nothing is lost, and nothing happens twice.

use std::process::Stdio;
use std::time::Duration;

use causeway::ledger::{DynamoLedger, LedgerStore, Status};
use causeway_local::stack::LocalStack;

use super::letters::{Queues, customer};
use crate::deployed::Deployed;
use crate::random::Random;

/// Enough for a redrive to take seconds: the lane's slowest limit lets half of 11 a second through.
const LETTERS: usize = 60;

const KILLS: usize = 6;

/// Start, reading, canary and sending take some 2, 3, 2 and 12 seconds: kills fall into all of them.
const KILL_WITHIN_MS: usize = 12_000;

/// Whole runs after the last kill. Each sees what the one before could not: letters that a dead process held.
const RUNS: usize = 12;

fn key(number: usize) -> String {
    format!("dlq-killed-{number}")
}

async fn effects(deployed: &Deployed) -> Vec<u64> {
    let journal = deployed.fakes().journal();
    (0..LETTERS)
        .map(|number| journal.effects_of("stripe", &key(number)))
        .collect()
}

/// Starts a redrive and kills it at some moment.
async fn redrive_and_kill(stack: &LocalStack, random: &mut Random) {
    let arguments = ["dlq", "redrive", "stripe", "--yes", "--hold", "5"];
    let mut command = stack.operator().command(arguments).expect("it is built");
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    // Any moment will do: what is to be found out is what each of them leaves behind.
    let moment = Duration::from_millis(random.below(KILL_WITHIN_MS) as u64);
    let _ = tokio::time::timeout(moment, child.wait()).await;
    child.kill().await.expect("it is ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_killed_at_random_loses_nothing_and_does_nothing_twice() {
    let deployed = Deployed::with(&["stripe"]).await;
    let stack = deployed.stack();
    let output = |name| stack.output(name).expect("an output");
    let queues = Queues::new(
        &stack.sdk_config(),
        output("StripeQueueUrl"),
        output("StripeDlqUrl"),
    );
    let said = [
        ("code", "attempts_spent"),
        ("attempts", "8"),
        ("operation", "customers.create"),
    ];
    for number in 0..LETTERS {
        queues
            .bury(&customer(&key(number)).to_string(), &said)
            .await;
    }
    // What a process leaves that dies between sending and deleting, for certain and not by luck.
    queues.send(&customer(&key(0)).to_string()).await;

    let mut random = Random::new(5);
    let mut moments = Vec::new();
    for _ in 0..KILLS {
        redrive_and_kill(stack, &mut random).await;
        moments.push(
            effects(&deployed)
                .await
                .iter()
                .filter(|count| **count > 0)
                .count(),
        );
    }
    assert!(
        moments.iter().any(|done| (2..LETTERS).contains(done)),
        "some kills hit work: {moments:?}"
    );

    for _ in 0..RUNS {
        let run = stack
            .operator()
            .run(["dlq", "redrive", "stripe", "--yes", "--hold", "5"])
            .await;
        let run = run.unwrap_or_else(|error| panic!("{}", causeway_local::stack::report(&error)));
        assert_eq!(run.code, 0, "{run:?}");
        if queues.counts(&queues.dlq).await == (0, 0) {
            break;
        }
    }
    queues.must_show(&queues.dlq, (0, 0)).await;
    queues.must_show(&queues.queue, (0, 0)).await;
    assert_eq!(
        effects(&deployed).await,
        vec![1; LETTERS],
        "one effect each"
    );
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
    let ledger = DynamoLedger::new(dynamodb, output("RequestsTable"));
    let keys: Vec<_> = (0..LETTERS)
        .map(|number| format!("stripe#default#{}", key(number)))
        .collect();
    for record in ledger.read(&keys).await.expect("the ledger answers") {
        assert_eq!(record.map(|record| record.status), Some(Status::Completed));
    }
}
