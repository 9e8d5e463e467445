//! A pair as it is read: a source's shape, an operation, and the payloads that are right.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use causeway::pack::Pack;
use serde::Deserialize;
use serde_json::Value;

/// What a pair's folder says.
#[derive(Debug, Deserialize)]
pub(crate) struct PairFile {
    pub target: Operation,
    pub fields: Vec<Field>,
    #[serde(default)]
    pub unmapped_target: Vec<String>,
    #[serde(default)]
    pub unmapped_source: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub provider: String,
    pub operation: String,
}

/// One correspondence.
#[derive(Debug, Deserialize)]
pub(crate) struct Field {
    pub target: String,
    pub from: Vec<String>,
    pub kind: String,
    #[serde(default)]
    pub accept: Vec<Vec<String>>,
}

/// A pair as it is read.
#[derive(Debug)]
pub struct Pair {
    /// Its folder's name.
    pub name: String,
    pub(crate) file: PairFile,
    pub(crate) schema: Option<Value>,
    pub(crate) samples: Vec<Value>,
    pub(crate) golden: Vec<Value>,
    pub(crate) target: Value,
}

/// Where the pairs are.
pub fn folder(heldout: bool) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(if heldout { "heldout" } else { "pairs" })
}

/// The pairs in `folder`, in order; none where there is no such folder.
///
/// # Errors
/// With the file that cannot be read.
pub fn read(folder: &Path) -> Result<Vec<Pair>, String> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let listed = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut folders: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let mut schemas = Schemas::default();
    folders
        .iter()
        .map(|folder| pair(folder, &mut schemas))
        .collect()
}

/// Schemas of operations, by provider: a pack is read once.
#[derive(Default)]
struct Schemas(BTreeMap<String, Pack>);

impl Schemas {
    fn of(&mut self, operation: &Operation) -> Result<Value, String> {
        let provider = &operation.provider;
        if !self.0.contains_key(provider) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../functions")
                .join(provider);
            let pack = causeway_lane::read(&folder).map_err(|error| error.to_string())?;
            self.0.insert(provider.clone(), pack);
        }
        let spec = causeway::provider::Provider::spec(&self.0[provider]);
        let named = spec.operation(&operation.operation);
        let named =
            named.ok_or_else(|| format!("{provider} has no operation {}", operation.operation))?;
        Ok(named.schema().to_value())
    }
}

fn pair(folder: &Path, schemas: &mut Schemas) -> Result<Pair, String> {
    let file = |name: &str| -> Result<Value, String> {
        let path = folder.join(name);
        let told = |error: String| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| told(error.to_string()))
    };
    let list = |name: &str| file(name).map(|value| value.as_array().cloned().unwrap_or_default());
    let read: PairFile = serde_json::from_value(file("pair.json")?)
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let schema = folder
        .join("source.schema.json")
        .exists()
        .then(|| file("source.schema.json"))
        .transpose()?;
    Ok(Pair {
        name: folder
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned(),
        target: schemas.of(&read.target)?,
        file: read,
        schema,
        samples: list("samples.json")?,
        golden: list("golden.json")?,
    })
}
