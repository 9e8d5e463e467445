//! What may leave: names and types of fields, codes, numbers, times. Each is a type of its own, and the only texts
//! among them are refused unless they look like what they are called.

use causeway::Timestamp;
use serde_json::{Map, Value};

use super::prose::Blanked;

/// Longest name or path, in characters: five names of a dozen letters, and what stands between them.
const NAME_CHARS_MAX: usize = 80;
/// Most words of a name. Headings of tables have three or four; a sentence has more.
const NAME_WORDS_MAX: usize = 6;
/// Most digits in a row within a name: `revenue_2025`, `iso3166`. A telephone number, an id or a date without dashes has
/// more.
const NAME_DIGITS_RUN_MAX: usize = 4;
/// Most digits of a name together. A UUID has about twenty, a date eight.
const NAME_DIGITS_MAX: usize = 6;
/// Longest code, as everywhere in the project.
const CODE_CHARS_MAX: usize = 64;
/// Most digits in a row within a code: Twilio's have five.
const CODE_DIGITS_RUN_MAX: usize = 5;
/// Largest number: counts, percent, and the milliseconds of two hours are smaller; telephone numbers, account numbers and
/// points in time are larger.
const NUMBER_MAX: i64 = 9_999_999;

/// The name of a field, or the path to it.
///
/// A document whose fields are named by data (an object keyed by e-mail addresses) has names that must not leave: what
/// holds an `@`, long numbers, many words or unusual signs is no name here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName(String);

impl FieldName {
    /// `text`, where it looks like a field's name.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let may_stand = |c: char| c.is_alphanumeric() || " _-.$#/[]:*".contains(c);
        let digits = text.chars().filter(|c| c.is_numeric()).count();
        let is_name = text.chars().all(may_stand)
            && text.chars().any(char::is_alphabetic)
            && text.chars().count() <= NAME_CHARS_MAX
            && text.split_whitespace().count() <= NAME_WORDS_MAX
            && longest_number(text) <= NAME_DIGITS_RUN_MAX
            && digits <= NAME_DIGITS_MAX;
        is_name.then(|| Self(text.to_owned()))
    }
}

/// The type of a field: words of a list, and none else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldType(String);

/// JSON Schema 2020-12, 6.1.1 of its validation vocabulary.
const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "object", "array", "null",
];

/// JSON Schema's own formats, those that vendors' documents add, and what a matcher sees in samples.
const FORMATS: [&str; 35] = [
    "amount",
    "country",
    "currency",
    "date",
    "date-time",
    "decimal",
    "double",
    "duration",
    "email",
    "enum",
    "epoch",
    "float",
    "hostname",
    "idn-email",
    "int32",
    "int64",
    "ipv4",
    "ipv6",
    "iri",
    "language",
    "minor-units",
    "percent",
    "phone",
    "phone-number",
    "tel",
    "time",
    "time-zone",
    "timestamp",
    "unix-time",
    "uri",
    "uri-reference",
    "url",
    "uuid",
    "zip",
    "zone",
];

impl FieldType {
    /// The type that `text` tells as a proposal writes it: `string or number`, `list of string (date)`. A word that is
    /// on no list is left out.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let known =
            |list: &[&'static str], text: &str| list.iter().copied().find(|known| *known == text);
        let (text, format) = text.split_once(" (").unwrap_or((text, ""));
        let element = text.strip_prefix("list of ");
        let types = element.unwrap_or(text).split(" or ");
        let types: Vec<&str> = types.filter_map(|text| known(&TYPES, text)).collect();
        let mut told = String::new();
        if element.is_some() {
            told += "list of ";
        }
        told += if types.is_empty() { "anything" } else { "" };
        told += &types.join(" or ");
        if let Some(format) = known(&FORMATS, format.trim_end_matches(')')) {
            told = format!("{told} ({format})");
        }
        Self(told)
    }
}

/// A code of ours or of a vendor's: a word that says what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// `text`, where it looks like a code.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let may_stand = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let is_code = !text.is_empty()
            && text.chars().all(may_stand)
            && text.len() <= CODE_CHARS_MAX
            && longest_number(text) <= CODE_DIGITS_RUN_MAX;
        is_code.then(|| Self(text.to_owned()))
    }
}

/// A count, a percentage, a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(i64);

impl Number {
    /// `number`, where it is small enough to be none of somebody's.
    #[must_use]
    pub fn new(number: impl TryInto<i64>) -> Option<Self> {
        let number = number.try_into().ok()?;
        (-NUMBER_MAX..=NUMBER_MAX)
            .contains(&number)
            .then_some(Self(number))
    }
}

