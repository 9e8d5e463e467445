//! The JSON Schemas that producers see.

use std::fs;
use std::path::Path;

use causeway::provider::Spec;
use serde_json::Value;

use crate::fixture::{Mode, write_json};
use crate::{Breach, Line};

pub fn check(spec: &'static Spec, manifest_dir: &str, mode: Mode, found: &mut Vec<Breach>) {
    for operation in spec.operations {
        let mut schema = operation.schema().to_value();
        schema.sort_all_objects();
        let name = operation.name;
        if schema["type"] != "object" {
            found.push(Breach::new(
                Line::SchemaStrict,
                name,
                format!("its type is {}", schema["type"]),
            ));
        }
        if schema["additionalProperties"] != Value::Bool(false) {
            found.push(Breach::new(
                Line::SchemaStrict,
                name,
                "unknown fields pass: #[serde(deny_unknown_fields)] is missing",
            ));
        }
        if let Err(error) = jsonschema::validator_for(&schema) {
            found.push(Breach::new(Line::SchemaStrict, name, error.to_string()));
        }
        let path = Path::new(manifest_dir)
            .join("schemas")
            .join(format!("{name}.json"));
        let place = format!("schemas/{name}.json");
        let problem = match mode {
            Mode::Bless => write_json(&path, &schema).err(),
            Mode::Compare => difference(&path, &schema),
        };
        found.extend(problem.map(|problem| Breach::new(Line::SchemaDrift, place, problem)));
    }
}

fn difference(path: &Path, generated: &Value) -> Option<String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Some(error.to_string()),
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(stored) if stored == *generated => None,
        Ok(_) => Some("it differs from what the code generates".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}
