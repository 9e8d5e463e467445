//! Chaos: a mixed load through the real queues while the functions' processes are killed at random, round after
//! round, and then the question whether ledger, queues and vendors agree on every single request.
//!
//! A kill is SIGKILL, as when a machine goes: nothing of the process runs on, whatever it was doing. What it held
//! comes back when the visibility timeout ends; the ledger's lease has ended by then, and the next environment settles
//! what nobody knows. Keyed operations (Stripe) are sent again under the same key; unsafe ones (Slack) end as
//! `UNKNOWN`, with a letter. No request is lost, and none takes effect twice.

mod command;
mod killer;
mod summary;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode, Outage};

use killer::Killer;

use crate::demo::drain;
use crate::demo::faults::Script;
use crate::demo::plan::{Mix, Plan, Share};
use crate::demo::progress::Progress as Bars;
use crate::demo::{DemoError, Field, collect, field, send, set_stage, verify};
use crate::stack::Progress;

pub use command::{Arguments, command};
pub use summary::Summary;

/// The functions' time limit, seconds, in place of the template's 60: no call starts that could not end and be
/// settled before it, and that takes 20 s and 4 s. A lease ends 5 s after it.
const FUNCTION_TIMEOUT_S: u32 = 27;

/// How long a killed batch stays hidden, seconds, in place of the template's 360. Just longer than a lease, so that
/// the first environment that sees a message again may take it over. (AWS advises six times the function's timeout so
/// that throttled batches are not handed out twice; nothing throttles here.)
const VISIBILITY_TIMEOUT_S: u32 = 33;

/// A round that has not gone through by now never will: the load takes half a minute, and a message whose holders
/// were killed twice comes back after 66 s.
const ROUND_MAX: Duration = Duration::from_secs(5 * 60);

/// How long the vendors hold some replies: kills should find calls under way, before and after their effect.
const HOLD_MS: u64 = 800;

/// A quarter to Slack, whose workspace takes 100 messages at once and 8 a second: a round should wait for kills and
/// not for limits, which the demo is about.
const MIX: Mix = Mix {
    shares: &[Share::of("slack", 5), Share::of("stripe", 15)],
    spread: 1_000,
    events: 0,
};

/// What kind of run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rounds, one after the other on one stack.
    pub rounds: usize,
    /// Distinct requests in each; a tenth of all messages come on top as exact copies.
    pub requests: usize,
    /// Processes to kill in each round from its beginning on.
    pub kills: usize,
    /// Processes to kill when the first messages of killed processes are back: their requests lose a holder again.
    pub late_kills: usize,
    /// Chooses moments and processes.
    pub seed: u64,
    /// Where the summary goes.
    pub summary: PathBuf,
}

/// Brings a stack up, runs all rounds on it and stops it. Dropping the future stops what was started, too.
///
/// # Errors
/// When the stack does not come up or stops answering, or the summary cannot be written. Disagreement is no error but
/// stands in the summary.
pub async fn on_a_stack(
    name: &str,
    options: &Options,
    progress: Progress,
) -> Result<Summary, DemoError> {
    let parameters = vec![
        ("FunctionTimeout", FUNCTION_TIMEOUT_S.to_string()),
        ("VisibilityTimeout", VISIBILITY_TIMEOUT_S.to_string()),
    ];
    let (fakes, stack) = set_stage(name, parameters, &progress).await?;
    let summary = run(&field(&stack, &fakes)?, options, &progress).await;
    progress("Stopping the stack");
    let stopped = stack.down();
    fakes.stop().await;
    let summary = summary?;
    match stopped.left {
        0 => Ok(summary),
        left => Err(crate::stack::Error::StillRunning { left }.into()),
    }
}

/// Every round is judged together with those before it: what a kill breaks may be an earlier round's record.
async fn run(
    field: &Field<'_>,
    options: &Options,
    progress: &Progress,
) -> Result<Summary, DemoError> {
    hold_replies(field.fakes)?;
    let mut killer = Killer::new(options.seed);
    let mut all = Plan::default();
    let mut summary = Summary::new(options);
    for round in 1..=options.rounds {
        progress(&format!(
            "Round {round} of {}: {} requests, {} kills",
            options.rounds,
            options.requests,
            options.kills + options.late_kills
        ));
        let started = Instant::now();
        let messages = with_copies(options.requests);
        let plan = Plan::of_run(&format!("r{round}-"), messages, MIX);
        let before = all.sent();
        all.join(plan.clone());
        let killing = killer.round(field.stack, options, started + ROUND_MAX);
        one_round(field, &plan, &all, before, killing).await?;
        let evidence = collect::evidence(field).await?;
        let judgement = verify::reconcile(&all, &evidence, false);
        let hits = killer::interrupted_invocations(field.stack)?;
        summary.add(&all, &evidence, judgement, &killer, hits, started.elapsed());
        summary.write(&options.summary)?;
    }
    summary.print();
    Ok(summary)
}

/// Sends `plan` and waits until it has gone through, beside `killing`. `all` holds the rounds before too, of which
/// `before` messages were sent.
async fn one_round(
    field: &Field<'_>,
    plan: &Plan,
    all: &Plan,
    before: usize,
    killing: impl Future<Output = ()>,
) -> Result<(), DemoError> {
    let bars = Bars::new(all);
    let sent = AtomicUsize::new(0);
    let total = AtomicUsize::new(before);
    let mut script = Script::new(all, false);
    let end = Instant::now() + ROUND_MAX;
    let sending = async {
        let result = send::all(field, plan, &sent).await;
        total.fetch_add(sent.load(Ordering::Relaxed), Ordering::Relaxed);
        result
    };
    let quiet = drain::until_quiet(field, all, &total, &mut script, &bars, end);
    let (sending, quiet, ()) = tokio::join!(sending, quiet, killing);
    bars.finish();
    sending?;
    quiet.map(|_| ())
}

/// Half of the calls take a while, one half of these before their effect and one after it.
fn hold_replies(fakes: &Server) -> Result<(), DemoError> {
    for Share { provider, .. } in MIX.shares {
        let held = |effect| Fault {
            effect: Some(effect),
            hold_ms: HOLD_MS,
            ..Fault::new(Mode::Timeout, 0.25)
        };
        let outage = Outage {
            provider: (*provider).to_owned(),
            faults: vec![held(true), held(false)],
            for_ms: None,
            seed: 7,
        };
        fakes
            .put_outage(outage)
            .map_err(|problem| DemoError::Stack {
                what: "slowing the vendors down",
                cause: problem.to_owned(),
            })?;
    }
    Ok(())
}

/// Messages of a plan with so many distinct requests: one message in ten is a copy.
fn with_copies(requests: usize) -> usize {
    requests + requests / 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_holds_as_many_distinct_requests_as_it_says() {
        for requests in [200, 2_000] {
            let plan = Plan::of_run("r1-", with_copies(requests), MIX);
            assert_eq!(plan.requests.len(), requests);
            assert!(plan.sent() > requests, "copies come on top");
        }
    }

    #[test]
    fn a_killed_message_comes_back_when_its_lease_has_ended() {
        let lease = Duration::from_secs(FUNCTION_TIMEOUT_S.into()) + Duration::from_secs(5);
        assert!(Duration::from_secs(VISIBILITY_TIMEOUT_S.into()) > lease);
    }
}
