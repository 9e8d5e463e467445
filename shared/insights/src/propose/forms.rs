//! What a field's values are, beyond their JSON type: by the schema's words, by the values, and by the name.

use causeway::mapping::FORMATS;

use super::conversion::TimeForm;
use super::flatten::Leaf;
use super::names::BARE;
use super::shapes::{
    has_shape, is_clock, is_email, is_number, is_phone, is_truth, is_uuid, time_form,
};
use super::vocabulary::COMMON;
use super::words::words;

/// What a field's values are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// A point in time, or a day.
    Time(TimeForm),
    /// A time of day.
    Clock,
    Email,
    Url,
    Phone,
    Uuid,
    /// A code of ISO 4217.
    Currency,
    /// A code of ISO 3166: two letters.
    Country,
    /// `en`, `pt-BR`.
    Language,
    Zone,
    /// A number, as a number or as text.
    Number,
    /// True or false, whatever they are called.
    Truth,
    /// Text of which nothing more is known.
    Text,
    /// An object of which nothing more is known.
    Object,
    Unknown,
}

impl Form {
    /// The word that tells people what both are; none for what says nothing.
    pub fn told(&self) -> Option<&'static str> {
        Some(match self {
            Self::Time(_) => "times",
            Self::Clock => "times of day",
            Self::Email => "email addresses",
            Self::Url => "addresses on the web",
            Self::Phone => "phone numbers",
            Self::Uuid => "UUIDs",
            Self::Currency => "currencies",
            Self::Country => "countries",
            Self::Language => "languages",
            Self::Zone => "time zones",
            Self::Number | Self::Truth | Self::Text | Self::Object | Self::Unknown => return None,
        })
    }
}

/// What the values of each field are. Which of two numbers is the month, one field may tell of another.
pub(super) fn forms(leaves: &[Leaf]) -> Vec<Form> {
    let mut forms: Vec<Form> = leaves.iter().map(form).collect();
    for sign in ['/', '-'] {
        let day = TimeForm::Picture(format!("[D01]{sign}[M01]{sign}[Y0001]"));
        let month = TimeForm::Picture(format!("[M01]{sign}[D01]{sign}[Y0001]"));
        let has = |time: &TimeForm| forms.contains(&Form::Time(time.clone()));
        let told = match (has(&day), has(&month)) {
            (true, false) => day,
            (false, true) => month,
            _ => continue,
        };
        let shape = format!("00{sign}00{sign}0000");
        for (leaf, form) in leaves.iter().zip(&mut forms) {
            let open = !matches!(form, Form::Time(TimeForm::Picture(_)));
            if open
                && leaf.texts().next().is_some()
                && leaf.texts().all(|text| has_shape(text, &shape))
            {
                *form = Form::Time(told.clone());
            }
        }
    }
    forms
}

/// What the field's values are.
pub(super) fn form(leaf: &Leaf) -> Form {
    let types = leaf.kind.types;
    if let Some(form) = leaf
        .kind
        .format
        .as_deref()
        .and_then(|format| by_format(format, leaf))
    {
        return form;
    }
    if !types.scalar() {
        return if types.object {
            Form::Object
        } else {
            Form::Unknown
        };
    }
    if types.boolean && !types.text && !types.numeric() {
        return Form::Truth;
    }
    let name = naming(leaf);
    if let Some(form) = by_values(leaf, &name) {
        return form;
    }
    by_name(leaf, &name)
}

/// The words that name the field: its own, and its parent's where they say nothing (`currency.value`).
fn naming(leaf: &Leaf) -> Vec<String> {
    let mut keys = leaf.path.keys().rev();
    let mut own = keys.next().map(words).unwrap_or_default();
    if own.iter().all(|word| {
        BARE.contains(&word.as_str()) || COMMON.contains(&word.as_str()) && word != "date"
    }) {
        own.extend(keys.next().map(words).unwrap_or_default());
    }
    own
}

fn by_format(format: &str, leaf: &Leaf) -> Option<Form> {
    Some(match format {
        "date" => Form::Time(TimeForm::Date),
        "date-time" if leaf.kind.types.numeric() && !leaf.kind.types.text => {
            Form::Time(TimeForm::Seconds)
        }
        // What a document calls a date-time is often one without a zone.
        "date-time" => match by_values(leaf, &[]) {
            Some(form @ Form::Time(_)) => form,
            _ => Form::Time(TimeForm::DateTime),
        },
        "unix-time" | "timestamp" | "epoch" => Form::Time(TimeForm::Seconds),
        "time" => Form::Clock,
        "email" | "idn-email" => Form::Email,
        "uri" | "url" | "iri" | "uri-reference" => Form::Url,
        "phone" | "phone-number" | "tel" => Form::Phone,
        "uuid" => Form::Uuid,
        "currency" => Form::Currency,
        "time-zone" => Form::Zone,
        _ => return None,
    })
}

