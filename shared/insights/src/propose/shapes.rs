//! What a text is, by how it is written.

use causeway::Timestamp;
use serde_json::Value;

use super::conversion::TimeForm;

/// How all of `values` are written, where they are times.
pub(super) fn time_form(values: &[Value]) -> Option<TimeForm> {
    let all = |holds: &dyn Fn(&str) -> bool| {
        !values.is_empty() && values.iter().all(|value| value.as_str().is_some_and(holds))
    };
    let shaped = |shape: &'static str| move |text: &str| has_shape(text, shape);
    if all(&shaped("0000-00-00")) {
        return Some(TimeForm::Date);
    }
    if all(&|text| text.len() >= 20 && Timestamp::parse_rfc3339(&with_colon(text)).is_ok()) {
        return Some(TimeForm::DateTime);
    }
    if all(&|text| {
        [
            "0000-00-00T00:00:00",
            "0000-00-00 00:00:00",
            "0000-00-00T00:00",
        ]
        .iter()
        .any(|shape| starts_with_shape(text, shape))
    }) {
        return Some(TimeForm::LocalDateTime);
    }
    if all(&shaped("00.00.0000")) {
        return Some(TimeForm::Picture("[D01].[M01].[Y0001]".to_owned()));
    }
    let compact = |text: &str| {
        has_shape(text, "00000000")
            && ["19", "20"].contains(&&text[..2])
            && ("01"..="12").contains(&&text[4..6])
            && ("01"..="31").contains(&&text[6..])
    };
    if all(&compact) {
        return Some(TimeForm::Picture("[Y0001][M01][D01]".to_owned()));
    }
    if all(&shaped("0000/00/00")) {
        return Some(TimeForm::Picture("[Y0001]/[M01]/[D01]".to_owned()));
    }
    for (shape, sign) in [("00/00/0000", '/'), ("00-00-0000", '-')] {
        if all(&shaped(shape)) {
            // Which of the two is the month, only a day above 12 tells.
            let above = |at: usize| {
                values
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|text| text.get(at..at + 2).is_some_and(|two| two > "12"))
            };
            return match (above(0), above(3)) {
                (true, false) => Some(TimeForm::Picture(format!("[D01]{sign}[M01]{sign}[Y0001]"))),
                (false, true) => Some(TimeForm::Picture(format!("[M01]{sign}[D01]{sign}[Y0001]"))),
                _ => None,
            };
        }
    }
    None
}

/// `+0200` as RFC 3339 has it.
fn with_colon(text: &str) -> String {
    let text = text.replacen(' ', "T", 1);
    match text
        .len()
        .checked_sub(5)
        .and_then(|at| text.get(at..).map(|offset| (at, offset)))
    {
        Some((at, offset))
            if offset.starts_with(['+', '-'])
                && offset[1..].bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{}{}:{}", &text[..at], &offset[..3], &offset[3..])
        }
        _ => text,
    }
}

/// Whether `text` is `shape` with any digits for its zeros.
pub(super) fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len() && starts_with_shape(text, shape)
}

fn starts_with_shape(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
}

pub(super) fn is_clock(text: &str) -> bool {
    has_shape(text, "00:00") || has_shape(text, "00:00:00")
}

pub(super) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace)
    })
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // E.164 has at most 15 digits: <https://www.itu.int/rec/T-REC-E.164/>
    (6..=15).contains(&digits)
        && text
            .chars()
            .all(|char| char.is_ascii_digit() || "+-/(). ".contains(char))
}

pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match digits.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction) || is_comma_number(text),
        None => is_digits(digits) || is_comma_number(text),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number with a comma before its fraction: `1.309,00`.
pub(super) fn is_comma_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.split_once(',').is_some_and(|(whole, fraction)| {
        let mut groups = whole.split('.');
        let first = groups.next().is_some_and(is_digits);
        first
            && groups.all(|group| group.len() == 3 && is_digits(group))
            && is_digits(fraction)
            && fraction.len() <= 4
    })
}

/// What is said for true and for false.
const TRUTHS: [(&str, &str); 6] = [
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("ja", "nein"),
    ("on", "off"),
    ("1", "0"),
];

pub(super) fn is_truth(text: &str) -> bool {
    let small = text.to_lowercase();
    TRUTHS.iter().any(|(yes, no)| small == *yes || small == *no)
}
