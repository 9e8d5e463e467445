//! What a newer document means for those who use the operations already.

mod narrower;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::error::ImportError;
use crate::old::Old;
use crate::select::nameless;
use causeway::pack::CallPlace;
use causeway::pack::OperationLine;

/// Two imports, compared. Each finding is a sentence that starts with the operation's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What worked before and may be refused now.
    pub breaking: Vec<String>,
    /// The same payload makes another call.
    pub wire: Vec<String>,
    /// Operations that are new.
    pub added: Vec<String>,
}

/// The most findings of one operation: past that it is another operation.
const FINDINGS_MAX: usize = 50;

/// Compares two `operations.jsonl`.
///
/// # Errors
/// If one of them cannot be read.
pub fn diff(old: &str, new: &str) -> Result<Diff, ImportError> {
    let (old, new) = (Old::read(old)?, Old::read(new)?);
    let after: BTreeMap<&str, &OperationLine> =
        new.all().map(|line| (line.op.as_str(), line)).collect();
    let before: BTreeMap<&str, &OperationLine> =
        old.all().map(|line| (line.op.as_str(), line)).collect();
    let mut diff = Diff::default();
    for (name, was) in &before {
        let Some(is) = after.get(name) else {
            diff.breaking
                .push(format!("`{name}` is gone ({} {})", was.method, was.path));
            continue;
        };
        let mut narrower = narrower::Narrower::new(&old.schemas, &new.schemas);
        let found = narrower.schema("", &was.schema, &is.schema, 0);
        let found = found.into_iter().take(FINDINGS_MAX);
        diff.breaking
            .extend(found.map(|it| format!("`{name}`: {it}")));
        let found = wire(was, is);
        diff.wire
            .extend(found.into_iter().map(|it| format!("`{name}`: {it}")));
    }
    let added = after.keys().filter(|name| !before.contains_key(*name));
    diff.added
        .extend(added.map(|name| format!("`{name}` is new")));
    Ok(diff)
}

impl Diff {
    /// Whether nobody needs to look.
    pub fn is_harmless(&self) -> bool {
        self.breaking.is_empty() && self.wire.is_empty()
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("breaking", &self.breaking),
            ("other bytes", &self.wire),
            ("new", &self.added),
        ];
        for (title, all) in parts {
            if !all.is_empty() {
                writeln!(f, "{title}, {}:", all.len())?;
            }
            all.iter().try_for_each(|it| writeln!(f, "  {it}"))?;
        }
        Ok(())
    }
}

/// Changed bytes of the call.
fn wire(was: &OperationLine, is: &OperationLine) -> Vec<String> {
    let mut found = Vec::new();
    if was.method != is.method || nameless(&was.path) != nameless(&is.path) {
        found.push(format!(
            "{} {} becomes {} {}",
            was.method, was.path, is.method, is.path
        ));
    }
    let named = |media: &Option<String>| media.clone().unwrap_or_else(|| "no body".to_owned());
    if was.media != is.media {
        found.push(format!(
            "the body was {} and is {}",
            named(&was.media),
            named(&is.media)
        ));
    }
    if was.whole != is.whole {
        let (what, how) = if is.whole {
            ("is", "the field `body`")
        } else {
            ("is no longer", "the field `body`")
        };
        found.push(format!("{how} {what} the whole body"));
    }
    if was.wrap != is.wrap {
        let named = |wrap: &Option<String>| wrap.clone().unwrap_or_else(|| "its top".to_owned());
        found.push(format!(
            "the body's fields stood under {} and stand under {}",
            named(&was.wrap),
            named(&is.wrap)
        ));
    }
    let fields = |line: &OperationLine| -> BTreeMap<String, CallPlace> {
        let properties = line.schema.get("properties").and_then(Value::as_object);
        let places = properties.into_iter().flatten().map(|(name, _)| {
            let body = || CallPlace::Body(vec![name.clone()]);
            (
                name.clone(),
                line.at.get(name).cloned().unwrap_or_else(body),
            )
        });
        places.collect()
    };
    let now = fields(is);
    let renamed = |place: &CallPlace| matches!(place, CallPlace::Path(_)) && was.path != is.path;
    for (name, place) in fields(was) {
        match now.get(&name) {
            Some(other) if *other != place && !renamed(&place) => {
                found.push(format!(
                    "the field `{name}` stood at {place} and stands at {other}"
                ));
            }
            _ => {}
        }
    }
    compare(&was.fixed, &is.fixed, "every call says", &mut found);
    let styles = |line: &OperationLine| -> BTreeMap<CallPlace, Value> {
        let styles = line.style.iter();
        styles
            .filter_map(|(place, style)| Some((place.clone(), serde_json::to_value(style).ok()?)))
            .collect()
    };
    compare(
        &styles(was),
        &styles(is),
        "lists are written as",
        &mut found,
    );
    found
}

fn compare(
    was: &BTreeMap<CallPlace, Value>,
    is: &BTreeMap<CallPlace, Value>,
    what: &str,
    found: &mut Vec<String>,
) {
    let places: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
    for place in places {
        let named = |value: Option<&Value>| {
            value.map_or_else(|| "nothing of its own".to_owned(), Value::to_string)
        };
        let (before, after) = (was.get(place), is.get(place));
        if before != after {
            found.push(format!(
                "at {place} {what} {} instead of {}",
                named(after),
                named(before)
            ));
        }
    }
}
