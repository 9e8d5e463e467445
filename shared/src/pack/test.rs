//! Conditions: what must stand in a place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use regex_lite::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::place::Seen;
use super::text::Given;
use super::time::Moment;
use super::{Place, Scene};
use crate::Timestamp;

/// Longest regular expression of a page, in bytes: they stay readable, and linear in time as regex-lite's are.
const PATTERN_MAX: usize = 128;

/// All of these hold.
pub type When = BTreeMap<Place, Test>;

/// What must stand in a place: a scalar, one of several tests, or rules.
#[derive(Clone, Debug)]
pub enum Test {
    /// A value of the same type.
    Same(Value),
    /// One of these.
    Any(Vec<Self>),
    /// All rules that are given.
    Rules(Box<Rules>),
}

/// Rules for what stands in a place; all that are given hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Something stands there, or nothing.
    pub has: Option<bool>,
    /// It is null.
    pub is_null: Option<bool>,
    /// It is an object.
    pub is_object: Option<bool>,
    /// It is not this.
    pub not: Option<Test>,
    /// Text that starts so.
    pub starts: Option<String>,
    /// Text that contains this.
    pub contains: Option<String>,
    /// Text that the expression finds something in.
    pub matches: Option<Pattern>,
    /// At least.
    pub ge: Option<f64>,
    /// At most.
    pub le: Option<f64>,
    /// A date that is before the first or after the second.
    pub outside: Option<[Moment; 2]>,
    /// The same as what the request says.
    pub same: Option<Givens>,
    /// What makes no difference in `starts`, `contains`, `matches` and `same`.
    pub fold: Option<Fold>,
    /// What may stand before what is the same, folded.
    pub drop_prefix: Option<String>,
}

/// One value or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Givens {
    /// One.
    One(Given),
    /// One of these.
    Several(Vec<Given>),
}

/// What makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fold {
    /// Case.
    Case,
    /// Everything but letters and digits, and their case.
    Letters,
}

/// A regular expression.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern {
    exact: Regex,
    folded: Regex,
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > PATTERN_MAX {
            return Err(format!("a pattern has at most {PATTERN_MAX} bytes"));
        }
        let build = |fold| RegexBuilder::new(&text).case_insensitive(fold).build();
        let build = |fold| build(fold).map_err(|error| format!("`{text}`: {error}"));
        Ok(Self {
            exact: build(false)?,
            folded: build(true)?,
        })
    }
}

/// Whether all of `when` hold.
pub(super) fn all(when: &When, scene: &Scene<'_>) -> bool {
    when.iter()
        .all(|(place, test)| test.holds(&place.read(scene), scene))
}

/// Whether one of `any` holds as a whole.
pub(super) fn any(any: &[When], scene: &Scene<'_>) -> bool {
    any.iter().any(|when| all(when, scene))
}

impl Test {
    /// Whether what was written down of a value does not decide it: its type does, the time, or the request.
    pub(super) fn needs_more_than_a_text(&self) -> bool {
        match self {
            Self::Same(wanted) => !(wanted.is_string() || wanted.is_number()),
            Self::Any(tests) => tests.iter().any(Self::needs_more_than_a_text),
            Self::Rules(rules) => {
                let others = rules.is_null.is_some()
                    || rules.is_object.is_some()
                    || rules.outside.is_some()
                    || rules.same.is_some();
                others || rules.not.as_ref().is_some_and(Self::needs_more_than_a_text)
            }
        }
    }

    /// Whether a part of it holds where something is not so.
    pub(super) fn is_negative(&self) -> bool {
        match self {
            Self::Same(_) => false,
            Self::Any(tests) => tests.iter().any(Self::is_negative),
            Self::Rules(rules) => rules.not.is_some() || rules.has == Some(false),
        }
    }

