//! From a body to the texts of its requests. Texts, because numbers must reach the lane as the producer wrote them.

use std::fmt;

use http::StatusCode;
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::Problem;

/// Requests in one list.
pub const MAX_ITEMS: usize = 100;

/// The field whose presence makes a body a list.
const LIST: &str = "requests";

/// What a body holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Submission<'a> {
    /// One request.
    One(&'a str),
    /// A list of requests.
    List(Vec<&'a str>),
}

/// Splits `body`.
///
/// # Errors
/// When it is neither a request nor a list: what it is instead.
pub(super) fn split(body: &[u8]) -> Result<Submission<'_>, Problem> {
    let text =
        std::str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    let fields = fields(text).map_err(|error| {
        Problem::malformed(format!("the body must be one JSON object: {error}"))
    })?;
    if !fields.iter().any(|(name, _)| name == LIST) {
        return Ok(Submission::One(text));
    }
    let [(_, list)] = fields.as_slice() else {
        let rule = "must be the only field, given once";
        return Err(Problem::field("invalid_field", LIST, rule));
    };
    let items: Vec<&RawValue> = serde_json::from_str(list.get())
        .map_err(|_| Problem::field("invalid_field", LIST, "must be a list of requests"))?;
    match items.len() {
        0 => Err(Problem::field("invalid_field", LIST, "must hold a request")),
        1..=MAX_ITEMS => Ok(Submission::List(
            items.into_iter().map(RawValue::get).collect(),
        )),
        count => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_requests_in_a_list",
            format!("{LIST}: must hold at most {MAX_ITEMS} requests, it holds {count}"),
        )),
    }
}

/// The fields of the object that `text` is, in order, those that are given twice both; at most [`FIELDS_MAX`].
pub(super) fn fields(text: &str) -> Result<Vec<(String, &RawValue)>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let fields = json.deserialize_map(Fields)?;
    json.end().map(|()| fields)
}

struct Fields;

/// More fields than a request has: who sends more is told by the decoder which one is not of a request.
const FIELDS_MAX: usize = 64;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            if fields.len() < FIELDS_MAX {
                fields.push(field);
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_without_a_list_is_one_request_as_it_was_written() {
        let body = br#" {"provider": "stripe", "payload": {"n": 1.50}} "#;
        let text = std::str::from_utf8(body).expect("text");
        assert_eq!(split(body), Ok(Submission::One(text)));
    }

    #[test]
    fn a_list_is_split_into_texts() {
        let body = br#"{"requests": [{"a": 1.50}, {"a": 1e2} , 3]}"#;
        let texts = vec![r#"{"a": 1.50}"#, r#"{"a": 1e2}"#, "3"];
        assert_eq!(split(body), Ok(Submission::List(texts)));
    }

    #[test]
    fn what_is_neither_is_said_to_be_what_it_is() {
        for (body, code, words) in [
            (&b"\xff"[..], "malformed_json", "UTF-8"),
            (b"[]", "malformed_json", "an object"),
            (b"{} {}", "malformed_json", "trailing"),
            (b"{", "malformed_json", "EOF"),
            (
                br#"{"requests": []}"#,
                "invalid_field",
                "must hold a request",
            ),
            (br#"{"requests": {}}"#, "invalid_field", "must be a list"),
            (
                br#"{"requests": [{}], "a": 1}"#,
                "invalid_field",
                "only field",
            ),
            (
                br#"{"requests": [{}], "requests": [{}]}"#,
                "invalid_field",
                "only field",
            ),
        ] {
            let problem = split(body).expect_err("neither");
            assert_eq!(problem.code, code, "{problem:?}");
            assert!(problem.detail.contains(words), "{problem:?}");
        }
        let items = vec!["{}"; MAX_ITEMS + 1].join(",");
        let problem =
            split(format!("{{\"requests\":[{items}]}}").as_bytes()).expect_err("too many");
        assert_eq!(problem.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(problem.detail.contains("at most 100"), "{problem:?}");
    }

    #[test]
    fn depth_and_fields_are_bounded() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(split(deep.as_bytes()), Ok(Submission::One(_))));
        let wide: Vec<String> = (0..10_000).map(|n| format!("\"f{n}\":1")).collect();
        let wide = format!("{{{}}}", wide.join(","));
        assert!(matches!(split(wide.as_bytes()), Ok(Submission::One(_))));
    }
}
