//! The structural lines: what can be seen without a fixture.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use causeway::breaker::Scope;
use causeway::limiter::ScopeKey;
use causeway::provider::{KeyPlace, Operation, Placeholder, Safety, Spec};
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::{Breach, Line};

/// Shortest and longest wait for an answer. Two calls of the longest one fit into the 60 s that a function has, with
/// 10 s to settle them.
const TIMEOUT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(25));

/// Below a minute a key is forgotten before the first retry; above a month nothing of ours lives that long.
const RETENTION: (Duration, Duration) = (
    Duration::from_secs(60),
    Duration::from_secs(31 * 24 * 60 * 60),
);

pub fn check(spec: &'static Spec, manifest_dir: &str, found: &mut Vec<Breach>) {
    names(spec, found);
    base_url(spec, found);
    operations(spec, found);
    for operation in spec.operations.iter() {
        of_operation(spec, operation, found);
    }
    readme(spec, manifest_dir, found);
}

fn names(spec: &Spec, found: &mut Vec<Breach>) {
    let is_good = (1..=64).contains(&spec.name.len())
        && spec
            .name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !is_good {
        found.push(Breach::new(Line::Names, "spec.name", spec.name));
    }
    let of_auth = spec.auth.headers().into_iter().map(|name| (name, "x"));
    for (name, value) in spec.headers.iter().copied().chain(of_auth) {
        if HeaderName::from_lowercase(name.as_bytes()).is_err() {
            found.push(Breach::new(Line::Names, "spec.headers", name));
        } else if HeaderValue::from_str(value).is_err() {
            found.push(Breach::new(
                Line::Names,
                "spec.headers",
                format!("{name}: {value}"),
            ));
        }
    }
}

fn base_url(spec: &Spec, found: &mut Vec<Breach>) {
    let mut base_url = spec.base_url.to_owned();
    for placeholder in spec.placeholders {
        base_url = base_url.replace(&format!("{{{}}}", placeholder.field()), "x");
    }
    let is_good = base_url.parse::<http::Uri>().is_ok_and(|url| {
        let host = url.authority().map_or("", http::uri::Authority::as_str);
        url.scheme_str() == Some("https")
            && !host.is_empty()
            && !host.contains('@')
            && base_url == format!("https://{host}")
    });
    if !is_good {
        found.push(Breach::new(Line::BaseUrl, "spec.base_url", spec.base_url));
    }
    // A region is a host of many accounts.
    let in_host = |placeholder: &Placeholder| {
        placeholder.is_host()
            && spec
                .base_url
                .contains(&format!("{{{}}}", placeholder.field()))
    };
    let has_hosts = spec.placeholders.iter().any(in_host);
    if has_hosts != (spec.breaker.scope == Scope::Connection) {
        let broken = "a breaker for each connection, where accounts have hosts of their own, and nowhere else";
        found.push(Breach::new(Line::BaseUrl, "spec.breaker.scope", broken));
    }
}

fn operations(spec: &Spec, found: &mut Vec<Breach>) {
    if spec.operations.names().is_empty() {
        found.push(Breach::new(Line::Operations, "spec.operations", "none"));
    }
    let mut names = BTreeSet::new();
    for operation in spec.operations.iter() {
        if !names.insert(operation.name) {
            found.push(Breach::new(
                Line::Operations,
                operation.name,
                "the name is taken twice",
            ));
        }
    }
}

fn of_operation(spec: &'static Spec, operation: &'static Operation, found: &mut Vec<Breach>) {
    let name = operation.name;
    if !is_operation_name(name) {
        found.push(Breach::new(Line::Names, "an operation", name));
    }
    if !(TIMEOUT.0..=TIMEOUT.1).contains(&operation.timeout) {
        found.push(Breach::new(
            Line::Timeout,
            name,
            format!("{:?}", operation.timeout),
        ));
    }
    if let Some(KeyPlace::Header(header)) = operation.safety.key_place()
        && HeaderName::from_lowercase(header.as_bytes()).is_err()
    {
        found.push(Breach::new(
            Line::Names,
            name,
            format!("key header {header}"),
        ));
    }
    if let Safety::Keyed { retention, .. } = operation.safety
        && !(RETENTION.0..=RETENTION.1).contains(&retention)
    {
        found.push(Breach::new(Line::Key, name, format!("{retention:?}")));
    }
    limits(spec, operation, found);
    cost(spec, operation, found);
}

/// `[A-Za-z0-9._-]{1,64}`: the vendor's own names where they fit.
fn is_operation_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(is_good)
}

fn limits(spec: &'static Spec, operation: &'static Operation, found: &mut Vec<Breach>) {
    let schema = operation.schema().to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut names = BTreeSet::new();
    for limit in spec.limits_of(operation) {
        if !names.insert(limit.name()) {
            found.push(Breach::new(
                Line::Limits,
                operation.name,
                format!("two limits are named `{}`", limit.name()),
            ));
        }
        if let ScopeKey::Field(field) = limit.scope()
            && !required.contains(&Value::from(field))
        {
            found.push(Breach::new(
                Line::Limits,
                operation.name,
                format!(
                    "limit `{}` counts over `{field}`, which the schema does not require",
                    limit.name()
                ),
            ));
        }
    }
}

/// A cost stands where a limit counts it, and a rested account can pay it.
fn cost(spec: &'static Spec, operation: &'static Operation, found: &mut Vec<Breach>) {
    let mut breach = |found_there| {
        found.push(Breach::new(Line::Limits, operation.name, found_there));
    };
    let counting: Vec<_> = spec
        .limits_of(operation)
        .filter(|limit| limit.counts_cost())
        .collect();
    if operation.cost == 0 {
        breach("it reserves no cost".to_owned());
    } else if counting.is_empty() && operation.cost != 1 {
        breach(format!(
            "it reserves {}, and no limit counts costs",
            operation.cost
        ));
    }
    for limit in counting {
        if operation.cost > limit.largest_cost() {
            breach(format!(
                "it reserves {}, and `{}` never has more than {} at once",
                operation.cost,
                limit.name(),
                limit.largest_cost()
            ));
        }
    }
}

fn readme(spec: &Spec, manifest_dir: &str, found: &mut Vec<Breach>) {
    let text = match fs::read_to_string(Path::new(manifest_dir).join("README.md")) {
        Ok(text) => text,
        // The page says what `causeway providers` shows; a README adds what is peculiar.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            found.push(Breach::new(Line::Readme, "README.md", error.to_string()));
            return;
        }
    };
    let secret = format!("causeway/{}/<connection>", spec.name);
    let fields = spec.secret_fields().into_iter().flatten();
    let fields = fields.map(|field| format!("\"{field}\""));
    for wanted in [secret].into_iter().chain(fields) {
        if !text.contains(&wanted) {
            found.push(Breach::new(
                Line::Readme,
                "README.md",
                format!("{wanted} is not in it"),
            ));
        }
    }
}
