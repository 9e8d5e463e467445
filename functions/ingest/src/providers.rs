//! `GET /v1/providers` and what stands below it: what the deployed lanes can do.

use std::collections::BTreeMap;

use causeway::pack::Pack;
use causeway::pack::page::Class;
use causeway::provider::{Operation, Provider, Safety, Spec};
use form_urlencoded::parse;
use http::StatusCode;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use crate::api::{Api, Open, PROVIDERS};
use crate::http::Response;
use crate::problem::Problem;

/// Operations on a page: one fits into an answer many times over, and is read at one glance.
const PAGE: usize = 100;

/// Longest text that is searched for, in characters.
const ASKED_MAX: usize = 255;

/// What this was built from: what the build called it (`CAUSEWAY_RELEASE`, a tag or a commit), else the version.
pub const RELEASE: &str = match option_env!("CAUSEWAY_RELEASE") {
    Some(release) if !release.is_empty() => release,
    _ => env!("CARGO_PKG_VERSION"),
};

/// The deployed lanes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProviderList {
    /// The release that answers.
    release: &'static str,
    /// In the order of their names.
    providers: Vec<ProviderEntry>,
}

/// One deployed lane.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProviderEntry {
    /// Its name in requests.
    name: &'static str,
    /// Its name for people.
    title: &'static str,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'static str>,
    /// How many operations it has; `GET /v1/providers/<name>` lists them.
    operations: usize,
    /// The pack's revision, which a message carries that it accepted; 0 where its page counts none.
    revision: u32,
    /// Names of the mappings that come with it; connections may have further ones.
    mappings: Vec<String>,
}

/// Operations of a deployed lane, a page of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OperationList {
    /// The lane.
    provider: ProviderEntry,
    /// In the order of their names, at most 100.
    operations: Vec<OperationEntry>,
    /// Where the next page begins: the same question with `after=<next>`. Not there on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'static str>,
}

/// One thing that a provider can be asked to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OperationEntry {
    /// Its name in requests.
    name: &'static str,
    /// Method and route at the vendor.
    call: String,
    /// What doubt about a call comes to: `keyed` and `natural` are sent again, `lookup` is asked about, `unsafe` ends
    /// as `UNKNOWN`.
    safety: &'static str,
    /// Where that is known from: `reviewed` in the vendor's documentation, `inferred`, or `default`. Only what is reviewed
    /// is ever sent again after a byte went out, and with the stack's `AllowInferred` what is inferred.
    class: &'static str,
    /// How many requests one call may carry.
    most_in_a_call: usize,
}

/// One operation, in full.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OperationDetail {
    #[serde(flatten)]
    operation: OperationEntry,
    /// What says so.
    sources: Vec<String>,
    /// The JSON Schema of its payload.
    schema: Schema,
}

impl ProviderEntry {
    /// Of a pack.
    #[must_use]
    pub fn of(pack: &'static Pack) -> Self {
        let (spec, page) = (pack.spec(), pack.page());
        Self {
            name: spec.name,
            title: &page.title,
            about: page.about.as_deref(),
            operations: spec.operations.names().len(),
            revision: spec.revision,
            mappings: mappings(spec),
        }
    }
}

impl OperationEntry {
    /// Of a pack's operation.
    #[must_use]
    pub fn of(pack: &'static Pack, operation: &'static Operation) -> Self {
        Self {
            name: operation.name,
            call: pack.route(operation.name),
            safety: safety(operation.safety),
            class: class(pack, operation.name),
            most_in_a_call: operation.most_in_a_call(),
        }
    }
}

/// What doubt about a call comes to, in a word.
#[must_use]
pub const fn safety(safety: Safety) -> &'static str {
    match safety {
        Safety::Keyed { .. } => "keyed",
        Safety::Natural => "natural",
        Safety::Lookup { .. } => "lookup",
        Safety::Unsafe => "unsafe",
    }
}

/// Where an operation's safety is known from, in a word.
#[must_use]
pub fn class(pack: &Pack, operation: &str) -> &'static str {
    match pack.provenance(operation).and_then(|known| known.class) {
        Some(Class::Reviewed) => "reviewed",
        Some(Class::Inferred) => "inferred",
        None => "default",
    }
}

