//! What a deployment would do that nobody asked for, decided from what was read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::settings::Environment;
use super::template::Declared;

/// Resources and outputs that CloudFormation takes in one template.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const RESOURCES_MAX: usize = 500;
const OUTPUTS_MAX: usize = 200;

/// Bytes of a function's environment that Lambda takes, all variables as one JSON object.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const ENVIRONMENT_MAX: usize = 4096;

/// Of these, what is no lane's: names of tables, an address, settings.
const ENVIRONMENT_OTHERS: usize = 600;

/// The first release of the SAM CLI that unrolls the template's loops.
/// <https://github.com/aws/aws-sam-cli/issues/5647>
const SAM_MIN: [u32; 3] = [1, 160, 0];

/// What `KeptLanes` says in place of nothing.
pub const NO_LANE: &str = "None";

/// With this many executions at once, a new account's, the template gives every lane the least: `HasNewAccount`.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const NEW_ACCOUNT: u32 = 10;

/// Batches at once of a lane in a new account, the least that Lambda takes.
const NEW_ACCOUNTS_BATCHES: u32 = 2;

/// What is known before a deployment.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What shall be.
    pub environment: &'a Environment,
    /// What can be.
    pub declared: &'a Declared,
    /// The stack's parameters; none where there is no stack.
    pub deployed: Option<BTreeMap<String, String>>,
    /// The built functions and their processors.
    pub built: BTreeMap<String, Option<&'static str>>,
    /// Lanes to come whose queue exists outside of the stack.
    pub strays: BTreeSet<String>,
    /// Messages and letters of lanes that end, by lane.
    pub waiting: BTreeMap<String, u64>,
    /// Lanes that may leave the stack for good.
    pub forgotten: BTreeSet<String>,
    /// Functions that the account runs at once; none where it could not be asked.
    pub account: Option<u32>,
    /// The SAM CLI's version; none where it is not there.
    pub sam: Option<String>,
}

/// Something that a person should know, or that stops the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether the deployment must not go on.
    pub stops: bool,
    /// What is the matter.
    pub what: String,
    /// What to do; empty where nothing is.
    pub hint: String,
}

/// What shall be deployed, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Every parameter of the template.
    pub parameters: BTreeMap<String, String>,
    /// What was found.
    pub findings: Vec<Finding>,
}

fn stop(what: String, hint: impl Into<String>) -> Finding {
    Finding {
        stops: true,
        what,
        hint: hint.into(),
    }
}

fn note(what: String) -> Finding {
    Finding {
        stops: false,
        what,
        hint: String::new(),
    }
}

/// The names of a list parameter.
#[must_use]
pub fn names(list: Option<&String>) -> Vec<String> {
    let all = list.map_or("", String::as_str).split(',').map(str::trim);
    let real = all.filter(|name| !name.is_empty() && *name != NO_LANE);
    real.map(str::to_owned).collect()
}

/// Every parameter of the template with the value that shall be, and what the environment says of others.
fn parameters(facts: &Facts<'_>) -> (BTreeMap<String, String>, Vec<Finding>) {
    let (overrides, mut findings) = (&facts.environment.overrides, Vec::new());
    for name in overrides.keys() {
        if !facts.declared.parameters.contains_key(name) {
            let what = format!("the template has no parameter `{name}`");
            findings.push(stop(what, "samconfig.toml: correct or remove it"));
        }
    }
    let value = |(name, default): (&String, &Option<String>)| {
        let value = overrides.get(name).or(default.as_ref());
        (name.clone(), value.cloned().unwrap_or_default())
    };
    (
        facts.declared.parameters.iter().map(value).collect(),
        findings,
    )
}

/// Decides.
#[must_use]
pub fn judge(facts: &Facts<'_>) -> Verdict {
    let (parameters, mut findings) = parameters(facts);
    let lanes = names(parameters.get("Lanes"));
    let kept = names(parameters.get("KeptLanes"));
    findings.extend(tools(facts));
    findings.extend(lists(&lanes, &kept));
    if let Some(deployed) = &facts.deployed {
        findings.extend(changes(deployed, &parameters));
        findings.extend(endings(facts, deployed, &lanes, &kept));
    }
    findings.extend(strays(facts));
    findings.extend(artefacts(facts, &parameters, &lanes));
    findings.extend(limits(facts, &parameters, &lanes, &kept));
    findings.extend(concurrency(facts, &parameters, &lanes));
    findings.sort_by_key(|finding| !finding.stops);
    Verdict {
        parameters,
        findings,
    }
}

