//! The lanes' wire fixtures: payloads, and the answers that the vendor's pages show.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use causeway::provider::{Answer, Json, Operation, Spec};
use causeway_local::stack::root;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::Error;

/// A payload of an operation.
#[derive(Debug)]
pub struct Case {
    /// Whose payload it is.
    pub operation: &'static Operation,
    /// Its place among the operation's payloads.
    pub number: usize,
    /// Operation and payload in a few words.
    pub what: String,
    /// The canonical payload.
    pub payload: Json,
    /// What the operation's answers look like.
    pub answers: Vec<Recorded>,
}

/// An answer of the vendor's, as its pages show it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What it is an example of.
    pub name: String,
    /// The lane's judgement; empty where it is one for each element of a batch.
    pub verdict: String,
    /// The answer.
    pub answer: Answer,
}

#[derive(Deserialize)]
struct Fixture {
    payloads: Vec<Payload>,
    answers: Vec<Example>,
}

#[derive(Deserialize)]
struct Payload {
    name: String,
    payload: Json,
}

#[derive(Deserialize)]
struct Example {
    name: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Json,
    #[serde(default)]
    verdict: String,
}

/// The operations of which calls and answers are recorded, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn operations(spec: &'static Spec) -> Result<Vec<&'static Operation>, Error> {
    let folder = folder(spec);
    let failed = |error| Error::data(folder.display().to_string(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        found.extend(spec.operation(&name));
    }
    found.sort_by_key(|operation| operation.name);
    Ok(found)
}

fn folder(spec: &Spec) -> PathBuf {
    root().join("functions").join(spec.name).join("fixtures")
}

/// The payloads of all operations of which calls are recorded.
///
/// # Errors
/// When a fixture cannot be read.
pub fn cases(spec: &'static Spec) -> Result<Vec<Case>, Error> {
    let folder = folder(spec);
    let mut cases = Vec::new();
    for operation in operations(spec)? {
        let path = folder.join(format!("{}.json", operation.name));
        let place = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| Error::data(&place, error))?;
        let fixture: Fixture =
            serde_json::from_str(&text).map_err(|error| Error::data(&place, error))?;
        let answers: Vec<Recorded> = fixture.answers.iter().map(recorded).collect();
        let payloads = fixture.payloads.into_iter().enumerate();
        cases.extend(payloads.map(|(number, case)| Case {
            operation,
            number,
            what: format!("{}, {}", operation.name, case.name),
            payload: case.payload,
            answers: answers.clone(),
        }));
    }
    Ok(cases)
}

fn recorded(example: &Example) -> Recorded {
    let pair = |(name, value): (&String, &String)| {
        let name = HeaderName::try_from(name).ok()?;
        Some((name, HeaderValue::try_from(value).ok()?))
    };
    let mut headers: HeaderMap = example.headers.iter().filter_map(pair).collect();
    let body = match &example.body {
        Json::String(text) => text.clone(),
        body => body.to_string(),
    };
    // Fixtures leave it out where it is what everybody expects.
    headers
        .entry(http::header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Recorded {
        name: example.name.clone(),
        verdict: example.verdict.clone(),
        answer: Answer {
            status: example.status,
            headers,
            body: body.into(),
        },
    }
}
