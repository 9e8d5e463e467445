//! Functions that take the place of built-ins which could build without limit in one call, take quadratic time, or get
//! dates wrong; and the list of all that are ours.
//!
//! They do what the language says, and pay for what they build before they build it.

use std::collections::HashSet;
use std::sync::LazyLock;

use jlens_core::{Bindings, Error, HostCall, HostFunction, Result};
use serde_json::{Map, Value, json};

use super::args::{Answer, Args, limit, number, pay, text, too_large};
use super::{MAX_BYTES, MAX_ITEMS, dates, domain};

type Run = fn(Args<'_>, &HostCall<'_>) -> Answer;

/// Longest text that a regular expression is tried on: the engine's backtracking keeps a note per character and group.
const MAX_MATCHED: usize = 16 * 1024;

/// Their names and signatures: those that stand in for built-ins, and those that the language lacks.
const FUNCTIONS: [(&str, &str, Run); 17] = [
    ("contains", "<s-(sf):b>", contains),
    ("keys", "<x-:a<s>>", keys),
    ("match", "<s-f<s:o>n?:a<o>>", match_all),
    ("pad", "<s-ns?:s>", pad),
    ("replace", "<s-(sf)(sf)n?:s>", replace),
    ("split", "<s-(sf)n?:a<s>>", split),
    ("spread", "<x-:a<o>>", spread),
    ("zip", "<a+>", zip),
    ("fromMillis", "<n-s?s?:s>", dates::from_millis),
    ("toMillis", "<s-s?:n>", dates::to_millis),
    ("zonedTime", "<ssss?:s>", domain::zoned_time),
    ("minorUnits", "<s:n>", domain::minor_units),
    ("money", "<sn+:n>", domain::money),
    ("sumMoney", "<sa<n>:n>", domain::sum_money),
    ("escape", "<s-s:s>", domain::escape),
    ("cut", "<s-n:s>", domain::cut),
    ("e164", "<s-s?:s>", domain::e164),
];

/// Whether it is one of them.
pub(super) fn is_ours(name: &str) -> bool {
    FUNCTIONS.iter().any(|(ours, ..)| *ours == name)
}

/// The functions, made once: they hold nothing of an evaluation.
pub(super) fn bindings() -> &'static Bindings {
    static BINDINGS: LazyLock<Bindings> = LazyLock::new(|| {
        let bind = |bindings: Bindings, (name, signature, run): (&str, &str, Run)| {
            bindings.function(name, function(signature, run))
        };
        FUNCTIONS.into_iter().fold(Bindings::new(), bind)
    });
    &BINDINGS
}

/// A signature that does not parse would leave the function without checks of its arguments; a test holds that all do.
fn function(signature: &str, run: Run) -> HostFunction {
    match HostFunction::with_signature(signature, run) {
        Ok(function) => function.without_input(),
        Err(_) => HostFunction::new(0, |_, _| Err(Error::new("T1006"))),
    }
}

fn pad(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(source) = text(args, 0) else {
        return Ok(None);
    };
    let fill = text(args, 2).filter(|fill| !fill.is_empty()).unwrap_or(" ");
    let width = number(args, 1).unwrap_or(0.0).trunc();
    let missing = width.abs() - source.chars().count() as f64;
    if missing <= 0.0 {
        return Ok(Some(source.into()));
    }
    if missing > MAX_BYTES as f64 {
        return Err(Error::new("U1001"));
    }
    pay(missing as usize * 4)?;
    let padding: String = fill.chars().cycle().take(missing as usize).collect();
    let padded = if width > 0.0 {
        [source, &padding]
    } else {
        [&padding, source]
    };
    Ok(Some(padded.concat().into()))
}

/// One match of a matcher: where it is, in bytes, and what it says.
struct Match {
    start: usize,
    end: usize,
    told: Map<String, Value>,
}

/// Where the UTF-16 unit `units` of `text` starts, in bytes.
fn byte_of(text: &str, units: usize) -> usize {
    let mut before = 0;
    for (at, char) in text.char_indices() {
        if before >= units {
            return at;
        }
        before += char.len_utf16();
    }
    text.len()
}

