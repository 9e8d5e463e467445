//! Medians and spreads of a few dozen figures.

use serde::Serialize;

/// The middle of what was measured, and where half of it lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half lies below.
    pub median: f64,
    /// A quarter lies below.
    pub low: f64,
    /// A quarter lies above.
    pub high: f64,
    /// How many figures there are.
    pub count: usize,
}

impl Spread {
    /// Of `figures`; none of none.
    pub fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&figures, 0.5)?,
            low: quantile(&figures, 0.25)?,
            high: quantile(&figures, 0.75)?,
            count: figures.len(),
        })
    }
}

/// Between the two nearest, in proportion.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)? as f64);
    let (below, above) = (place.floor(), place.ceil());
    let at = |place: f64| sorted.get(place as usize).copied();
    Some(at(below)? + (at(above)? - at(below)?) * (place - below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_half_of_all_lies_between_the_quarters() {
        let spread = Spread::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]).expect("figures");
        assert_eq!((spread.median, spread.low, spread.high), (3.0, 2.0, 4.0));
        let even = Spread::of(vec![1.0, 2.0]).expect("figures");
        assert_eq!((even.median, even.count), (1.5, 2));
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
