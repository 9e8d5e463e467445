//! Times of a page: how long, how long after when, and until when.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::place::Seen;
use super::{Place, Scene};
use crate::Timestamp;
use crate::limiter::signal::{self, Counts};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// `1200ms`, `60s`, `5m`, `1h` or `6d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

/// `$first_sent-5m`: a while before or after the request was first or last sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Moment {
    of: Sent,
    before: Duration,
    after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    First,
    Last,
}

/// How long to wait: a [`Span`], the seconds that stand in a place, or until a bucket holds enough.
#[derive(Clone, Debug)]
pub enum Wait {
    /// So long.
    For(Duration),
    /// The seconds, or the time, that stand there.
    At(Place),
    /// Until the vendor's bucket holds what the call asks for.
    Refill(Box<Refill>),
}

/// What a vendor says of its bucket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refill {
    /// What the call asks for.
    pub asked: Place,
    /// What the bucket holds.
    pub left: Place,
    /// What comes back in a second.
    pub rate: Place,
}

/// Until when a quota is spent: the first that is there.
#[derive(Clone, Debug)]
pub enum Until {
    /// The next full hour.
    NextHour,
    /// So long from now, or what stands in a place.
    After(Wait),
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        span(&text).map(Self).ok_or_else(|| {
            format!("`{text}` is no length of time: `1200ms`, `60s`, `5m`, `1h` or `6d`")
        })
    }
}

fn span(text: &str) -> Option<Duration> {
    let unit = text.find(|char: char| !char.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(millis).map(Duration::from_millis)
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = || {
            let rest = text.strip_prefix('$')?;
            let (of, rest) = match rest.strip_prefix("first_sent") {
                Some(rest) => (Sent::First, rest),
                None => (Sent::Last, rest.strip_prefix("last_sent")?),
            };
            let zero = Duration::ZERO;
            let (before, after) = match rest.split_at_checked(1) {
                None => (zero, zero),
                Some(("-", by)) => (span(by)?, zero),
                Some(("+", by)) => (zero, span(by)?),
                Some(_) => return None,
            };
            Some(Self { of, before, after })
        };
        read().ok_or_else(|| format!("`{text}` is no moment: `$first_sent-5m`, `$last_sent+120s`"))
    }
}

impl Moment {
    pub(super) fn at(self, scene: &Scene<'_>) -> Timestamp {
        let sent = match self.of {
            Sent::First => scene.first_sent,
            Sent::Last => scene.last_sent,
        };
        sent - self.before + self.after
    }
}

impl Wait {
    /// How long from `now`; none where the answer does not say.
    pub(super) fn read(&self, scene: &Scene<'_>, now: Timestamp) -> Option<Duration> {
        match self {
            Self::For(wait) => Some(*wait),
            Self::At(place) => {
                let seen = place.read(scene);
                let until = match seen.first()? {
                    Seen::Json(value) if value.is_number() => {
                        signal::in_seconds(value.as_f64()?, now)
                    }
                    text => {
                        let text = text.as_str()?;
                        signal::retry_after(text, now)
                            .or_else(|| signal::reset(text, Counts::Seconds, now))
                    }
                };
                Some(until?.since(now))
            }
            Self::Refill(refill) => {
                let read = |place: &Place| place.read(scene).first()?.as_number();
                let missing = read(&refill.asked)? - read(&refill.left)?;
                let seconds = missing / read(&refill.rate)?;
                Duration::try_from_secs_f64(seconds.ceil()).ok()
            }
        }
    }
}

impl Until {
    pub(super) fn read(&self, scene: &Scene<'_>, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::NextHour => {
                let past = now.as_millis().rem_euclid(HOUR.as_millis() as i64);
                Some(now + HOUR - Duration::from_millis(past.unsigned_abs()))
            }
            Self::After(wait) => Some(now + wait.read(scene, now)?),
        }
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kinds;

        impl<'de> Visitor<'de> for Kinds {
            type Value = Wait;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`60s`, a place, or { asked, left, rate }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Wait, E> {
                if let Some(span) = span(text) {
                    return Ok(Wait::For(span));
                }
                let place = Place::try_from(text.to_owned()).map_err(|_| {
                    E::custom(format!(
                        "`{text}` is no wait: a length such as `60s`, or a place"
                    ))
                });
                place.map(Wait::At)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Wait, A::Error> {
                let refill = Refill::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Wait::Refill(Box::new(refill)))
            }
        }

        deserializer.deserialize_any(Kinds)
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "next hour" {
            return Ok(Self::NextHour);
        }
        let wait = Wait::deserialize(de::value::StrDeserializer::new(&text))?;
        Ok(Self::After(wait))
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"})
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^\\$(first|last)_sent([+-][0-9]+(ms|s|m|h|d))?$"})
    }
}

impl JsonSchema for Wait {
    fn schema_name() -> Cow<'static, str> {
        "Wait".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let refill = generator.subschema_for::<Refill>();
        json_schema!({"anyOf": [{"type": "string"}, refill]})
    }
}

impl JsonSchema for Until {
    fn schema_name() -> Cow<'static, str> {
        "Until".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}
