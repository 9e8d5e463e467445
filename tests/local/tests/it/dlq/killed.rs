//! A redrive killed again and again: nothing is lost, and nothing happens twice.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use causeway::ledger::{DynamoLedger, LedgerStore, Status};
use causeway_local::stack::{Operator, report};

use super::letters::{Queues, customer};
use super::queues::Lane;
use crate::deployed::Deployed;
use crate::random::Random;

/// Enough for a redrive to take seconds: the lane's slowest limit lets half of 11 a second through.
const LETTERS: usize = 60;

const KILLS: usize = 6;

/// Canary and sending take some 2 and 12 seconds: kills fall into both.
const KILL_WITHIN_MS: usize = 3_000;

/// Every other redrive is killed after it has begun to send. Start and reading take seconds, more on a busy machine.
const BEGUN_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Whole runs after the last kill. Each sees what the one before could not: letters that a dead process held.
const RUNS: usize = 12;

/// Looks into the lane's queue of a second at most, for as long as the kills and runs may take.
const TAKES: usize = 1_200;

const REDRIVE: [&str; 6] = ["dlq", "redrive", "stripe", "--yes", "--hold", "5"];

fn key(number: usize) -> String {
    format!("dlq-killed-{number}")
}

async fn bury_all(queues: &Queues) {
    let said = [
        ("code", "attempts_spent"),
        ("attempts", "8"),
        ("operation", "customers.create"),
    ];
    for number in 0..LETTERS {
        let body = customer(&key(number)).to_string();
        queues.bury(&body, &said).await;
    }
    // What a process leaves that dies between sending and deleting, for certain and not by luck.
    queues.send(&customer(&key(0)).to_string()).await;
}

/// Kills some redrives, then lets some run to their ends, until no letter is left. `effects` counts by key.
async fn kill_and_finish(
    operator: Operator<'_>,
    queues: &Queues,
    effects: impl Fn() -> BTreeMap<String, u64>,
) {
    bury_all(queues).await;
    let mut random = Random::new(5);
    let mut moments = Vec::new();
    for kill in 0..KILLS {
        let before = effects().len();
        let has_begun = || kill % 2 == 0 || effects().len() > before;
        redrive_and_kill(&operator, &mut random, has_begun).await;
        moments.push(effects().len());
    }
    assert!(
        moments.iter().any(|done| (2..LETTERS).contains(done)),
        "some kills hit work: {moments:?}"
    );
    for _ in 0..RUNS {
        let run = operator.run(REDRIVE).await;
        let run = run.unwrap_or_else(|error| panic!("{}", report(&error)));
        assert_eq!(run.code, 0, "{run:?}");
        if queues.counts(&queues.dlq).await == (0, 0) {
            break;
        }
    }
    queues.must_show(&queues.dlq, (0, 0)).await;
    queues.must_show(&queues.queue, (0, 0)).await;
    let once: BTreeMap<_, _> = (0..LETTERS).map(|number| (key(number), 1)).collect();
    assert_eq!(effects(), once, "one effect each");
}

/// Starts a redrive, and kills it at some moment after `has_begun`.
async fn redrive_and_kill(
    operator: &Operator<'_>,
    random: &mut Random,
    has_begun: impl Fn() -> bool,
) {
    let mut command = operator.command(REDRIVE).expect("it is built");
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    for _ in 0..BEGUN_WITHIN.as_millis() / LOOK.as_millis() {
        if has_begun() || child.try_wait().expect("it is ours").is_some() {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    // Any moment will do: what is to be found out is what each of them leaves behind.
    let moment = Duration::from_millis(random.below(KILL_WITHIN_MS) as u64);
    let _ = tokio::time::timeout(moment, child.wait()).await;
    child.kill().await.expect("it is ours");
}

/// The test plays the lane: the first message of a key takes effect, by the ledger's own condition.
#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_killed_at_random_loses_nothing_and_does_nothing_twice() {
    let lane = Lane::up("test-dlq-killed").await;
    let effects = RefCell::new(BTreeMap::<String, u64>::new());
    let play = async {
        for _ in 0..TAKES {
            for message in lane.queues.take().await {
                if let Some(key) = lane.carry_out(&message).await {
                    *effects.borrow_mut().entry(key).or_default() += 1;
                }
            }
        }
    };
    let operator = lane.emulator.operator();
    tokio::select! {
        () = play => panic!("the redrives came to no end"),
        () = kill_and_finish(operator, &lane.queues, || effects.borrow().clone()) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_it_on_a_deployed_stack_by_the_vendor_s_own_count() {
    let deployed = Deployed::with(&["stripe"]).await;
    let stack = deployed.stack();
    let output = |name| stack.output(name).expect("an output");
    let config = stack.sdk_config();
    let queues = Queues::new(&config, output("StripeQueueUrl"), output("StripeDlqUrl"));
    let effects = || -> BTreeMap<String, u64> {
        let journal = deployed.fakes().journal();
        let counts = (0..LETTERS).map(|number| {
            let key = key(number);
            let count = journal.effects_of("stripe", &key);
            (key, count)
        });
        counts.filter(|(_, count)| *count > 0).collect()
    };
    kill_and_finish(stack.operator(), &queues, effects).await;

    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let ledger = DynamoLedger::new(dynamodb, output("RequestsTable"));
    let keys: Vec<_> = (0..LETTERS)
        .map(|number| format!("stripe#default#{}", key(number)))
        .collect();
    for record in ledger.read(&keys).await.expect("the ledger answers") {
        assert_eq!(record.map(|record| record.status), Some(Status::Completed));
    }
}
