//! One conversion as the mapping language says it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::conversion::{Conversion, Currency, TimeForm};

/// Functions that an expression defines at its beginning, by name.
pub(super) type Helpers = BTreeMap<&'static str, String>;

/// A text as the mapping language quotes it.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `value` after `conversion`; `beside` is the field that it reads besides.
pub(super) fn one(
    conversion: &Conversion,
    value: &str,
    beside: Option<&str>,
    helpers: &mut Helpers,
) -> String {
    match conversion {
        Conversion::Text => format!("$string({value})"),
        Conversion::Number => format!("$number({value})"),
        Conversion::CommaNumber => {
            format!("$number($replace($replace({value}, \".\", \"\"), \",\", \".\"))")
        }
        Conversion::Sum => format!("$sum({value})"),
        Conversion::Whole => format!("$round({value})"),
        Conversion::Boolean => format!(
            "$lowercase($string({value})) in [\"true\", \"yes\", \"y\", \"ja\", \"on\", \"1\"]"
        ),
        Conversion::Time { from, to } => time(from, to, value),
        Conversion::MinorUnits { currency } => minor(currency, value, beside, helpers),
        Conversion::MajorUnits { currency } => major(currency, value, beside, helpers),
        Conversion::WrittenAmount { currency } => {
            let amount = major(currency, value, beside, helpers);
            match beside {
                Some(code) => {
                    helpers.insert("written", "$written := function($amount, $code) { ($digits := $minorUnits($uppercase($code)); $formatNumber($amount, $digits = 0 ? \"0\" : \"0.\" & $pad(\"\", $digits, \"0\"))) };".to_owned());
                    format!("$written({amount}, {code})")
                }
                None => format!("$formatNumber({amount}, \"0.00\")"),
            }
        }
        Conversion::Enum { pairs } => table(pairs, value),
        Conversion::Constant { value } => value.to_string(),
        Conversion::Lower => format!("$lowercase({value})"),
        Conversion::Upper => format!("$uppercase({value})"),
        Conversion::Join { separator } => format!("$join({value}, {})", quoted(separator)),
        Conversion::Split { separator } => {
            let separator = separator.trim();
            format!("[$split({value}, {}).$trim($)]", quoted(separator))
        }
        Conversion::FirstName => name_part("firstName", "After", "Before", value, helpers),
        Conversion::LastName => name_part("lastName", "Before", "After", value, helpers),
        Conversion::Phone { .. } => phone(value, beside, helpers),
        Conversion::Wrap => format!("[{value}]"),
        Conversion::First => value.to_owned(),
        Conversion::Count => format!("$count({value})"),
    }
}

fn table(pairs: &[(Value, Value)], value: &str) -> String {
    let key = |key: &Value| {
        key.as_str()
            .map_or_else(|| quoted(&key.to_string()), quoted)
    };
    let told: Vec<String> = pairs
        .iter()
        .map(|(from, to)| format!("{}: {to}", key(from)))
        .collect();
    let texts = pairs.iter().all(|(from, _)| from.is_string());
    let value = if texts {
        value.to_owned()
    } else {
        format!("$string({value})")
    };
    format!("$lookup({{{}}}, {value})", told.join(", "))
}

const DATE: &str = "[Y0001]-[M01]-[D01]";
const DATE_TIME: &str = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01]Z";

fn time(from: &TimeForm, to: &TimeForm, value: &str) -> String {
    // Where both are written alike, what is written is kept: with its own zone.
    match (from, to) {
        (TimeForm::DateTime | TimeForm::LocalDateTime, TimeForm::Date) => {
            return format!("$substring({value}, 0, 10)");
        }
        (TimeForm::Date, TimeForm::DateTime) => return format!("{value} & \"T00:00:00Z\""),
        (TimeForm::Date, TimeForm::LocalDateTime) => return format!("{value} & \"T00:00:00\""),
        (TimeForm::LocalDateTime, TimeForm::DateTime) => {
            return format!("$replace({value}, \" \", \"T\") & \"Z\"");
        }
        (TimeForm::DateTime, TimeForm::LocalDateTime) => {
            return format!("$substring({value}, 0, 19)");
        }
        _ => {}
    }
    let millis = match from {
        TimeForm::Millis => value.to_owned(),
        TimeForm::Seconds => format!("{value} * 1000"),
        TimeForm::Picture(picture) => format!("$toMillis({value}, {})", quoted(picture)),
        TimeForm::LocalDateTime => format!("$toMillis($replace({value}, \" \", \"T\") & \"Z\")"),
        TimeForm::Date | TimeForm::DateTime => format!("$toMillis({value})"),
    };
    let written = |picture: &str| format!("$fromMillis({millis}, {})", quoted(picture));
    match to {
        TimeForm::Millis => millis,
        TimeForm::Seconds if *from == TimeForm::Millis => format!("$floor({millis} / 1000)"),
        TimeForm::Seconds => format!("$floor({millis} / 1000)"),
        TimeForm::Date => written(DATE),
        TimeForm::DateTime => written(DATE_TIME),
        TimeForm::LocalDateTime => written(DATE_TIME.trim_end_matches('Z')),
        TimeForm::Picture(picture) => written(picture),
    }
}

fn minor(currency: &Currency, value: &str, beside: Option<&str>, helpers: &mut Helpers) -> String {
    match (currency, beside) {
        (Currency::Field(_), Some(currency)) => {
            helpers.insert(
                "minor",
                "$minor := function($amount, $code) { $round($money($uppercase($code), $number($amount)) * $power(10, $minorUnits($uppercase($code)))) };".to_owned(),
            );
            format!("$minor({value}, {currency})")
        }
        _ => format!("$round($number({value}) * 100)"),
    }
}

fn major(currency: &Currency, value: &str, beside: Option<&str>, helpers: &mut Helpers) -> String {
    match (currency, beside) {
        (Currency::Field(_), Some(currency)) => {
            helpers.insert(
                "major",
                "$major := function($amount, $code) { $money($uppercase($code), $amount, $power(10, -$minorUnits($uppercase($code)))) };".to_owned(),
            );
            format!("$major({value}, {currency})")
        }
        _ => format!("{value} / 100"),
    }
}

/// A part of a full name: at the comma of `Last, First`, else at the first space.
fn name_part(
    name: &'static str,
    comma: &str,
    space: &str,
    value: &str,
    helpers: &mut Helpers,
) -> String {
    let body = format!(
        "$contains($name, \", \") ? $substring{comma}($name, \", \") : $substring{space}($name, \" \")"
    );
    helpers.insert(name, format!("${name} := function($name) {{ {body} }};"));
    format!("${name}({value})")
}

fn phone(value: &str, country: Option<&str>, helpers: &mut Helpers) -> String {
    let Some(country) = country else {
        return value.to_owned();
    };
    // A number that says its country is understood everywhere as it is written.
    helpers.insert(
        "phone",
        "$phone := function($text, $country) { $substring($text, 0, 1) = \"+\" ? $text : $e164($text, $country) };".to_owned(),
    );
    format!("$phone({value}, {country})")
}
