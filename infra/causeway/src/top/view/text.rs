//! Numbers and series as text that fits a column.

use std::time::Duration;

/// Eighths of a line's height.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last `width` values as bars, the highest of them full; a blank where nothing was measured.
#[must_use]
pub fn spark(values: &[Option<f64>], width: usize) -> String {
    let values = &values[values.len().saturating_sub(width)..];
    let most = values.iter().flatten().copied().fold(0.0_f64, f64::max);
    let bar = |value: &Option<f64>| match value {
        None => ' ',
        Some(value) if most <= 0.0 || *value <= 0.0 => BARS[0],
        // Between 0 and 7: the share is between 0 and 1.
        Some(value) => BARS[((value / most * 7.0).round() as usize).min(7)],
    };
    let bars: String = values.iter().map(bar).collect();
    format!("{bars:>width$}")
}

/// A percentage as a gauge of `width` places.
#[must_use]
pub fn gauge(percent: u8, width: usize) -> String {
    let full = (usize::from(percent.min(100)) * width).div_ceil(100);
    "█".repeat(full) + &"░".repeat(width - full)
}

/// A count in at most five characters.
#[must_use]
pub fn count(count: u64) -> String {
    match count {
        0..100_000 => count.to_string(),
        100_000..10_000_000 => format!("{}k", count / 1_000),
        10_000_000..10_000_000_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}G", count / 1_000_000_000),
    }
}

/// Milliseconds in at most five characters.
#[must_use]
pub fn millis(ms: f64) -> String {
    if ms < 1_000.0 {
        format!("{ms:.0}ms")
    } else if ms < 10_000.0 {
        format!("{:.1}s", ms / 1_000.0)
    } else {
        format!("{:.0}s", ms / 1_000.0)
    }
}

/// A duration in one unit, in at most four characters for some years.
#[must_use]
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_drawn_to_the_right_edge_and_gaps_are_blank() {
        let series = [Some(1.0), Some(0.0), None, Some(4.0), Some(8.0)];
        assert_eq!(spark(&series, 5), "▂▁ ▅█");
        assert_eq!(spark(&series, 2), "▅█");
        assert_eq!(spark(&series, 7), "  ▂▁ ▅█");
        assert_eq!(spark(&[Some(0.0)], 1), "▁");
        assert_eq!(spark(&[], 3), "   ");
    }

    #[test]
    fn a_gauge_is_empty_at_nothing_only_and_full_at_all_only() {
        assert_eq!(gauge(0, 4), "░░░░");
        assert_eq!(gauge(1, 4), "█░░░");
        assert_eq!(gauge(75, 4), "███░");
        assert_eq!(gauge(100, 4), "████");
        assert_eq!(gauge(255, 4), "████");
    }

    #[test]
    fn numbers_fit_their_columns() {
        let counts = [0, 99_999, 100_000, 9_999_999, 10_000_000, u64::MAX / 1_000];
        let texts: Vec<_> = counts.map(count).into();
        assert_eq!(texts[..5], ["0", "99999", "100k", "9999k", "10M"]);
        assert_eq!(millis(12.4), "12ms");
        assert_eq!(millis(1_550.0), "1.6s");
        assert_eq!(millis(20_000.0), "20s");
        assert_eq!(age(Duration::from_secs(59)), "59s");
        assert_eq!(age(Duration::from_secs(7_300)), "2h");
        assert_eq!(age(Duration::from_secs(14 * 86_400)), "14d");
    }
}
