//! DynamoDB's typed JSON (`{"S": "text"}`), written and read without the SDK's builders.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html>

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};

use super::Item;

/// A value to be written.
pub(super) struct Typed<'a>(pub &'a AttributeValue);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let binary = |blob: &Blob| STANDARD.encode(blob.as_ref());
        let mut typed = serializer.serialize_map(Some(1))?;
        match self.0 {
            AttributeValue::S(text) => typed.serialize_entry("S", text)?,
            AttributeValue::N(digits) => typed.serialize_entry("N", digits)?,
            AttributeValue::Bool(is) => typed.serialize_entry("BOOL", is)?,
            AttributeValue::Null(is) => typed.serialize_entry("NULL", is)?,
            AttributeValue::M(fields) => typed.serialize_entry("M", &Fields(fields))?,
            AttributeValue::L(items) => {
                let items: Vec<Typed<'_>> = items.iter().map(Typed).collect();
                typed.serialize_entry("L", &items)?;
            }
            AttributeValue::Ss(texts) => typed.serialize_entry("SS", texts)?,
            AttributeValue::Ns(numbers) => typed.serialize_entry("NS", numbers)?,
            AttributeValue::B(blob) => typed.serialize_entry("B", &binary(blob))?,
            AttributeValue::Bs(blobs) => {
                let blobs: Vec<String> = blobs.iter().map(binary).collect();
                typed.serialize_entry("BS", &blobs)?;
            }
            _ => return Err(S::Error::custom("a type of a later SDK")),
        }
        typed.end()
    }
}

/// An item to be written.
pub(super) struct Fields<'a>(pub &'a Item);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Typed(value))))
    }
}

/// A value that was read.
pub(super) struct Read(AttributeValue);

/// An item that was read.
pub(super) fn item(read: HashMap<String, Read>) -> Item {
    let fields = read.into_iter();
    fields.map(|(name, Read(value))| (name, value)).collect()
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneTyped)
    }
}

struct OneTyped;

impl<'de> Visitor<'de> for OneTyped {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of one type and its value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let plain = |read: Vec<Read>| read.into_iter().map(|Read(value)| value).collect();
        let blob = |text: &str| STANDARD.decode(text).map(Blob::new);
        let kind: String = map.next_key()?.ok_or_else(|| A::Error::custom("no type"))?;
        let value = match kind.as_str() {
            "S" => AttributeValue::S(map.next_value()?),
            "N" => AttributeValue::N(map.next_value()?),
            "BOOL" => AttributeValue::Bool(map.next_value()?),
            "NULL" => AttributeValue::Null(map.next_value()?),
            "M" => AttributeValue::M(item(map.next_value()?)),
            "L" => AttributeValue::L(plain(map.next_value()?)),
            "SS" => AttributeValue::Ss(map.next_value()?),
            "NS" => AttributeValue::Ns(map.next_value()?),
            "B" => {
                let text: String = map.next_value()?;
                AttributeValue::B(blob(&text).map_err(A::Error::custom)?)
            }
            "BS" => {
                let texts: Vec<String> = map.next_value()?;
                let blobs: Result<Vec<Blob>, _> = texts.iter().map(|text| blob(text)).collect();
                AttributeValue::Bs(blobs.map_err(A::Error::custom)?)
            }
            _ => return Err(A::Error::custom("an unknown type")),
        };
        match map.next_key::<String>()? {
            None => Ok(Read(value)),
            Some(_) => Err(A::Error::custom("more than one type")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_as_it_was_written() {
        let all = Item::from([
            (
                "s".to_owned(),
                AttributeValue::S("\"naïve\"\u{1}\u{2028}".into()),
            ),
            ("n".to_owned(), AttributeValue::N("-17.125".into())),
            ("t".to_owned(), AttributeValue::Bool(true)),
            ("z".to_owned(), AttributeValue::Null(true)),
            (
                "l".to_owned(),
                AttributeValue::L(vec![
                    AttributeValue::L(vec![]),
                    AttributeValue::N("1".into()),
                ]),
            ),
            (
                "m".to_owned(),
                AttributeValue::M(Item::from([(
                    "".to_owned(),
                    AttributeValue::M(Item::new()),
                )])),
            ),
            ("b".to_owned(), AttributeValue::B(Blob::new([0, 255, 7]))),
            (
                "ss".to_owned(),
                AttributeValue::Ss(vec!["a".into(), String::new()]),
            ),
            ("ns".to_owned(), AttributeValue::Ns(vec!["1e3".into()])),
            (
                "bs".to_owned(),
                AttributeValue::Bs(vec![Blob::new([1]), Blob::new([])]),
            ),
        ]);
        let text = serde_json::to_string(&Fields(&all)).expect("JSON");
        let read: HashMap<String, Read> = serde_json::from_str(&text).expect("an item");
        assert_eq!(item(read), all, "{text}");
    }

    #[test]
    fn what_names_no_type_or_two_is_no_value() {
        for wrong in [
            r#"{}"#,
            r#"{"X": 1}"#,
            r#"{"S": "a", "N": "1"}"#,
            r#"{"S": 1}"#,
            r#""S""#,
            r#"{"B": "?"}"#,
        ] {
            assert!(serde_json::from_str::<Read>(wrong).is_err(), "{wrong}");
        }
    }
}
