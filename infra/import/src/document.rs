//! What kind of description a document is, and what it says of itself.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::ImportError;
use crate::read;

/// The kinds that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Swagger 2.0.
    Swagger2,
    /// OpenAPI 3.0.
    OpenApi30,
    /// OpenAPI 3.1 and later.
    OpenApi31,
    /// Google's discovery format.
    Discovery,
}

/// A document, read.
#[derive(Debug)]
pub(crate) struct Document {
    pub alias: String,
    pub file: String,
    pub kind: Kind,
    pub root: Value,
    pub facts: Facts,
}

/// What a document says of itself, for the notice and for the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its name on the page.
    pub alias: String,
    /// The file, as the caller named it.
    pub file: String,
    /// What kind of description it is.
    pub kind: &'static str,
    /// Its title.
    pub title: String,
    /// Its version.
    pub version: String,
    /// The licence that it states: a name, an address, or both.
    pub licence: Option<String>,
    /// The line of a copyright that it states.
    pub copyright: Option<String>,
    /// The addresses that it gives for the API: a proposal, since secrets go there.
    pub servers: Vec<String>,
    /// SHA-256 of the unpacked text, in hex.
    pub sha256: String,
}

impl Document {
    /// Reads a file.
    pub fn read(alias: &str, file: &str, bytes: &[u8]) -> Result<Self, ImportError> {
        let refused = |reason| ImportError::Document {
            file: file.to_owned(),
            reason,
        };
        let text = read::text(bytes).map_err(refused)?;
        let root = read::value(&text).map_err(refused)?;
        let kind = kind(&root).map_err(refused)?;
        let facts = facts(alias, file, kind, &root, &text);
        Ok(Self {
            alias: alias.to_owned(),
            file: file.to_owned(),
            kind,
            root,
            facts,
        })
    }
}

fn kind(root: &Value) -> Result<Kind, String> {
    let version = |key| match root.get(key) {
        Some(Value::String(version)) => Some(version.clone()),
        Some(Value::Number(version)) => Some(version.to_string()),
        _ => None,
    };
    let has = |pointer| root.pointer(pointer).is_some();
    if let Some(version) = version("openapi") {
        let kind = match version.split('.').collect::<Vec<_>>()[..] {
            ["3"] | ["3", "0", ..] => Kind::OpenApi30,
            ["3", _, ..] => Kind::OpenApi31,
            _ => {
                return Err(format!(
                    "it is OpenAPI {version}; 2.0, 3.0 and 3.1 are read"
                ));
            }
        };
        return with_paths(root, kind);
    }
    if let Some(version) = version("swagger") {
        if !version.starts_with('2') {
            return Err(format!("it is Swagger {version}; 2.0 is read"));
        }
        return with_paths(root, Kind::Swagger2);
    }
    if has("/discoveryVersion") || root.get("kind") == Some(&"discovery#restDescription".into()) {
        return Ok(Kind::Discovery);
    }
    let reason = if has("/data/__schema") || has("/__schema") {
        read::GRAPHQL
    } else if has("/asyncapi") {
        "it is AsyncAPI: messages that the vendor sends, no calls that it takes"
    } else if has("/info/_postman_id") || has("/info/schema") && has("/item") {
        "it is a Postman collection: examples of calls, which do not say what is allowed"
    } else if root.is_array() {
        "it is a list, not an API's description"
    } else {
        "it says neither `openapi`, `swagger` nor `discoveryVersion`"
    };
    Err(reason.to_owned())
}

fn with_paths(root: &Value, kind: Kind) -> Result<Kind, String> {
    match root.get("paths") {
        Some(Value::Object(paths)) if !paths.is_empty() => Ok(kind),
        Some(Value::Object(_)) | None if root.get("webhooks").is_some() => {
            Err("it has webhooks only: calls that the vendor makes".to_owned())
        }
        Some(Value::Object(_)) => Err("its `paths` are empty".to_owned()),
        Some(_) => Err("its `paths` are no object".to_owned()),
        None => Err("it has no `paths`".to_owned()),
    }
}

fn facts(alias: &str, file: &str, kind: Kind, root: &Value, text: &str) -> Facts {
    let info = root.get("info").unwrap_or(root);
    let said = |value: &Value, key: &str| match value.get(key) {
        Some(Value::String(text)) => Some(one_line(text)),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let licence = info.get("license").and_then(|licence| {
        let words: Vec<_> = ["name", "identifier", "url"]
            .iter()
            .filter_map(|key| said(licence, key))
            .filter(|words| !words.is_empty())
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    });
    Facts {
        alias: alias.to_owned(),
        file: file.to_owned(),
        kind: match kind {
            Kind::Swagger2 => "Swagger 2.0",
            Kind::OpenApi30 => "OpenAPI 3.0",
            Kind::OpenApi31 => "OpenAPI 3.1",
            Kind::Discovery => "Google discovery",
        },
        title: said(info, "title").unwrap_or_default(),
        version: said(info, "version").unwrap_or_default(),
        licence,
        copyright: copyright(info),
        servers: servers(kind, root),
        sha256: hex(&Sha256::digest(text.as_bytes())),
    }
}

/// The first line of the description that states a copyright; at most 200 bytes are looked at as one.
fn copyright(info: &Value) -> Option<String> {
    let text = info.get("description")?.as_str()?;
    let states = |line: &&str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("copyright ") || line.starts_with('©') || line.starts_with("(c) ")
    };
    let line = text.lines().map(str::trim).find(states)?;
    (line.len() <= 200).then(|| one_line(line))
}

fn servers(kind: Kind, root: &Value) -> Vec<String> {
    let text = |key: &str| root.get(key).and_then(Value::as_str);
    match kind {
        Kind::OpenApi30 | Kind::OpenApi31 => {
            let servers = root.get("servers").and_then(Value::as_array);
            let urls = servers.into_iter().flatten();
            urls.filter_map(|server| server.get("url")?.as_str())
                .map(one_line)
                .collect()
        }
        Kind::Swagger2 => {
            let schemes = root.get("schemes").and_then(Value::as_array);
            let secure = schemes.is_none_or(|all| all.iter().any(|scheme| scheme == "https"));
            let scheme = if secure { "https" } else { "http" };
            let path = text("basePath").unwrap_or_default().trim_end_matches('/');
            text("host")
                .map(|host| format!("{scheme}://{host}{path}"))
                .into_iter()
                .collect()
        }
        Kind::Discovery => {
            let base = text("baseUrl").map(str::to_owned);
            let parts =
                || Some(text("rootUrl")?.to_owned() + text("servicePath").unwrap_or_default());
            base.or_else(parts)
                .map(|url| url.trim_end_matches('/').to_owned())
                .into_iter()
                .collect()
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
