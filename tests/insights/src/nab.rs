//! The latency detector on the Numenta Anomaly Benchmark's series, which were made for other things (all directions, all
//! shapes, labels by hand): reported as it is, tuned for nothing. It knows rises alone, and learns for the first 1,440
//! values, which are five days of most series.
//! <https://github.com/numenta/NAB>

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use causeway::Timestamp;
use causeway_insights::warning::{LaneWatch, Minute};
use serde_json::{Value, json};

/// What stands before the first minutes that count: NAB's own probation, a share of the series.
const PROBATION: f64 = 0.15;

type Windows = BTreeMap<String, Vec<[String; 2]>>;

#[derive(Clone, Debug, Default)]
struct Count {
    series: usize,
    windows: usize,
    hit: usize,
    false_alarms: usize,
    days: f64,
}

/// What the detector does on the data in `folder`, by kind; none where there is none.
///
/// # Errors
/// When something in it cannot be read.
pub fn summary(folder: &Path) -> Result<Option<Value>, Box<dyn Error>> {
    let labels = folder.join("labels/combined_windows.json");
    if !labels.exists() {
        return Ok(None);
    }
    let windows: Windows = serde_json::from_slice(&std::fs::read(labels)?)?;
    let mut kinds = BTreeMap::<String, Count>::new();
    for (name, windows) in &windows {
        let kind = name.split('/').next().unwrap_or_default();
        let series = std::fs::read_to_string(folder.join("data").join(name))?;
        add(kinds.entry(kind.to_owned()).or_default(), &series, windows);
    }
    let by_kind = kinds
        .iter()
        .map(|(kind, count)| (kind.clone(), count.json()));
    let all = kinds.values().fold(Count::default(), Count::and);
    Ok(Some(
        json!({"all": all.json(), "by_kind": by_kind.collect::<BTreeMap<_, _>>()}),
    ))
}

impl Count {
    fn and(self, other: &Self) -> Self {
        Self {
            series: self.series + other.series,
            windows: self.windows + other.windows,
            hit: self.hit + other.hit,
            false_alarms: self.false_alarms + other.false_alarms,
            days: self.days + other.days,
        }
    }

    fn json(&self) -> Value {
        json!({
            "series": self.series,
            "windows": self.windows,
            "hit": self.hit,
            "days": self.days.round(),
            "false_alarms_a_day": (self.false_alarms as f64 / self.days.max(1.0) * 1000.0).round() / 1000.0,
        })
    }
}

/// Minutes since the epoch of `2014-04-10 07:15:00`, with or without fractions.
fn minute(text: &str) -> Option<u32> {
    let text = format!("{}Z", text.trim().replace(' ', "T"));
    let at = Timestamp::parse_rfc3339(&text).ok()?;
    u32::try_from(at.as_millis() / 60_000).ok()
}

fn add(count: &mut Count, series: &str, windows: &[[String; 2]]) {
    let rows = series
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','));
    let values =
        rows.filter_map(|(at, value)| Some((minute(at)?, value.trim().parse::<f64>().ok()?)));
    let values: Vec<_> = values.collect();
    let counted = &values[(values.len() as f64 * PROBATION) as usize..];
    let from = counted.first().map_or(u32::MAX, |(at, _)| *at);
    let mut watch = LaneWatch::default();
    let mut alarms = Vec::new();
    for (at, value) in &values {
        // Many calls: the value is what it is.
        let minute = Minute {
            at: *at,
            calls: 1000,
            latency_ms: Some(*value),
            ..Minute::default()
        };
        let found = watch.observe(&minute);
        alarms.extend(found.iter().filter(|one| one.begins).map(|one| one.at));
    }
    let windows: Vec<_> = windows
        .iter()
        .filter_map(|[start, end]| Some((minute(start)?, minute(end)?)))
        .collect();
    let inside = |at: u32, (start, end): &(u32, u32)| (*start..=*end).contains(&at);
    count.series += 1;
    count.windows += windows.len();
    count.hit += windows
        .iter()
        .filter(|window| alarms.iter().any(|at| inside(*at, window)))
        .count();
    let outside = |at: &&u32| **at >= from && !windows.iter().any(|window| inside(**at, window));
    count.false_alarms += alarms.iter().filter(outside).count();
    let span = counted.last().map_or(0, |(at, _)| at.saturating_sub(from));
    count.days += f64::from(span) / 1440.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_inside_its_window_is_a_hit_and_one_outside_a_false_alarm() {
        let mut text = "timestamp,value\n".to_owned();
        for at in 0..4000 {
            // Noise of a few percent, and two rises of an hour and a half to five times as much.
            let noise = f64::from(at * 7919 % 101) / 1000.0;
            let factor = if (2500..2518).contains(&at) || (3500..3518).contains(&at) {
                5.0
            } else {
                1.0
            };
            let (hour, minute) = (at / 12 % 24, at % 12 * 5);
            let day = at / 288 + 1;
            text += &format!(
                "2014-04-{day:02} {hour:02}:{minute:02}:00,{}\n",
                100.0 * (1.0 + noise) * factor
            );
        }
        let mut count = Count::default();
        let window = ["2014-04-09 15:00:00.000000", "2014-04-09 20:00:00.000000"];
        add(&mut count, &text, &[window.map(str::to_owned)]);
        assert_eq!((count.hit, count.false_alarms), (1, 1), "{count:?}");
    }
}
