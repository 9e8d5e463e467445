//! `GET /v1/providers`: what the deployed lanes can do.

use causeway::provider::{Operation, Safety, Spec};
use http::StatusCode;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use crate::api::Api;
use crate::http::Response;

/// The deployed lanes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProviderList {
    /// In the order of their names.
    providers: Vec<ProviderEntry>,
}

/// One deployed lane.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProviderEntry {
    /// Its name in requests.
    name: &'static str,
    /// What it can be asked to do.
    operations: Vec<OperationEntry>,
    /// Names of the mappings that come with it; connections may have further ones.
    mappings: Vec<String>,
}

/// One thing that a provider can be asked to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OperationEntry {
    /// Its name in requests.
    name: &'static str,
    /// What doubt about a call comes to: `keyed` and `natural` are sent again, `lookup` is asked about, `unsafe` ends
    /// as `UNKNOWN`.
    safety: &'static str,
    /// How many requests one call may carry.
    most_in_a_call: usize,
    /// The JSON Schema of its payload.
    schema: Schema,
}

impl ProviderEntry {
    /// Names of the mappings that come with it.
    #[must_use]
    pub fn mappings(&self) -> &[String] {
        &self.mappings
    }
}

/// Answers with every deployed lane.
pub(crate) fn list(api: &Api) -> Response {
    let specs = api.lanes.values().map(|lane| lane.provider.spec());
    Response::json(
        StatusCode::OK,
        &ProviderList {
            providers: specs.map(entry).collect(),
        },
    )
}

/// What a producer is told about a provider.
#[must_use]
pub fn entry(spec: &'static Spec) -> ProviderEntry {
    ProviderEntry {
        name: spec.name,
        operations: spec.operations.iter().map(operation).collect(),
        mappings: spec.mappings.iter().filter_map(mapping_name).collect(),
    }
}

fn operation(operation: &Operation) -> OperationEntry {
    OperationEntry {
        name: operation.name,
        safety: match operation.safety {
            Safety::Keyed { .. } => "keyed",
            Safety::Natural => "natural",
            Safety::Lookup { .. } => "lookup",
            Safety::Unsafe => "unsafe",
        },
        most_in_a_call: operation.most_in_a_call(),
        schema: operation.schema(),
    }
}

/// The name is all that is wanted of a document here: compiling it is for whoever applies it.
fn mapping_name(document: &&'static str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    Some(document.get("name")?.as_str()?.to_owned())
}
