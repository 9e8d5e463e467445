//! Amounts of money: how many decimals a currency has, and products that are exact until they are rounded, once.
//!
//! The language counts in doubles: 1.005 × 100 is 100.49999999999999, and rounds to the wrong side. Here a factor is the
//! decimal that its JSON says.

/// ISO 4217, list one of 2026-01-01: currencies with a minor unit, by its decimals.
/// <https://www.six-group.com/en/products-services/financial-information/data-standards.html>
const DECIMALS: [(u32, &str); 4] = [
    (
        0,
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    ),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW \
         CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF \
         IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
         MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP \
         SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG \
         YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// Decimals of a currency's minor unit; none where ISO 4217 has no such code, or no minor unit for it (gold).
pub(super) fn minor_units(currency: &str) -> Option<u32> {
    let holds = |codes: &str| codes.split(' ').any(|code| code == currency);
    let found = DECIMALS.iter().find(|(_, codes)| holds(codes));
    found.map(|(decimals, _)| *decimals)
}

/// The product of `factors`, rounded once to `decimals`, halves away from zero; none where it has more digits than 38.
pub(super) fn product(factors: impl IntoIterator<Item = f64>, decimals: u32) -> Option<f64> {
    let one = Decimal {
        digits: 1,
        scale: 0,
    };
    let product = factors
        .into_iter()
        .try_fold(one, |product, factor| product.times(Decimal::of(factor)?))?;
    product.rounded(decimals)
}

/// The sum of `amounts`, rounded once to `decimals` like a [`product`]; none where it has more digits than 38.
pub(super) fn sum(amounts: impl IntoIterator<Item = f64>, decimals: u32) -> Option<f64> {
    let none = Decimal {
        digits: 0,
        scale: 0,
    };
    let sum = amounts
        .into_iter()
        .try_fold(none, |sum, amount| sum.plus(Decimal::of(amount)?))?;
    sum.rounded(decimals)
}

/// `digits` × 10^-`scale`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    scale: i32,
}

impl Decimal {
    /// The shortest decimal that is this double, and so what a JSON document says where it says no more than 15 digits.
    fn of(value: f64) -> Option<Self> {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa
            .split_once('.')
            .map_or(0, |(_, digits)| digits.len());
        let digits: i128 = mantissa.replace('.', "").parse().ok()?;
        let exponent: i32 = exponent.parse().ok()?;
        Some(Self {
            digits,
            scale: i32::try_from(fraction).ok()? - exponent,
        })
    }

    fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        let scale = self.scale + other.scale;
        Some(Self { digits, scale })
    }

    fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let at_scale = |it: Self| {
            let unit = 10_i128.checked_pow(scale.abs_diff(it.scale))?;
            it.digits.checked_mul(unit)
        };
        let digits = at_scale(self)?.checked_add(at_scale(other)?)?;
        Some(Self { digits, scale })
    }

    fn rounded(self, decimals: u32) -> Option<f64> {
        let excess = self.scale - i32::try_from(decimals).ok()?;
        let digits = match u32::try_from(excess) {
            Ok(excess) => match 10_i128.checked_pow(excess) {
                Some(unit) => (self.digits + self.digits.signum() * (unit / 2)) / unit,
                None => 0,
            },
            Err(_) => {
                let unit = 10_i128.checked_pow(excess.unsigned_abs())?;
                self.digits.checked_mul(unit)?
            }
        };
        format!("{digits}e-{decimals}").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_has_the_decimals_of_its_minor_unit() {
        for (currency, decimals) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("MGA", 2)] {
            assert_eq!(minor_units(currency), Some(decimals), "{currency}");
        }
        for none in ["XAU", "XXX", "DEM", "eur", "EU", "", "EUR JPY"] {
            assert_eq!(minor_units(none), None, "{none}");
        }
        let codes: Vec<&str> = DECIMALS
            .iter()
            .flat_map(|(_, codes)| codes.split(' '))
            .collect();
        assert_eq!(codes.len(), 165);
        assert!(codes.iter().all(|code| code.len() == 3));
    }

    #[test]
    fn a_product_is_exact_until_it_is_rounded() {
        for (factors, decimals, expected) in [
            (vec![100.0, 0.35, 85.0, 0.01], 2, 29.75),
            (vec![2.0, 39.95, 90.0, 0.01], 2, 71.91),
            // In doubles 1.4999999999999998, 1.005 and 100.49999999999999.
            (vec![1.005, 1.0], 2, 1.01),
            (vec![1.005, 100.0], 0, 101.0),
            (vec![0.15, 10.0], 0, 2.0),
            (vec![-0.5, 1.0], 0, -1.0),
            (vec![3.0, 0.4, 0.35], 3, 0.42),
            (vec![1e22], 2, 1e22),
            (vec![5e-324], 2, 0.0),
        ] {
            assert_eq!(
                product(factors.iter().copied(), decimals),
                Some(expected),
                "{factors:?}"
            );
        }
        assert_eq!(sum([0.1, 0.2, -0.3], 2), Some(0.0));
        // In doubles 75844897051478.6.
        let large = [75_844_897_051_478.5, 0.05, 0.06];
        assert_eq!(sum(large, 2), Some(75_844_897_051_478.61));
        assert_eq!(sum([], 2), Some(0.0));
        assert_eq!(sum([1e30, 1e-30], 2), None);
        assert_eq!(product([f64::MAX], 2), None);
        assert_eq!(product([f64::NAN], 2), None);
        let long = [0.123_456_789_012_345_67; 3];
        assert_eq!(product(long, 2), None);
    }
}
