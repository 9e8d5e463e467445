//! What the mappings are applied to: as large as a request can be, each in its own way.

use serde_json::{Value, json};

pub fn small() -> Value {
    json!({"n": 9_999_999, "m": 10_000, "s": "x".repeat(1000), "a": "a".repeat(30)})
}

/// One text of 250 KB.
pub fn long_text() -> Value {
    json!({"s": "ab".repeat(125_000), "t": "aaaaaaaaaaaaaaaaaaaaaaaa!".repeat(600), "n": 5000})
}

/// As many objects as a request can hold.
pub fn many_objects() -> Value {
    let items: Vec<Value> = (0..20_000).map(|n| json!({"k": n})).collect();
    json!({"items": items, "n": 5000})
}

pub fn many_keys() -> Value {
    let fields = (0..20_000).map(|n| (format!("k{n}"), Value::from(n)));
    json!({"o": Value::Object(fields.collect()), "n": 5000})
}

pub fn many_lines() -> Value {
    let line = |n: usize| json!({"sku": format!("sku-{n}"), "q": n % 5, "p": 1.25, "kind": format!("k{}", n % 7), "tags": ["a", "b"]});
    json!({"lines": (0..500).map(line).collect::<Vec<Value>>()})
}

pub fn many_empty() -> Value {
    let items: Vec<Value> = (0..80_000).map(|_| json!({})).collect();
    json!({"items": items})
}

pub fn deep() -> Value {
    let mut value = json!(1);
    for _ in 0..120 {
        value = json!({"d": [value]});
    }
    json!({"deep": value})
}
