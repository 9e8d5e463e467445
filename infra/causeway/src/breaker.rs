//! `causeway breaker`: how a circuit breaker stands, and an operator's word in it.

use std::time::Duration;

use causeway::breaker::{Breaker, Scope, State};
use causeway::clock::SystemClock;
use causeway::lanes::{self, DynamoStates, StateStore};
use causeway::request::Name;
use causeway::{StoreError, Timestamp};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::stack::Stack;
use crate::target::Target;
use crate::when::{self, Now};
use crate::{items, output, target};

/// Show a provider's circuit breaker, force it open, or close it.
///
/// While a breaker is open nobody calls the provider: messages wait in their queue and no attempt is spent. Running
/// functions see a change within a second; the lane's event source follows within a minute.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show how the breaker stands.
    Show(Which),
    /// Stop all calls for a while; again changes reason and end.
    Open(Open),
    /// Let calls through again: a quarter of the rate, then half, then all.
    Close(Which),
}

#[derive(Args, Debug)]
struct Which {
    /// The provider; or a connection of one whose connections have a breaker each.
    #[arg(value_name = "PROVIDER[/CONNECTION]")]
    target: Target,
}

#[derive(Args, Debug)]
struct Open {
    #[command(flatten)]
    which: Which,
    /// Why, for whoever sees it next; at most 200 bytes.
    #[arg(long)]
    reason: String,
    /// For how long: 90s, 15m, 2h or 7d, at most 7 days. Then one request at a time tries.
    #[arg(long = "for", value_parser = when::duration, value_name = "DURATION")]
    duration: Duration,
}

/// What an operator wants of a breaker.
#[derive(Clone, Copy, Debug)]
pub enum Order<'a> {
    /// No calls until then.
    Open {
        /// Why.
        reason: &'a str,
        /// The end.
        until: Timestamp,
    },
    /// Calls again.
    Close,
}

/// A breaker before and after an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As the order found it.
    pub before: Breaker,
    /// As it is now.
    pub after: Breaker,
}

/// A breaker in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// The connection that it stands for; none where it stands for the provider.
    pub connection: Option<String>,
    /// `Closed`, `Open`, `HalfOpen` or `ForcedOpen`.
    pub state: State,
    /// When the present open window began.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub since: Option<Timestamp>,
    /// When it ends.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub until: Option<Timestamp>,
    /// Why it is not closed.
    pub reason: Option<String>,
    /// Failed probes since the last close.
    pub reopenings: u32,
    /// When it last closed.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub closed_at: Option<Timestamp>,
}

/// Runs the command.
///
/// # Errors
/// When the provider is not deployed, the order is refused, or AWS cannot be reached.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    match &arguments.action {
        Action::Show(which) => show(&stack, which, context).await,
        Action::Open(open) => {
            let until = context.now().at + open.duration;
            let reason = &open.reason;
            order(&stack, &open.which, Order::Open { reason, until }, context).await
        }
        Action::Close(which) => order(&stack, which, Order::Close, context).await,
    }
}

async fn show(stack: &Stack, which: &Which, context: &Context) -> Result<Done, Error> {
    let provider = stack
        .lane(which.target.provider.as_str())?
        .provider
        .as_str();
    let by_connection = target::breaker_scope(provider) == Scope::Connection;
    let views = if by_connection && which.target.connection.is_none() {
        let found = items::scan(stack, Some(provider)).await?;
        let breakers = found.breakers.iter();
        breakers
            .map(|(key, breaker)| view(key.connection(), breaker))
            .collect()
    } else {
        let (key, connection) = key(provider, which.target.connection.as_ref())?;
        let states = states(stack)?;
        let known = lanes::read::<Breaker>(&states, &key).await;
        vec![view(connection, &known.map_err(failed)?.value)]
    };
    if context.global.json {
        output::json(
            output::Kind::Breakers,
            &json!({"provider": provider, "breakers": views}),
        )?;
        return Ok(Done::All);
    }
    let now = context.now();
    if views.is_empty() {
        output::line(
            "Neither the provider's nor a connection's breaker was ever anything but closed.",
        )?;
    }
    for view in &views {
        output::line(&view.sentence(provider, &now))?;
    }
    Ok(Done::All)
}

async fn order(
    stack: &Stack,
    which: &Which,
    order: Order<'_>,
    context: &Context,
) -> Result<Done, Error> {
    let provider = stack
        .lane(which.target.provider.as_str())?
        .provider
        .as_str();
    let (key, connection) = key(provider, which.target.connection.as_ref())?;
    let now = context.now();
    let change = change(&states(stack)?, &key, order, now.at).await?;
    let (before, after) = (
        view(connection.clone(), &change.before),
        view(connection, &change.after),
    );
    if context.global.json {
        output::json(
            output::Kind::BreakerChange,
            &json!({"provider": provider, "before": before, "after": after}),
        )?;
        return Ok(Done::All);
    }
    output::line(&format!("was  {}", before.sentence(provider, &now)))?;
    output::line(&format!("now  {}", after.sentence(provider, &now)))?;
    if let Some(note) = note(&change) {
        eprintln!("{note}");
    }
    Ok(Done::All)
}

