//! Field types that carry their own bounds, so that the typed check in the lane and the JSON Schema that producers
//! see cannot disagree.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Text of `MIN` to `MAX` characters (Unicode scalar values, as JSON Schema counts them).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule<const MIN: usize, const MAX: usize>;

        impl<const MIN: usize, const MAX: usize> Visitor<'_> for Rule<MIN, MAX> {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "text of {MIN} to {MAX} characters")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
                let length = text.chars().count();
                if (MIN..=MAX).contains(&length) {
                    Ok(text.to_owned())
                } else {
                    Err(E::invalid_length(length, &self))
                }
            }
        }

        deserializer.deserialize_str(Rule::<MIN, MAX>).map(Self)
    }
}

impl<const MIN: usize, const MAX: usize> JsonSchema for Text<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": MIN, "maxLength": MAX})
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Whole<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    /// The number itself.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule<const MIN: i64, const MAX: i64>;

        impl<const MIN: i64, const MAX: i64> Visitor<'_> for Rule<MIN, MAX> {
            type Value = i64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
                if (MIN..=MAX).contains(&number) {
                    Ok(number)
                } else {
                    Err(E::invalid_value(Unexpected::Signed(number), &self))
                }
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
                match i64::try_from(number) {
                    Ok(number) => self.visit_i64(number),
                    Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
                }
            }

            /// JSON Schema's `integer` takes 5.0 for 5; so does this.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
                if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_991.0 {
                    self.visit_i64(number as i64)
                } else {
                    Err(E::invalid_value(Unexpected::Float(number), &self))
                }
            }
        }

        deserializer.deserialize_any(Rule::<MIN, MAX>).map(Self)
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for Whole<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive() {
        for (text, good) in [
            ("\"\"", false),
            ("\"a\"", true),
            ("\"éé\"", true),
            ("\"abc\"", false),
        ] {
            assert_eq!(
                serde_json::from_str::<Text<1, 2>>(text).is_ok(),
                good,
                "{text}"
            );
        }
        for (text, good) in [
            ("0", false),
            ("1", true),
            ("5.0", true),
            ("9", true),
            ("10", false),
            ("1.5", false),
            ("\"1\"", false),
        ] {
            assert_eq!(
                serde_json::from_str::<Whole<1, 9>>(text).is_ok(),
                good,
                "{text}"
            );
        }
    }
}
