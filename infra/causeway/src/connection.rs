//! `causeway connection`: their secrets, and those whose credentials were refused.

mod add;
mod resume;
mod trial;

use causeway::Timestamp;
use causeway::credentials::Reason;
use causeway::credentials::rights::Run;
use causeway::provider::TokenBudget;
use causeway::request::Name;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::items::{self, Key, Standing};
use crate::output::{self, Kind};
use crate::stack::Stack;
use crate::target::{self, Target};
use crate::when::{self, Now};

/// Connections: add and test one; list, show and resume those whose credentials the provider refused.
///
/// A paused connection's messages wait in the queue; all other connections go on. A pause also ends by itself when the
/// connection's secret changes.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Add(add::Add),
    Test(trial::Test),
    /// List paused connections.
    List(List),
    /// Show one connection's credentials, without the credentials.
    Show(One),
    /// End a connection's pause: its messages try again.
    Resume(One),
}

#[derive(Args, Debug)]
struct List {
    /// Only of this provider.
    #[arg(value_parser = target::name)]
    provider: Option<Name>,
    /// All that have a token, too.
    #[arg(long)]
    all: bool,
}

#[derive(Args, Debug)]
struct One {
    /// The connection; `default` where none is named.
    #[arg(value_name = "PROVIDER[/CONNECTION]")]
    target: Target,
}

/// A connection in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// The provider.
    pub provider: String,
    /// The connection.
    pub connection: String,
    /// Why it is paused; none where it is not.
    pub paused: Option<Reason>,
    /// Since when.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub since: Option<Timestamp>,
    /// When one call tries again.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub next_trial: Option<Timestamp>,
    /// Operations that are paused by themselves: the credentials are good, and may not do them.
    pub forbidden: Vec<Forbidden>,
    /// When the access token ends; none where there is none, or the secret is shown as it is.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub token_expires_at: Option<Timestamp>,
    /// The provider refused that token.
    pub token_refused: bool,
    /// Token calls in a row that brought no token.
    pub failed_refreshes: u32,
    /// Tokens asked for within the provider's budget's window; none where there is no budget.
    pub budget_used: Option<usize>,
}

/// A paused operation of a connection that goes on otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forbidden {
    /// The operation.
    pub operation: String,
    /// When the refusals began.
    #[serde(serialize_with = "when::rfc3339")]
    pub since: Timestamp,
}

/// Runs the command.
///
/// # Errors
/// When the provider is not deployed, or AWS cannot be reached.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    match &arguments.action {
        Action::Add(arguments) => add::run(arguments, context).await,
        Action::Test(arguments) => trial::run(arguments, context).await,
        Action::List(list) => run_list(list, context).await,
        Action::Show(one) => show(&one.target, context).await,
        Action::Resume(one) => resume(&one.target, context).await,
    }
}

async fn run_list(list: &List, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let lane = list.provider.as_ref().map(|name| stack.lane(name.as_str()));
    let provider = lane.transpose()?.map(|lane| lane.provider.as_str());
    let now = context.now();
    let found = items::scan(&stack, provider).await?;
    let mut views = views(&found.credentials, now.at);
    views.retain(|view| list.all || view.paused.is_some() || !view.forbidden.is_empty());
    if context.global.json {
        output::json(Kind::Connections, &views)?;
    } else if views.is_empty() {
        output::line("No connection is paused.")?;
    } else {
        output::line(&table(&views, &now))?;
    }
    if found.cut {
        eprintln!("The table is larger than one look: there may be more.");
        return Ok(Done::InPart);
    }
    Ok(Done::All)
}

async fn show(target: &Target, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let provider = stack.lane(target.provider.as_str())?.provider.as_str();
    let now = context.now();
    let found = items::scan(&stack, Some(provider)).await?;
    let connection = connection(target);
    let view = views(&found.credentials, now.at)
        .into_iter()
        .find(|view| view.connection == connection)
        .unwrap_or_else(|| view(provider, &connection, &Standing::default(), now.at));
    if context.global.json {
        output::json(Kind::Connection, &view)?;
        return Ok(Done::All);
    }
    let secret = stack.secret(&view.provider, &view.connection);
    output::line(&view.paragraph(&secret, &now))?;
    Ok(Done::All)
}

async fn resume(target: &Target, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let provider = stack.lane(target.provider.as_str())?.provider.as_str();
    let connection = connection(target);
    let was_paused = resume::resume(&stack, provider, &connection).await?;
    if context.global.json {
        output::json(
            Kind::Resumed,
            &serde_json::json!({
                "provider": provider, "connection": connection, "was_paused": was_paused,
            }),
        )?;
    } else if was_paused {
        output::line(&format!(
            "{provider}/{connection}: resumed; its messages try again within a minute or when their wait ends"
        ))?;
    } else {
        output::line(&format!("{provider}/{connection}: was not paused"))?;
    }
    Ok(Done::All)
}

fn connection(target: &Target) -> String {
    let named = target.connection.clone();
    let connection = named.unwrap_or_else(Name::default_connection);
    connection.as_str().to_owned()
}

