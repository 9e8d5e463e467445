//! Answers with places in them: `$id`, `$body:/a/b`, `$path:id`, `$query:q`, `$key`, `$unix`, `$iso`, `$date`, `$rfc2822`.

use causeway::pack::CallPlace;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::call::Asked;

/// What an answer's places are filled from.
pub(super) struct Filling<'a> {
    pub id: &'a str,
    pub asked: &'a Asked,
    pub named: &'a [(String, String)],
    /// When what it shows was made, milliseconds of the Unix time.
    pub at_ms: i64,
}

/// `template` with its places filled. A member `"..."` gives its own members to the object that it stands in; a place
/// that has nothing takes its member with it.
pub(super) fn fill(template: &Value, from: &Filling<'_>) -> Option<Value> {
    match template {
        Value::String(text) if text.contains("${") => from.pieces(text).map(Value::from),
        Value::String(text) => match text.strip_prefix('$') {
            Some(place) => from.at(place),
            None => Some(template.clone()),
        },
        Value::Array(items) => Some(items.iter().filter_map(|item| fill(item, from)).collect()),
        Value::Object(fields) => {
            let mut filled = Map::new();
            for (name, value) in fields {
                match (name.as_str(), fill(value, from)) {
                    ("...", Some(Value::Object(more))) => filled.extend(more),
                    (_, Some(value)) => {
                        filled.insert(name.clone(), value);
                    }
                    (_, None) => {}
                }
            }
            Some(Value::Object(filled))
        }
        other => Some(other.clone()),
    }
}

impl Filling<'_> {
    /// Text with `${place}` in it.
    fn pieces(&self, text: &str) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (place, after) = after.split_once('}')?;
            filled.push_str(before);
            match self.at(place)? {
                Value::String(text) => filled.push_str(&text),
                other => filled.push_str(&other.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }

    fn at(&self, place: &str) -> Option<Value> {
        let seconds = self.at_ms.div_euclid(1000);
        let time = || OffsetDateTime::from_unix_timestamp(seconds).ok();
        match place {
            "id" => Some(self.id.into()),
            "null" => Some(Value::Null),
            "body" => Some(self.asked.body.clone()),
            "unix" => Some(seconds.into()),
            "unix_ms" => Some(self.at_ms.into()),
            "iso" => Some(time()?.format(&Rfc3339).ok()?.into()),
            "rfc2822" => Some(time()?.format(&Rfc2822).ok()?.into()),
            "slack_ts" => Some(format!("{seconds}.{:06}", self.at_ms.rem_euclid(1000)).into()),
            "xero_date" => Some(format!("/Date({}+0000)/", self.at_ms).into()),
            place => {
                let place = CallPlace::try_from(place.to_owned()).ok()?;
                self.asked.at(&place, self.named)
            }
        }
    }
}
