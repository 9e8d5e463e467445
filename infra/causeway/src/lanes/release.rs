//! `causeway lanes releases|release|rollback`: which version of its function a lane runs, one lane at a time.

use std::collections::HashMap;

use aws_sdk_lambda::types::AliasRoutingConfiguration;
use causeway::request::Name;
use clap::Args;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::prune::numbers;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::{Lane, Stack};

/// The alias that a lane's queue feeds.
pub(super) const ALIAS: &str = "live";

/// Lanes that are asked side by side: two calls each, and Lambda's control plane takes 15 requests a second from an
/// account.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const SIDE_BY_SIDE: usize = 4;

/// Show which release every lane runs: the version that its alias names, and the newest that there is.
#[derive(Args, Debug)]
pub struct Releases;

/// Move a lane to a version of its function.
///
/// Changes nothing without --yes. Other lanes keep theirs. The next deployment that changes the lane moves it to its own.
#[derive(Args, Debug)]
pub struct Release {
    /// The lane's provider.
    #[arg(value_parser = crate::target::name)]
    provider: Name,
    /// The version; else the newest.
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Give it that share of the lane's batches, in percent; the rest stay with the version that is live.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    share: Option<u8>,
    /// Do it.
    #[arg(long)]
    yes: bool,
}

/// Move a lane back to the version before the one it runs.
///
/// Changes nothing without --yes. Other lanes keep theirs.
#[derive(Args, Debug)]
pub struct Rollback {
    /// The lane's provider.
    #[arg(value_parser = crate::target::name)]
    provider: Name,
    /// The version; else the one before.
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Do it.
    #[arg(long)]
    yes: bool,
}

/// How a lane's release stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Standing {
    lane: String,
    /// The version that the alias names; none where there is no alias, as before releases had one.
    live: Option<u64>,
    /// A version that gets a share of the batches, and the share in percent.
    shifting: Option<(u64, u8)>,
    /// Every version that there is, oldest first.
    versions: Vec<u64>,
    /// The alias's revision: nobody else's change is written over.
    #[serde(skip)]
    revision: Option<String>,
}

/// A move of one lane.
#[derive(Debug, Serialize)]
struct Moved {
    lane: String,
    from: u64,
    to: u64,
    /// The share of batches in percent.
    share: u8,
    done: bool,
}

pub(super) async fn show(context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let all = stack.lanes().iter().map(|lane| standing(&stack, lane));
    let all: Vec<_> = stream::iter(all).buffered(SIDE_BY_SIDE).collect().await;
    let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
    if context.global.json {
        output::json(Kind::Releases, &all)?;
        return Ok(Done::All);
    }
    let mut table = output::table(&["LANE", "LIVE", "SHIFTING TO", "NEWEST", "KEPT"]);
    for one in &all {
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |it| it.to_string());
        let shifting = one.shifting.map(|(to, share)| format!("{to}, {share} %"));
        table.add_row([
            one.lane.clone(),
            number(one.live),
            shifting.unwrap_or_else(|| "-".to_owned()),
            number(one.versions.last().copied()),
            one.versions.len().to_string(),
        ]);
    }
    output::line(&table.to_string())?;
    Ok(Done::All)
}

pub(super) async fn release(arguments: &Release, context: &Context) -> Result<Done, Error> {
    let plan = Plan {
        provider: &arguments.provider,
        version: arguments.version,
        share: arguments.share,
        yes: arguments.yes,
        choose: |standing| standing.versions.last().copied(),
    };
    plan.carry_out(context).await
}

pub(super) async fn rollback(arguments: &Rollback, context: &Context) -> Result<Done, Error> {
    let plan = Plan {
        provider: &arguments.provider,
        version: arguments.version,
        share: None,
        yes: arguments.yes,
        choose: before,
    };
    plan.carry_out(context).await
}

/// The version before the live one; where a shift to a newer one is under way, the live one itself.
fn before(standing: &Standing) -> Option<u64> {
    let live = standing.live?;
    if standing.shifting.is_some() {
        return Some(live);
    }
    let older = standing.versions.iter().filter(|one| **one < live);
    older.max().copied()
}

struct Plan<'a> {
    provider: &'a Name,
    version: Option<u64>,
    share: Option<u8>,
    yes: bool,
    choose: fn(&Standing) -> Option<u64>,
}

impl Plan<'_> {
    async fn carry_out(&self, context: &Context) -> Result<Done, Error> {
        let stack = Stack::connect(&context.global).await?;
        let lane = stack.lane(self.provider.as_str())?;
        let standing = standing(&stack, lane).await?;
        let (from, to) = self.versions(&standing)?;
        if self.yes {
            set(&stack, lane, &standing, from, to, self.share).await?;
        }
        let moved = Moved {
            lane: lane.pascal.clone(),
            from,
            to,
            share: self.share.unwrap_or(100),
            done: self.yes,
        };
        if context.global.json {
            output::json(Kind::Release, &moved)?;
        } else {
            output::line(&moved.text())?;
        }
        Ok(Done::All)
    }

    /// From where to where.
    fn versions(&self, standing: &Standing) -> Result<(u64, u64), Error> {
        let lane = &standing.lane;
        let from = standing.live.ok_or_else(|| {
            Error::new(format!("{lane} has no alias `{ALIAS}`")).hint("deploy the stack anew")
        })?;
        let to = self.version.or_else(|| (self.choose)(standing));
        let to = to.ok_or_else(|| Error::usage(format!("{lane} has no version before {from}")))?;
        let known: Vec<_> = standing.versions.iter().map(u64::to_string).collect();
        if !standing.versions.contains(&to) {
            let text = format!("{lane} has no version {to}");
            return Err(Error::usage(text).hint(format!("there are: {}", known.join(", "))));
        }
        if to == from && (standing.shifting.is_none() || self.share.is_some()) {
            return Err(Error::usage(format!("{lane} runs version {to} already")));
        }
        Ok((from, to))
    }
}

