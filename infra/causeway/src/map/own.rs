//! `causeway map put|diff|rollback`: the mapping of one connection, which its lane uses before the provider's own.
//!
//! The live document is one item, the documents before it are another: the first of the two writes keeps what the second
//! replaces, so that whatever is cut off between them, nothing is lost and the live one is whole.

use std::path::{Path, PathBuf};

use causeway::clock::{Clock, SystemClock};
use causeway::lanes::{self, DynamoStates, Known, StateStore, Swap};
use causeway::mapping::Mapping;
use causeway::request::Name;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Test, beside, read, trials_of};
use crate::breaker;
use crate::context::{Context, Done};
use crate::dlq::by;
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;
use crate::target::Target;

/// Documents that are kept of one mapping besides the live one. An item may have 400 KB, a document 64.
const KEPT: usize = 5;

/// How long a lane believes what it read of a mapping: see [`causeway::mapping::STALE_AFTER`].
const LIVE_WITHIN: &str = "a minute";

#[derive(Args, Debug)]
pub struct Which {
    /// Whose mapping.
    #[arg(value_name = "PROVIDER/CONNECTION")]
    target: Target,
}

/// Make a document a connection's own mapping.
///
/// It is tried out on its examples first, both ends checked, as `map test` does; its version must be above the live
/// one's. What was live is kept for `map rollback`. Lanes use it within a minute.
#[derive(Args, Debug)]
pub struct Put {
    #[command(flatten)]
    which: Which,
    /// The mapping document.
    document: PathBuf,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Show what a document would change of a connection's mapping: its expression, and what becomes of its examples.
#[derive(Args, Debug)]
pub struct Diff {
    #[command(flatten)]
    which: Which,
    /// The mapping document.
    document: PathBuf,
}

/// Make the document before the live one live again; once more takes that back.
#[derive(Args, Debug)]
pub struct Rollback {
    #[command(flatten)]
    which: Which,
    /// The mapping's name.
    #[arg(value_parser = crate::target::name)]
    name: Name,
}

/// The live document, as lanes read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Live {
    document: Value,
}

/// Documents that were live, the last one first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Earlier {
    documents: Vec<Replaced>,
}

/// A document that was live, and who replaced it when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Replaced {
    document: Value,
    by: String,
    at: String,
}

/// One connection's mapping in the table.
struct Own<'a> {
    states: &'a dyn StateStore,
    key: String,
}

impl Own<'_> {
    async fn live(&self) -> Result<Known<Live>, Error> {
        lanes::read(self.states, &self.key).await.map_err(failed)
    }

    /// Makes `document` live in the place of `live`, which is kept.
    ///
    /// # Errors
    /// When somebody else was faster, or the table does not answer.
    async fn replace(&self, live: &Known<Live>, document: &Value) -> Result<(), Error> {
        let writer = breaker::writer();
        if live.version.is_some() {
            let key = self.earlier_key();
            let known = lanes::read::<Earlier>(self.states, &key)
                .await
                .map_err(failed)?;
            let replaced = Replaced {
                document: live.value.document.clone(),
                by: by(None),
                at: SystemClock.now().to_string(),
            };
            let keep = |earlier: &Earlier, _| (Some(earlier.with(replaced.clone())), ());
            let kept = lanes::update(self.states, &SystemClock, &key, &writer, known, keep).await;
            if kept.map_err(failed)?.is_none() {
                return Err(overtaken());
            }
        }
        let next = json!({ "document": document });
        let swap = self
            .states
            .swap(&self.key, live.version, &next, &writer)
            .await;
        match swap.map_err(failed)? {
            Swap::Swapped { .. } => Ok(()),
            Swap::Lost(_) => Err(overtaken()),
        }
    }

    async fn before(&self) -> Result<Option<Value>, Error> {
        let known = lanes::read::<Earlier>(self.states, &self.earlier_key()).await;
        let mut documents = known.map_err(failed)?.value.documents.into_iter();
        Ok(documents.next().map(|replaced| replaced.document))
    }

    /// No mapping's name holds a `#`.
    fn earlier_key(&self) -> String {
        format!("{}#earlier", self.key)
    }
}

