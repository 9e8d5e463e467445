//! `causeway lanes retire`: a lane ends, and its queues stay.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::held::{Held, held};
use crate::context::{Context, Done};
use crate::deploy::check::{NO_LANE, names};
use crate::deploy::read;
use crate::deploy::settings::{Environment, with_override};
use crate::deploy::template::Declared;
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;

/// End a lane: in samconfig.toml its name goes from Lanes to KeptLanes.
///
/// Shows what waits and what would be written, and writes nothing without --yes. Refuses while anything waits: drain the
/// lane first. The next deployment removes the lane's function and leaves its two queues in the stack, so that a lane that
/// comes back (--undo) finds them.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane, by its provider or its own name.
    lane: String,
    /// The environment of samconfig.toml; its stack, not that of --stack.
    #[arg(long, default_value = "default")]
    env: String,
    /// The SAM CLI's configuration.
    #[arg(long, default_value = "samconfig.toml", value_name = "FILE")]
    config: PathBuf,
    /// The template.
    #[arg(long, default_value = "template.yaml", value_name = "FILE")]
    template: PathBuf,
    /// Write it.
    #[arg(long)]
    yes: bool,
    /// Bring an ended lane back.
    #[arg(long)]
    undo: bool,
    /// End it with what waits: it stays in the kept queues, for 14 days after it was sent.
    #[arg(long, conflicts_with = "undo")]
    leave: bool,
}

/// What is, or would be, written.
#[derive(Debug, Serialize)]
struct Report {
    lane: String,
    environment: String,
    /// None where the lane is brought back: its function is not there.
    held: Option<Held>,
    written: bool,
    lanes: String,
    kept_lanes: String,
    /// What to do next.
    next: Vec<String>,
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let text = read(&arguments.config)?;
    let environment = Environment::read(&text, &arguments.env)?;
    let declared = Declared::read(&read(&arguments.template)?)?;
    let said = |name: &str| {
        let default = declared.parameters.get(name).and_then(Option::as_ref);
        names(environment.overrides.get(name).or(default))
    };
    let (mut lanes, mut kept) = (said("Lanes"), said("KeptLanes"));
    let (name, held) = if arguments.undo {
        (
            moved(&arguments.lane, &mut kept, &mut lanes, "KeptLanes")?,
            None,
        )
    } else {
        let mut global = context.global.clone();
        global.stack.clone_from(&environment.stack);
        let stack = Stack::connect(&global).await?;
        let lane = stack.lane(&arguments.lane)?;
        let held = Box::pin(held(&stack, lane)).await?;
        (
            moved(&lane.pascal, &mut lanes, &mut kept, "Lanes")?,
            Some(held),
        )
    };
    let refused = held.filter(|held| held.waits() && !arguments.leave);
    let written = arguments.yes && refused.is_none();
    let (lanes, kept_lanes) = (list(&lanes), list(&kept));
    if written {
        let text = with_override(&text, &arguments.env, "Lanes", &lanes)?;
        let text = with_override(&text, &arguments.env, "KeptLanes", &kept_lanes)?;
        let what = format!("write {}", arguments.config.display());
        fs::write(&arguments.config, text).map_err(Error::io(what))?;
    }
    let report = Report {
        next: next(arguments, &name, refused.is_some(), written),
        lane: name,
        environment: arguments.env.clone(),
        held,
        written,
        lanes,
        kept_lanes,
    };
    if context.global.json {
        output::json(Kind::Retire, &report)?;
    } else {
        output::line(&report.text())?;
    }
    match refused {
        Some(_) => Err(Error::new(format!("{} still holds something", report.lane))
            .hint("drain it first, or end it with what waits: --leave")),
        None => Ok(Done::All),
    }
}

/// Moves a name, however its case is written, from one list to the other; answers it as it stands there.
fn moved(
    name: &str,
    from: &mut Vec<String>,
    to: &mut Vec<String>,
    what: &str,
) -> Result<String, Error> {
    let at = from.iter().position(|one| one.eq_ignore_ascii_case(name));
    let Some(at) = at else {
        let text = format!("samconfig.toml: {what} does not name `{name}`");
        return Err(Error::usage(text).hint(format!("it names: {}", list(from))));
    };
    let name = from.remove(at);
    to.push(name.clone());
    Ok(name)
}

fn list(names: &[String]) -> String {
    match names {
        [] => NO_LANE.to_owned(),
        some => some.join(","),
    }
}

fn next(arguments: &Arguments, lane: &str, refused: bool, written: bool) -> Vec<String> {
    let env = &arguments.env;
    let undo = if arguments.undo { " --undo" } else { "" };
    let leave = if arguments.leave { " --leave" } else { "" };
    if refused {
        return vec![format!("causeway lanes drain {lane}")];
    }
    if !written {
        return vec![format!(
            "causeway lanes retire {lane} --env {env}{undo}{leave} --yes"
        )];
    }
    let mut next = vec![match arguments.leave {
        true => format!("make deploy ENV={env} LEAVE={lane}"),
        false => format!("make deploy ENV={env}"),
    }];
    if arguments.undo {
        next.push(format!("causeway lanes drain {lane} --undo"));
    }
    next
}

impl Report {
    fn text(&self) -> String {
        let verb = if self.written { "written" } else { "would be" };
        let held = self.held.map(|held| held.text() + "\n").unwrap_or_default();
        format!(
            "{}\n{held}samconfig.toml, {}, {verb}:\n  Lanes={}\n  KeptLanes={}\nnext:\n  {}",
            self.lane,
            self.environment,
            self.lanes,
            self.kept_lanes,
            self.next.join("\n  ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_moves_between_the_lists_and_back() {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (mut lanes, mut kept): (Vec<_>, Vec<_>) = (all(&["Stripe", "Slack"]), all(&[]));
        assert_eq!(list(&kept), "None");
        let name = moved("stripe", &mut lanes, &mut kept, "Lanes").expect("it is there");
        assert_eq!(
            (name.as_str(), &*list(&lanes), &*list(&kept)),
            ("Stripe", "Slack", "Stripe")
        );
        moved("Stripe", &mut kept, &mut lanes, "KeptLanes").expect("it is there");
        assert_eq!((&*list(&lanes), &*list(&kept)), ("Slack,Stripe", "None"));
        let slip = moved("Strpe", &mut lanes, &mut kept, "Lanes").expect_err("a slip");
        assert!(
            slip.to_string().contains("it names: Slack,Stripe"),
            "{slip}"
        );
    }
}