/// The connections among `found`, at `now`.
#[must_use]
pub fn views(found: &[(Key, Standing)], now: Timestamp) -> Vec<View> {
    let views = found.iter().filter_map(|(key, standing)| {
        let connection = key.connection()?;
        Some(view(&key.provider, &connection, standing, now))
    });
    views.collect()
}

fn view(provider: &str, connection: &str, standing: &Standing, now: Timestamp) -> View {
    let pause = standing.pause.as_ref();
    let budget = budget(provider);
    let used = |budget: TokenBudget| {
        let counted = standing.refreshes.iter();
        counted.filter(|at| **at + budget.within > now).count()
    };
    View {
        provider: provider.to_owned(),
        connection: connection.to_owned(),
        paused: pause.map(|pause| pause.reason),
        since: pause.map(|pause| pause.since),
        next_trial: pause
            .filter(|pause| matches!(pause.reason, Reason::Unauthorised | Reason::Moved))
            .map(|pause| pause.next_trial),
        forbidden: standing.rights.paused().map(forbidden).collect(),
        token_expires_at: standing.token.map(|token| token.expires_at),
        token_refused: standing.token.is_some_and(|token| token.refused),
        failed_refreshes: standing.failures,
        budget_used: budget.map(used),
    }
}

fn forbidden((operation, run): (&str, &Run)) -> Forbidden {
    Forbidden {
        operation: operation.to_owned(),
        since: run.since,
    }
}

fn table(views: &[View], now: &Now) -> String {
    let mut table = output::table(&["CONNECTION", "PAUSED", "SINCE", "NEXT TRIAL"]);
    for view in views {
        table.add_row([
            format!("{}/{}", view.provider, view.connection),
            view.paused.map_or("no", Reason::code).to_owned(),
            view.since.map_or_else(dash, |at| now.both(at)),
            view.next_trial.map_or_else(dash, |at| now.distance(at)),
        ]);
        for one in &view.forbidden {
            table.add_row([
                format!("{}/{} {}", view.provider, view.connection, one.operation),
                Reason::Forbidden.code().to_owned(),
                now.both(one.since),
                dash(),
            ]);
        }
    }
    table.to_string()
}

/// How many tokens the vendor gives out, in whichever way it does.
fn budget(provider: &str) -> Option<TokenBudget> {
    let spec = target::spec(provider)?;
    spec.auth.tokens().iter().find_map(|scheme| scheme.budget)
}

fn dash() -> String {
    "-".to_owned()
}

impl View {
    fn paragraph(&self, secret: &str, now: &Now) -> String {
        let mut lines = vec![format!("{}/{}", self.provider, self.connection)];
        match (self.paused, self.since) {
            (Some(reason), Some(since)) => {
                lines.push(format!(
                    "  paused     {} since {}",
                    reason.code(),
                    now.both(since)
                ));
                lines.push(format!(
                    "  what to do {}",
                    advice(reason, secret, &self.provider, &self.connection)
                ));
            }
            _ => lines.push("  paused     no".to_owned()),
        }
        for one in &self.forbidden {
            let advice = advice(Reason::Forbidden, secret, &self.provider, &self.connection);
            let since = now.both(one.since);
            lines.push(format!(
                "  paused     {} since {since}: {advice}",
                one.operation
            ));
        }
        if let Some(at) = self.next_trial {
            lines.push(format!("  next trial {}", now.both(at)));
        }
        if let Some(at) = self.token_expires_at {
            let refused = if self.token_refused {
                ", refused by the provider"
            } else {
                ""
            };
            lines.push(format!("  token      ends {}{refused}", now.both(at)));
        }
        if self.failed_refreshes > 0 {
            lines.push(format!(
                "  refreshes  {} failed in a row",
                self.failed_refreshes
            ));
        }
        if let (Some(used), Some(budget)) = (self.budget_used, budget(&self.provider)) {
            let within = when::span(budget.within);
            lines.push(format!(
                "  budget     {used} of {} tokens in {within}",
                budget.tokens
            ));
        }
        lines.join("\n")
    }
}

/// What a person does about a pause; `secret` is the name of the connection's secret.
fn advice(reason: Reason, secret: &str, provider: &str, connection: &str) -> String {
    match reason {
        Reason::Unauthorised => format!(
            "the provider refused these credentials: put good ones into the secret {secret}, which ends the pause; or, where the provider was wrong, `causeway connection resume {provider}/{connection}`"
        ),
        Reason::ReauthoriseNeeded => format!(
            "the refresh token is dead: authorise the connection anew at the provider and put the new refresh token into the secret {secret}, which ends the pause"
        ),
        Reason::SecretMissing => format!(
            "the secret {secret} does not exist, is scheduled for deletion, must not be read or lacks a field (`causeway providers {provider}` names them; the lane's log says which): put it right, which ends the pause"
        ),
        Reason::RefreshBudget => {
            "the provider gives out no more tokens for now: it goes on by itself".to_owned()
        }
        Reason::Moved => format!(
            "the account answers with another address (a renamed shop): put the new one into the secret {secret}, which ends the pause"
        ),
        Reason::Forbidden => format!(
            "the credentials are good and may not do this: give them the right (a scope, a permission) at the provider; one call tries every 15 minutes, or `causeway connection resume {provider}/{connection}`"
        ),
    }
}

#[cfg(test)]
mod tests;
