//! Which numbers survive a program that reads JSON numbers as doubles, as RFC 8785 and most producers do.

/// The largest integer up to which every integer is a double of its own: 2^53 - 1, as RFC 7493 (I-JSON) has it.
const MAX_EXACT_INTEGER: u64 = (1 << 53) - 1;

/// Every decimal of at most 15 significant digits comes back unchanged from a double (C's `DBL_DIG`)...
const ALWAYS_EXACT_DIGITS: usize = 15;

/// ...as long as it is not near the subnormal doubles, the largest of which is 2.2e-308.
const SMALLEST_NORMAL_MAGNITUDE: i64 = -300;

/// No shortest round-trip text of a double has more significant digits than this.
const MAX_DIGITS: usize = 17;

/// Below it everything rounds to zero: the smallest double is 5e-324.
const SMALLEST_MAGNITUDE: i64 = -330;

/// Written exponents are cut off here: far out of any double's range, and no number of digits that fits into a
/// request can bring it back.
const MAX_EXPONENT: i64 = 1_000_000_000;

/// Whether `text`, a JSON number, means the same to everyone.
///
/// By value, not by spelling: `1.0`, `1e2`, `100.50` and `-0` are fine. An integer must lie within ±(2^53 - 1);
/// anything else must equal the shortest text that reads back as its double. The work is linear in the text's
/// length, whatever its exponent.
pub(super) fn is_exact(text: &str) -> bool {
    if text.len() <= ALWAYS_EXACT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let Some(decimal) = Decimal::read(text) else {
        return false;
    };
    if decimal.digits.is_empty() {
        return true;
    }
    if decimal.exponent >= 0 {
        return decimal.is_exact_integer();
    }
    let magnitude = decimal.magnitude();
    if decimal.digits.len() > MAX_DIGITS || magnitude < SMALLEST_MAGNITUDE {
        return false;
    }
    if decimal.digits.len() <= ALWAYS_EXACT_DIGITS && magnitude > SMALLEST_NORMAL_MAGNITUDE {
        return true;
    }
    decimal
        .shortest_of_its_double()
        .is_some_and(|shortest| shortest == decimal)
}