/// Something that may leave.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A field's name.
    Name(FieldName),
    /// A field's type.
    Type(FieldType),
    /// What happened.
    Code(Code),
    /// How much, how many, how long.
    Number(Number),
    /// When.
    Time(Timestamp),
    /// The program's own sentences.
    Prose(Blanked),
    /// Several in order.
    List(Vec<Self>),
    /// Several by what they are, which the program says.
    Record(Vec<(&'static str, Self)>),
}

impl Fact {
    /// As it is sent.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Name(FieldName(text)) | Self::Type(FieldType(text)) | Self::Code(Code(text)) => {
                text.as_str().into()
            }
            Self::Number(Number(number)) => (*number).into(),
            Self::Prose(prose) => prose.text().into(),
            Self::Time(at) => at.to_string().into(),
            Self::List(facts) => facts.iter().map(Self::to_value).collect(),
            Self::Record(facts) => {
                let fields = facts
                    .iter()
                    .map(|(name, fact)| ((*name).to_owned(), fact.to_value()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

macro_rules! fact_from {
    ($($variant:ident($kind:ty)),*) => { $(
        impl From<$kind> for Fact {
            fn from(fact: $kind) -> Self {
                Self::$variant(fact)
            }
        }
    )* };
}
fact_from!(
    Name(FieldName),
    Type(FieldType),
    Code(Code),
    Number(Number),
    Time(Timestamp),
    List(Vec<Fact>)
);

/// The longest row of digits. Others' digits than ASCII's count as well.
fn longest_number(text: &str) -> usize {
    let rows = text.split(|c: char| !c.is_numeric());
    rows.map(|row| row.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_fields_are_names_in_any_language() {
        for name in [
            "email",
            "billing_address.line_1",
            "Straße",
            "ゲスト名",
            "$schema",
            "items[].unit price",
            "revenue_2025",
            "iso3166-1-alpha-2",
            "Date of birth",
        ] {
            assert!(FieldName::new(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_a_field_holds_is_no_name() {
        for data in [
            "",
            "ada@example.com",
            "+49 151 12345678",
            "0151-123-4567",
            "4242 4242 4242 4242",
            "2026-11-30",
            "DE89370400440532013000",
            "0199a3b1-64f2-7c3e-8a51-2f10d9c0b7aa",
            "order 20261130",
            "https://a.example/?q=1",
            "10115 Berlin",
            "Ada's notes (private)",
            "a=b",
            "he said that he would never come back",
            "12/24/2026 order",
            "x\u{660}\u{661}\u{662}\u{663}\u{664}",
            "a\nb",
        ] {
            assert_eq!(FieldName::new(data), None, "{data}");
        }
        assert_eq!(FieldName::new(&"a".repeat(NAME_CHARS_MAX + 1)), None);
    }

    #[test]
    fn a_type_is_made_of_known_words_whatever_it_is_called() {
        for (told, sent) in [
            ("string (email)", "string (email)"),
            (
                "list of string or number (date)",
                "list of string or number (date)",
            ),
            ("anything", "anything"),
            ("string (ada@example.com)", "string"),
            ("ada@example.com", "anything"),
            ("list of Ada (Lovelace)", "list of anything"),
        ] {
            assert_eq!(Fact::from(FieldType::new(told)).to_value(), sent, "{told}");
        }
    }

    #[test]
    fn codes_are_words_and_numbers_are_small() {
        for code in ["card_declined", "provider_timeout", "21211", "E-1003.b"] {
            assert!(Code::new(code).is_some(), "{code}");
        }
        for data in [
            "",
            "card declined",
            "ada@example.com",
            "4915112345678",
            "cus:1",
        ] {
            assert_eq!(Code::new(data), None, "{data}");
        }
        assert!(Number::new(7_200_000).is_some());
        assert_eq!(Number::new(4_915_112_345_678_i64), None);
        assert_eq!(Number::new(u64::MAX), None);
    }

    proptest! {
        /// Whatever a telephone number's, card's or account's separators are: it never leaves under a field's name.
        #[test]
        fn no_long_number_hides_in_a_name(
            digits in prop::collection::vec(0_u8..10, 7..20),
            sign in prop::sample::select(vec!["", " ", "-", ".", "/", "_"]),
            before in "[a-z]{0,5}",
        ) {
            let digits: Vec<String> = digits.iter().map(ToString::to_string).collect();
            prop_assert_eq!(FieldName::new(&format!("{before}{}", digits.join(sign))), None);
        }
    }
}
