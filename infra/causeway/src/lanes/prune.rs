//! `causeway lanes prune`: old versions of the functions go before they fill the account's code storage.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize;

use super::source::mappings;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;

/// Versions and aliases on one page. Lambda gives 50 at most, whatever is asked for.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html>
const PAGE: i32 = 50;

/// Pages that are read at most of one function: 10,000 versions. What is beyond is for the next run.
const PAGES_MAX: usize = 200;

/// Delete old versions of the functions.
///
/// Of each function of the stack, lanes, ingest and gatekeeper alike, the newest versions stay, and so does every one
/// that an alias or an event source names. The function itself ($LATEST) is never touched.
///
/// Every deployment that changes a lane publishes a version of it, which keeps its whole code, and an account has 75 GB
/// for all. Exit status 3: some of it could not be deleted.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Versions of each function that stay, the newest.
    #[arg(long, default_value_t = 3, value_name = "N")]
    keep: usize,
    /// Say what would go, and delete nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A published version of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Version {
    version: u64,
    /// Of its zipped code.
    bytes: u64,
}

/// What became of a function's versions.
#[derive(Debug, Serialize)]
struct Pruned {
    function: String,
    kept: usize,
    /// With --dry-run: what would be.
    deleted: Vec<Version>,
}

/// Everything that was done.
#[derive(Debug, Serialize)]
struct Report {
    dry_run: bool,
    functions: Vec<Pruned>,
    /// What could not be done, a line each.
    problems: Vec<String>,
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let fed = fed(&stack).await?;
    let none = BTreeSet::new();
    let (mut functions, mut problems) = (Vec::new(), Vec::new());
    for function in stack.functions() {
        let versions = versions(&stack, function).await?;
        let mut named = aliased(&stack, function).await?;
        named.extend(fed.get(function).unwrap_or(&none));
        let surplus = surplus(&versions, &named, arguments.keep);
        let mut deleted = Vec::new();
        for version in surplus {
            if !arguments.dry_run
                && let Err(error) = delete(&stack, function, version.version).await
            {
                problems.push(format!("{function}:{}: {error}", version.version));
                continue;
            }
            deleted.push(version);
        }
        functions.push(Pruned {
            function: function.to_owned(),
            kept: versions.len() - deleted.len(),
            deleted,
        });
    }
    let report = Report {
        dry_run: arguments.dry_run,
        functions,
        problems,
    };
    if context.global.json {
        output::json(Kind::Prune, &report)?;
    } else {
        output::line(&report.text())?;
    }
    for problem in &report.problems {
        eprintln!("{problem}");
    }
    Ok(if report.problems.is_empty() {
        Done::All
    } else {
        Done::InPart
    })
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        let verb = if self.dry_run { "would go" } else { "deleted" };
        for pruned in self.functions.iter().filter(|one| !one.deleted.is_empty()) {
            let numbers: Vec<_> = pruned
                .deleted
                .iter()
                .map(|one| one.version.to_string())
                .collect();
            let (function, kept) = (&pruned.function, pruned.kept);
            text += &format!("{function}: {verb} {}; {kept} kept\n", numbers.join(", "));
        }
        let deleted = || self.functions.iter().flat_map(|one| &one.deleted);
        let megabytes = deleted().map(|one| one.bytes).sum::<u64>() as f64 / 1e6;
        let kept: usize = self.functions.iter().map(|one| one.kept).sum();
        let count = deleted().count();
        text + &format!("{count} versions {verb}, {megabytes:.1} MB; {kept} kept")
    }
}

/// What goes: all but the `keep` newest and those that are `named`.
fn surplus(versions: &[Version], named: &BTreeSet<u64>, keep: usize) -> Vec<Version> {
    let mut newest_first = versions.to_vec();
    newest_first.sort_by_key(|one| std::cmp::Reverse(one.version));
    let mut surplus: Vec<_> = newest_first.into_iter().skip(keep).collect();
    surplus.retain(|one| !named.contains(&one.version));
    surplus.reverse();
    surplus
}