impl Earlier {
    /// With `replaced` before the others; a document is kept once, however often it was live.
    fn with(&self, replaced: Replaced) -> Self {
        let others = self.documents.iter();
        let others = others
            .filter(|one| one.document != replaced.document)
            .cloned();
        let documents = std::iter::once(replaced.clone()).chain(others);
        Self {
            documents: documents.take(KEPT).collect(),
        }
    }
}

fn overtaken() -> Error {
    Error::new("somebody else changed this mapping just now")
        .hint("look at it again with `causeway map diff`")
}

fn failed(error: causeway::StoreError) -> Error {
    Error::new(format!("the table of mappings does not answer: {error}"))
        .hint("say the same again: what is live is whole in any case")
}

fn states(stack: &Stack) -> Result<DynamoStates, Error> {
    Ok(DynamoStates::new(
        stack.dynamodb.clone(),
        stack.mappings_table()?,
    ))
}

fn own<'a>(
    states: &'a DynamoStates,
    stack: &Stack,
    target: &Target,
    name: &str,
) -> Result<Own<'a>, Error> {
    let provider = &stack.lane(target.provider.as_str())?.provider;
    let Some(connection) = &target.connection else {
        return Err(Error::usage("PROVIDER/CONNECTION: must name a connection")
            .hint("a mapping for all connections stands beside the provider and is deployed with its lane"));
    };
    Ok(Own {
        states,
        key: format!("{provider}#{}#{name}", connection.as_str()),
    })
}

/// A document that its examples prove, for the provider of `target`.
fn proven(document: &Path, target: &Target) -> Result<(Mapping, Value), Error> {
    let text = read(document)?;
    let test = Test::of(document.to_path_buf());
    let (mapping, trials) = trials_of(&test, &text)?;
    if mapping.provider() != target.provider.as_str() {
        let (is, wanted) = (mapping.provider(), target.provider.as_str());
        return Err(Error::usage(format!(
            "provider: the document is {is}'s, not {wanted}'s"
        )));
    }
    let bad: Vec<&str> = trials
        .iter()
        .filter(|(_, trial)| !trial.is_good())
        .map(|(name, _)| &**name)
        .collect();
    if !bad.is_empty() {
        return Err(Error::usage(format!(
            "examples: the lane would refuse {}",
            bad.join(", ")
        ))
        .hint(format!("see why: causeway map test {}", document.display())));
    }
    let value = serde_json::from_str(&text)
        .map_err(|error| Error::usage(format!("{}: no JSON: {error}", document.display())))?;
    Ok((mapping, value))
}

/// What changes, for a person.
fn changes(live: &Known<Live>, mapping: &Mapping) -> String {
    let label = format!("{mapping}");
    match Mapping::parse(&live.value.document.to_string()) {
        _ if live.version.is_none() => format!("{label}: the connection has none of its own yet"),
        Err(error) => format!("{label} replaces one that cannot be used: {error}"),
        Ok(now) if now.expression() == mapping.expression() => {
            format!("{label} replaces {now}; the expression is the same")
        }
        Ok(now) => format!(
            "{label} replaces {now}\n\n{}",
            beside(now.expression(), mapping.expression())
        ),
    }
}