fn tools(facts: &Facts<'_>) -> Option<Finding> {
    let needed = SAM_MIN.map(|number| number.to_string()).join(".");
    let hint =
        format!("SAM CLI {needed} or later: pip install --upgrade aws-sam-cli, or make tools");
    let Some(version) = &facts.sam else {
        return Some(stop("the SAM CLI is not there".to_owned(), hint));
    };
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let numbers: [u32; 3] = std::array::from_fn(|_| numbers.next().unwrap_or(0));
    let old =
        || format!("the SAM CLI is of version {version}, which leaves loops in templates alone");
    (numbers < SAM_MIN).then(|| stop(old(), hint))
}

fn lists(lanes: &[String], kept: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if lanes.is_empty() {
        findings.push(stop("Lanes names no lane".to_owned(), "samconfig.toml"));
    }
    let mut seen = BTreeSet::new();
    for lane in lanes.iter().chain(kept) {
        if !seen.insert(lane) {
            let what = format!("{lane} stands twice in Lanes and KeptLanes");
            findings.push(stop(what, "samconfig.toml: a lane runs, or it has ended"));
        }
    }
    findings
}

/// Every value that the deployment would change, those that were set by hand among them.
fn changes(deployed: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> Vec<Finding> {
    let differs = |(name, value): (&String, &String)| {
        let earlier = deployed.get(name).filter(|earlier| *earlier != value)?;
        let shown = |value: &str| match value {
            "" => "nothing".to_owned(),
            other => other.to_owned(),
        };
        let (earlier, value) = (shown(earlier), shown(value));
        Some(note(format!("{name}: {earlier} → {value}")))
    };
    wanted.iter().filter_map(differs).collect()
}

/// Lanes that would leave.
fn endings(
    facts: &Facts<'_>,
    deployed: &BTreeMap<String, String>,
    lanes: &[String],
    kept: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = &facts.environment.name;
    for lane in names(deployed.get("Lanes")) {
        if lanes.contains(&lane) {
            continue;
        }
        if !kept.contains(&lane) {
            findings.push(stop(
                format!("{lane} is deployed and stands in neither Lanes nor KeptLanes: nobody would read its queue"),
                format!(
                    "if it has ended: causeway lanes retire {lane} --env {name}; if it was added by hand or by a later \
                     release: write it into samconfig.toml"
                ),
            ));
        } else if let Some(count) = facts.waiting.get(&lane).filter(|count| **count > 0)
            && !facts.forgotten.contains(&lane)
        {
            findings.push(stop(
                format!("{lane} would end with {count} messages and letters"),
                format!("`causeway lanes drain {lane}`; or leave them in the kept queues, for 14 days: --leave {lane}"),
            ));
        }
    }
    for lane in names(deployed.get("KeptLanes")) {
        let stays = kept.contains(&lane) || lanes.contains(&lane);
        if !stays && !facts.forgotten.contains(&lane) {
            findings.push(stop(
                format!("the queues of {lane} would leave the stack: they stay, but a lane that comes back cannot have them"),
                format!("if they are empty and given up: --leave {lane}, then delete them (infra/FIRST_DEPLOY.md)"),
            ));
        }
        if lanes.contains(&lane) {
            let undo = format!("causeway lanes drain {lane} --undo");
            findings.push(note(format!(
                "{lane} comes back to its queues; where it was drained: {undo}"
            )));
        }
    }
    findings
}

fn strays(facts: &Facts<'_>) -> Vec<Finding> {
    let found = facts.strays.iter().map(|lane| {
        stop(
            format!("a queue of {lane} exists outside of the stack: CloudFormation would refuse to make it"),
            "take it into the stack, with what waits there: infra/FIRST_DEPLOY.md, \"A queue outside of the stack\"",
        )
    });
    found.collect()
}

fn artefacts(
    facts: &Facts<'_>,
    parameters: &BTreeMap<String, String>,
    lanes: &[String],
) -> Vec<Finding> {
    let name = &facts.environment.name;
    let wanted = parameters.get("Architecture").map_or("", String::as_str);
    let build = format!("make build ENV={name}, or sam build --config-env {name}");
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    let others = ["Gatekeeper", "Ingest", "Warning"].map(str::to_owned);
    for function in lanes.iter().chain(&others) {
        match facts.built.get(&format!("{function}Function")) {
            None => missing.push(function.as_str()),
            Some(processor) if *processor != Some(wanted) => wrong.push(function.as_str()),
            Some(_) => {}
        }
    }
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let what = format!("not built: {}", missing.join(", "));
        findings.push(stop(what, build.clone()));
    }
    if !wrong.is_empty() {
        let what = format!(
            "built for another processor than Architecture={wanted}: {}; none of them would start",
            wrong.join(", ")
        );
        findings.push(stop(what, build));
    }
    findings
}

