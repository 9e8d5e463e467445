//! What is done with a source field on its way.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::path::Path;

/// How a time is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeForm {
    /// `2026-12-18`.
    Date,
    /// RFC 3339: `2026-12-18T15:00:00Z`.
    DateTime,
    /// ISO 8601 without a zone: `2026-12-18T15:00:00`.
    LocalDateTime,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Millis,
    /// By a picture of the mapping language: `[D01].[M01].[Y0001]`.
    Picture(String),
}

/// Which currency an amount is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Currency {
    /// That field says it.
    Field(Path),
    /// Nothing says it: two decimals are taken, as most currencies have them.
    Unknown,
}

/// One conversion. Several of a candidate are done one after the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "conversion", rename_all = "snake_case")]
pub enum Conversion {
    /// A number or a truth value as text.
    Text,
    /// A text as a number.
    Number,
    /// A text with a comma before its fraction as a number: `1.309,00`.
    CommaNumber,
    /// Several numbers as one.
    Sum,
    /// A number without its fraction.
    Whole,
    /// `yes`, `true`, `1` and the like as a truth value.
    Boolean,
    /// A time, written otherwise.
    Time {
        /// As the source writes it.
        from: TimeForm,
        /// As the target does.
        to: TimeForm,
    },
    /// Whole minor units of an amount: cents.
    MinorUnits {
        /// The currency, which says how many there are.
        currency: Currency,
    },
    /// The amount of whole minor units.
    MajorUnits {
        /// The currency, which says how many there are.
        currency: Currency,
    },
    /// The amount of whole minor units as text, with its fraction: `14.50`.
    WrittenAmount {
        /// The currency, which says how many there are.
        currency: Currency,
    },
    /// A value of one list as that of another; what is in no pair is left out.
    Enum {
        /// Source and target values.
        pairs: Vec<(Value, Value)>,
    },
    /// The only value that the schema allows; the source is not asked.
    Constant {
        /// It.
        value: Value,
    },
    /// In small letters.
    Lower,
    /// In capitals.
    Upper,
    /// Several fields, or a list, as one text.
    Join {
        /// What stands between them.
        separator: String,
    },
    /// One text as a list.
    Split {
        /// What stands between the parts.
        separator: String,
    },
    /// The first word of a full name.
    FirstName,
    /// The words after the first one of a full name.
    LastName,
    /// A phone number as E.164 has it: `+351210000000`.
    Phone {
        /// The field that says the country whose numbers need no `+`.
        country: Option<Path>,
    },
    /// One value as a list of one.
    Wrap,
    /// A list's first element.
    First,
    /// How many elements a list has.
    Count,
}

impl Conversion {
    /// The source field that it reads beside the candidate's own.
    pub fn reads(&self) -> Option<&Path> {
        match self {
            Self::MinorUnits {
                currency: Currency::Field(path),
            }
            | Self::MajorUnits {
                currency: Currency::Field(path),
            }
            | Self::WrittenAmount {
                currency: Currency::Field(path),
            }
            | Self::Phone {
                country: Some(path),
            } => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for TimeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::LocalDateTime => "local date-time",
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Picture(picture) => picture,
        })
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("as text"),
            Self::Number => f.write_str("as a number"),
            Self::CommaNumber => f.write_str("as a number, with a comma"),
            Self::Sum => f.write_str("summed"),
            Self::Whole => f.write_str("rounded"),
            Self::Boolean => f.write_str("as true or false"),
            Self::Time { from, to } => write!(f, "{from} to {to}"),
            Self::MinorUnits { .. } => f.write_str("in minor units"),
            Self::WrittenAmount { .. } => f.write_str("from minor units, as text"),
            Self::MajorUnits { .. } => f.write_str("from minor units"),
            Self::Enum { .. } => f.write_str("by a table"),
            Self::Constant { .. } => f.write_str("always the same"),
            Self::Lower => f.write_str("small letters"),
            Self::Upper => f.write_str("capitals"),
            Self::Join { .. } => f.write_str("joined"),
            Self::Split { .. } => f.write_str("split"),
            Self::FirstName => f.write_str("first name of"),
            Self::LastName => f.write_str("last name of"),
            Self::Phone { .. } => f.write_str("as E.164"),
            Self::Wrap => f.write_str("as a list"),
            Self::First => f.write_str("first of"),
            Self::Count => f.write_str("counted"),
        }
    }
}
