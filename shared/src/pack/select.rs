//! Which operations and which statuses a row is about.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::OperationLine;

/// Operations, each by name (`chat.*`), by document and id (`api:CreateMessage`), or by route (`POST /v1/**`, also
/// `api:POST /v1/**`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors(Vec<Selector>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Selector {
    document: Option<String>,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Named(String),
    Id(String),
    Route { method: String, path: String },
}

/// Statuses: `409`, `"5xx"`, `"410-422"`, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<(u16, u16)>);

impl Selector {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` selects nothing: `name.*`, `document:operationId` or `POST /path/**`")
        };
        let route = |text: &str| {
            let (method, path) = text.split_once(' ')?;
            let is_route = path.starts_with('/') && !method.contains(':');
            is_route.then(|| What::Route {
                method: method.to_ascii_uppercase(),
                path: path.to_owned(),
            })
        };
        if let Some(what) = route(text) {
            let document = None;
            return Ok(Self { document, what });
        }
        let (document, what) = match text.split_once(':') {
            None => (None, What::Named(text.to_owned())),
            Some((document, rest)) => {
                let what = route(rest).unwrap_or_else(|| What::Id(rest.to_owned()));
                (Some(document.to_owned()), what)
            }
        };
        let is_empty = matches!(&what, What::Named(text) | What::Id(text) if text.is_empty());
        if is_empty || text.contains(char::is_whitespace) && !matches!(what, What::Route { .. }) {
            return Err(wrong());
        }
        Ok(Self { document, what })
    }

    fn is(&self, line: &OperationLine) -> bool {
        if self
            .document
            .as_ref()
            .is_some_and(|document| *document != line.doc)
        {
            return false;
        }
        match &self.what {
            What::Named(name) => glob(name, &line.op),
            What::Id(id) => line.id.as_ref().is_some_and(|own| own == id),
            What::Route { method, path } => {
                (method == "*" || *method == line.method) && path_glob(path, &line.path)
            }
        }
    }
}

impl Selectors {
    /// Whether `line` is one of them.
    #[must_use]
    pub fn are(&self, line: &OperationLine) -> bool {
        self.0.iter().any(|selector| selector.is(line))
    }

    /// The document that a call of `method` to `path` is allowed under, where a route is one of them and names one; none
    /// where no route is.
    pub(super) fn allowing(&self, method: &str, path: &str) -> Option<Option<&str>> {
        let allowing = self.0.iter().find(|selector| match &selector.what {
            What::Route {
                method: own,
                path: pattern,
            } => own == method && path_glob(pattern, path),
            _ => false,
        });
        allowing.map(|selector| selector.document.as_deref())
    }

    /// Method and path of each; none for what is selected by name.
    pub(super) fn routes(&self) -> impl Iterator<Item = Option<(&str, &str)>> {
        self.0.iter().map(|selector| match &selector.what {
            What::Route { method, path } => Some((method.as_str(), path.as_str())),
            _ => None,
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are written.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(document) = &self.document {
            write!(f, "{document}:")?;
        }
        match &self.what {
            What::Named(text) | What::Id(text) => f.write_str(text),
            What::Route { method, path } => write!(f, "{method} {path}"),
        }
    }
}

/// `*` is any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(before) else {
        return false;
    };
    let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.into_iter().any(|at| glob(after, &rest[at..]))
}

/// `*` is one segment, or a part of one; `**` is the rest, whatever it is.
fn path_glob(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        if wanted == "**" {
            return true;
        }
        if !segments.next().is_some_and(|segment| glob(wanted, segment)) {
            return false;
        }
    }
    segments.next().is_none()
}

impl Statuses {
    /// Whether `status` is one of them.
    #[must_use]
    pub fn have(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|&(from, to)| (from..=to).contains(&status))
    }

    fn parse(text: &str) -> Option<(u16, u16)> {
        let number = |text: &str| {
            text.parse()
                .ok()
                .filter(|status| (100..1000).contains(status))
        };
        if let Some(hundreds) = text.strip_suffix("xx") {
            let hundreds: u16 = hundreds
                .parse()
                .ok()
                .filter(|digit| (1..=9).contains(digit))?;
            return Some((hundreds * 100, hundreds * 100 + 99));
        }
        match text.split_once('-') {
            Some((from, to)) => Some((number(from)?, number(to)?)),
            None => number(text).map(|status| (status, status)),
        }
    }
}

/// One item, or a list of them.
struct OneOrMore<T>(fn(&str) -> Result<T, String>, &'static str);

impl<'de, T> Visitor<'de> for OneOrMore<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        (self.0)(text).map(|one| vec![one]).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Vec<T>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element::<Item>()? {
            all.push((self.0)(&item.0).map_err(de::Error::custom)?);
        }
        Ok(all)
    }
}

/// Text, or a number as text.
struct Item(String);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Kinds {
            Number(u16),
            Text(String),
        }
        Ok(Self(match Kinds::deserialize(deserializer)? {
            Kinds::Number(number) => number.to_string(),
            Kinds::Text(text) => text,
        }))
    }
}

impl<'de> Deserialize<'de> for Selectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kinds = OneOrMore(
            Selector::parse,
            "an operation's name or route, or a list of them",
        );
        deserializer.deserialize_any(kinds).map(Self)
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| {
            Self::parse(text)
                .ok_or_else(|| format!("`{text}` is no status: 409, \"5xx\" or \"410-422\""))
        };
        let kinds = OneOrMore(
            parse,
            "a status such as 409, \"5xx\" or \"410-422\", or a list of them",
        );
        deserializer.deserialize_any(kinds).map(Self)
    }
}

impl JsonSchema for Selectors {
    fn schema_name() -> Cow<'static, str> {
        "Selectors".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
    }
}

impl JsonSchema for Statuses {
    fn schema_name() -> Cow<'static, str> {
        "Statuses".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = serde_json::json!({"anyOf": [
            {"type": "integer", "minimum": 100, "maximum": 999},
            {"type": "string", "pattern": "^([1-9]xx|[1-9][0-9]{2}(-[1-9][0-9]{2})?)$"},
        ]});
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `api:POST /v1/**` was taken for a route whose method is `API:POST`: such rows fitted nothing, without a word.
    #[test]
    fn a_route_may_name_its_document() {
        let of = |document: &str, text: &str| {
            let line = serde_json::json!({"op": "a", "doc": document, "method": "POST", "path": "/v1/a", "schema": {}});
            let line: OperationLine = serde_json::from_value(line).unwrap();
            Selectors(vec![Selector::parse(text).unwrap()]).are(&line)
        };
        assert!(of("api", "api:POST /v1/**") && of("api", "POST /v1/**"));
        assert!(!of("other", "api:POST /v1/**") && !of("api", "api:PUT /v1/**"));
    }

    #[test]
    fn a_route_has_stars_for_segments_and_for_the_rest() {
        for (pattern, path, is) in [
            ("/v1/**", "/v1/a/b", true),
            ("/v1/*/b", "/v1/a/b", true),
            ("/v1/*", "/v1/a/b", false),
            ("/v1/a", "/v1/a", true),
            ("/v1/a/b", "/v1/a", false),
            ("/a/{id}.json", "/a/{id}.json", true),
        ] {
            assert_eq!(path_glob(pattern, path), is, "{pattern} {path}");
        }
        assert!(glob("a.*.c", "a.b.b.c") && glob("*", "") && !glob("a*b", "ac"));
    }
}
