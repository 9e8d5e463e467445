//! A first `provider.toml`, filled in as far as documents go.

mod auth;

use std::collections::BTreeMap;

use regex_lite::RegexBuilder;
use serde_json::Value;

use crate::document::Document;
use crate::error::ImportError;
use crate::open::speaks_of_limits;
use crate::refs::Documents;
use crate::route::{Route, routes};
use causeway::pack::CallPlace;

/// Ways in which descriptions give numbers of limits.
const LIMITS: [&str; 4] = [
    r"Burst: `(\d+)/s`.*Steady: `(\d+)/m`",
    r"([\d,]+) (?:requests?|calls?|operations?) (?:per|a|every|each) (?:second|minute|hour)",
    r"([\d,]+) ?(?:req|requests|calls)/(?:s|sec|second|min|minute)",
    r"[Rr]ate limit(?:ed)?(?: is|:| of| to)? ([\d,]+)",
];

/// A page that can be read as it is, with `# OPEN: …` where a person has to decide. Secrets go to the address, so it is a
/// proposal in a comment; all operations are `unsafe` until somebody says better. `documents` are as for `import`.
///
/// # Errors
/// If a document cannot be read.
pub fn draft(documents: &[(String, String, Vec<u8>)]) -> Result<String, ImportError> {
    let mut documents: Vec<_> = documents.iter().collect();
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    let read = documents
        .iter()
        .map(|(alias, file, bytes)| Document::read(alias, file, bytes));
    let docs = Documents(read.collect::<Result<_, _>>()?);
    let all: Vec<Route<'_>> = (0..docs.0.len())
        .flat_map(|doc| routes(&docs, doc).0)
        .collect();
    let title = docs.0.first().map_or("", |it| it.facts.title.as_str());
    let short = short_title(title);
    let mut text = String::new();
    let mut line = |it: &str| {
        text.push_str(it);
        text.push('\n');
    };
    line(&format!("name = {}", quoted(&slug(&short))));
    line(&format!("title = {}", quoted(&short)));
    line("# OPEN: about = \"what it is for, in one sentence\"");
    line("object_id = [\"/id\"] # OPEN: where answers name what was made");
    line("# OPEN: check = \"GET /me\", a harmless read that proves credentials");
    line("");
    line("auth = [");
    for way in auth::ways(&docs) {
        line(&format!("  {way}"));
    }
    line("]");
    line("");
    line(
        "# OPEN: answer = [ … ]: what statuses and error codes mean. Without rows HTTP's own rules hold.",
    );
    line("# OPEN: limit = [ … ]: what the documentation says of limits.");
    line(&format!(
        "# OPEN: operation = [ … ]: what may be sent twice. All {} writing calls are unsafe until then.",
        all.len()
    ));
    keys(&all).iter().for_each(|it| line(it));
    line("");
    line("[document]");
    let files = docs.0.iter().map(|it| {
        format!(
            "{} = {}",
            key(&it.alias),
            quoted(it.file.trim_end_matches(".gz"))
        )
    });
    line(&format!(
        "files = {{ {} }}",
        files.collect::<Vec<_>>().join(", ")
    ));
    line("read = \"OPEN\" # OPEN: the day on which they were read");
    let licence = docs.0.iter().find_map(|it| it.facts.licence.clone());
    match licence {
        Some(licence) => line(&format!("licence = {}", quoted(&licence))),
        None => {
            line("licence = \"none stated\" # OPEN: as the document or its repository states it")
        }
    }
    limits(&all).iter().for_each(|it| line(it));
    line("");
    line("[address]");
    line("base = \"https://open.invalid\" # OPEN: secrets go there. The documents say:");
    for it in &docs.0 {
        it.facts
            .servers
            .iter()
            .take(4)
            .for_each(|server| line(&format!("#   {}: {server}", it.alias)));
    }
    let mut supply = supply(&all);
    supply.extend(bodies(&docs, &all));
    if !supply.is_empty() {
        line("");
        line("[supply]");
        supply.iter().for_each(|it| line(it));
    }
    Ok(text)
}

