//! An outage of minutes with thousands of messages waiting: what the lane does meanwhile, and how it comes back.
//!
//! The vendor answers 500 from the first call on. The breaker opens, the gatekeeper turns the lane's event source
//! down and off, and on again for each probe; the messages wait. When the vendor is well again a probe finds out,
//! admission ramps up, and the queue drains. `judge` holds the promises against what was recorded.

mod command;
mod evidence;
mod judge;
mod load;
mod summary;
mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode, Outage};
use serde_json::json;

use crate::demo::{DemoError, field};
use crate::stack::{LocalStack, Progress, UpOptions};

pub use command::{Arguments, command};
pub use summary::{Summary, Window};

/// The lane that is tried: its requests are keyed, so that every end is known.
const PROVIDER: &str = "stripe";
/// Its name in the template.
const LANE: &str = "Stripe";

/// What kind of outage.
#[derive(Clone, Debug)]
pub struct Options {
    /// Requests that wait.
    pub messages: usize,
    /// How long the vendor fails, from the first message on.
    pub outage: Duration,
    /// Where the summary goes.
    pub summary: PathBuf,
}

/// Brings a stack up, lets the vendor fail on it, and stops it. Dropping the future stops what was started, too.
///
/// # Errors
/// When the stack does not come up or stops answering; a broken promise is no error but stands in the summary.
pub async fn on_a_stack(
    name: &str,
    options: &Options,
    progress: Progress,
) -> Result<Summary, DemoError> {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let fakes = Server::start(any_port).await?;
    let stack = LocalStack::up(UpOptions {
        name: name.to_owned(),
        provider_base_url: fakes.base_url().to_owned(),
        parameters: Vec::new(),
        progress: progress.clone(),
    })
    .await?;
    // No sandbox key: Stripe allows a live account four times as much (docs.stripe.com/rate-limits).
    stack
        .put_secret(PROVIDER, "default", &json!({"api_key": "sk_outage"}))
        .await?;
    let summary = run(&stack, &fakes, options, &progress).await;
    progress("Stopping the stack");
    let stopped = stack.down();
    fakes.stop().await;
    let summary = summary?;
    match stopped.left {
        0 => Ok(summary),
        left => Err(crate::stack::Error::StillRunning { left }.into()),
    }
}

async fn run(
    stack: &LocalStack,
    fakes: &Server,
    options: &Options,
    progress: &Progress,
) -> Result<Summary, DemoError> {
    let field = field(stack, fakes)?;
    fakes
        .put_outage(Outage {
            provider: PROVIDER.to_owned(),
            faults: vec![Fault::new(Mode::Error500, 1.0)],
            for_ms: None,
            seed: 7,
        })
        .map_err(|problem| DemoError::Stack {
            what: "making the vendor fail",
            cause: problem.to_owned(),
        })?;
    progress("Stripe answers 500; the load follows");
    let (sent, watched) = tokio::join!(
        load::send(&field, options.messages),
        watch::until_drained(&field, options, progress),
    );
    sent?;
    let watched = watched?;
    let evidence = evidence::gather(&field, watched).await?;
    let summary = judge::judge(options, &evidence);
    summary.write(&options.summary)?;
    Ok(summary)
}
