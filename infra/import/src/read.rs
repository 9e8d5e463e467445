//! A file's bytes as one value: JSON or YAML, gzipped or not.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

/// The largest document, unpacked: five times the largest that is known (GitHub's has 13 MB).
pub(crate) const BYTES_MAX: usize = 64 << 20;
/// How deep YAML may nest. JSON's parser has the same limit of its own.
const DEPTH_MAX: usize = 128;
/// The most values of a YAML document, aliases followed: the densest documents have one in 10 bytes.
const NODES_MAX: usize = 8_000_000;

/// The document's text: unpacked, without a byte order mark.
pub(crate) fn text(bytes: &[u8]) -> Result<String, String> {
    let mut unpacked = Vec::new();
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let limit = BYTES_MAX as u64 + 1;
        let read = GzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked);
        read.map_err(|error| format!("it cannot be unpacked: {error}"))?;
        unpacked.as_slice()
    } else {
        bytes
    };
    if bytes.len() > BYTES_MAX {
        return Err(format!("it is larger than {} MiB", BYTES_MAX >> 20));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is no text: byte {} is no UTF-8", error.valid_up_to()))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// What the text says.
pub(crate) fn value(text: &str) -> Result<Value, String> {
    let start = text.trim_start();
    if start.is_empty() {
        return Err("it is empty".to_owned());
    }
    if start.starts_with('<') {
        let html = start
            .get(..15)
            .is_some_and(|head| head.eq_ignore_ascii_case("<!doctype html>"));
        let what = if html || start.starts_with("<html") {
            "a web page"
        } else {
            "XML"
        };
        return Err(format!("it is {what}, not an API's description"));
    }
    if is_graphql(start) {
        return Err(GRAPHQL.to_owned());
    }
    if start.starts_with(['{', '[']) {
        return serde_json::from_str(start).map_err(|error| format!("it is no JSON: {error}"));
    }
    yaml(text)
}

/// Why GraphQL is not imported.
pub(crate) const GRAPHQL: &str = "it is a GraphQL schema: which fields a mutation's answer shows is for a person to \
     choose, so such operations are written by hand (`\"doc\":\"hand\"`)";

/// GraphQL's schema language has no document marker; its definitions start lines.
fn is_graphql(text: &str) -> bool {
    let defines = |line: &&str| {
        let mut words = line.split_ascii_whitespace();
        let kind = words.next().unwrap_or_default();
        let kinds = ["type", "input", "enum", "interface", "scalar", "directive"];
        kinds.contains(&kind) && words.next().is_some() && !line.contains(": ")
            || line.starts_with("schema {")
    };
    text.lines().take(200).filter(defines).take(2).count() > 1
}

fn yaml(text: &str) -> Result<Value, String> {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_depth = DEPTH_MAX;
    budget.max_nodes = NODES_MAX;
    budget.max_events = NODES_MAX * 2;
    budget.max_total_scalar_bytes = BYTES_MAX;
    let mut options = serde_saphyr::Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = serde_saphyr::DuplicateKeyPolicy::LastWins;
    options.strict_booleans = true;
    let value: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| format!("it is no YAML: {}", first_line(&error.to_string())))?;
    match value {
        Value::Object(_) => Ok(value),
        _ => Err("it is a text, not an API's description".to_owned()),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
