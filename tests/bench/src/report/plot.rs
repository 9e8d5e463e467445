//! Bars in SVG: one row each, on a logarithmic scale where they differ by orders of magnitude.

use std::fmt::Write;

/// Pixels.
const WIDTH: f64 = 760.0;
const LABELS: f64 = 210.0;
const VALUES: f64 = 110.0;
const ROW: f64 = 26.0;
const TOP: f64 = 46.0;

/// A row.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What stands before it.
    pub label: String,
    /// How long it is.
    pub value: f64,
    /// Between which values half of what was measured lies.
    pub between: Option<(f64, f64)>,
    /// Whether it is one of ours.
    pub is_ours: bool,
}

/// A scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From zero.
    Linear,
    /// From the power of ten below the least.
    Logarithmic,
}

/// The plot as SVG.
pub fn bars(title: &str, unit: &str, scale: Scale, bars: &[Bar]) -> String {
    let largest = bars
        .iter()
        .map(|bar| bar.value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let least = bars.iter().map(|bar| bar.value).fold(largest, f64::min);
    let from = 10_f64.powf(least.log10().floor());
    let place = |value: f64| {
        let share = match scale {
            Scale::Linear => value / largest,
            Scale::Logarithmic => {
                (value / from).log10().max(0.02) / (largest / from).log10().max(0.02)
            }
        };
        (WIDTH - LABELS - VALUES) * share
    };
    let height = TOP + ROW * bars.len() as f64 + 10.0;
    let note = match scale {
        Scale::Linear => "",
        Scale::Logarithmic => ", logarithmic",
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{} ({unit}{note})</text>\n",
        escaped(title),
    );
    for (at, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * at as f64;
        let colour = if bar.is_ours { "#1f6f5c" } else { "#9aa5b1" };
        let length = place(bar.value);
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LABELS}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"16\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            LABELS - 8.0,
            y + 13.0,
            escaped(&bar.label),
            y,
            LABELS + length + 8.0,
            y + 13.0,
            figure(bar.value),
        );
        if let Some((low, high)) = bar.between {
            let (low, high) = (LABELS + place(low), LABELS + place(high.min(largest)));
            let y = y + 8.0;
            let _ = writeln!(
                svg,
                "<line x1=\"{low:.1}\" y1=\"{y:.0}\" x2=\"{high:.1}\" y2=\"{y:.0}\" stroke=\"#222\" stroke-width=\"2\"/>"
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Three digits that count.
pub fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        small if small < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, value: f64) -> Bar {
        Bar {
            label: label.to_owned(),
            value,
            between: Some((value * 0.9, value * 1.1)),
            is_ours: false,
        }
    }

    #[test]
    fn the_longest_bar_fills_the_plot_and_a_tenth_is_a_third_of_three_decades() {
        let svg = bars(
            "CPU",
            "ms",
            Scale::Logarithmic,
            &[bar("a & b", 0.1), bar("c", 1.0), bar("d", 100.0)],
        );
        let full = WIDTH - LABELS - VALUES;
        assert!(svg.contains(&format!("width=\"{full:.1}\"")));
        assert!(svg.contains(&format!("width=\"{:.1}\"", full / 3.0)));
        assert!(svg.contains("a &amp; b"));
    }
}