impl Moved {
    fn text(&self) -> String {
        let Self {
            lane,
            from,
            to,
            share,
            done,
        } = self;
        let verb = if *done { "runs" } else { "would run" };
        match share {
            100 => format!("{lane} {verb} version {to} (before: {from})"),
            _ => format!(
                "{lane} {verb} version {to} for {share} % of its batches, {from} for the rest"
            ),
        }
    }
}

async fn standing(stack: &Stack, lane: &Lane) -> Result<Standing, Error> {
    let asked = stack.lambda.get_alias().function_name(&lane.function_name);
    let (alias, versions) = futures_util::join!(
        asked.name(ALIAS).send(),
        numbers(stack, &lane.function_name)
    );
    let mut versions = versions?;
    versions.sort_unstable();
    let alias = match alias {
        Ok(alias) => Some(alias),
        Err(error) if error.as_service_error().is_some_and(aws_sdk_lambda::operation::get_alias::GetAliasError::is_resource_not_found_exception) => None,
        Err(error) => return Err(Error::aws("read a lane's release")(error)),
    };
    let live = alias.as_ref().and_then(|alias| alias.function_version());
    let weights = alias.as_ref().and_then(|alias| alias.routing_config());
    let weights = weights.and_then(AliasRoutingConfiguration::additional_version_weights);
    Ok(Standing {
        lane: lane.pascal.clone(),
        live: live.and_then(|version| version.parse().ok()),
        shifting: weights.and_then(shifting),
        versions,
        revision: alias.and_then(|alias| alias.revision_id),
    })
}

/// The other version and its share in percent; an alias has one at most.
fn shifting(weights: &HashMap<String, f64>) -> Option<(u64, u8)> {
    let (version, weight) = weights.iter().next()?;
    let percent = (weight * 100.0).round().clamp(0.0, 100.0) as u8;
    Some((version.parse().ok()?, percent))
}

async fn set(
    stack: &Stack,
    lane: &Lane,
    standing: &Standing,
    from: u64,
    to: u64,
    share: Option<u8>,
) -> Result<(), Error> {
    let weights = share.map(|percent| (to.to_string(), f64::from(percent) / 100.0));
    let routing = AliasRoutingConfiguration::builder()
        // An empty map ends a shift; without one it would go on.
        .set_additional_version_weights(Some(weights.into_iter().collect()))
        .build();
    let main = if share.is_some() { from } else { to };
    let update = stack.lambda.update_alias().name(ALIAS);
    let done = update
        .function_name(&lane.function_name)
        .function_version(main.to_string())
        .routing_config(routing)
        .set_revision_id(standing.revision.clone())
        .send()
        .await;
    done.map_err(|error| {
        Error::aws("move the lane's release")(error)
            .hint("where a deployment is under way: wait for its end, or stop it")
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(live: u64, shifting: Option<(u64, u8)>) -> Standing {
        Standing {
            lane: "Stripe".to_owned(),
            live: Some(live),
            shifting,
            versions: vec![3, 7, 8],
            revision: None,
        }
    }

    fn versions(
        standing: &Standing,
        version: Option<u64>,
        choose: fn(&Standing) -> Option<u64>,
    ) -> Result<(u64, u64), String> {
        let provider = Name::try_from("stripe".to_owned()).expect("a name");
        let plan = Plan {
            provider: &provider,
            version,
            share: None,
            yes: false,
            choose,
        };
        plan.versions(standing).map_err(|error| error.to_string())
    }

    #[test]
    fn a_lane_goes_back_to_the_version_before_and_on_to_the_newest() {
        assert_eq!(versions(&lane(8, None), None, before), Ok((8, 7)));
        assert_eq!(versions(&lane(7, None), None, before), Ok((7, 3)));
        let newest = |standing: &Standing| standing.versions.last().copied();
        assert_eq!(versions(&lane(3, None), None, newest), Ok((3, 8)));
        assert_eq!(versions(&lane(8, None), Some(3), newest), Ok((8, 3)));
        let none = versions(&lane(3, None), None, before).expect_err("nothing is older");
        assert!(none.contains("no version before 3"), "{none}");
        let slip = versions(&lane(3, None), Some(5), newest).expect_err("a slip");
        assert!(slip.contains("there are: 3, 7, 8"), "{slip}");
        assert!(versions(&lane(8, None), None, newest).is_err(), "already");
    }

    /// While a shift is under way, back means: none of it.
    #[test]
    fn a_rollback_ends_a_shift() {
        assert_eq!(versions(&lane(7, Some((8, 10))), None, before), Ok((7, 7)));
        let weights = HashMap::from([("8".to_owned(), 0.1)]);
        assert_eq!(shifting(&weights), Some((8, 10)));
        assert_eq!(shifting(&HashMap::new()), None);
    }
}