/// The first `most` matches of the function in argument 1 in `source`.
fn matches(source: &str, call: &HostCall<'_>, most: usize) -> Result<Vec<Match>> {
    let Some(matcher) = call.function(1) else {
        return Err(Error::new("T1010"));
    };
    if source.len() > MAX_MATCHED {
        return Err(too_large());
    }
    let mut found = Vec::new();
    let mut from = 0;
    while found.len() < most {
        pay(source.len() * 2 + 400)?;
        let arguments = [Some(Value::from(source)), Some(Value::from(from))];
        let told = match matcher.call(&arguments)? {
            None => break,
            Some(Value::Object(told)) => told,
            Some(_) => return Err(Error::new("T1010")),
        };
        let unit = |field: &str| told.get(field).and_then(Value::as_u64);
        let (Some(start), Some(end)) = (unit("start"), unit("end")) else {
            return Err(Error::new("T1010"));
        };
        if end <= start {
            // It would match here for ever.
            return Err(Error::new("D1004"));
        }
        from = end as usize;
        let (start, end) = (byte_of(source, start as usize), byte_of(source, from));
        found.push(Match { start, end, told });
        if end >= source.len() || found.len() > MAX_ITEMS {
            break;
        }
    }
    Ok(found)
}

fn contains(args: Args<'_>, call: &HostCall<'_>) -> Answer {
    let Some(source) = text(args, 0) else {
        return Ok(None);
    };
    let holds = match (text(args, 1), call.function(1)) {
        (Some(token), _) => source.contains(token),
        (None, Some(_)) => first_match(source, call)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(holds.into()))
}

/// Whether there is a match at all, an empty one included.
fn first_match(source: &str, call: &HostCall<'_>) -> Result<bool> {
    if source.len() > MAX_MATCHED {
        return Err(too_large());
    }
    let Some(matcher) = call.function(1) else {
        return Ok(false);
    };
    Ok(matcher.call(&[Some(source.into())])?.is_some())
}

fn match_all(args: Args<'_>, call: &HostCall<'_>) -> Answer {
    let Some(source) = text(args, 0) else {
        return Ok(None);
    };
    let most = limit(args, 2, "D3040")?;
    let shown = matches(source, call, most)?.into_iter().map(|mut found| {
        let mut take = |field: &str| found.told.remove(field).unwrap_or_default();
        json!({"match": take("match"), "index": take("start"), "groups": take("groups")})
    });
    Ok(sequence(shown.collect()))
}

/// A list as the language hands one on: nothing for none, and one item for itself.
fn sequence(mut items: Vec<Value>) -> Option<Value> {
    if items.len() == 1 {
        items.pop()
    } else {
        (!items.is_empty()).then_some(Value::Array(items))
    }
}

fn split(args: Args<'_>, call: &HostCall<'_>) -> Answer {
    let Some(source) = text(args, 0) else {
        return Ok(None);
    };
    let most = limit(args, 2, "D3020")?;
    let parts: Vec<&str> = match (text(args, 1), call.function(1)) {
        (Some(""), _) => {
            let ends = source
                .char_indices()
                .map(|(at, char)| &source[at..at + char.len_utf8()]);
            ends.take(most.min(MAX_ITEMS + 1)).collect()
        }
        (Some(separator), _) => source
            .split(separator)
            .take(most.min(MAX_ITEMS + 1))
            .collect(),
        (None, Some(_)) => {
            let mut parts = Vec::new();
            let mut at = 0;
            for found in matches(source, call, most)? {
                parts.push(&source[at..found.start]);
                at = found.end;
            }
            if parts.len() < most {
                parts.push(&source[at..]);
            }
            parts
        }
        (None, None) => return Ok(None),
    };
    if parts.len() > MAX_ITEMS {
        return Err(too_large());
    }
    pay(source.len() + parts.len() * 80)?;
    Ok(Some(parts.into_iter().map(Value::from).collect()))
}

