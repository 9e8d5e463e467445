//! The raw call in the sweep: an operation whose route a page allows, asked for by method and path. Whatever its own safety
//! is, a raw call goes out once.

use causeway::pack::{CALL, OperationLine};
use causeway::provider::{Provider, Wire};
use serde_json::{Map, Value, json};

use crate::run::{self, run};
use crate::shelf::Shelved;
use crate::sweep::{CASES, Subject, Swept};

/// Sweeps `line`'s operation by the raw call; nothing where the page does not allow that.
#[must_use]
pub fn of(shelved: &Shelved, line: &OperationLine) -> Swept {
    let mut swept = Swept::default();
    let Some(call) = shelved.pack.spec().operation(CALL) else {
        return swept;
    };
    let Some((subject, payloads)) = Subject::of(shelved, &line.op) else {
        return swept;
    };
    let operation = shelved.pack.spec().operation(&line.op);
    let wire = operation
        .zip(payloads.first())
        .and_then(|(operation, payload)| operation.prepare(payload).ok());
    let payload = wire.map(|wire| said(&wire));
    let Some(payload) = payload.filter(|payload| call.prepare(payload).is_ok()) else {
        return swept;
    };
    swept.operations = 1;
    let subject = subject.raw();
    for case in CASES.iter().filter(|case| subject.takes(**case)) {
        swept.cases += 1;
        let request = run::Subject {
            operation: CALL,
            beset: &line.op,
            payload: &payload,
            way: subject.way,
        };
        let run = run(shelved, request, case.faults, case.before);
        let violations = subject.judge(*case, &run).into_iter();
        swept.violations.extend(violations.map(|mut found| {
            found.operation = format!("{CALL} as {}", line.op);
            found
        }));
    }
    swept
}

/// The raw call's payload that makes this call.
fn said(wire: &Wire) -> Value {
    let (path, query) = wire.path.split_once('?').unwrap_or((&wire.path, ""));
    let text = String::from_utf8_lossy(&wire.body);
    let body = match serde_json::from_str(&text) {
        Ok(body) => Some(body),
        Err(_) if text.is_empty() => None,
        Err(_) => Some(pairs(&text)),
    };
    let mut said = json!({"method": wire.method.as_str(), "path": path});
    if !query.is_empty() {
        said["query"] = pairs(query);
    }
    if let Some(body) = body {
        said["body"] = body;
    }
    if let Some(Ok(accept)) = wire.headers.get("accept").map(|it| it.to_str()) {
        said["headers"] = json!({"accept": accept});
    }
    said
}

/// A form's fields, flat: `metadata[order]` is a name like any other.
fn pairs(form: &str) -> Value {
    let pairs = form_urlencoded::parse(form.as_bytes()).into_owned();
    let pairs = pairs.map(|(name, value)| (name, value.into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}
