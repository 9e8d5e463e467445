//! Values that a JSON Schema accepts, as a proptest strategy: every type, absence, bounds, and what people write.
//!
//! It knows the keywords that sources of mappings and requests of vendors are written with. What it makes is held
//! against the schema itself at the end, so that a keyword it does not know (`not`, `if`, `uniqueItems`) costs
//! some attempts and never makes a wrong value.

use causeway::mapping::trial::source_validator;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

/// How deep values nest where a schema has no end.
const MAX_DEPTH: usize = 12;

/// Levels that a reference counts for: what refers to itself in several places would be made many times over.
const REFERENCE: usize = 3;

/// Longest text where the schema sets no limit: longer than any limit of a vendor's that a mapping has to keep.
const LONG: u64 = 70_000;

/// Most items where the schema sets no limit.
const MANY: u64 = 120;

/// Different items of a list, and bytes that a list takes: some of them fit a request.
const DISTINCT: usize = 4;
const ROOM: usize = 60_000;

/// What texts are made of, repeated to their length.
const PIECES: [&str; 14] = [
    "Ada Lovelace ",
    "<!channel> Tom & Jerry <https://evil.example|click> ",
    "&amp;&lt;",
    "\"quoted\", 'it''s'\n\r\n\t",
    "=HYPERLINK(\"https://evil.example\")",
    "👨‍👩‍👧‍👦",
    "🇵🇹",
    "e\u{301}\u{323}",
    "\u{202e}abc\u{202c}",
    "İßﬃŉ",
    "日本語テキスト",
    "\u{0}\u{1}\u{7f}\u{85}\u{2028}",
    "\u{fffd}\u{ffff}\u{10ffff}",
    " ",
];

/// Days that calendars get wrong, and others.
const DAYS: [&str; 8] = [
    "2026-10-23",
    "2026-10-26",
    "2024-02-29",
    "2026-03-29",
    "2027-01-01",
    "1970-01-01",
    "0001-01-01",
    "9999-12-31",
];

const CLOCKS: [&str; 5] = [
    "00:00:00",
    "01:30:00",
    "15:00:00.5",
    "23:59:59",
    "11:00:00.123456789",
];

const OFFSETS: [&str; 6] = ["Z", "+00:00", "-00:00", "+05:45", "-03:30", "+14:00"];

/// With summer time, without, with half hours, with a day that was skipped.
const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Lisbon",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
];

const CURRENCIES: [&str; 10] = [
    "EUR", "USD", "JPY", "KWD", "ISK", "UGX", "MGA", "CLF", "HUF", "TND",
];

/// Values that `schema` accepts.
///
/// # Errors
/// When it is no JSON Schema, or uses what this cannot make values of.
pub fn values_of(schema: &Value) -> Result<BoxedStrategy<Value>, String> {
    let validator = source_validator(schema)?;
    let values = Generator { root: schema }.values(schema, 0)?;
    let accepted = values.prop_filter("a rule that is not made for", move |value| {
        validator.is_valid(value)
    });
    Ok(accepted.boxed())
}

type Values = Result<BoxedStrategy<Value>, String>;

struct Generator<'s> {
    root: &'s Value,
}

