//! Packs' requests before their vendors' own documents, by Prism.
//!
//! The judge of `tests/packs` looks at every operation and reads documents as we do. Prism reads them as somebody else
//! does: a usual run shows it a fixed sample, `--all` everything.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use causeway::clock::{Clock, SystemClock};
use causeway::http_client::{HttpClient, ReqwestClient};
use causeway::pack::Pack;
use causeway::pack::example::Extent;
use causeway::pack::page::AddressPart;
use causeway::provider::{Answer, Provider, Secret, Shown, Token, Wire};
use causeway_ingest::catalogue;
use causeway_local::stack::root;
use flate2::read::GzDecoder;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::lane::CALL_MAX;
use crate::prism::{Prism, violations};
use crate::relay::{Lie, Relay};
use crate::report::Row;
use crate::run::Run;

/// Where the documents are, seen from the project's folder.
pub const FOLDER: &str = "../shared/providers/documents";

const CHECK: &str = "packs' requests / vendors' documents";

/// Operations of a pack's largest document in a usual run: one Prism a pack, and all of it in 30 s.
const SAMPLE: usize = 12;

/// Documents unpack to 13 MB at most.
const BYTES_MAX: u64 = 64 << 20;

/// What Prism has against requests that are right: the pack, the violation's beginning, and why.
const KNOWN: &[(&str, &str, &str)] = &[];

/// Shows Prism a sample of the packs that are `wanted` (of all where none is named), or everything.
///
/// # Errors
/// When a document cannot be read, Prism does not start, or a call gets no answer.
pub async fn check(run: &Run, wanted: &[String], all: bool) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for pack in catalogue::packs() {
        let name = pack.spec().name;
        if !wanted.is_empty() && !wanted.iter().any(|one| one == name) {
            continue;
        }
        let mut documents = documents(pack);
        if documents.is_empty() {
            continue;
        }
        documents.sort_by_key(|(_, _, operations)| std::cmp::Reverse(operations.len()));
        let most = if all { documents.len() } else { 1 };
        let mut row = Row::new(name, CHECK);
        for (alias, path, mut operations) in documents.into_iter().take(most) {
            if !all {
                let step = operations.len().div_ceil(SAMPLE).max(1);
                operations = operations.into_iter().step_by(step).collect();
            }
            let bench = Bench::set_up(run, pack, &alias, &path, &operations).await?;
            for operation in &operations {
                bench.judge(operation, &mut row).await?;
            }
            bench.fault(&operations, &mut row).await?;
        }
        rows.push(row);
    }
    if rows.is_empty() && wanted.is_empty() {
        let why = format!("there is no {FOLDER}");
        rows.push(Row::left_out("all packs", CHECK, why));
    }
    Ok(rows)
}

/// The documents of a pack that are here, each with the operations that were made of it.
fn documents(pack: &Pack) -> Vec<(String, PathBuf, Vec<String>)> {
    let files = pack.page().document.iter().flat_map(|it| &it.files);
    let found = files.filter_map(|(alias, file)| {
        let path = root().join(FOLDER).join(format!("{file}.gz"));
        let of = |name: &String| pack.line(name).is_some_and(|line| line.doc == *alias);
        let mut operations: Vec<String> = pack.spec().operations.names();
        operations.retain(of);
        (path.is_file() && !operations.is_empty()).then(|| (alias.clone(), path, operations))
    });
    found.collect()
}

/// A pack, and Prism with one of its documents. Behind it nobody looks at calls: every answer is the same.
struct Bench<'a> {
    pack: &'a Pack,
    prism: Prism,
    client: ReqwestClient,
    _relay: Relay,
}

impl<'a> Bench<'a> {
    async fn set_up(
        run: &Run,
        pack: &'a Pack,
        alias: &str,
        path: &Path,
        operations: &[String],
    ) -> Result<Self, Error> {
        let whole = read(path)?;
        let copy = copy(&whole, pack, alias, operations);
        let file = run.file(format!("{}-{alias}.json", pack.spec().name));
        std::fs::write(&file, copy.to_string()).map_err(Error::io("write a document's copy"))?;
        let relay = Relay::start("http://127.0.0.1:9").await?;
        relay.lie(Some(Lie::Instead(Answer {
            status: 200,
            headers: HeaderMap::new(),
            body: "{}".into(),
        })));
        let prism = Prism::start(&run.processes, &run.toolbox, &file, relay.base_url()).await?;
        let client = ReqwestClient::new().map_err(|error| Error::data("the HTTP client", error))?;
        Ok(Self {
            pack,
            prism,
            client,
            _relay: relay,
        })
    }

