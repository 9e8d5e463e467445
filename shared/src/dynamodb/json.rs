//! DynamoDB's typed JSON (`{"S": "text"}`), read into the SDK's values.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html>

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::Item;

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
    fn every_type_is_read() {
        let text = r#"{"s": {"S": "\"naïve\"\u0001"}, "n": {"N": "-17.125"}, "t": {"BOOL": true}, "z": {"NULL": true},
            "l": {"L": [{"L": []}, {"N": "1"}]}, "m": {"M": {"": {"M": {}}}}, "b": {"B": "AP8H"},
            "ss": {"SS": ["a", ""]}, "ns": {"NS": ["1e3"]}, "bs": {"BS": ["AQ==", ""]}}"#;
        let one = AttributeValue::N("1".into());
        let inner = Item::from([(String::new(), AttributeValue::M(Item::new()))]);
        let all = [
            ("s", AttributeValue::S("\"naïve\"\u{1}".into())),
            ("n", AttributeValue::N("-17.125".into())),
            ("t", AttributeValue::Bool(true)),
            ("z", AttributeValue::Null(true)),
            ("l", AttributeValue::L(vec![AttributeValue::L(vec![]), one])),
            ("m", AttributeValue::M(inner)),
            ("b", AttributeValue::B(Blob::new([0, 255, 7]))),
            ("ss", AttributeValue::Ss(vec!["a".into(), String::new()])),
            ("ns", AttributeValue::Ns(vec!["1e3".into()])),
            (
                "bs",
                AttributeValue::Bs(vec![Blob::new([1]), Blob::new([])]),
            ),
        ];
        let all: Item = all.map(|(name, value)| (name.to_owned(), value)).into();
        let read: HashMap<String, Read> = serde_json::from_str(text).expect("an item");
        assert_eq!(item(read), all);
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