/// A number's absolute value, `digits` × 10^`exponent`; `digits` neither starts nor ends with a zero.
#[derive(PartialEq, Eq)]
struct Decimal {
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written = format!("{whole}{fraction}");
        if written.is_empty() || !written.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let cut = written.trim_end_matches('0');
        let trailing = i64::try_from(written.len() - cut.len()).ok()?;
        let places = i64::try_from(fraction.len()).ok()?;
        let exponent = read_exponent(exponent)? - places + trailing;
        Some(Self {
            digits: cut.trim_start_matches('0').to_owned(),
            exponent,
        })
    }

    /// The value lies in 10^(magnitude - 1) .. 10^magnitude.
    fn magnitude(&self) -> i64 {
        i64::try_from(self.digits.len())
            .unwrap_or(i64::MAX)
            .saturating_add(self.exponent)
    }

    /// For exponents of 0 and more.
    fn is_exact_integer(&self) -> bool {
        // 2^53 - 1 has 16 digits, and 10^16 fits a u64.
        let zeros = usize::try_from(self.exponent).unwrap_or(usize::MAX);
        self.magnitude() <= 16
            && format!("{}{:0<zeros$}", self.digits, "")
                .parse()
                .is_ok_and(|value: u64| value <= MAX_EXACT_INTEGER)
    }

    fn shortest_of_its_double(&self) -> Option<Self> {
        let double: f64 = format!("{}e{}", self.digits, self.exponent).parse().ok()?;
        // The canonical form's own writer decides: where two texts are equally short, hash and check must agree.
        Self::read(&serde_json_canonicalizer::to_string(&double).ok()?)
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let value = if digits.len() > 9 {
        MAX_EXPONENT
    } else {
        digits.parse().unwrap_or(0)
    };
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_that_everyone_reads_alike_are_exact_however_they_are_spelt() {
        let exact = [
            "0",
            "-0",
            "0.0",
            "-0.0e5",
            "1.0",
            "1e2",
            "1E+2",
            "100.50",
            "19.99",
            "0.1",
            "5e-324",
            "-5e-324",
            "9007199254740991",
            "-9007199254740991",
            "9007199254740991.0",
            "9007199254740991000e-3",
            "90071992547409e2",
            "0.30000000000000004",
            "1424953923781206.2",
            "333333333.33333325",
            "2.2250738585072014e-308",
            "1e-300",
            "0e999999999999999999999",
            "0.000e-999999999999999999999",
        ];
        for text in exact {
            assert!(is_exact(text), "{text}");
        }
    }

    #[test]
    fn numbers_that_somebody_would_round_are_not_exact() {
        let inexact = [
            "9007199254740992",
            "9007199254740993",
            "-9007199254740992",
            "9007199254740992.0",
            "9007199254740991.5",
            "1e16",
            "1e20",
            "1e22",
            "1e300",
            "1.5e300",
            "18446744073709551616",
            "0.1000000000000000055",
            "0.10000000000000000001",
            "333333333.33333329",
            "4.9e-324",
            "1e-324",
            "1e-400",
            "1e400",
            "1e999999999",
            "1e99999999999999999999999",
            "-1e-99999999999999999999999",
            "3.14159265358979323846",
            "1.7976931348623157e-308",
        ];
        for text in inexact {
            assert!(!is_exact(text), "{text}");
        }
    }

    #[test]
    fn a_hundred_thousand_digits_cost_a_hundred_thousand_steps_and_no_overflow() {
        let nines = "9".repeat(100_000);
        let zeros = "0".repeat(100_000);
        assert!(!is_exact(&nines));
        assert!(!is_exact(&format!("0.{nines}")));
        assert!(!is_exact(&format!("1e{nines}")));
        assert!(!is_exact(&format!("1e-{nines}")));
        assert!(is_exact(&format!("1.{zeros}")));
        assert!(is_exact(&format!("0.{zeros}1e100001")));
        assert!(is_exact(&format!("1{zeros}e-100000")));
    }

    /// Written out in full, sign and superfluous zeros gone: `-1.50e1` is `15.`
    fn written_out(text: &str) -> String {
        let text = text.trim_start_matches('-').to_lowercase();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().expect("an exponent");
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut whole: Vec<char> = whole.chars().collect();
        let mut fraction: Vec<char> = fraction.chars().collect();
        for _ in 0..exponent {
            whole.push(if fraction.is_empty() {
                '0'
            } else {
                fraction.remove(0)
            });
        }
        for _ in exponent..0 {
            fraction.insert(0, whole.pop().unwrap_or('0'));
        }
        let whole: String = whole.into_iter().collect();
        let fraction: String = fraction.into_iter().collect();
        format!(
            "{}.{}",
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0')
        )
    }

    /// The rule as it is written down, at the price of writing everything out.
    fn oracle(text: &str) -> bool {
        let exact = written_out(text);
        let double: f64 = text.parse().expect("a number");
        let shortest = serde_json_canonicalizer::to_string(&double);
        let is_integer = exact.ends_with('.');
        let in_range = double.abs() <= 9_007_199_254_740_991.0;
        shortest.is_ok_and(|shortest| written_out(&shortest) == exact) && (!is_integer || in_range)
    }

    fn any_number() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-3]?[0-9]{1,2})?",
            any::<f64>()
                .prop_filter("JSON has no others", |f| f.is_finite())
                .prop_map(|f| f.to_string()),
            any::<f64>()
                .prop_filter("JSON has no others", |f| f.is_finite())
                .prop_map(|f| format!("{f:e}")),
            (9_007_199_254_740_900u64..9_007_199_254_741_100).prop_map(|n| n.to_string()),
            "-?90071992547409[89][0-9](\\.[05]0?)?",
        ]
    }

    proptest! {
        #[test]
        fn the_quick_test_agrees_with_the_rule_written_out(text in any_number()) {
            prop_assert_eq!(is_exact(&text), oracle(&text), "{}", text);
        }

        #[test]
        fn any_text_is_answered(text in "[-+.eE0-9]{0,40}") {
            let _ = is_exact(&text);
        }
    }
}