impl Generator<'_> {
    fn values(&self, schema: &Value, depth: usize) -> Values {
        let is_reference = schema.get("$ref").is_some();
        let depth = depth + if is_reference { REFERENCE } else { 0 };
        let schema = match schema {
            Value::Bool(true) => return Ok(anything()),
            Value::Object(schema) => self.whole(schema)?,
            _ => return Err("nothing is valid by this schema".to_owned()),
        };
        if depth > MAX_DEPTH {
            return Err(format!("nests more than {MAX_DEPTH} levels deep"));
        }
        if let Some(value) = schema.get("const") {
            return Ok(Just(value.clone()).boxed());
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return Ok(select(values.clone()).boxed());
        }
        let ways = ["anyOf", "oneOf"]
            .into_iter()
            .find_map(|key| schema.get(key)?.as_array());
        if let Some(ways) = ways {
            let mut rest = schema.clone();
            rest.retain(|key, _| key != "anyOf" && key != "oneOf");
            let way = |way: &Value| self.values(&merged(&rest, way), depth + 1);
            return either(ways.iter().map(way));
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => match implied(&schema) {
                Some(one) => vec![one],
                None => return Ok(anything()),
            },
        };
        either(
            types
                .into_iter()
                .map(|one| self.of_type(one, &schema, depth)),
        )
    }

    /// The schema with what it refers to and all that it is made of.
    fn whole(&self, schema: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut whole = schema.clone();
        for _ in 0..=MAX_DEPTH {
            let mut parts = match whole.remove("allOf") {
                Some(Value::Array(parts)) => parts,
                _ => Vec::new(),
            };
            if let Some(Value::String(reference)) = whole.remove("$ref") {
                let found = reference
                    .strip_prefix('#')
                    .and_then(|at| self.root.pointer(at));
                parts.push(
                    found
                        .cloned()
                        .ok_or_else(|| format!("{reference} is not in the schema"))?,
                );
            }
            if parts.is_empty() {
                return Ok(whole);
            }
            for part in parts {
                if let Value::Object(part) = merged(&whole, &part) {
                    whole = part;
                }
            }
        }
        Err("refers in a circle".to_owned())
    }

    fn of_type(&self, name: &str, schema: &Map<String, Value>, depth: usize) -> Values {
        Ok(match name {
            "null" => Just(Value::Null).boxed(),
            "boolean" => any::<bool>().prop_map(Value::from).boxed(),
            "integer" => integers(schema),
            "number" => numbers(schema),
            "string" => texts(schema)?,
            "array" => self.lists(schema, depth)?,
            "object" => self.objects(schema, depth)?,
            other => return Err(format!("there is no type `{other}`")),
        })
    }

    fn objects(&self, schema: &Map<String, Value>, depth: usize) -> Values {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |names| {
                names.iter().filter_map(Value::as_str).collect()
            });
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let others = schema
            .get("additionalProperties")
            .unwrap_or(&Value::Bool(true));
        let mut always = Vec::new();
        let mut sometimes = Vec::new();
        let undeclared = required
            .iter()
            .filter(|name| !properties.contains_key(**name));
        for (name, property) in properties
            .iter()
            .map(|(name, property)| (name.as_str(), property))
            .chain(undeclared.map(|name| (*name, others)))
        {
            let is_required = required.contains(&name);
            match self.values(property, depth + 1) {
                Ok(values) if is_required => always.push((name.to_owned(), values)),
                Ok(values) => sometimes.push((name.to_owned(), values)),
                // Where values nest without end, what may be left out is.
                Err(_) if !is_required => {}
                Err(error) => return Err(format!("{name}: {error}")),
            }
        }
        if others != &Value::Bool(false) && properties.is_empty() {
            let values = self.values(others, depth + 1)?;
            sometimes.push(("another field".to_owned(), values));
        }
        let count = sometimes.len();
        let fields = (0..=count, Just(sometimes)).prop_flat_map(|(most, fields)| {
            let chosen = subsequence(fields, most);
            chosen.prop_flat_map(|fields| {
                let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
                values.prop_map(move |values| {
                    names.iter().cloned().zip(values).collect::<Map<_, _>>()
                })
            })
        });
        let (names, values): (Vec<_>, Vec<_>) = always.into_iter().unzip();
        let whole = (values, fields).prop_map(move |(values, mut fields)| {
            fields.extend(names.iter().cloned().zip(values));
            Value::Object(fields)
        });
        Ok(whole.boxed())
    }

    fn lists(&self, schema: &Map<String, Value>, depth: usize) -> Values {
        let (least, most) = bounds(schema, "minItems", "maxItems", MANY);
        let anything = Value::Bool(true);
        let item = schema.get("items").unwrap_or(&anything);
        let items = self.values(item, depth + 1)?;
        let few = least.max(3).min(most);
        let counts = prop_oneof![6 => least..=few, 1 => least..=most.min(least + 20), 1 => Just(most.min(MANY))];
        // Many items are few of them again and again, as many as a request has room for.
        let lists = (vec(items, 1..=DISTINCT), counts).prop_map(move |(distinct, count)| {
            let size: usize = distinct.iter().map(|item| item.to_string().len()).sum();
            let room = (ROOM / (size / distinct.len() + 1)) as u64;
            let count = count.min(room).max(least) as usize;
            distinct.into_iter().cycle().take(count).collect::<Vec<_>>()
        });
        let Some(wanted) = schema.get("contains") else {
            return Ok(lists.prop_map(Value::from).boxed());
        };
        let both = item
            .as_object()
            .map_or_else(|| wanted.clone(), |item| merged(item, wanted));
        let wanted = self.values(&both, depth + 1)?;
        let with =
            (lists, wanted, any::<prop::sample::Index>()).prop_map(|(mut items, wanted, at)| {
                if items.is_empty() {
                    items.push(wanted);
                } else {
                    let at = at.index(items.len());
                    items[at] = wanted;
                }
                Value::from(items)
            });
        Ok(with.boxed())
    }
}

/// One of several strategies; an error where none can be made.
fn either(ways: impl Iterator<Item = Values>) -> Values {
    let mut made = Vec::new();
    let mut error = "there is no choice".to_owned();
    for way in ways {
        match way {
            Ok(values) => made.push(values),
            Err(why) => error = why,
        }
    }
    if made.is_empty() {
        return Err(error);
    }
    Ok(proptest::strategy::Union::new(made).boxed())
}

