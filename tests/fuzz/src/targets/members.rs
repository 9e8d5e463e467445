//! Members of objects, counted twice: as written and as kept. The difference are keys given more than once.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// How many members all objects in `value` have.
pub(super) fn kept_members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(kept_members).sum(),
        Value::Object(fields) => fields.values().map(|value| 1 + kept_members(value)).sum(),
        _ => 0,
    }
}

/// How many members stand in `text`.
///
/// # Errors
/// With the reader's words, where `text` is no JSON.
pub(super) fn written_members(text: &str) -> Result<usize, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = Counted.deserialize(&mut reader);
    members.map_err(|error| error.to_string())
}

struct Counted;

impl<'de> DeserializeSeed<'de> for Counted {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut members = 0;
        while map.next_key::<String>()?.is_some() {
            members += 1 + map.next_value_seed(Counted)?;
        }
        Ok(members)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut members = 0;
        while let Some(inside) = seq.next_element_seed(Counted)? {
            members += inside;
        }
        Ok(members)
    }

    fn visit_str<E>(self, _: &str) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_bool<E>(self, _: bool) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_f64<E>(self, _: f64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_i64<E>(self, _: i64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_u64<E>(self, _: u64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }
}
