//! `tests/fakes/vendors/<provider>.toml`: what a vendor does, from its documentation.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway::pack::{CallPlace, OperationLine, Selectors};
use serde::Deserialize;
use serde_json::Value;

/// How a vendor behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// The provider's name.
    pub name: String,
    /// Addresses by name, for `src`.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// How it says what every API says: `throttled`, `unauthorised`, `broken`, `refused`, `gone`.
    pub says: BTreeMap<String, Said>,
    /// Keys under which a repeated call is recognised.
    #[serde(default)]
    pub key: BTreeMap<String, Key>,
    /// What calls do; later rows win key by key.
    #[serde(default)]
    pub route: Vec<Route>,
    /// What can be read: lists and searches.
    #[serde(default)]
    pub list: Vec<List>,
    /// How many calls it takes.
    #[serde(default)]
    pub limit: Vec<LimitOf>,
    /// Where a call carries the caller's own reference, for the journal.
    #[serde(default)]
    pub marker: Vec<CallPlace>,
    /// What is known beyond that.
    #[serde(default)]
    pub fact: Vec<Fact>,
}

/// One answer of the vendor's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: JSON with `$` places in it; text is sent as it is.
    pub body: Option<Value>,
    /// Where that is written.
    pub src: Option<String>,
}

/// A key of the vendor's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Where it stands in a call.
    pub at: CallPlace,
    /// How long it is remembered.
    #[serde(with = "span")]
    pub retention: Duration,
    /// What is replayed: `success`, `error` (a 5xx that came after the work began).
    pub replays: Vec<Replays>,
    /// What marks an answer that is given again.
    #[serde(default)]
    pub marks: BTreeMap<String, String>,
    /// A key that was used for another call. None: the first answer is given whatever the second call says.
    pub mismatch: Option<Said>,
    /// The first call with the key is still at work.
    pub busy: Option<Said>,
    /// A call without one is refused.
    #[serde(default)]
    pub required: bool,
    /// The longest it may be.
    pub longest: Option<usize>,
    /// Where that is written.
    pub src: String,
}

/// Which answers a vendor keeps for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replays {
    /// Those of calls that worked.
    Success,
    /// Those of calls that failed after they began.
    Error,
}

/// What a call does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Which operations.
    #[serde(rename = "for")]
    pub selectors: Selectors,
    /// What a call comes to.
    pub does: Option<Does>,
    /// What names the thing beside the path: of `upsert`, `drop`, `set`, and of `make` where names are unique.
    pub by: Option<Vec<CallPlace>>,
    /// The key that it honours: a name of `[key]`, `""` for none.
    pub key: Option<String>,
    /// The answer of a call that worked.
    pub answer: Option<Said>,
    /// The answer where there is nothing left to do: a name that is taken, a thing that is gone.
    pub again: Option<Said>,
    /// Whether `again` says that it was done before: it may also mean something else.
    pub tells: Option<bool>,
    /// What a refusal of these calls looks like.
    pub refused: Option<Said>,
    /// Where calls show their credentials; those without are not taken.
    pub shows: Option<CallPlace>,
    /// What the vendor demands of a payload beyond its schema.
    pub demands: Option<Value>,
    /// Where that is written.
    pub src: String,
}

/// What a call comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Does {
    /// Something with each call: a message goes out, money moves.
    #[default]
    Act,
    /// A new thing with each call; where `by` names what must be unique, the second is answered by `again`.
    Make,
    /// What `by` names is made, or brought to what the call says.
    Upsert,
    /// What the path names is brought to what the call says.
    Set,
    /// What path and `by` name is gone afterwards; a second call is answered by `again`.
    Drop,
    /// Nothing.
    Read,
}

/// A list or search of things that were made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The path of a GET.
    pub get: Option<String>,
    /// The path of a POST that only reads.
    pub post: Option<String>,
    /// What the call must hold to be this question, where several go to one address: place → text in it.
    #[serde(default)]
    pub asks: BTreeMap<CallPlace, String>,
    /// Which operations' things it has; those made at its own path where that is left out.
    pub of: Option<Selectors>,
    /// JSON pointer to the list in the answer.
    pub items: String,
    /// Where the question narrows it → what is compared: `is PLACE` the same text, `has PLACE` the text in it, both of
    /// the call that made the thing (`|` between several), `is id`; `from` and `to` when it was made.
    #[serde(default)]
    pub filter: BTreeMap<CallPlace, String>,
    /// What an element shows.
    pub item: Value,
    /// What stands around it.
    #[serde(default)]
    pub around: Value,
    /// How long it takes until a new thing shows.
    #[serde(default, with = "span_or_none")]
    pub lag: Duration,
    /// Where that is written.
    pub src: String,
}

