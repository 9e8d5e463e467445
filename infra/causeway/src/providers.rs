//! `causeway providers`: what this release can carry.

use causeway_ingest::catalogue;
use clap::Args;
use serde_json::json;

use crate::cli::{Context, Done};
use crate::error::Error;
use crate::output;

/// What this release can carry: providers, operations, schemas.
#[derive(Args, Debug)]
pub struct Arguments {}

/// Lists the providers.
///
/// # Errors
/// When standard output is gone.
pub fn run(_: &Arguments, context: &Context) -> Result<Done, Error> {
    let specs = catalogue::providers()
        .iter()
        .map(|provider| provider.spec());
    if context.global.json {
        let all: Vec<_> = specs
            .map(|spec| {
                let operations = spec.operations.iter();
                json!({
                    "name": spec.name,
                    "operations": operations.map(|known| known.name).collect::<Vec<_>>(),
                })
            })
            .collect();
        output::json(&all)?;
        return Ok(Done::All);
    }
    let mut table = output::table(&["PROVIDER", "OPERATIONS"]);
    for spec in specs {
        let operations: Vec<_> = spec.operations.iter().map(|known| known.name).collect();
        table.add_row([spec.name, &operations.join(", ")]);
    }
    output::line(&table.to_string())?;
    Ok(Done::All)
}