/// Whether one of `words` is among the name's.
fn says(name: &[String], words: &[&str]) -> bool {
    name.iter().any(|word| words.contains(&word.as_str()))
}

const TIMES: &[&str] = &[
    "date",
    "time",
    "timestamp",
    "created",
    "updated",
    "start",
    "end",
    "due",
    "expires",
    "arrival",
    "departure",
    "at",
];

fn by_values(leaf: &Leaf, name: &[String]) -> Option<Form> {
    let values = leaf.values();
    let first = values.first()?;
    let all =
        |holds: &dyn Fn(&str) -> bool| values.iter().all(|value| value.as_str().is_some_and(holds));
    if first.is_number() {
        let within = |low: f64, high: f64| {
            values.iter().all(|value| {
                value
                    .as_f64()
                    .is_some_and(|value| (low..high).contains(&value))
            })
        };
        // 2001 to 2096, in seconds and milliseconds, where the name speaks of time.
        return Some(match () {
            () if says(name, TIMES) && within(1e9, 4e9) => Form::Time(TimeForm::Seconds),
            () if says(name, TIMES) && within(1e12, 4e12) => Form::Time(TimeForm::Millis),
            () => Form::Number,
        });
    }
    if !first.is_string() {
        return None;
    }
    if let Some(time) = time_form(values) {
        return Some(Form::Time(time));
    }
    let named = |format: &str| {
        FORMATS
            .iter()
            .find(|(name, _)| *name == format)
            .map(|(_, holds)| *holds)
    };
    let currency = named("currency");
    let zone = named("time-zone");
    Some(match () {
        () if all(&is_clock) => Form::Clock,
        () if all(&is_email) => Form::Email,
        () if all(&|text| text.starts_with("https://") || text.starts_with("http://")) => Form::Url,
        () if all(&is_uuid) => Form::Uuid,
        () if all(&|text| text.contains('/') && zone.is_some_and(|holds| holds(text))) => {
            Form::Zone
        }
        () if all(&|text| currency.is_some_and(|holds| holds(&text.to_uppercase())))
            && says(name, &["currency", "code", "amount"]) =>
        {
            Form::Currency
        }
        () if says(name, &["country"]) && all(&|text| text.len() == 2) => Form::Country,
        () if says(name, &["language"]) => Form::Language,
        () if all(&|text| {
            is_phone(text) && (text.starts_with('+') || says(name, &["phone", "mobile", "fax"]))
        }) =>
        {
            Form::Phone
        }
        () if all(&is_number) => Form::Number,
        () if all(&is_truth) => Form::Truth,
        () => return None,
    })
}

fn by_name(leaf: &Leaf, name: &[String]) -> Form {
    let types = leaf.kind.types;
    let text = types.text;
    let last = |word: &str| name.last().is_some_and(|last| last == word);
    match () {
        () if !text && types.numeric() => {
            let of_time = last("timestamp")
                || last("created")
                || last("updated")
                || name.iter().any(|word| word == "at") && !name.iter().any(|word| word == "id");
            let date = says(name, &["date", "timestamp"]) && types.integer && !types.number;
            match of_time && types.integer || date {
                true => Form::Time(TimeForm::Seconds),
                false => Form::Number,
            }
        }
        () if !text && types.boolean => Form::Truth,
        () if says(name, &["email"]) && !says(name, &["id", "type", "status"]) => Form::Email,
        () if (says(name, &["phone"]) || last("mobile") || last("fax"))
            && !says(name, &["id", "type"]) =>
        {
            Form::Phone
        }
        () if last("url") => Form::Url,
        () if last("currency") => Form::Currency,
        () if last("timezone") => Form::Zone,
        () if last("language") => Form::Language,
        () if says(name, &["date", "arrival", "departure", "birth"])
            && leaf.max_length == Some(10) =>
        {
            Form::Time(TimeForm::Date)
        }
        () if last("date") || last("arrival") || last("departure") => Form::Time(TimeForm::Date),
        () if last("timestamp") || last("created") && says(name, &["date"]) => {
            Form::Time(TimeForm::DateTime)
        }
        () if last("country") && leaf.max_length == Some(2) => Form::Country,
        () if leaf
            .pattern
            .as_deref()
            .is_some_and(|pattern| pattern.starts_with("^([01]")) =>
        {
            Form::Clock
        }
        () => Form::Text,
    }
}