/// At most `count` calls in any `per`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitOf {
    /// Its name.
    pub name: String,
    /// How many calls.
    pub count: usize,
    /// In how long.
    #[serde(with = "span")]
    pub per: Duration,
    /// Which operations; all where it is left out.
    pub only: Option<Selectors>,
    /// Where that is written.
    pub src: String,
}

/// Something that is known of the vendor and that no table here has a place for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What.
    pub says: String,
    /// Where that is written.
    pub src: String,
}

/// A file that says no behaviour.
#[derive(Debug, thiserror::Error)]
#[error("{name}.toml: {why}")]
pub struct BehaviourError {
    /// The vendor.
    pub name: String,
    /// What is wrong, with its line.
    pub why: String,
}

/// What is said of one operation's calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules<'a> {
    pub does: Does,
    pub by: &'a [CallPlace],
    pub key: Option<&'a Key>,
    pub answer: Option<&'a Said>,
    pub again: Option<&'a Said>,
    pub refused: Option<&'a Said>,
    pub shows: Option<&'a CallPlace>,
}

impl Behaviour {
    /// Reads a vendor's file.
    ///
    /// # Errors
    /// When it is none: the line and what is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, BehaviourError> {
        let wrong = |why: String| BehaviourError {
            name: name.to_owned(),
            why,
        };
        let read: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for said in ["throttled", "unauthorised", "broken", "refused"] {
            if !read.says.contains_key(said) {
                return Err(wrong(format!("`[says.{said}]` is missing")));
            }
        }
        let keys = read.route.iter().filter_map(|row| row.key.as_deref());
        for key in keys.filter(|key| !key.is_empty()) {
            if !read.key.contains_key(key) {
                return Err(wrong(format!("there is no `[key.{key}]`")));
            }
        }
        Ok(read)
    }

    /// What the rows say of `line`'s operation.
    pub(super) fn of(&self, line: &OperationLine) -> Rules<'_> {
        let rows = self.route.iter().filter(|row| row.selectors.are(line));
        rows.fold(Rules::default(), |rules, row| Rules {
            does: row.does.unwrap_or(rules.does),
            by: row.by.as_deref().unwrap_or(rules.by),
            key: match row.key.as_deref() {
                Some(name) => self.key.get(name),
                None => rules.key,
            },
            answer: row.answer.as_ref().or(rules.answer),
            again: row.again.as_ref().or(rules.again),
            refused: row.refused.as_ref().or(rules.refused),
            shows: row.shows.as_ref().or(rules.shows),
        })
    }

    /// What the vendor demands of such payloads beyond their schema.
    #[must_use]
    pub fn demands(&self, line: &OperationLine) -> Vec<&Value> {
        let rows = self.route.iter().filter(|row| row.selectors.are(line));
        rows.filter_map(|row| row.demands.as_ref()).collect()
    }

    /// Whether the vendor keeps what went wrong for the key of such a call, and shows it again.
    #[must_use]
    pub fn replays_errors(&self, line: &OperationLine) -> bool {
        let key = self.of(line).key;
        key.is_some_and(|key| key.replays.contains(&Replays::Error))
    }

    /// Whether the vendor's answer to a second call says that the first was done.
    #[must_use]
    pub fn tells(&self, line: &OperationLine) -> bool {
        let rows = self.route.iter().filter(|row| row.selectors.are(line));
        rows.filter_map(|row| row.tells).next_back().unwrap_or(true)
    }

    /// Whether the vendor takes a thing for the one that has the same name.
    #[must_use]
    pub fn is_named(&self, line: &OperationLine) -> bool {
        !self.of(line).by.is_empty()
    }

    /// What such a call comes to.
    #[must_use]
    pub fn does(&self, line: &OperationLine) -> Does {
        self.of(line).does
    }
}

/// `1200ms`, `60s`, `5m`, `1h`, `30d`.
fn parse_span(text: &str) -> Option<Duration> {
    let at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(number * seconds))
}

mod span {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        super::parse_span(&text).ok_or_else(|| de::Error::custom("a time such as `60s` or `24h`"))
    }
}

mod span_or_none {
    pub(super) use super::span::deserialize;
}
