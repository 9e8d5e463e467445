//! A vendor's document as the vendor wrote it, read without any of the import's code.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::{Map, Value};
use serde_yaml_ng::Value as Yaml;

/// Documents unpack to 13 MB at most; what is larger is no document.
const BYTES_MAX: u64 = 64 << 20;

/// References that are followed one after the other.
pub(super) const HOPS_MAX: usize = 32;

/// A document that cannot judge.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{file}: {source}")]
    File {
        /// Which.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is neither JSON nor YAML, or not of a kind that is known.
    #[error("{file}: {reason}")]
    Content {
        /// Which.
        file: String,
        /// Why.
        reason: String,
    },
}

/// What kind of document it is: each says the same of schemas in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Swagger 2.0.
    Swagger,
    /// OpenAPI 3.0.
    OpenApi30,
    /// OpenAPI 3.1, whose schemas are JSON Schemas.
    OpenApi31,
}

/// One document.
#[derive(Debug)]
pub struct DocumentFile {
    /// All that it says.
    pub root: Value,
    /// Its kind.
    pub dialect: Dialect,
}

impl DocumentFile {
    /// Reads `folder/name`, or `folder/name.gz`.
    ///
    /// # Errors
    /// When there is no such file, or it is no document of a known kind.
    pub fn read(folder: &Path, name: &str) -> Result<Self, FileError> {
        let bytes = bytes(folder, name).map_err(|source| FileError::File {
            file: name.to_owned(),
            source,
        })?;
        let wrong = |reason: String| FileError::Content {
            file: name.to_owned(),
            reason,
        };
        let is_json = name.rsplit('.').next() == Some("json");
        let root = match is_json {
            true => serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?,
            false => {
                let yaml = serde_yaml_ng::from_slice(&bytes);
                json(yaml.map_err(|error| wrong(error.to_string()))?)
            }
        };
        let said = |key: &str| root.get(key).and_then(Value::as_str).unwrap_or_default();
        let dialect = match (said("openapi"), said("swagger")) {
            (version, _) if version.starts_with("3.0") => Dialect::OpenApi30,
            (version, _) if version.starts_with("3.1") => Dialect::OpenApi31,
            (_, version) if version.starts_with('2') => Dialect::Swagger,
            _ => return Err(wrong("neither OpenAPI 3 nor Swagger 2".to_owned())),
        };
        Ok(Self { root, dialect })
    }

    /// `value`, or what it refers to in this document.
    #[must_use]
    pub fn followed<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        for _ in 0..HOPS_MAX {
            let Some(next) = value
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|at| at.strip_prefix('#'))
            else {
                break;
            };
            let Some(next) = self.root.pointer(next) else {
                break;
            };
            value = next;
        }
        value
    }

    /// Addresses of the API up to its paths, without scheme and host.
    #[must_use]
    pub fn bases(&self) -> Vec<String> {
        if let Some(base) = self.root.get("basePath").and_then(Value::as_str) {
            return vec![base.trim_end_matches('/').to_owned()];
        }
        let servers = self.root.get("servers").and_then(Value::as_array);
        let urls = servers
            .into_iter()
            .flatten()
            .filter_map(|server| server.get("url")?.as_str());
        let path = |url: &str| {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            let path = rest
                .find('/')
                .and_then(|at| rest.get(at..))
                .unwrap_or_default();
            path.trim_end_matches('/').to_owned()
        };
        urls.map(path).collect()
    }
}

fn bytes(folder: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let plain = folder.join(name);
    if plain.exists() {
        File::open(plain)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    } else {
        let packed = File::open(folder.join(format!("{name}.gz")))?;
        GzDecoder::new(packed)
            .take(BYTES_MAX)
            .read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// YAML as JSON. Keys that are numbers, such as statuses, are texts there.
fn json(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(truth) => Value::Bool(truth),
        Yaml::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => number.into(),
            (_, Some(number), _) => number.into(),
            (_, _, number) => number.into(),
        },
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => items.into_iter().map(json).collect(),
        Yaml::Mapping(fields) => {
            let field = |(key, value)| {
                let key = match json(key) {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                (key, json(value))
            };
            Value::Object(fields.into_iter().map(field).collect::<Map<_, _>>())
        }
        Yaml::Tagged(tagged) => json(tagged.value),
    }
}