/// The versions of `function`, without $LATEST.
async fn versions(stack: &Stack, function: &str) -> Result<Vec<Version>, Error> {
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let list = stack.lambda.list_versions_by_function();
        let list = list.function_name(function).max_items(PAGE);
        let page = list.set_marker(marker).send().await;
        let page = page.map_err(Error::aws("list a function's versions"))?;
        found.extend(page.versions().iter().filter_map(|one| {
            Some(Version {
                version: one.version()?.parse().ok()?,
                bytes: u64::try_from(one.code_size()).unwrap_or_default(),
            })
        }));
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The numbers of a function's versions.
pub(super) async fn numbers(stack: &Stack, function: &str) -> Result<Vec<u64>, Error> {
    let all = versions(stack, function).await?;
    Ok(all.iter().map(|one| one.version).collect())
}

/// The versions that an alias of `function` names, also those that it gives a share of the calls.
async fn aliased(stack: &Stack, function: &str) -> Result<BTreeSet<u64>, Error> {
    let (mut found, mut marker) = (BTreeSet::new(), None);
    // Lambda refuses to delete a version that an alias names: one that is missed here is a line of the report.
    for _ in 0..PAGES_MAX {
        let list = stack.lambda.list_aliases();
        let list = list.function_name(function).max_items(PAGE);
        let page = list.set_marker(marker).send().await;
        let page = page.map_err(Error::aws("list a function's aliases"))?;
        for alias in page.aliases() {
            let weights = alias
                .routing_config()
                .and_then(|one| one.additional_version_weights());
            let shares = weights.into_iter().flat_map(|weights| weights.keys());
            let names = alias.function_version().into_iter();
            let names = names.chain(shares.map(String::as_str));
            found.extend(names.filter_map(|name| name.parse::<u64>().ok()));
        }
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The versions that an event source names, by function.
async fn fed(stack: &Stack) -> Result<BTreeMap<String, BTreeSet<u64>>, Error> {
    let mappings = mappings(stack).await?;
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for arn in mappings.iter().filter_map(|mapping| mapping.function_arn()) {
        if let Some((function, version)) = qualified(arn) {
            found
                .entry(function.to_owned())
                .or_default()
                .insert(version);
        }
    }
    Ok(found)
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION`; none where it names no version.
fn qualified(arn: &str) -> Option<(&str, u64)> {
    let mut parts = arn.split(':').skip(6);
    Some((parts.next()?, parts.next()?.parse().ok()?))
}

/// Without a version this would delete the function.
async fn delete(stack: &Stack, function: &str, version: u64) -> Result<(), Error> {
    let call = stack.lambda.delete_function().function_name(function);
    let reply = call.qualifier(version.to_string()).send().await;
    reply.map_err(Error::aws("delete it")).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(numbers: &[u64]) -> Vec<Version> {
        let version = |number: &u64| Version {
            version: *number,
            bytes: 5_000_000,
        };
        numbers.iter().map(version).collect()
    }

    #[test]
    fn the_newest_stay_and_whatever_is_named_beside_them() {
        let all = numbered(&[9, 10, 1, 2, 3]);
        let gone = |named: &[u64], keep| {
            let named = named.iter().copied().collect();
            let surplus = surplus(&all, &named, keep);
            surplus.iter().map(|one| one.version).collect::<Vec<_>>()
        };
        assert_eq!(gone(&[], 3), [1, 2]);
        assert_eq!(gone(&[1], 3), [2]);
        // It is the newest anyway.
        assert_eq!(gone(&[10], 1), [1, 2, 3, 9]);
        assert_eq!(gone(&[], 0), [1, 2, 3, 9, 10]);
        assert_eq!(gone(&[], 9), [0_u64; 0]);
    }

    #[test]
    fn an_event_source_names_a_version_or_none() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:causeway-Stripe";
        assert_eq!(qualified(arn), None);
        assert_eq!(qualified(&format!("{arn}:live")), None);
        assert_eq!(
            qualified(&format!("{arn}:12")),
            Some(("causeway-Stripe", 12))
        );
    }

    #[test]
    fn the_report_says_which_and_how_much() {
        let mut report = Report {
            dry_run: true,
            functions: vec![Pruned {
                function: "causeway-Stripe".to_owned(),
                kept: 3,
                deleted: numbered(&[1, 2]),
            }],
            problems: Vec::new(),
        };
        let text = "causeway-Stripe: would go 1, 2; 3 kept\n2 versions would go, 10.0 MB; 3 kept";
        assert_eq!(report.text(), text);
        report.functions.clear();
        assert_eq!(report.text(), "0 versions would go, 0.0 MB; 0 kept");
    }
}
