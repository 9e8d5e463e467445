//! What can still be told of a body that is no request: whom it belongs to.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::Name;
use super::decode::is_uuid_v7;

/// Longest body that is looked into: no queue delivers a longer one (SQS: 1 MiB).
pub const MAX_PEEK_BYTES: usize = 1 << 20;

/// The top-level fields of a refused body that keep their own rule, for the attributes of its letter.
///
/// Read leniently: up to the first syntax error, whatever else is wrong. Of a field given twice the first counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// The request's id, if it is a UUIDv7.
    pub id: Option<String>,
    /// The operation, if it has an operation's pattern.
    pub operation: Option<String>,
    /// The connection, if it is a [`Name`]; that of requests which name none, if the body was read to its end and does
    /// not name one.
    pub connection: Option<String>,
}

pub(super) fn peek(body: &str) -> Peek {
    let mut peek = Peek::default();
    if body.len() <= MAX_PEEK_BYTES {
        let mut json = serde_json::Deserializer::from_str(body);
        let reader = Reader {
            peek: &mut peek,
            names_connection: false,
        };
        let read = reader.deserialize(&mut json);
        // Whatever stood before an error has been kept; behind it a connection may be named.
        if read.is_ok_and(|names_connection| !names_connection) && json.end().is_ok() {
            peek.connection = Some(Name::default_connection().into());
        }
    }
    peek
}

struct Reader<'p> {
    peek: &'p mut Peek,
    names_connection: bool,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    /// Whether a connection is named, well or badly.
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<bool, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.names_connection |= key == "connection";
            let (place, is_valid): (_, fn(&str) -> bool) = match key.as_str() {
                "id" => (&mut self.peek.id, is_uuid_v7),
                "operation" => (&mut self.peek.operation, Name::is_valid),
                "connection" => (&mut self.peek.connection, Name::is_valid),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if let (None, Value::String(text)) = (&place, map.next_value()?)
                && is_valid(&text)
            {
                *place = Some(text);
            }
        }
        Ok(self.names_connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0199a3c1-7d2e-7abc-8def-0123456789ab";

    #[test]
    fn fields_before_a_syntax_error_are_read_and_the_rest_is_left_out() {
        let body = format!(
            r#"{{"id":"{ID}","operation":"customers.create","payload":{{"n":1e999}},"connection":"x" oops"#
        );
        let told = peek(&body);
        assert_eq!(told.id.as_deref(), Some(ID));
        assert_eq!(told.operation.as_deref(), Some("customers.create"));
        assert_eq!(told.connection.as_deref(), Some("x"));
        assert_eq!(
            peek(r#"{"operation":"a.b","connection":"#)
                .operation
                .as_deref(),
            Some("a.b")
        );
    }

    #[test]
    fn values_that_break_their_rule_are_left_out() {
        assert_eq!(
            peek(r#"{"id":"7","operation":"drop table","connection":{"a":1}}"#),
            Peek::default()
        );
        assert_eq!(peek(r#"["operation"]"#), Peek::default());
        assert_eq!(peek("not JSON"), Peek::default());
    }

    /// Such letters carried no connection, though everybody who reads the body knows it.
    #[test]
    fn a_body_that_names_no_connection_is_the_default_ones() {
        let connection = |body: &str| peek(body).connection;
        assert_eq!(connection(r#"{"stray":1}"#).as_deref(), Some("default"));
        assert_eq!(connection("{} ").as_deref(), Some("default"));
        for unclear in [
            r#"{"stray":1"#,
            r#"{"connection":7}"#,
            "{} {}",
            "[]",
            "7",
            "",
        ] {
            assert_eq!(connection(unclear), None, "{unclear}");
        }
    }

    #[test]
    fn of_a_field_given_twice_the_first_counts() {
        let told = peek(r#"{"connection":"one","connection":"two"}"#);
        assert_eq!(told.connection.as_deref(), Some("one"));
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let deep = format!(r#"{{"connection":"x","payload":{}"#, "[".repeat(500_000));
        assert_eq!(peek(&deep).connection.as_deref(), Some("x"));
        assert_eq!(
            peek(&format!(r#"{{"connection":{}"#, "[".repeat(500_000))),
            Peek::default()
        );
        assert_eq!(
            peek(&format!(
                r#"{{"connection":"x"{}}}"#,
                " ".repeat(MAX_PEEK_BYTES)
            )),
            Peek::default()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in any::<String>(), json_like in "[\\[\\]{}:,\"\\\\ a-i0-9.é-]{0,60}") {
            let _ = peek(&text);
            let _ = peek(&json_like);
        }
    }
}
