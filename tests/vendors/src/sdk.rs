//! The vendors' official Python SDKs, pointed at our fakes: what they make of the answers shows whether the fakes are
//! believable.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use causeway_fakes::Server;
use causeway_local::stack::root;
use serde::Deserialize;
use tokio::time::timeout;

use crate::Error;
use crate::relay::{Lie, Relay};
use crate::report::Row;
use crate::run::Run;
use crate::vendor::Sdk;

const HONEST: &str = "official SDK / fake";
const FAULTS: &str = "seeded faults / official SDK";
/// A script takes three seconds, most of it for importing the SDK.
const SCRIPT_MAX: Duration = Duration::from_secs(60);

/// One check's result, a line of JSON on the script's standard output.
#[derive(Debug, Deserialize)]
struct Check {
    check: String,
    /// What is wrong; none where all is well.
    problem: Option<String>,
}

/// Runs a vendor's script against the fake as it is, then once for each lie.
///
/// # Errors
/// When the script cannot be run to its end.
pub async fn check(run: &Run, vendor: &'static str, sdk: &Sdk) -> Result<Vec<Row>, Error> {
    let mut honest = Row::new(vendor, HONEST);
    let mut names = Vec::new();
    for check in results(run, vendor, sdk, None, &mut honest).await? {
        if let Some(problem) = check.problem {
            honest.violation(format!("{}: {problem}", check.check));
        }
        names.push(check.check);
    }
    if names.is_empty() {
        honest.violation("the script has checked nothing");
    }
    honest.remarks.push(names.join(", "));

    let mut faults = Row::new(vendor, FAULTS);
    for (lie, must_fail) in sdk.lies {
        let found = results(run, vendor, sdk, Some(lie.clone()), &mut faults).await?;
        let is_found = |check: &Check| check.check == *must_fail && check.problem.is_some();
        if !found.iter().any(is_found) {
            faults.violation(format!("{lie:?} went unnoticed by `{must_fail}`"));
        }
    }
    let found = sdk.lies.len() - faults.violations.len();
    faults
        .remarks
        .push(format!("{found} of {} found", sdk.lies.len()));
    Ok(vec![honest, faults])
}

/// Runs the script against fakes of its own.
async fn results(
    run: &Run,
    vendor: &str,
    sdk: &Sdk,
    lie: Option<Lie>,
    row: &mut Row,
) -> Result<Vec<Check>, Error> {
    let fakes = Server::start(([127, 0, 0, 1], 0).into())
        .await
        .map_err(Error::io("start the fakes"))?;
    let relay = Relay::start(fakes.base_url()).await?;
    relay.lie(lie);
    let script = scripts().join(sdk.script);
    let mut command = run.toolbox.python_script(&run.processes, &script);
    command.arg(relay.base_url()).arg(vendor);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let too_long = |_| Error::TooLong {
        step: sdk.script.to_owned(),
        limit: SCRIPT_MAX,
    };
    let output = timeout(SCRIPT_MAX, command.output())
        .await
        .map_err(too_long)?
        .map_err(Error::io("run an SDK's script"))?;
    row.requests += relay.take_calls();
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(Error::data(sdk.script, said));
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| Error::data(sdk.script, error)))
        .collect()
}

fn scripts() -> PathBuf {
    root().join(Path::new("tests/vendors/sdk"))
}
