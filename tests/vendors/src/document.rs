//! Published OpenAPI documents. They are no part of this project: where the folder beside it has none, the checks
//! that need them are left out, and the report says so.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_local::stack::root;
use serde_json::{Map, Value, json};

use crate::Error;

/// Where the documents are, seen from the project's folder.
pub const FOLDER: &str = "../shared/providers/contracts";

/// A document's place, where there is one.
#[must_use]
pub fn find(file: &str) -> Option<PathBuf> {
    let path = root().join(FOLDER).join(file);
    path.is_file().then_some(path)
}

/// Reads the document at `from` and writes a copy that Prism understands, of the same meaning.
///
/// - Paths start at the host, as calls do: Prism serves `paths` as they stand there and forgets the path of `servers`,
///   so that `/api/chat.postMessage` would be unknown to it.
/// - Lists in forms say that they are repeated names. OpenAPI takes them so where nothing is said
///   (<https://spec.openapis.org/oas/v3.0.3#encoding-object>); Prism takes them for texts. Of a repeated name it sees the
///   last value alone.
///
/// # Errors
/// When the document cannot be read as JSON, or the copy not be written.
pub fn write_copy(from: &Path, to: &Path) -> Result<Value, Error> {
    let place = from.display().to_string();
    let text = fs::read_to_string(from).map_err(|error| Error::data(&place, error))?;
    let mut document = serde_json::from_str(&text).map_err(|error| Error::data(&place, error))?;
    start_at_host(&mut document);
    name_lists(&mut document);
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

fn name_lists(document: &mut Value) {
    let paths = document["paths"].as_object_mut();
    let items = paths.into_iter().flat_map(Map::values_mut);
    for operation in items
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
    {
        let content = "/requestBody/content/application~1x-www-form-urlencoded";
        let Some(content) = operation.pointer_mut(content) else {
            continue;
        };
        let properties = content["schema"]["properties"].as_object();
        let lists = properties.into_iter().flatten();
        let lists: Vec<String> = lists
            .filter(|(name, schema)| {
                schema["type"] == "array" && content["encoding"][name].is_null()
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in lists {
            content["encoding"][name] = json!({"style": "form", "explode": true});
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn lists_in_forms_are_named_unless_the_document_does_so() {
        let form = |encoding: Value| {
            let properties =
                json!({"a": {"type": "array"}, "b": {"type": "array"}, "c": {"type": "string"}});
            let content = json!({"schema": {"properties": properties}, "encoding": encoding});
            json!({"paths": {"/things": {
                "parameters": [],
                "post": {"requestBody": {"content": {"application/x-www-form-urlencoded": content}}},
            }}})
        };
        let repeated = json!({"style": "form", "explode": true});
        let deep = json!({"style": "deepObject", "explode": true});
        let mut document = form(json!({"b": deep}));
        name_lists(&mut document);
        assert_eq!(document, form(json!({"a": repeated, "b": deep})));
    }
}
