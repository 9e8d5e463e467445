//! Variants of a good payload, from what its schema says: fields left out, of another type, unknown, beyond bounds.

use serde_json::{Map, Value, json};

/// Stands for a producer's data, so that it is found wherever it turns up.
const MARKER: &str = "Marker7Q";

/// An unknown field's name.
const UNKNOWN: &str = "unknown_field";

/// No bounded field is longer; longer ones would be unbounded in all but name.
const LENGTH_MAX: u64 = 1 << 20;

/// A payload with one thing changed.
pub struct Variant {
    /// The change, for people.
    pub what: String,
    pub payload: Value,
    /// The field that a refusal must name, where there is one.
    pub field: Option<String>,
    /// What a refusal must not quote.
    pub value: Option<Value>,
}

/// All variants of `payload`. Some are as good as the original: the schema says which.
pub fn variants(schema: &Value, payload: &Value) -> Vec<Variant> {
    let mut walk = Walk {
        root: schema,
        payload,
        found: Vec::new(),
    };
    walk.other_types("", None);
    walk.object(schema, "");
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    payload: &'a Value,
    found: Vec<Variant>,
}

impl Walk<'_> {
    /// The payload with `value` at `pointer` (RFC 6901), where something stands there.
    fn put(&mut self, pointer: &str, field: Option<&str>, what: &str, value: Value) {
        let mut payload = self.payload.clone();
        let Some(place) = payload.pointer_mut(pointer) else {
            return;
        };
        *place = value.clone();
        self.found.push(Variant {
            what: format!("{what} at `{pointer}`"),
            payload,
            field: field.map(str::to_owned),
            value: Some(value),
        });
    }

    fn other_types(&mut self, pointer: &str, field: Option<&str>) {
        let values = [
            ("a text", json!(MARKER)),
            ("a number", json!(271_828.5)),
            ("a whole number", json!(271_828)),
            ("a negative number", json!(-271_828)),
            ("a whole number written as a float", json!(271_828.0)),
            ("a truth value", json!(true)),
            ("a list", json!([MARKER])),
            ("an object", json!({ "marker": MARKER })),
            ("null", Value::Null),
        ];
        for (what, value) in values {
            self.put(pointer, field, what, value);
        }
    }

    fn object(&mut self, schema: &Value, pointer: &str) {
        let Some(fields) = self
            .payload
            .pointer(pointer)
            .and_then(Value::as_object)
            .cloned()
        else {
            return;
        };
        self.missing_and_unknown(&fields, pointer);
        for name in fields.keys() {
            let known = &schema["properties"][name];
            let inside = if known.is_null() {
                &schema["additionalProperties"]
            } else {
                known
            };
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            self.value(inside, &pointer, name);
        }
        self.names(schema, &fields, pointer);
    }

    fn missing_and_unknown(&mut self, fields: &Map<String, Value>, pointer: &str) {
        for name in fields.keys() {
            let mut fewer = fields.clone();
            fewer.remove(name);
            self.put(
                pointer,
                Some(name),
                &format!("no `{name}`"),
                Value::Object(fewer),
            );
        }
        let mut more = fields.clone();
        more.insert(UNKNOWN.to_owned(), MARKER.into());
        self.put(pointer, Some(UNKNOWN), "an unknown field", more.into());
    }

    /// Bounds on the names of a map and on their number.
    fn names(&mut self, schema: &Value, fields: &Map<String, Value>, pointer: &str) {
        let field = pointer.rsplit('/').next().filter(|name| !name.is_empty());
        let some_value = fields.values().next().cloned().unwrap_or(json!(MARKER));
        if let Some(max) = bound(&schema["propertyNames"]["maxLength"]) {
            for length in [max, max + 1] {
                let name = "k".repeat(length as usize);
                let what = format!("a name of {length} characters");
                let value = json!({ name: some_value });
                self.put(pointer, field, &what, value);
            }
        }
        if let Some(max) = bound(&schema["maxProperties"]) {
            for count in [max, max + 1] {
                let many: Map<String, Value> = (0..count)
                    .map(|at| (format!("k{at}"), some_value.clone()))
                    .collect();
                self.put(pointer, field, &format!("{count} names"), many.into());
            }
        }
    }

    /// Recursion ends with the payload, which a fixture makes finite.
    fn value(&mut self, schema: &Value, pointer: &str, field: &str) {
        self.other_types(pointer, Some(field));
        for branch in branches(self.root, schema) {
            self.bounds(branch, pointer, field);
            self.object(branch, pointer);
            if branch["items"].is_object() {
                self.value(&branch["items"], &format!("{pointer}/0"), field);
            }
        }
    }

    fn bounds(&mut self, schema: &Value, pointer: &str, field: &str) {
        let lengths = [&schema["minLength"], &schema["maxLength"]];
        for length in lengths.into_iter().filter_map(bound) {
            for length in [length.saturating_sub(1), length, length + 1] {
                let what = format!("a text of {length} characters");
                self.put(pointer, Some(field), &what, marked(length).into());
                // JSON Schema counts characters, not bytes.
                let wide = "é".repeat(length as usize);
                self.put(
                    pointer,
                    Some(field),
                    &format!("{what}, each of two bytes"),
                    wide.into(),
                );
            }
        }
        let numbers = [&schema["minimum"], &schema["maximum"]];
        for number in numbers.into_iter().filter_map(Value::as_i64) {
            for number in [number.saturating_sub(1), number, number.saturating_add(1)] {
                // Its own text may well be in the rule: what must not be quoted is nothing here.
                self.put(
                    pointer,
                    Some(field),
                    &format!("the number {number}"),
                    number.into(),
                );
                if let Some(last) = self.found.last_mut() {
                    last.value = None;
                }
            }
        }
        if let Some(max) = bound(&schema["maxItems"]) {
            let item = self.payload.pointer(&format!("{pointer}/0")).cloned();
            for count in [max, max + 1] {
                let items = vec![item.clone().unwrap_or_default(); count as usize];
                self.put(
                    pointer,
                    Some(field),
                    &format!("{count} items"),
                    items.into(),
                );
            }
        }
    }
}

