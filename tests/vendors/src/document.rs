//! Published OpenAPI documents. They are no part of this project: where the folder beside it has none, the checks
//! that need them are left out, and the report says so.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_local::stack::root;
use serde_json::{Map, Value};

use crate::Error;

/// Where the documents are, seen from the project's folder.
pub const FOLDER: &str = "../shared/providers/contracts";

/// A document's place, where there is one.
#[must_use]
pub fn find(file: &str) -> Option<PathBuf> {
    let path = root().join(FOLDER).join(file);
    path.is_file().then_some(path)
}

/// Reads the document at `from` and writes a copy whose paths start at the host, as calls do: Prism serves `paths` as they
/// stand there and forgets the path of `servers`, so that `/api/chat.postMessage` would be unknown to it.
///
/// # Errors
/// When the document cannot be read as JSON, or the copy not be written.
pub fn write_from_host(from: &Path, to: &Path) -> Result<Value, Error> {
    let place = from.display().to_string();
    let text = fs::read_to_string(from).map_err(|error| Error::data(&place, error))?;
    let mut document = serde_json::from_str(&text).map_err(|error| Error::data(&place, error))?;
    start_at_host(&mut document);
    fs::write(to, document.to_string()).map_err(Error::io("write a document's copy"))?;
    Ok(document)
}

fn start_at_host(document: &mut Value) {
    let server = document["servers"][0]["url"].as_str().unwrap_or_default();
    let after_host = server.split_once("://").map_or("", |(_, rest)| rest);
    let base = after_host.find('/').map_or("", |at| &after_host[at..]);
    let base = base.trim_end_matches('/').to_owned();
    if let Some(paths) = document["paths"].as_object_mut() {
        let moved: Map<String, Value> = std::mem::take(paths)
            .into_iter()
            .map(|(path, item)| (format!("{base}{path}"), item))
            .collect();
        *paths = moved;
    }
    if let Some(fields) = document.as_object_mut() {
        fields.remove("servers");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_start_at_the_host() {
        let paths = |server: &str| {
            let mut document = json!({"servers": [{"url": server}], "paths": {"/things": {}}});
            start_at_host(&mut document);
            document
        };
        let moved = json!({"paths": {"/api/v1/things": {}}});
        assert_eq!(paths("https://acme.example/api/v1"), moved);
        assert_eq!(paths("https://acme.example/api/v1/"), moved);
        let same = json!({"paths": {"/things": {}}});
        assert_eq!(paths("https://acme.example/"), same);
        assert_eq!(paths("https://acme.example"), same);
    }
}