/// What both say. Properties are merged one by one, requirements added up; of other keywords the part's own holds.
fn merged(schema: &Map<String, Value>, part: &Value) -> Value {
    let Value::Object(part) = part else {
        return Value::Object(schema.clone());
    };
    let mut whole = schema.clone();
    for (key, theirs) in part {
        let ours = whole.get_mut(key);
        match (key.as_str(), ours, theirs) {
            ("properties", Some(Value::Object(ours)), Value::Object(theirs)) => {
                for (name, property) in theirs {
                    let both = match ours.get(name) {
                        Some(Value::Object(known)) => merged(known, property),
                        _ => property.clone(),
                    };
                    ours.insert(name.clone(), both);
                }
            }
            ("required" | "allOf", Some(Value::Array(ours)), Value::Array(theirs)) => {
                ours.extend(theirs.iter().cloned());
            }
            _ => drop(whole.insert(key.clone(), theirs.clone())),
        }
    }
    Value::Object(whole)
}

/// The type that a schema means without saying so.
fn implied(schema: &Map<String, Value>) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().any(|key| schema.contains_key(*key));
    if has(&["properties", "required", "additionalProperties"]) {
        Some("object")
    } else if has(&["items", "minItems", "maxItems", "contains"]) {
        Some("array")
    } else if has(&["minLength", "maxLength", "pattern", "format"]) {
        Some("string")
    } else if has(&["minimum", "maximum", "multipleOf"]) {
        Some("number")
    } else {
        None
    }
}

fn anything() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!("")),
        Just(json!({"a": [1, {"b": null}]})),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any_text(0, 30),
    ]
    .boxed()
}

fn bounds(schema: &Map<String, Value>, least: &str, most: &str, limit: u64) -> (u64, u64) {
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let least = bound(least).unwrap_or(0);
    (least, bound(most).unwrap_or(limit.max(least)))
}

/// Lower and upper bound of numbers, exclusive ones moved by `step`.
fn range(schema: &Map<String, Value>, step: f64) -> (Option<f64>, Option<f64>) {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = bound("minimum").or_else(|| Some(bound("exclusiveMinimum")? + step));
    let most = bound("maximum").or_else(|| Some(bound("exclusiveMaximum")? - step));
    (least, most)
}

fn integers(schema: &Map<String, Value>) -> BoxedStrategy<Value> {
    let (least, most) = range(schema, 1.0);
    let (least, most) = (
        least.map(|least| least as i64),
        most.map(|most| most as i64),
    );
    let least = least.unwrap_or_else(|| most.unwrap_or(0).min(0).saturating_sub(1_000_000_000));
    let most = most.unwrap_or_else(|| least.max(0).saturating_add(1_000_000_000));
    let step = schema
        .get("multipleOf")
        .and_then(Value::as_i64)
        .unwrap_or(1)
        .max(1);
    let near = least.saturating_add(1000).min(most);
    prop_oneof![Just(least), Just(most), least..=near, least..=most]
        .prop_map(move |value| Value::from(value - value.rem_euclid(step)))
        .boxed()
}

fn numbers(schema: &Map<String, Value>) -> BoxedStrategy<Value> {
    let (least, most) = range(schema, 1e-9);
    let least = least.unwrap_or_else(|| most.unwrap_or(0.0).min(0.0) - 1e9);
    let most = most.unwrap_or_else(|| least.max(0.0) + 1e9);
    let hundredths = move |value: f64| ((value * 100.0).round() / 100.0).clamp(least, most);
    let near = (least + 1000.0).min(most);
    let step = schema.get("multipleOf").and_then(Value::as_f64);
    let values = prop_oneof![
        1 => Just(least), 1 => Just(most), 4 => (least..=near).prop_map(hundredths), 1 => least..=near,
        1 => (least..=most).prop_map(hundredths), 1 => least..=most,
        1 => (least..=near).prop_map(move |value| value.trunc().clamp(least, most)),
    ];
    values
        .prop_map(move |value| match step {
            Some(step) => json!((value / step).trunc() * step),
            None => json!(value),
        })
        .boxed()
}