/// The alternatives of a schema, references resolved: `Option<Enum>` is `anyOf` a reference and null.
fn branches<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let resolved = match schema["$ref"].as_str() {
        Some(reference) => root
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or(schema),
        None => schema,
    };
    let alternatives = resolved["anyOf"]
        .as_array()
        .or_else(|| resolved["oneOf"].as_array());
    match alternatives {
        // One level: schemas of payloads nest alternatives no deeper, and what is missed here is only not varied.
        Some(alternatives) => alternatives
            .iter()
            .map(|one| {
                one["$ref"]
                    .as_str()
                    .and_then(|reference| root.pointer(reference.trim_start_matches('#')))
                    .unwrap_or(one)
            })
            .collect(),
        None => vec![resolved],
    }
}

fn bound(value: &Value) -> Option<u64> {
    value.as_u64().filter(|&bound| bound <= LENGTH_MAX)
}

fn marked(length: u64) -> String {
    MARKER.chars().cycle().take(length as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_keyword_of_a_schema_has_variants_that_break_it() {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "amount"],
            "properties": {
                "name": {"type": "string", "minLength": 2, "maxLength": 4},
                "amount": {"type": "integer", "minimum": 1, "maximum": 9},
                "reason": {"anyOf": [{"$ref": "#/$defs/Reason"}, {"type": "null"}]},
                "tags": {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 2},
                "metadata": {
                    "type": "object",
                    "propertyNames": {"maxLength": 3},
                    "maxProperties": 2,
                    "additionalProperties": {"type": "string", "maxLength": 5},
                },
            },
            "$defs": {"Reason": {"type": "string", "enum": ["a", "b"]}},
        });
        let payload = json!({"name": "ada", "amount": 5, "reason": "a", "tags": ["x"], "metadata": {"k": "v"}});
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        assert!(validator.is_valid(&payload));

        let refused: Vec<String> = variants(&schema, &payload)
            .iter()
            .filter(|variant| !validator.is_valid(&variant.payload))
            .map(|variant| variant.what.clone())
            .collect();
        for wanted in [
            "no `amount` at ``",
            "an unknown field at ``",
            "a list at ``",
            "null at `/name`",
            "a text at `/amount`",
            "a number at `/amount`",
            "a text of 1 characters at `/name`",
            "a text of 5 characters at `/name`",
            "the number 0 at `/amount`",
            "the number 10 at `/amount`",
            "a text at `/reason`",
            "a text of 0 characters at `/tags/0`",
            "3 items at `/tags`",
            "a text of 6 characters at `/metadata/k`",
            "a name of 4 characters at `/metadata`",
            "3 names at `/metadata`",
        ] {
            assert!(
                refused.iter().any(|what| what == wanted),
                "{wanted}: {refused:#?}"
            );
        }
    }
}
