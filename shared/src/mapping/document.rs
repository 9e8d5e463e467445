//! A mapping as it is written down.

use serde::Deserialize;
use serde_json::Value;

use super::MappingError;
use crate::request::Name;

/// Longest document, in bytes: a DynamoDB item holds 400 KB, and the table's own attributes want room.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>
pub const MAX_DOCUMENT_BYTES: usize = 300 * 1024;

/// Longest expression, in bytes: ten times the longest that comes with Causeway. The parser is recursive, and what it
/// can nest in so many bytes fits a thread's stack.
const MAX_EXPRESSION_BYTES: usize = 16 * 1024;

/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 500;

/// Most examples.
const MAX_EXAMPLES: usize = 20;

/// Highest version: it is part of every error.
const MAX_VERSION: u32 = 1_000_000;

/// Longest rule in an error, in characters.
const MAX_RULE: usize = 300;

/// A payload, and what the mapping makes of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// A payload in the source's shape, or `{"sample": "…"}`, which the tools replace by the shared sample of that
    /// name.
    pub input: Value,
    /// The canonical payload.
    pub output: Value,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "text, or a list of lines")]
pub(super) enum Lines {
    One(String),
    Many(Vec<String>),
}

impl Lines {
    pub fn text(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Many(lines) => lines.join("\n"),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub name: String,
    pub version: u32,
    pub provider: String,
    pub operation: String,
    pub description: String,
    pub source: Value,
    pub expression: Lines,
    pub examples: Vec<Example>,
}

impl Document {
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        if text.len() > MAX_DOCUMENT_BYTES {
            return Err(broken(
                "the document",
                format!(
                    "has {} bytes, at most {MAX_DOCUMENT_BYTES} are allowed",
                    text.len()
                ),
            ));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let document: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = match error.path().to_string() {
                path if path == "." => "the document".to_owned(),
                path => path,
            };
            broken(path, error.inner().to_string())
        })?;
        reader
            .end()
            .map_err(|error| broken("the document", error.to_string()))?;
        document.check()?;
        Ok(document)
    }

    fn check(&self) -> Result<(), MappingError> {
        let names = [
            ("name", &self.name),
            ("provider", &self.provider),
            ("operation", &self.operation),
        ];
        for (field, name) in names {
            if !Name::is_valid(name) {
                return Err(broken(field, "must match [A-Za-z0-9._-]{1,64}"));
            }
        }
        if !(1..=MAX_VERSION).contains(&self.version) {
            return Err(broken("version", format!("must be 1 to {MAX_VERSION}")));
        }
        if !(1..=MAX_DESCRIPTION).contains(&self.description.chars().count()) {
            let rule = format!("must have 1 to {MAX_DESCRIPTION} characters");
            return Err(broken("description", rule));
        }
        if !self.source.is_object() {
            return Err(broken("source", "must be a JSON Schema object"));
        }
        if self.expression.text().len() > MAX_EXPRESSION_BYTES {
            let rule = format!("must have at most {MAX_EXPRESSION_BYTES} bytes");
            return Err(broken("expression", rule));
        }
        if !(1..=MAX_EXAMPLES).contains(&self.examples.len()) {
            return Err(broken("examples", format!("must be 1 to {MAX_EXAMPLES}")));
        }
        Ok(())
    }

    /// `name@version`.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

fn broken(path: impl Into<String>, rule: impl Into<String>) -> MappingError {
    let rule: String = rule.into();
    MappingError::Document {
        path: path.into().chars().take(MAX_RULE).collect(),
        rule: rule.chars().take(MAX_RULE).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "name": "pms-guest", "version": 3, "provider": "acme", "operation": "guests.create",
            "description": "A guest.", "source": {"type": "object"}, "expression": ["{", "\"a\": b", "}"],
            "examples": [{"name": "one", "input": {"b": 1}, "output": {"a": 1}}]
        })
    }

    fn error(change: impl FnOnce(&mut Value)) -> String {
        let mut document = document();
        change(&mut document);
        Document::parse(&document.to_string())
            .expect_err("no mapping")
            .to_string()
    }

    #[test]
    fn lines_are_joined_and_the_label_names_the_version() {
        let document = Document::parse(&document().to_string()).expect("a document");
        assert_eq!(document.expression.text(), "{\n\"a\": b\n}");
        assert_eq!(document.label(), "pms-guest@3");
    }

    #[test]
    fn what_is_no_document_is_told_by_field_and_rule() {
        let set =
            |field: &'static str, value: Value| move |document: &mut Value| document[field] = value;
        for (change, told) in [
            (set("name", json!("../x")), "name: must match"),
            (set("version", json!(0)), "version: must be 1 to"),
            (set("version", json!("1")), "version: invalid type"),
            (
                set("description", json!("")),
                "description: must have 1 to 500",
            ),
            (
                set("source", json!(true)),
                "source: must be a JSON Schema object",
            ),
            (
                set("expression", json!(7)),
                "expression: text, or a list of lines",
            ),
            (
                set("expression", json!("x".repeat(20_000))),
                "expression: must have at most 16384",
            ),
            (set("examples", json!([])), "examples: must be 1 to 20"),
            (set("exmaples", json!([])), "unknown field `exmaples`"),
        ] {
            let error = error(change);
            assert!(error.contains(told), "{error}");
        }
        let long = error(set("description", json!("x".repeat(MAX_DOCUMENT_BYTES))));
        assert!(long.contains("at most 307200 are allowed"), "{long}");
        let twice = document().to_string().replacen('{', "{\"version\":1,", 1);
        let error = Document::parse(&twice)
            .expect_err("two versions")
            .to_string();
        assert!(error.contains("duplicate field `version`"), "{error}");
        let trailing = format!("{} 1", document());
        assert!(Document::parse(&trailing).is_err());
    }
}