/// Puts a document.
///
/// # Errors
/// When it is refused, or AWS cannot be reached.
pub async fn put(arguments: &Put, context: &Context) -> Result<Done, Error> {
    let target = &arguments.which.target;
    let stack = Stack::connect(&context.global).await?;
    let (mapping, document) = proven(&arguments.document, &target.deployed(&stack)?)?;
    let states = states(&stack)?;
    let own = own(&states, &stack, target, mapping.name())?;
    let live = own.live().await?;
    let version = live.value.document.get("version").and_then(Value::as_u64);
    if live.value.document == document {
        return told(context, &own, "live already", Some(mapping.version()));
    }
    if version.is_some_and(|live| u64::from(mapping.version()) <= live) {
        let live = version.unwrap_or_default();
        return Err(
            Error::usage(format!("version: must be above {live}, which is live"))
                .hint("logs and letters name a mapping by its version"),
        );
    }
    if !context.global.json {
        output::line(&changes(&live, &mapping))?;
    }
    if arguments.dry_run {
        return told(context, &own, "unchanged: a dry run", None);
    }
    own.replace(&live, &document).await?;
    told(context, &own, "live", Some(mapping.version()))
}

/// Shows the difference.
///
/// # Errors
/// When the document is none, or AWS cannot be reached.
pub async fn diff(arguments: &Diff, context: &Context) -> Result<Done, Error> {
    let put = Put {
        which: Which {
            target: arguments.which.target.clone(),
        },
        document: arguments.document.clone(),
        dry_run: true,
    };
    self::put(&put, context).await
}

/// Rolls back.
///
/// # Errors
/// When there is nothing before what is live, or AWS cannot be reached.
pub async fn rollback(arguments: &Rollback, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let states = states(&stack)?;
    let own = own(
        &states,
        &stack,
        &arguments.which.target,
        arguments.name.as_str(),
    )?;
    let live = own.live().await?;
    let Some(before) = own.before().await? else {
        return Err(Error::new(format!("{}: nothing was live before", own.key)));
    };
    own.replace(&live, &before).await?;
    let version = before.get("version").and_then(Value::as_u64);
    told(
        context,
        &own,
        "live again",
        version.and_then(|version| u32::try_from(version).ok()),
    )
}

fn told(context: &Context, own: &Own<'_>, now: &str, version: Option<u32>) -> Result<Done, Error> {
    if context.global.json {
        output::json(
            Kind::Mapping,
            &json!({"mapping": own.key, "now": now, "version": version}),
        )?;
    } else {
        let version = version.map_or(String::new(), |version| format!(" version {version},"));
        let when = if now.starts_with("live") && now != "live already" {
            format!("; lanes use it within {LIVE_WITHIN}")
        } else {
            String::new()
        };
        output::line(&format!("{}:{version} {now}{when}", own.key))?;
    }
    Ok(Done::All)
}

#[cfg(test)]
mod tests {
    use causeway::lanes::MemoryStates;

    use super::*;

    fn document(version: u32) -> Value {
        json!({ "name": "guest", "version": version })
    }

    async fn version(own: &Own<'_>) -> Value {
        own.live().await.expect("a store").value.document["version"].clone()
    }

    #[tokio::test]
    async fn what_was_live_is_kept_and_comes_back_and_back_again() {
        let states = MemoryStates::default();
        let own = Own {
            states: &states,
            key: "stripe#berlin#guest".to_owned(),
        };
        for made in 1..=8 {
            let live = own.live().await.expect("a store");
            own.replace(&live, &document(made))
                .await
                .expect("nobody else");
        }
        for expected in [7, 8, 7] {
            let before = own.before().await.expect("a store").expect("one before");
            let live = own.live().await.expect("a store");
            own.replace(&live, &before).await.expect("nobody else");
            assert_eq!(version(&own).await, expected);
        }
        let known = lanes::read::<Earlier>(&states, &own.earlier_key()).await;
        assert_eq!(known.expect("a store").value.documents.len(), KEPT);
    }

    #[tokio::test]
    async fn whoever_comes_second_replaces_nothing() {
        let states = MemoryStates::default();
        let own = Own {
            states: &states,
            key: "stripe#berlin#guest".to_owned(),
        };
        let seen = own.live().await.expect("a store");
        own.replace(&seen, &document(1)).await.expect("nobody else");
        let late = own
            .replace(&seen, &document(2))
            .await
            .expect_err("too late");
        assert!(late.to_string().contains("somebody else"), "{late}");
        assert_eq!(version(&own).await, 1);
    }
}