fn replace(args: Args<'_>, call: &HostCall<'_>) -> Answer {
    let Some(source) = text(args, 0) else {
        return Ok(None);
    };
    if text(args, 1) == Some("") {
        return Err(Error::new("D3010").with("index", 2));
    }
    let most = limit(args, 3, "D3011")?;
    let found: Vec<Match> = match (text(args, 1), call.function(1)) {
        (Some(pattern), _) => {
            let found = source.match_indices(pattern).take(most.min(source.len()));
            let told = Map::new;
            found
                .map(|(start, text)| Match {
                    start,
                    end: start + text.len(),
                    told: told(),
                })
                .collect()
        }
        (None, Some(_)) => matches(source, call, most)?,
        (None, None) => return Ok(None),
    };
    let mut result = String::new();
    let mut at = 0;
    for found in found {
        result.push_str(&source[at..found.start]);
        at = found.end;
        match (text(args, 2), call.function(2)) {
            (Some(replacement), _) if found.told.is_empty() => result.push_str(replacement),
            (Some(template), _) => substitute(template, &found.told, &mut result),
            (None, Some(function)) => match function.call(&[Some(Value::Object(found.told))])? {
                Some(Value::String(replacement)) => result.push_str(&replacement),
                _ => return Err(Error::new("D3012")),
            },
            (None, None) => {}
        }
        if result.len() > MAX_BYTES {
            return Err(too_large());
        }
    }
    result.push_str(&source[at..]);
    pay(result.len())?;
    Ok(Some(result.into()))
}

/// Adds `template` to `result`, with `$0` for the match, `$1` to `$9…` for its groups, and `$$` for a dollar sign. Of
/// more digits than there are groups, the last are text.
fn substitute(template: &str, told: &Map<String, Value>, result: &mut String) {
    let groups = told
        .get("groups")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let most = groups.len().max(1).ilog10() as usize + 1;
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('0') {
            result.push_str(
                told.get("match")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            );
            rest = after;
        } else {
            let digits = after
                .bytes()
                .take(most)
                .take_while(u8::is_ascii_digit)
                .count();
            let read = |digits: usize| after[..digits].parse::<usize>().ok();
            let fits = |group: &usize| digits == 1 || *group <= groups.len();
            let shorter = digits.saturating_sub(1);
            let choice = match read(digits).filter(fits) {
                Some(group) => Some((group, digits)),
                None => read(shorter).map(|group| (group, shorter)),
            };
            match choice {
                Some((group, length)) => {
                    let text = group.checked_sub(1).and_then(|index| groups.get(index));
                    result.push_str(text.and_then(Value::as_str).unwrap_or_default());
                    rest = &after[length..];
                }
                None => {
                    result.push('$');
                    rest = after;
                }
            }
        }
    }
    result.push_str(rest);
}

/// Calls `f` with every item that is no list, in lists of lists too. What comes in was copied, and is no larger than
/// [`MAX_BYTES`] of JSON.
fn leaves<'v>(value: &'v Value, f: &mut impl FnMut(&'v Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, f)),
        other => f(other),
    }
}

fn keys(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let Some(Some(value)) = args.first() else {
        return Ok(None);
    };
    let (mut seen, mut keys) = (HashSet::new(), Vec::new());
    leaves(value, &mut |leaf| {
        for key in leaf.as_object().into_iter().flat_map(Map::keys) {
            if seen.insert(key.as_str()) {
                keys.push(Value::from(key.as_str()));
            }
        }
    });
    pay(keys.len() * 80)?;
    Ok(sequence(keys))
}

fn spread(args: Args<'_>, call: &HostCall<'_>) -> Answer {
    let value = match args.first() {
        Some(Some(value)) => value,
        // A function is no JSON; the language has `$spread` hand one back, and nobody needs it.
        _ if call.function(0).is_some() => return Err(Error::new("T0410")),
        _ => return Ok(None),
    };
    let mut items = Vec::new();
    leaves(value, &mut |leaf| match leaf {
        Value::Object(fields) => {
            let single = |(key, value): (&String, &Value)| json!({key: value});
            items.extend(fields.iter().map(single));
        }
        other => items.push(other.clone()),
    });
    pay(items.len() * 300)?;
    match value {
        Value::Array(_) => Ok(Some(Value::Array(items))),
        Value::Object(_) => Ok(sequence(items)),
        other => Ok(Some(other.clone())),
    }
}

fn zip(args: Args<'_>, _: &HostCall<'_>) -> Answer {
    let empty = Vec::new();
    let lists: Vec<&Vec<Value>> = args
        .iter()
        .map(|list| list.as_ref().and_then(Value::as_array).unwrap_or(&empty))
        .collect();
    let rows = lists.iter().map(|list| list.len()).min().unwrap_or(0);
    pay(rows * lists.len() * 40)?;
    let row = |index: usize| {
        lists
            .iter()
            .map(|list| list[index].clone())
            .collect::<Value>()
    };
    Ok(Some((0..rows).map(row).collect()))
}