    /// The least call of an operation, and a full one.
    async fn judge(&self, name: &str, row: &mut Row) -> Result<(), Error> {
        for extent in [Extent::Minimal, Extent::Full] {
            let Some(wire) = self.wire(name, extent) else {
                row.violation(format!("{name}: no call comes of its own example"));
                continue;
            };
            let provider = self.pack.spec().name;
            for text in self.told(&wire, row).await? {
                let known = KNOWN
                    .iter()
                    .any(|(pack, start, _)| *pack == provider && text.starts_with(start));
                if !known {
                    row.violation(format!("{name}, {extent:?}: {text}"));
                }
            }
        }
        Ok(())
    }

    /// A wrong call, which must be found.
    async fn fault(&self, operations: &[String], row: &mut Row) -> Result<(), Error> {
        let is_plain = |name: &&String| {
            let line = self.pack.line(name);
            line.is_some_and(|line| line.media.as_deref() == Some("json") && !line.whole)
        };
        let json = operations.iter().find(is_plain);
        let Some(name) = json.or(operations.first()) else {
            return Ok(());
        };
        let Some(mut wire) = self.wire(name, Extent::Minimal) else {
            return Ok(());
        };
        match json {
            Some(_) => wire.body = "[]".into(),
            None => wire.path = format!("/nowhere{}", wire.path),
        }
        if self.told(&wire, row).await?.is_empty() {
            row.violation(format!("{name}: a wrong call was not found"));
        } else {
            row.remarks.push("a wrong call was found".to_owned());
        }
        Ok(())
    }

    /// What Prism has against a call.
    async fn told(&self, wire: &Wire, row: &mut Row) -> Result<Vec<String>, Error> {
        row.requests += 1;
        let answer = self.client.call(self.prism.base_url(), wire, CALL_MAX);
        let answer = answer.await.map_err(|source| Error::Call {
            call: format!("{} {wire:?}", self.pack.spec().name),
            source,
        })?;
        let found = violations(&answer)?;
        let of_request = found.iter().filter(|violation| !violation.is_of_answer());
        Ok(of_request.map(super::prism::Violation::text).collect())
    }

    /// The call of the operation's example, with made-up credentials.
    fn wire(&self, name: &str, extent: Extent) -> Option<Wire> {
        let operation = self.pack.spec().operation(name)?;
        let example = self.pack.example(name, extent)?;
        let wire = operation.prepare(&example).ok()?;
        let wire = operation.keyed(wire, "123e4567-e89b-42d3-a456-426614174000");
        let secret = self.pack.page().address.secret.clone();
        let value = |field: &str| match secret.get(field) {
            Some(AddressPart::Id(34)) => format!("AC{}", "0".repeat(32)),
            Some(AddressPart::Choice(all)) => all
                .first()
                .map(|[said, _]| said.clone())
                .unwrap_or_default(),
            _ => "1".to_owned(),
        };
        let ways = self.pack.spec().secret_fields();
        let token = Token::new("marker");
        ways.iter().find_map(|way| {
            let fields: Map<String, Value> = way
                .iter()
                .map(|field| ((*field).to_owned(), value(field).into()))
                .collect();
            let secret = Secret::parse(&Value::Object(fields).to_string()).ok()?;
            let shown = Shown {
                secret: &secret,
                token: Some(&token),
            };
            self.pack.sign(wire.clone(), shown, SystemClock.now()).ok()
        })
    }
}

fn read(path: &Path) -> Result<Value, Error> {
    let place = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::data(&place, error))?;
    let mut text = String::new();
    GzDecoder::new(file)
        .take(BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Error::data(&place, error))?;
    match text.trim_start().starts_with('{') {
        true => serde_json::from_str(&text).map_err(|error| Error::data(&place, error)),
        false => serde_yaml_ng::from_str(&text).map_err(|error| Error::data(&place, error)),
    }
}

