//! Fields that a document does not have. Prism lets them pass, even where the document allows no others: a misspelt
//! optional parameter would go unnoticed for ever.

use std::collections::BTreeSet;

use causeway::provider::Wire;
use http::header;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// What a document says about the names in a call.
#[derive(Debug)]
pub struct Fields(Value);

impl Fields {
    /// Of this document.
    #[must_use]
    pub fn of(document: Value) -> Self {
        Self(document)
    }

    /// Every name in the query, or at the top of the body, that the document does not have for this call. Empty for a
    /// call that it does not have at all: Prism tells that.
    #[must_use]
    pub fn unknown(&self, wire: &Wire) -> Vec<String> {
        let (path, query) = wire.path.split_once('?').unwrap_or((&wire.path, ""));
        let Some((item, operation)) = self.operation(wire.method.as_str(), path) else {
            return Vec::new();
        };
        let lists = [&item["parameters"], &operation["parameters"]];
        let in_query: BTreeSet<&str> = lists
            .iter()
            .filter_map(|list| list.as_array())
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let mut unknown = Vec::new();
        for name in form_names(query) {
            if !in_query.contains(name.as_str()) {
                unknown.push(format!("request.query.{name}: not in the document"));
            }
        }
        let (kind, names) = body_names(wire);
        let schema = self.resolved(&operation["requestBody"]["content"][kind]["schema"]);
        if let Some(properties) = schema["properties"].as_object() {
            let strange = names.iter().filter(|name| !properties.contains_key(*name));
            unknown.extend(strange.map(|name| format!("request.body.{name}: not in the document")));
        }
        unknown
    }

    /// A path's item and the operation in it.
    fn operation(&self, method: &str, path: &str) -> Option<(&Value, &Value)> {
        let paths = self.0["paths"].as_object()?;
        let (_, item) = paths.iter().find(|(template, _)| fits(template, path))?;
        Some((item, item.get(method.to_ascii_lowercase())?))
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let place = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
        place
            .and_then(|place| self.0.pointer(place))
            .unwrap_or(schema)
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(got)) if fits_segment(wanted, got) => {}
            _ => return false,
        }
    }
}

/// `{Sid}.json` takes `SM1.json`.
fn fits_segment(wanted: &str, got: &str) -> bool {
    match wanted.split_once('{') {
        None => wanted == got,
        Some((before, rest)) => {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            got.len() > before.len() + after.len()
                && got.starts_with(before)
                && got.ends_with(after)
        }
    }
}

/// The body's media type, and the names at its top.
fn body_names(wire: &Wire) -> (&str, BTreeSet<String>) {
    let kind = wire.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let names = if kind == "application/json" {
        let body = serde_json::from_slice::<Value>(&wire.body).unwrap_or_default();
        let fields = body.as_object();
        fields
            .map(|fields| fields.keys().cloned().collect())
            .unwrap_or_default()
    } else {
        form_names(&String::from_utf8_lossy(&wire.body))
    };
    (kind, names)
}

/// `metadata[order]=1712` has the name `metadata`.
fn form_names(text: &str) -> BTreeSet<String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
            name.split('[').next().unwrap_or_default().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway::form::Arrays;
    use serde_json::json;

    fn fields() -> Fields {
        let schema = json!({"properties": {"name": {}, "metadata": {}}});
        Fields::of(json!({
            "paths": {
                "/v1/things": {"post": {"requestBody": {"content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/thing"}},
                    "application/x-www-form-urlencoded": {"schema": schema},
                }}}},
                "/v1/things/{id}.json": {
                    "parameters": [{"in": "path", "name": "id"}],
                    "get": {"parameters": [{"in": "query", "name": "expand"}]},
                },
            },
            "components": {"schemas": {"thing": schema}},
        }))
    }

    #[test]
    fn a_misspelt_name_is_found_in_form_json_and_query() {
        let body = json!({"name": "Ada Example", "metadata": {"a": "b"}, "nmae": "x"});
        let found = ["request.body.nmae: not in the document"];
        assert_eq!(
            fields().unknown(&Wire::post("/v1/things").json(&body)),
            found
        );
        let form = Wire::post("/v1/things").form(&body, Arrays::Indexed);
        assert_eq!(fields().unknown(&form), found);
        let get = Wire::get("/v1/things/7.json")
            .query("expand", "a")
            .query("limt", "1");
        assert_eq!(
            fields().unknown(&get),
            ["request.query.limt: not in the document"]
        );
    }

    #[test]
    fn what_the_document_has_or_says_nothing_about_is_not_found() {
        let body = json!({"name": "Ada Example", "metadata": {"a": "b"}});
        assert!(
            fields()
                .unknown(&Wire::post("/v1/things").json(&body))
                .is_empty()
        );
        let elsewhere = Wire::post("/v1/others").json(&json!({"nmae": 1}));
        assert!(fields().unknown(&elsewhere).is_empty());
        assert!(fields().unknown(&Wire::get("/v1/things/.json")).is_empty());
    }
}