fn limits(
    facts: &Facts<'_>,
    parameters: &BTreeMap<String, String>,
    lanes: &[String],
    kept: &[String],
) -> Vec<Finding> {
    let gradual = parameters
        .get("ReleaseShift")
        .is_some_and(|shift| shift != "AllAtOnce");
    let declared = facts.declared;
    let counts = [
        ("outputs", declared.outputs(lanes.len()), OUTPUTS_MAX),
        (
            "resources",
            declared.resources(lanes.len(), kept.len(), gradual),
            RESOURCES_MAX,
        ),
    ];
    let over = counts.into_iter().filter(|(_, count, most)| count > most);
    let mut findings: Vec<_> = over
        .map(|(what, count, most)| {
            let what = format!(
                "{} lanes come to {count} {what}; CloudFormation takes {most} in a stack",
                lanes.len()
            );
            let hint = "share the lanes out to two stacks, each with its own name, tables and API";
            stop(what, hint)
        })
        .collect();
    // `"LANE_<lane>":"<provider>:<maximum>",`
    let watched = |lane: &String| 17 + lane.len() + declared.provider(lane).len();
    let bytes = ENVIRONMENT_OTHERS + lanes.iter().map(watched).sum::<usize>();
    if bytes > ENVIRONMENT_MAX {
        let what = format!(
            "the lanes' names come to {bytes} bytes of the gatekeeper's environment; Lambda takes {ENVIRONMENT_MAX}"
        );
        findings.push(stop(what, "shorter names, or two stacks"));
    }
    findings
}

fn concurrency(
    facts: &Facts<'_>,
    parameters: &BTreeMap<String, String>,
    lanes: &[String],
) -> Vec<Finding> {
    let said: u32 = parameters
        .get("AccountConcurrency")
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let of = |lane: &String| match said {
        NEW_ACCOUNT => NEW_ACCOUNTS_BATCHES,
        _ => facts.declared.concurrency(lane),
    };
    let sum: u32 = lanes.iter().map(of).sum();
    let more = "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000";
    let mut findings = Vec::new();
    if sum > said && said != NEW_ACCOUNT {
        findings.push(stop(
            format!("the lanes' batches at once come to {sum}, and AccountConcurrency says {said}"),
            "fewer lanes, lower MaximumConcurrency (template.yaml, Mappings: Lane), or a larger quota",
        ));
    }
    match facts.account {
        Some(account) if account < said && sum > account => findings.push(stop(
            format!("the account runs {account} functions at once, AccountConcurrency says {said}, and the lanes' batches come to {sum}: they would be throttled"),
            format!("a new account has {NEW_ACCOUNT}: say AccountConcurrency={NEW_ACCOUNT} in samconfig.toml, and ask for more: {more}"),
        )),
        Some(account) if account < said => findings.push(note(format!(
            "the account runs {account} functions at once, and AccountConcurrency says {said}; the lanes' batches come to {sum}"
        ))),
        Some(account) if account > said && said == NEW_ACCOUNT => findings.push(note(format!(
            "the account runs {account} functions at once: AccountConcurrency={NEW_ACCOUNT} holds the lanes back"
        ))),
        _ => {}
    }
    if said == NEW_ACCOUNT && sum > said {
        findings.push(note(format!(
            "{} lanes share {NEW_ACCOUNT} executions: under load some are throttled, and their messages come back, none lost. {more}",
            lanes.len()
        )));
    }
    findings
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