fn texts(schema: &Map<String, Value>) -> Values {
    let (least, most) = bounds(schema, "minLength", "maxLength", LONG);
    let named = |names: &'static [&'static str]| select(names).prop_map(Value::from).boxed();
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => {
            let days = (1900_u32..=2199, 1_u32..=12, 1_u32..=28);
            let days = days.prop_map(|(y, m, d)| json!(format!("{y:04}-{m:02}-{d:02}")));
            return Ok(prop_oneof![1 => named(&DAYS), 3 => days].boxed());
        }
        Some("date-time") => {
            let parts = (select(&DAYS[..]), select(&CLOCKS[..]), select(&OFFSETS[..]));
            let whole =
                parts.prop_map(|(day, clock, offset)| json!(format!("{day}T{clock}{offset}")));
            return Ok(whole.boxed());
        }
        Some("time-zone") => return Ok(named(&ZONES)),
        Some("currency") => return Ok(named(&CURRENCIES)),
        Some("email") => return Ok(named(&["ada@example.com", "a.b+c@example.co.uk"])),
        Some("uri") => return Ok(named(&["https://example.com/a?b=c#d"])),
        Some("uuid") => return Ok(named(&["a5036385-adcb-41b5-88c2-dd8a702a0730"])),
        _ => {}
    }
    let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else {
        return Ok(any_text(least, most));
    };
    // A pattern of JSON Schema is found anywhere in the text.
    let start = pattern.strip_prefix('^');
    let body = start.unwrap_or(pattern);
    let end = body.strip_suffix('$');
    let body = end.unwrap_or(body);
    let free = |is_anchored: bool| if is_anchored { "" } else { "[ -~]{0,8}" };
    let whole = format!("{}(?:{body}){}", free(start.is_some()), free(end.is_some()));
    let values = string_regex(&whole).map_err(|error| format!("pattern {pattern}: {error}"))?;
    Ok(values.prop_map(Value::from).boxed())
}

/// Texts of `least` to `most` code points: short ones, such of the greatest length, and what is between.
fn any_text(least: u64, most: u64) -> BoxedStrategy<Value> {
    let most = most.min(LONG.max(least));
    let short = (least + 40).min(most);
    let lengths = prop_oneof![3 => Just(least), 24 => least..=short, 1 => Just(most), 1 => least..=most.min(least + 1_000)];
    let pieces = prop_oneof![4 => Just("Ada Lovelace ".to_owned()), 8 => select(&PIECES[..]).prop_map(str::to_owned), 2 => "\\PC{1,12}"];
    (pieces, lengths)
        .prop_map(|(piece, length)| {
            piece
                .chars()
                .cycle()
                .take(length as usize)
                .collect::<String>()
        })
        .prop_map(Value::from)
        .boxed()
}

#[cfg(test)]
mod tests {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    fn many(schema: &Value) -> Vec<Value> {
        let values = values_of(schema).expect("a strategy");
        let mut runner = TestRunner::deterministic();
        let one = |_| values.new_tree(&mut runner).expect("a value").current();
        (0..300).map(one).collect()
    }

    #[test]
    fn values_reach_every_corner_of_their_schema() {
        let schema = json!({
            "type": "object", "required": ["kind", "items"], "additionalProperties": false,
            "properties": {
                "kind": {"enum": ["a", "b"]},
                "note": {"type": ["string", "null"], "maxLength": 5},
                "code": {"type": "string", "pattern": "^[0-9]{4}$"},
                "at": {"type": "string", "format": "date", "pattern": "^[12]"},
                "sum": {"type": "number", "minimum": 0, "maximum": 10},
                "way": {"oneOf": [{"type": "integer", "minimum": 3, "maximum": 3}, {"$ref": "#/$defs/other"}]},
                "items": {"type": "array", "minItems": 1, "maxItems": 4, "contains": {"properties": {"role": {"const": "first"}}},
                    "items": {"type": "object", "required": ["role"], "properties": {"role": {"enum": ["first", "next"]}}}},
                "self": {"$ref": "#"}
            },
            "$defs": {"other": {"allOf": [{"type": "string"}, {"minLength": 2, "maxLength": 2}]}}
        });
        let values = many(&schema);
        let all = |holds: &dyn Fn(&Value) -> bool| values.iter().any(holds);
        assert!(
            all(&|v| v.get("note").is_none())
                && all(&|v| v["note"] == "")
                && all(&|v| v.get("note") == Some(&Value::Null))
        );
        assert!(all(&|v| v["note"]
            .as_str()
            .is_some_and(|note| note.chars().count() == 5)));
        assert!(all(&|v| v["sum"] == 0.0) && all(&|v| v["sum"] == 10.0));
        assert!(all(&|v| v["way"] == 3) && all(&|v| v["way"].is_string()));
        assert!(all(&|v| v["items"].as_array().map(Vec::len) == Some(4)));
        assert!(all(&|v| v["kind"] == "a") && all(&|v| v["kind"] == "b"));
        assert!(
            all(&|v| v["self"].is_object())
                && all(&|v| v["code"].is_string())
                && all(&|v| v["at"].is_string())
        );
    }

    #[test]
    fn what_no_value_can_be_made_of_says_so() {
        for schema in [
            json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}),
            json!({"$ref": "#/nowhere"}),
            json!({"type": "string", "pattern": "(?=a)b"}),
            json!(false),
        ] {
            assert!(values_of(&schema).is_err(), "{schema}");
        }
    }
}
