//! Where the screen's numbers come from, and who carries its orders out.

use std::process::Stdio;
use std::time::Duration;

use causeway::breaker::Scope;
use causeway::clock::{Clock, SystemClock};
use tokio::process::Command;

use super::model::{BreakerRow, Effect, Event, LetterRow, Row};
use crate::breaker::{self, Order};
use crate::context::{Context, Global};
use crate::dlq::DeadLetters;
use crate::error::Error;
use crate::lanes::{self, LaneView, Queued};
use crate::stack::Stack;
use crate::{metrics, target};

/// The longest that anything but a redrive may take; then the screen says so, and tries again.
const CALL_MAX: Duration = Duration::from_secs(30);
/// A dry run reads up to 1,000 letters, ten at a time, and the ledger.
const PLAN_MAX: Duration = Duration::from_secs(300);
/// The newest letters that are shown.
const LETTERS_SHOWN: usize = 10;
/// Letters that are received to find the newest among them: SQS hands them out in no order.
const LETTERS_READ: usize = 50;
/// For how long a letter is hidden from others while it is looked at, should this process die.
const LETTERS_HELD: Duration = Duration::from_secs(20);

/// The stack, and what it takes to run this program again.
#[derive(Debug)]
pub struct Source<'a> {
    stack: &'a Stack,
    global: &'a Global,
    minutes: usize,
}

impl<'a> Source<'a> {
    /// Asks `stack`; metrics go back `minutes`.
    pub const fn new(stack: &'a Stack, context: &'a Context, minutes: usize) -> Self {
        Self {
            stack,
            global: &context.global,
            minutes,
        }
    }

    /// Carries out an effect; what came of it is the next event.
    pub async fn carry_out(&self, effect: Effect) -> Event {
        match effect {
            Effect::Look => Event::Looked(in_time(Box::pin(self.look())).await),
            Effect::Measure => {
                let now = SystemClock.now();
                let read = metrics::read(self.stack, self.minutes, now);
                Event::Measured(in_time(read).await)
            }
            Effect::Peek(provider) => {
                let letters = in_time(self.peek(&provider)).await;
                Event::Peeked { provider, letters }
            }
            Effect::Open {
                provider,
                connection,
                reason,
                duration,
            } => {
                let until = SystemClock.now() + duration;
                let order = Order::Open {
                    reason: &reason,
                    until,
                };
                Event::Done(in_time(self.order(&provider, &[connection], order)).await)
            }
            Effect::Close {
                provider,
                connections,
            } => Event::Done(in_time(self.order(&provider, &connections, Order::Close)).await),
            Effect::Enable(provider) => {
                Event::Done(in_time(Box::pin(self.enable(&provider))).await)
            }
            Effect::Plan(provider) => {
                let plan = self.redrive(&provider, "--dry-run");
                let plan = match tokio::time::timeout(PLAN_MAX, plan).await {
                    Ok(plan) => plan,
                    Err(_) => Err(late(PLAN_MAX)),
                };
                Event::Planned { provider, plan }
            }
            Effect::Redrive(provider) => {
                let done = self.redrive(&provider, "--yes").await;
                Event::Redriven(done.map(|said| last_line(&provider, &said)))
            }
            // The loop's own.
            Effect::Quit => Event::Tick,
        }
    }

    async fn look(&self) -> Result<(Vec<Row>, Vec<String>), Error> {
        let look = lanes::look(self.stack, SystemClock.now()).await?;
        Ok((look.lanes.into_iter().map(row).collect(), look.problems))
    }

