//! What a payload's alternatives say of its fields, after these got their names or left.

use serde_json::{Map, Value, json};

/// Renames fields in what stands beside them; none: the field is not there any more, and what needs it holds nothing.
pub(super) fn rename(rest: &mut Map<String, Value>, new: &dyn Fn(&str) -> Option<String>) {
    for key in ["anyOf", "allOf"] {
        let Some(Value::Array(list)) = rest.get_mut(key) else {
            continue;
        };
        for it in list.iter_mut().filter_map(Value::as_object_mut) {
            inside(it, new);
        }
        let idle = |it: &Value| *it == json!({}) || *it == json!({"type": "object"});
        if key == "anyOf" && list.iter().any(idle) {
            rest.remove(key);
        } else if key == "allOf" {
            list.retain(|it| !idle(it));
            if list.is_empty() {
                rest.remove(key);
            }
        }
    }
    if let Some(not) = rest.get_mut("not").and_then(Value::as_object_mut) {
        inside(not, new);
        if not.is_empty() {
            rest.remove("not");
        }
    }
}

fn inside(fields: &mut Map<String, Value>, new: &dyn Fn(&str) -> Option<String>) {
    if let Some(Value::Array(names)) = fields.get_mut("required") {
        let kept = names.iter().filter_map(Value::as_str).filter_map(new);
        let kept: Vec<_> = kept.map(Value::String).collect();
        if kept.is_empty() {
            fields.remove("required");
        } else {
            *names = kept;
        }
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        let old = std::mem::take(properties);
        properties.extend(
            old.into_iter()
                .filter_map(|(name, is)| Some((new(&name)?, is))),
        );
        if properties.is_empty() {
            fields.remove("properties");
        }
    }
    rename(fields, new);
}