/// The names of the mappings that come with a provider: compiling them is for whoever applies one.
#[must_use]
pub fn mappings(spec: &Spec) -> Vec<String> {
    let name = |document: &&str| {
        let document: Value = serde_json::from_str(document).ok()?;
        Some(document.get("name")?.as_str()?.to_owned())
    };
    spec.mappings.iter().filter_map(name).collect()
}

/// Answers a GET of `address` below `/v1/providers`: empty, `<provider>`, or `<provider>/operations/<operation>`.
pub(crate) fn describe(api: &Api, address: &str, query: &str) -> Response {
    let parts: Vec<&str> = address.split('/').filter(|part| !part.is_empty()).collect();
    let described = match parts.as_slice() {
        [] => Ok(list(api)),
        [provider] => known(api, provider).and_then(|lane| operations(lane, query)),
        [provider, "operations", operation] => {
            known(api, provider).and_then(|lane| detail(lane, operation))
        }
        _ => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_path",
            format!(
                "the paths are {PROVIDERS}, {PROVIDERS}/<provider>, {PROVIDERS}/<provider>/operations/<operation>"
            ),
        )),
    };
    described.unwrap_or_else(Into::into)
}

fn list(api: &Api) -> Response {
    let packs = api.lanes.values().map(|lane| lane.pack);
    let providers = packs.map(ProviderEntry::of).collect();
    let list = ProviderList {
        release: RELEASE,
        providers,
    };
    Response::json(StatusCode::OK, &list)
}

fn known<'a>(api: &'a Api, provider: &str) -> Result<&'a Open, Problem> {
    api.lanes.get(provider).ok_or_else(|| {
        let known: Vec<_> = api.lanes.keys().copied().collect();
        let detail = format!("no lane of this name is deployed: {}", known.join(", "));
        Problem::new(StatusCode::NOT_FOUND, "unknown_provider", detail)
    })
}

/// `search` (words that name or route must have) and `after` (a name) choose the page.
fn operations(lane: &Open, query: &str) -> Result<Response, Problem> {
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in parse(query.as_bytes()) {
        if !["search", "after"].contains(&&*name) {
            let rule = "the query may have `search` and `after`";
            return Err(Problem::field("query_invalid", name.into_owned(), rule));
        }
        if value.chars().count() > ASKED_MAX {
            let rule = format!("at most {ASKED_MAX} characters");
            return Err(Problem::field("query_invalid", name.into_owned(), rule));
        }
        asked.insert(name.into_owned(), value.into_owned());
    }
    let text = |name: &str| asked.get(name).map_or("", String::as_str);
    let (words, after) = (text("search").to_lowercase(), text("after"));
    let words: Vec<&str> = words.split_whitespace().collect();
    let all = lane.pack.spec().operations.iter();
    let behind = all.filter(|operation| operation.name > after);
    let entries = behind.map(|operation| OperationEntry::of(lane.pack, operation));
    let mut found = entries.filter(|entry| {
        let text = format!("{} {}", entry.name, entry.call).to_lowercase();
        words.iter().all(|word| text.contains(word))
    });
    let operations: Vec<_> = found.by_ref().take(PAGE).collect();
    let is_more = found.next().is_some();
    let next = operations.last().filter(|_| is_more).map(|last| last.name);
    let provider = ProviderEntry::of(lane.pack);
    Ok(Response::json(
        StatusCode::OK,
        &OperationList {
            provider,
            operations,
            next,
        },
    ))
}

fn detail(lane: &Open, name: &str) -> Result<Response, Problem> {
    let (pack, spec) = (lane.pack, lane.pack.spec());
    let operation = spec.operation(name).ok_or_else(|| {
        let detail = format!("operation: {}", spec.operations.unknown(name));
        Problem::new(StatusCode::NOT_FOUND, "unknown_operation", detail)
    })?;
    let src = pack.provenance(name).and_then(|known| known.src);
    let detail = OperationDetail {
        operation: OperationEntry::of(pack, operation),
        sources: src.map_or_else(Vec::new, |src| pack.page().sources_of(src)),
        schema: operation.schema(),
    };
    Ok(Response::json(StatusCode::OK, &detail))
}
