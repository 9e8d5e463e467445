//! The demo: a realistic load through the real queues, a provider that fails in the middle of it, and
//! then the question whether ledger, queues and vendors agree on every single request.

pub(crate) mod collect;
mod command;
pub(crate) mod drain;
pub(crate) mod faults;
pub(crate) mod lanes;
pub(crate) mod plan;
pub(crate) mod progress;
mod self_check;
pub(crate) mod send;
mod stage;
mod summary;
pub(crate) mod verify;

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_sqs::Client as Sqs;
use causeway_fakes::Server;

use faults::Script;
use plan::Plan;
use progress::Progress;

use crate::stack::LocalStack;

pub(crate) use collect::scan;
pub use command::{Arguments, command};
pub(crate) use drain::{Depth, depth};
pub(crate) use send::batch as send_batch;
pub(crate) use stage::set_stage;
pub use stage::{field, on_a_stack};
pub use summary::Summary;
pub use verify::{Counts, FanOut, Finding};

/// A run that has not gone through by now never will: the outage, the breaker's minute and the load
/// together take about three.
const RUN_MAX: Duration = Duration::from_secs(10 * 60);

/// Where the demo takes place: a stack that is up, and the fakes that it calls.
pub struct Field<'a> {
    /// A client for the stack's queues.
    pub sqs: Sqs,
    /// A client for the stack's tables.
    pub dynamodb: DynamoDb,
    /// The stack output `RequestsTable`.
    pub requests_table: String,
    /// The stack output `LanesTable`.
    pub lanes_table: String,
    /// The lanes' queues.
    pub lanes: Vec<LaneQueues>,
    /// The vendors' fakes.
    pub fakes: &'a Server,
    /// The stack itself, for what the functions print.
    pub stack: &'a LocalStack,
}

/// One lane's queues.
#[derive(Debug, Clone)]
pub struct LaneQueues {
    /// The provider's name, such as `stripe`.
    pub provider: String,
    /// The stack output `<Provider>QueueUrl`.
    pub queue_url: String,
    /// The stack output `<Provider>DlqUrl`.
    pub dlq_url: String,
    /// The stack output `<Provider>FunctionName`.
    pub function: String,
}

/// What kind of run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Messages to be sent, copies included.
    pub messages: usize,
    /// Whether the providers fail in the middle.
    pub outage: bool,
    /// Whether to tamper with the result afterwards, to see that the verification notices.
    pub self_check: bool,
    /// Where the summary goes.
    pub summary: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        let summary = PathBuf::from("target/demo/summary.json");
        Self {
            messages: 2_200,
            outage: true,
            self_check: false,
            summary,
        }
    }
}

/// Why a run could not be carried out or judged.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The stack did not do what was asked of it.
    #[error("{what}: {cause}")]
    Stack {
        /// What was asked.
        what: &'static str,
        /// What it said.
        cause: String,
    },
    /// The stack did not come up.
    #[error(transparent)]
    Local(#[from] crate::stack::Error),
    /// A file or a socket of this machine failed us.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The self-check's own preparations failed.
    #[error("self-check: {0}")]
    SelfCheck(&'static str),
}

impl DemoError {
    /// A failed call to the stack, with its chain of causes on one line.
    pub(crate) fn stack<E: std::error::Error>(what: &'static str) -> impl Fn(E) -> Self {
        move |error| {
            let mut cause = error.to_string();
            let mut source = error.source();
            while let Some(inner) = source {
                cause = format!("{cause}: {inner}");
                source = inner.source();
            }
            Self::Stack { what, cause }
        }
    }
}

/// Carries a run out and judges it. With `self_check` the judgement is made once more on tampered evidence.
///
/// # Errors
/// When the stack does not answer or the summary cannot be written; disagreement is no error but stands in the summary.
pub async fn run(field: &Field<'_>, options: &Options) -> Result<Summary, DemoError> {
    let started = Instant::now();
    let plan = Plan::new(options.messages);
    let progress = Progress::new(&plan);
    let sent = AtomicUsize::new(0);
    let mut script = Script::new(&plan, options.outage);
    let (sending, drained) = tokio::join!(
        send::all(field, &plan, &sent),
        drain::until_quiet(
            field,
            &plan,
            &sent,
            &mut script,
            &progress,
            started + RUN_MAX
        ),
    );
    progress.finish();
    sending?;
    let mut evidence = collect::evidence(field).await?;
    if drained? && options.self_check {
        self_check::tamper(field, &plan, &evidence).await?;
        evidence = collect::evidence(field).await?;
    }
    let judgement = verify::reconcile(&plan, &evidence, options.outage);
    let summary = Summary::new(&evidence, judgement, started.elapsed());
    summary.write(&options.summary)?;
    summary.print();
    Ok(summary)
}
