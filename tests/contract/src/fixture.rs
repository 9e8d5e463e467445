//! Wire fixtures: what goes out, and what each answer means. Data for reviewers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use causeway::provider::{Operation, Provider};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Breach, Line};

/// What to do with data that the code can generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Hold it against what is checked in.
    Compare,
    /// Write it over what is checked in.
    Bless,
}

impl Mode {
    /// `Bless` where the variable `CAUSEWAY_BLESS` is `1`.
    pub fn from_env() -> Self {
        match std::env::var("CAUSEWAY_BLESS") {
            Ok(value) if value == "1" => Self::Bless,
            _ => Self::Compare,
        }
    }
}

/// `fixtures/<operation>.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    pub operation: String,
    pub payloads: Vec<PayloadCase>,
    /// Several payloads in one call, where the operation takes several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<BatchCase>,
    pub answers: Vec<AnswerCase>,
    /// How the vendor is asked for what `full` may have made, where it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<LookupCase>,
}

/// Payloads, and the one request that they become.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchCase {
    pub name: String,
    pub payloads: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// The question, and answers with what they say in `verdict`: `hit <id>`, `miss`, `other <codes>`, `unclear`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupCase {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    pub answers: Vec<AnswerCase>,
}

/// A payload, and the request that it becomes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadCase {
    pub name: String,
    pub payload: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// A request as it goes out, with the suite's own key and marker credentials.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// A JSON body as JSON, any other as text.
    pub body: Value,
}

/// An answer of the vendor's, and what it means.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCase {
    pub name: String,
    /// Where the answer's shape was read.
    pub source: String,
    /// When, as YYYY-MM-DD.
    pub read: String,
    pub status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body as JSON, any other as text.
    pub body: Value,
    /// The payloads of the call that it answers, where the operation takes several; `full` alone where it says none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<Value>,
    /// What it means; one after the other, joined by ` | `, where it answers several elements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// What it says about the vendor's limits; none where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<String>,
}

pub fn path(manifest_dir: &str, operation: &str) -> PathBuf {
    Path::new(manifest_dir)
        .join("fixtures")
        .join(format!("{operation}.json"))
}

/// The fixtures of all operations that have one.
pub fn load_all(
    provider: &dyn Provider,
    manifest_dir: &str,
    found: &mut Vec<Breach>,
) -> Vec<(&'static Operation, Fixture)> {
    let folder = Path::new(manifest_dir).join("fixtures");
    let files = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    files.sort();
    let mut fixtures = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut broken = |what: String| {
            found.push(Breach::new(
                Line::Fixture,
                format!("fixtures/{name}.json"),
                what,
            ));
        };
        match (provider.spec().operation(&name), load(&file)) {
            (None, _) => broken("no operation has this name: rename or delete it".to_owned()),
            (_, Err(error)) => broken(error),
            (Some(operation), Ok(fixture)) if fixture.operation == operation.name => {
                fixtures.push((operation, fixture));
            }
            (_, Ok(fixture)) => broken(format!("it is of operation `{}`", fixture.operation)),
        }
    }
    fixtures
}

fn load(path: &Path) -> Result<Fixture, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// Writes a fixture whose requests and verdicts were filled in.
pub fn store(manifest_dir: &str, fixture: &Fixture, found: &mut Vec<Breach>) {
    let path = path(manifest_dir, &fixture.operation);
    if let Err(error) = write_json(&path, fixture) {
        found.push(Breach::new(
            Line::Fixture,
            path.display().to_string(),
            error,
        ));
    }
}

/// Writes `value` as people read it: two spaces, and a line end at the end.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), String> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    text.push('\n');
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    fs::write(path, text).map_err(|error| error.to_string())
}
