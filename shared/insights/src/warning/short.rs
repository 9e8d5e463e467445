//! Numbers of a state in six digits: what is estimated is not known to seventeen, and the item is paid for by size.

use serde::{Serialize, Serializer};

/// Significant digits that are kept.
const DIGITS: i32 = 6;

/// For `#[serde(serialize_with)]`.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
pub fn number<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    rounded(*value).serialize(to)
}

fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let places = DIGITS - 1 - value.abs().log10().floor() as i32;
    let scale = 10_f64.powi(places.abs());
    if places >= 0 {
        (value * scale).round() / scale
    } else {
        (value / scale).round() * scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_kept_and_what_is_no_number_is_zero() {
        assert_eq!(rounded(0.001_234_567_89), 0.001_234_57);
        assert_eq!(rounded(-1_234_567.0), -1_234_570.0);
        assert_eq!(rounded(f64::NAN), 0.0);
        assert_eq!(rounded(0.0), 0.0);
    }
}