    pub(super) fn holds(&self, seen: &[Seen<'_>], scene: &Scene<'_>) -> bool {
        match self {
            Self::Same(wanted) => seen.iter().any(|seen| match seen {
                Seen::Json(value) => is_same(value, wanted),
                Seen::Text(text) => wanted.as_str() == Some(text),
            }),
            Self::Any(tests) => tests.iter().any(|test| test.holds(seen, scene)),
            Self::Rules(rules) => rules.hold(seen, scene),
        }
    }
}

/// Numbers are the same by value: TOML's 1 and an answer's 1.0.
fn is_same(value: &Value, wanted: &Value) -> bool {
    match (value.as_f64(), wanted.as_f64()) {
        (Some(value), Some(wanted)) => value == wanted,
        _ => value == wanted,
    }
}

impl Rules {
    fn hold(&self, seen: &[Seen<'_>], scene: &Scene<'_>) -> bool {
        let text = |is: &dyn Fn(&str) -> bool| seen.iter().filter_map(Seen::as_str).any(is);
        let number = |is: &dyn Fn(f64) -> bool| seen.iter().filter_map(Seen::as_number).any(is);
        let is_null = |seen: &Seen<'_>| matches!(seen, Seen::Json(Value::Null));
        let is_object = |seen: &Seen<'_>| matches!(seen, Seen::Json(Value::Object(_)));
        let rules = [
            self.has.map(|has| seen.is_empty() != has),
            self.is_null
                .map(|null| (!seen.is_empty() && seen.iter().all(is_null)) == null),
            self.is_object
                .map(|object| seen.iter().any(is_object) == object),
            self.not.as_ref().map(|test| !test.holds(seen, scene)),
            self.starts
                .as_ref()
                .map(|start| text(&|it| self.folded(it).starts_with(&*self.folded(start)))),
            self.contains
                .as_ref()
                .map(|part| text(&|it| self.folded(it).contains(&*self.folded(part)))),
            self.matches
                .as_ref()
                .map(|pattern| text(&|it| pattern.finds(it, self.fold))),
            self.ge.map(|least| number(&|it| it >= least)),
            self.le.map(|most| number(&|it| it <= most)),
            self.outside.as_ref().map(|[from, to]| {
                let span = from.at(scene)..=to.at(scene);
                text(&|it| date(it).is_some_and(|at| !span.contains(&at)))
            }),
            self.same
                .as_ref()
                .map(|given| self.is_given(given, seen, scene)),
        ];
        rules.into_iter().flatten().all(|holds| holds)
    }

    fn folded<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.fold {
            None => text.into(),
            Some(Fold::Case) => text.to_lowercase().into(),
            Some(Fold::Letters) => {
                let kept = text.chars().filter(|char| char.is_alphanumeric());
                kept.flat_map(char::to_lowercase).collect::<String>().into()
            }
        }
    }

    fn is_given(&self, given: &Givens, seen: &[Seen<'_>], scene: &Scene<'_>) -> bool {
        let given = match given {
            Givens::One(given) => std::slice::from_ref(given),
            Givens::Several(given) => given,
        };
        let prefix = self.drop_prefix.as_deref().unwrap_or_default();
        given.iter().any(|given| match given.value(scene) {
            Some(Seen::Json(wanted)) if !wanted.is_string() => seen
                .iter()
                .any(|seen| matches!(seen, Seen::Json(value) if is_same(value, wanted))),
            Some(wanted) => {
                let wanted = self.folded(wanted.as_str().unwrap_or_default());
                seen.iter().filter_map(Seen::as_str).any(|it| {
                    let it = self.folded(it);
                    it == wanted
                        || (!prefix.is_empty() && it.strip_prefix(prefix) == Some(&*wanted))
                })
            }
            None => false,
        })
    }
}

impl Pattern {
    fn finds(&self, text: &str, fold: Option<Fold>) -> bool {
        let pattern = match fold {
            None => &self.exact,
            Some(_) => &self.folded,
        };
        pattern.is_match(text)
    }
}

/// A date as vendors write them.
fn date(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text)
        .or_else(|_| Timestamp::parse_rfc2822(text))
        .ok()
}

impl<'de> Deserialize<'de> for Test {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kinds;

        impl<'de> Visitor<'de> for Kinds {
            type Value = Test;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, a list of them, or rules such as { has = true }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Test, E> {
                Ok(Test::Same(text.into()))
            }

            fn visit_bool<E: de::Error>(self, is: bool) -> Result<Test, E> {
                Ok(Test::Same(is.into()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Test, E> {
                Ok(Test::Same(number.into()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Test, E> {
                Ok(Test::Same(number.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Test, A::Error> {
                let mut tests = Vec::new();
                while let Some(test) = items.next_element()? {
                    tests.push(test);
                }
                Ok(Test::Any(tests))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Test, A::Error> {
                let rules = Rules::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Test::Rules(Box::new(rules)))
            }
        }

        deserializer.deserialize_any(Kinds)
    }
}

impl JsonSchema for Test {
    fn schema_name() -> Cow<'static, str> {
        "Test".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (test, rules) = (
            generator.subschema_for::<Self>(),
            generator.subschema_for::<Rules>(),
        );
        json_schema!({"anyOf": [
            {"type": ["string", "number", "boolean"]},
            {"type": "array", "items": test},
            rules,
        ]})
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "regex", "maxLength": PATTERN_MAX})
    }
}