/// Carries out `order` on the breaker under `key`, by compare-and-swap: whoever loses against the fleet reads again
/// and decides again. Twice is as good as once.
///
/// # Errors
/// When reason or end break their rules, or the store does not answer: then it may or may not have happened.
pub async fn change(
    states: &dyn StateStore,
    key: &str,
    order: Order<'_>,
    now: Timestamp,
) -> Result<Change, Error> {
    // Rules first, on any breaker: nothing is read for an order that cannot be.
    if let Order::Open { reason, until } = order {
        let rules = Breaker::default().force_open(now, reason, until);
        rules.map_err(|rule| Error::usage(rule.to_string()))?;
    }
    let known = lanes::read::<Breaker>(states, key).await.map_err(failed)?;
    let writer = writer();
    let updated = lanes::update(states, &SystemClock, key, &writer, known, |breaker, _| {
        let next = match order {
            Order::Open { reason, until } => breaker.force_open(now, reason, until).ok(),
            Order::Close => Some(breaker.force_close(now)),
        };
        let before = breaker.clone();
        (next.filter(|next| next != breaker), before)
    });
    let Some((known, before)) = updated.await.map_err(failed)? else {
        return Err(
            Error::new("others wrote the breaker faster than this could")
                .hint("try again: nothing was changed"),
        );
    };
    Ok(Change {
        before,
        after: known.value,
    })
}

/// Where the shared state of `stack` is kept.
///
/// # Errors
/// When the stack is of a release without it.
pub fn states(stack: &Stack) -> Result<DynamoStates, Error> {
    Ok(DynamoStates::new(
        stack.dynamodb.clone(),
        stack.lanes_table()?,
    ))
}

/// Unique per process, so that a write whose reply was lost is known for our own.
#[must_use]
pub fn writer() -> String {
    format!("operator/{}", uuid::Uuid::now_v7())
}

pub(crate) fn failed(error: StoreError) -> Error {
    Error::new(format!("the table of shared state: {error}"))
}

/// The key of the item of `provider`, as requests have its name, and the connection that it stands for.
fn key(provider: &str, connection: Option<&Name>) -> Result<(String, Option<String>), Error> {
    let scope = target::breaker_scope(provider);
    let connection = connection.map(Name::as_str);
    match (scope, connection) {
        (Scope::Provider, Some(_)) => Err(Error::usage(format!(
            "PROVIDER/CONNECTION: {provider} has one breaker for all connections"
        ))
        .hint("leave it out")),
        // Above those of its connections stands the provider's, which stops them all.
        (_, None) => Ok((Scope::Provider.key(provider, ""), None)),
        (scope, Some(connection)) => {
            Ok((scope.key(provider, connection), Some(connection.to_owned())))
        }
    }
}

/// `breaker` for a result.
#[must_use]
pub fn view(connection: Option<String>, breaker: &Breaker) -> View {
    let closed = breaker.state == State::Closed;
    View {
        connection,
        state: breaker.state,
        since: breaker.opened_at.filter(|_| !closed),
        until: breaker.open_until.filter(|_| !closed),
        reason: breaker.reason.clone().filter(|_| !closed),
        reopenings: breaker.reopenings,
        closed_at: breaker.closed_at,
    }
}

impl View {
    /// One line for a person.
    #[must_use]
    pub fn sentence(&self, provider: &str, now: &Now) -> String {
        let mut text = match &self.connection {
            Some(connection) => format!("{provider}/{connection}: {:?}", self.state),
            None => format!("{provider}: {:?}", self.state),
        };
        if let Some(until) = self.until {
            text += &format!(" until {}", now.both(until));
        }
        if let (State::Closed, Some(closed_at)) = (self.state, self.closed_at) {
            text += &format!(" since {}", now.both(closed_at));
        }
        if let Some(reason) = &self.reason {
            text += &format!(", {reason}");
        }
        if self.reopenings > 0 {
            text += &format!(" ({} probes failed)", self.reopenings);
        }
        text
    }
}

fn note(change: &Change) -> Option<&'static str> {
    match (change.before.state, change.after.state) {
        (_, State::ForcedOpen) => Some(
            "Calls stop within a second. The lane's event source is turned off within a minute, and on again at the end.",
        ),
        (State::Closed, State::Closed) => Some("It was closed already; past faults are forgotten."),
        (_, State::Closed) => Some(
            "Calls start within a second or, where the event source was off, a minute: a quarter of the rate for 30 s, then half for 30 s, then all.",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
