//! Numbers: refused exactly where another program would read another one.

use causeway::request::{DecodeError, Request, canonical_json};

/// Longest number that the oracle writes out, and the largest exponent.
const MAX_TEXT: usize = 64;
const MAX_EXPONENT: i32 = 400;

/// The largest integer up to which every integer is a double of its own.
const MAX_INTEGER: f64 = 9_007_199_254_740_991.0;

/// A number is accepted exactly where its digits, written out, are those of the shortest text of its double, and where
/// it is no integer beyond ±(2^53 − 1).
///
/// # Panics
/// Where that does not hold.
pub fn run(data: &[u8]) {
    let Some(text) = std::str::from_utf8(data)
        .ok()
        .filter(|text| is_number(text))
    else {
        return;
    };
    let body = format!(
        r#"{{"provider":"p","operation":"o","created_at":"2026-11-22T10:00:00Z","payload":{{"n":{text}}}}}"#
    );
    let accepted = match Request::decode(&body) {
        Ok(_) => true,
        Err(DecodeError::NumberNotExact { .. }) => false,
        Err(error) => panic!("{text}: {error}"),
    };
    if let Some(expected) = oracle(text) {
        assert_eq!(accepted, expected, "{text}");
    }
}

/// RFC 8259, section 6.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// The rule at the price of writing everything out; none where that price is too high.
fn oracle(text: &str) -> Option<bool> {
    let exact = written_out(text)?;
    let double: f64 = text.parse().ok()?;
    if !double.is_finite() {
        return Some(false);
    }
    let shortest = String::from_utf8(canonical_json(&double).ok()?).ok()?;
    let is_integer = exact.1.is_empty();
    Some(written_out(&shortest)? == exact && (!is_integer || double.abs() <= MAX_INTEGER))
}

/// Digits before and after the point, without superfluous zeros and without the sign.
fn written_out(text: &str) -> Option<(String, String)> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    if text.len() > MAX_TEXT || exponent.abs() > MAX_EXPONENT {
        return None;
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = "0".repeat(MAX_EXPONENT as usize);
    let digits = format!("{zeros}{whole}{fraction}{zeros}");
    let point = i32::try_from(zeros.len() + whole.len()).ok()? + exponent;
    let (before, after) = digits.split_at_checked(usize::try_from(point).ok()?)?;
    Some((
        before.trim_start_matches('0').to_owned(),
        after.trim_end_matches('0').to_owned(),
    ))
}