    /// The newest of some letters; all are released before this returns.
    async fn peek(&self, provider: &str) -> Result<Vec<LetterRow>, Error> {
        let lane = self.stack.lane(provider)?;
        let mut queue = DeadLetters::new(self.stack.sqs.clone(), &lane.dlq_url, LETTERS_HELD);
        let read = queue.read(LETTERS_READ, |_| true).await;
        queue.release().await;
        let mut letters: Vec<LetterRow> = read?
            .iter()
            .map(|letter| LetterRow {
                sent_at: letter.sent_at,
                code: letter.said.code.clone(),
                detail: letter.said.detail.clone().unwrap_or_default(),
                operation: letter.operation().unwrap_or("-").to_owned(),
            })
            .collect();
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.sent_at));
        letters.truncate(LETTERS_SHOWN);
        Ok(letters)
    }

    /// Carries an order out on each of the breakers.
    async fn order(
        &self,
        provider: &str,
        connections: &[String],
        order: Order<'_>,
    ) -> Result<String, Error> {
        self.stack.lane(provider)?;
        let states = breaker::states(self.stack)?;
        let scope = target::breaker_scope(provider);
        let mut done = Vec::new();
        for connection in connections {
            let key = match connection.as_str() {
                "" => Scope::Provider.key(provider, ""),
                name => scope.key(provider, name),
            };
            let change = breaker::change(&states, &key, order, SystemClock.now()).await?;
            let (before, after) = (change.before.state, change.after.state);
            done.push(match connection.as_str() {
                "" => format!("{provider}: was {before:?}, is {after:?}"),
                name => format!("{provider}/{name}: was {before:?}, is {after:?}"),
            });
        }
        Ok(done.join("; "))
    }

    async fn enable(&self, provider: &str) -> Result<String, Error> {
        let lane = self.stack.lane(provider)?;
        let switched = lanes::switch(self.stack, lane, true, SystemClock.now()).await?;
        let warning = switched.warning.as_ref();
        let warning = warning.map_or_else(String::new, |text| format!(" ({text})"));
        Ok(switched.sentence() + &warning)
    }

    /// `causeway dlq redrive` in a process of its own: the very command that the runbook names, and nothing of it
    /// writes on this screen. It may be ended at any moment without loss, so it ends with the screen.
    async fn redrive(&self, provider: &str, how: &str) -> Result<String, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(options(self.global));
        command.args(["dlq", "redrive", provider, how]);
        command
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let words = [last_line(provider, &said), complaint];
        let words = words.iter().filter(|text| !text.trim().is_empty());
        let words: Vec<_> = words.map(|text| text.trim()).collect();
        Err(words.join("; "))
    }
}

/// The options that this program was called with, for the same program.
fn options(global: &Global) -> Vec<String> {
    let mut options = vec!["--stack".to_owned(), global.stack.clone()];
    let more = [
        ("--region", &global.region),
        ("--profile", &global.profile),
        ("--endpoint-url", &global.endpoint_url),
    ];
    for (option, value) in more {
        if let Some(value) = value {
            options.extend([option.to_owned(), value.clone()]);
        }
    }
    options
}

fn row(lane: LaneView) -> Row {
    let by_connection = target::breaker_scope(&lane.provider) == Scope::Connection;
    let breakers = lane.breakers.into_iter().map(|breaker| BreakerRow {
        connection: breaker.connection,
        state: breaker.state,
        until: breaker.until,
        reason: breaker.reason,
    });
    Row {
        breakers: breakers.collect(),
        by_connection,
        limit: lane
            .limit
            .map(|limit| (limit.name.to_owned(), limit.used_percent)),
        queue: lane
            .queue
            .map(|queue| (queue.ready, queue.hidden + queue.delayed)),
        dead: lane.dead_letters.map(Queued::all),
        source: lane.source.map(|source| match source.maximum_concurrency {
            Some(batches) => format!("{}, up to {batches} batches at once", source.state),
            None => source.state,
        }),
        paused: lane.paused.iter().map(ToString::to_string).collect(),
        warning: lane.warning.map(|warned| warned.text),
        provider: lane.provider,
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(CALL_MAX, call).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(late(CALL_MAX)),
    }
}

fn late(bound: Duration) -> String {
    format!("no answer within {} s", bound.as_secs())
}

/// A command's last word.
fn last_line(provider: &str, said: &str) -> String {
    let lines = said.lines().map(str::trim).rev();
    let mut lines = lines.filter(|line| !line.is_empty());
    lines
        .next()
        .map_or_else(|| format!("{provider}: redriven"), str::to_owned)
}