/// The document with the calls of `operations` alone, at the paths at which they are made, and with what these refer to.
/// Answers and credentials are left out: nobody asks about them here.
fn copy(whole: &Value, pack: &Pack, alias: &str, operations: &[String]) -> Value {
    let address = &pack.page().address;
    let prefix = address.prefix_of.get(alias).unwrap_or(&address.prefix);
    let mut paths: Map<String, Value> = Map::new();
    for line in operations.iter().filter_map(|name| pack.line(name)) {
        let method = line.method.to_ascii_lowercase();
        let all = whole["paths"].as_object().into_iter().flatten();
        let mut same = all
            .filter(|(path, item)| shape(path) == shape(&line.path) && item.get(&method).is_some());
        let Some((path, item)) = same.next() else {
            continue;
        };
        let mut operation = item[&method].clone();
        if let Some(fields) = operation.as_object_mut() {
            fields.insert(
                "responses".to_owned(),
                json!({"default": {"description": "any"}}),
            );
            fields.remove("security");
            fields.remove("callbacks");
            fields.remove("servers");
        }
        let entry = paths.entry(format!("{prefix}{path}"));
        let entry = entry.or_insert_with(|| json!({}));
        if let Some(parameters) = item.get("parameters") {
            entry["parameters"] = parameters.clone();
        }
        entry[&method] = operation;
    }
    let mut copy = json!({"info": {"title": alias, "version": "1"}, "paths": paths});
    for key in ["openapi", "swagger", "consumes"] {
        if let Some(value) = whole.get(key) {
            copy[key] = value.clone();
        }
    }
    let mut seen = BTreeSet::new();
    let mut open = references(&copy);
    while let Some(at) = open.pop() {
        if !seen.insert(at.clone()) {
            continue;
        }
        let Some(value) = whole.pointer(&at) else {
            continue;
        };
        open.extend(references(value));
        put(&mut copy, &at, value.clone());
    }
    copy
}

/// The pointers of all references inside the document.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            let own = own
                .and_then(|text| text.strip_prefix('#'))
                .map(str::to_owned);
            let inner = fields.values().flat_map(references);
            own.into_iter().chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn put(at: &mut Value, pointer: &str, value: Value) {
    let mut place = at;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if place.is_null() {
            *place = json!({});
        }
        let Some(fields) = place.as_object_mut() else {
            return;
        };
        place = fields.entry(step).or_insert(Value::Null);
    }
    *place = value;
}

/// A path without the names of its placeholders.
fn shape(path: &str) -> String {
    let parts = path.split('{').enumerate().map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('}').map_or(part, |(_, rest)| rest),
    });
    let parts: Vec<&str> = parts.collect();
    parts.join("{}").trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_calls_that_are_made_and_what_they_refer_to() {
        let pack = catalogue::pack("slack").expect("a pack");
        let name = "chat.postMessage".to_owned();
        let line = pack.line(&name).expect("a line");
        let body = json!({"in": "body", "name": "b", "schema": {"$ref": "#/definitions/A"}});
        let whole = json!({
            "swagger": "2.0", "basePath": "/x",
            "paths": {
                line.path.clone(): {"post": {"parameters": [body], "responses": {"200": {"schema": {"$ref": "#/definitions/C"}}}}},
                "/other": {"post": {}},
            },
            "definitions": {"A": {"items": {"$ref": "#/definitions/B"}}, "B": {"type": "string"}, "C": {}},
        });
        let copy = copy(&whole, pack, &line.doc, &[name]);
        let paths: Vec<&String> = copy["paths"].as_object().expect("paths").keys().collect();
        assert_eq!(paths, [&format!("/api{}", line.path)]);
        assert_eq!(
            copy["definitions"],
            json!({"A": {"items": {"$ref": "#/definitions/B"}}, "B": {"type": "string"}})
        );
        assert_eq!(copy["swagger"], "2.0");
    }

    #[test]
    fn paths_are_one_whatever_their_placeholders_are_called() {
        assert_eq!(shape("/a/{id}.json"), shape("/a/{Sid}.json"));
        assert_ne!(shape("/a/{id}"), shape("/a/b"));
    }
}