/// Headers that carry a key, if the document has them.
fn keys(all: &[Route<'_>]) -> Vec<String> {
    let mut headers: BTreeMap<&CallPlace, usize> = BTreeMap::new();
    for parameter in all.iter().flat_map(|route| &route.parameters) {
        let name = parameter.name.to_ascii_lowercase();
        if name.contains("idempoten") || name == "x-request-id" || name.contains("client-token") {
            *headers.entry(&parameter.place).or_default() += 1;
        }
    }
    let total = all.len();
    headers
        .iter()
        .map(|(place, count)| {
            format!("# OPEN: {place} in {count} of {total}: keyed, and for how long?")
        })
        .collect()
}

/// What most calls need beside their payload.
fn supply(all: &[Route<'_>]) -> Vec<String> {
    let mut needed: BTreeMap<&CallPlace, (usize, Option<Value>)> = BTreeMap::new();
    for route in all {
        for parameter in &route.parameters {
            let header = matches!(parameter.place, CallPlace::Header(_)) && parameter.required;
            let path = matches!(parameter.place, CallPlace::Path(_));
            if !header && !path || route.credentials.contains(&parameter.place) {
                continue;
            }
            let schema = &parameter.schema;
            let only = schema
                .get("enum")
                .and_then(Value::as_array)
                .filter(|it| it.len() == 1);
            let fixed = schema
                .get("const")
                .or_else(|| schema.get("default"))
                .or_else(|| only?.first());
            let entry = needed.entry(&parameter.place).or_default();
            entry.0 += 1;
            entry.1 = fixed.cloned().or(entry.1.take());
        }
    }
    let total = all.len();
    let mut lines = Vec::new();
    for (place, (count, fixed)) in needed {
        let most = count * 2 > total;
        let place_text = quoted(&place.to_string());
        match (place, fixed) {
            (CallPlace::Header(_), Some(Value::String(value))) => lines.push(format!(
                "{place_text} = {{ fixed = {} }} # OPEN: required in {count} of {total}",
                quoted(&value)
            )),
            (CallPlace::Header(name), _) => lines.push(format!(
                "{place_text} = {{ secret = {} }} # OPEN: required in {count} of {total}: fixed, or a field of the secret?",
                quoted(&name.replace('-', "_"))
            )),
            (CallPlace::Path(name), _) if most => lines.push(format!(
                "# OPEN: {place_text} = {{ secret = {} }}: stands in {count} of {total}",
                quoted(name)
            )),
            _ => {}
        }
    }
    lines
}

/// What most bodies need: credentials, if they look so.
fn bodies(docs: &Documents, all: &[Route<'_>]) -> Vec<String> {
    let mut needed: BTreeMap<&str, usize> = BTreeMap::new();
    for route in all {
        let Some(way) = route.body.ways.first() else {
            continue;
        };
        let schema = way
            .schema
            .as_deref()
            .and_then(|schema| docs.follow(way.doc, schema).ok());
        let fields = schema.and_then(|(_, it)| it.get("properties")?.as_object());
        for (name, _) in fields.into_iter().flatten() {
            let lower = name.to_ascii_lowercase();
            if ["token", "secret", "client", "api_key", "apikey", "password"]
                .iter()
                .any(|it| lower.contains(it))
            {
                *needed.entry(name).or_default() += 1;
            }
        }
    }
    let total = all.len();
    let most = needed.into_iter().filter(|(_, count)| count * 2 > total);
    most.map(|(name, count)| {
        let place = quoted(&CallPlace::Body(vec![name.to_owned()]).to_string());
        format!(
            "# OPEN: {place} = {{ secret = {} }}: stands in {count} of {total}",
            quoted(&name.to_ascii_lowercase())
        )
    })
    .collect()
}

/// What descriptions say of limits.
fn limits(all: &[Route<'_>]) -> Vec<String> {
    let speaking = all
        .iter()
        .filter(|route| speaks_of_limits(&route.text))
        .count();
    if speaking == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!(
        "# OPEN: {speaking} descriptions may give limits in numbers; what finds them:"
    )];
    for pattern in LIMITS {
        let Ok(regex) = RegexBuilder::new(pattern)
            .dot_matches_new_line(true)
            .build()
        else {
            continue;
        };
        let found: Vec<_> = all
            .iter()
            .filter(|route| regex.is_match(&route.text))
            .collect();
        if let Some(first) = found.first() {
            let (count, method, path) = (found.len(), first.method, &first.written);
            lines.push(format!(
                "# limits = '{pattern}' # in {count}, {method} {path} among them"
            ));
        }
    }
    lines
}

/// `Acme REST API v2` as `Acme`.
fn short_title(title: &str) -> String {
    let idle = |word: &&str| {
        let word = word.to_ascii_lowercase();
        let word = word.trim_matches(|char: char| !char.is_ascii_alphanumeric());
        let version = word
            .trim_start_matches('v')
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        version
            || [
                "api",
                "apis",
                "rest",
                "restful",
                "reference",
                "the",
                "openapi",
                "public",
                "web",
            ]
            .contains(&word)
    };
    let words: Vec<_> = title
        .split_whitespace()
        .filter(|word| !idle(word))
        .take(3)
        .collect();
    if words.is_empty() {
        "OPEN".to_owned()
    } else {
        words.join(" ")
    }
}

fn slug(title: &str) -> String {
    let plain = |char: char| {
        if char.is_ascii_alphanumeric() {
            char.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let slug: String = title.chars().map(plain).take(64).collect();
    let parts: Vec<_> = slug.split('-').filter(|it| !it.is_empty()).collect();
    parts.join("-")
}

/// A basic string of TOML, which is written as JSON's are.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|char| !char.is_control()).collect();
    Value::from(text).to_string()
}

/// A bare key, or a quoted one.
fn key(text: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let plain = !text.is_empty() && text.bytes().all(bare);
    if plain { text.to_owned() } else { quoted(text) }
}
