//! Which series of a lane are read, and the minutes that are made of them.

use causeway_insights::warning::Minute;

use crate::cloudwatch::Minutes;

/// A series: the metric, and CloudWatch's statistic of it.
pub type Series = (&'static str, &'static str);

/// What is read of each lane.
///
/// A failure is an attempt that comes again or an end that nobody knows; what was refused by a limit comes again too and
/// is taken off. A rejection is the request's fault, not the vendor's.
pub const SERIES: [Series; 6] = [
    ("ProviderLatency", "SampleCount"),
    ("ProviderLatency", "p50"),
    ("Retried", "Sum"),
    ("Unknown", "Sum"),
    ("Throttled", "Sum"),
    ("RateLimitUsed", "Maximum"),
];

/// The minutes of one lane in which there was a call, in order; `values` are of [`SERIES`], in its order.
#[must_use]
pub fn minutes_of(values: &[Minutes]) -> Vec<Minute> {
    let [calls, median, retried, unknown, throttled, used] = values else {
        return Vec::new();
    };
    let of = |series: &Minutes, at| series.get(at).copied().unwrap_or(0.0) as u32;
    let with_calls = calls.iter().filter(|(_, calls)| **calls >= 1.0);
    with_calls
        .map(|(at, calls)| {
            let throttled = of(throttled, at);
            Minute {
                at: *at,
                calls: *calls as u32,
                failures: of(retried, at).saturating_sub(throttled) + of(unknown, at),
                throttled,
                latency_ms: median.get(at).copied(),
                limit_used: used.get(at).copied(),
                backlog: None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_made_of_its_series_and_one_without_a_call_is_left_out() {
        let busy = [20.0, 180.5, 7.0, 1.0, 3.0, 64.0];
        let mut values = busy.map(|value| Minutes::from([(100, value)]));
        values[0].insert(101, 4.0);
        values[2].insert(102, 9.0);
        let busy = Minute {
            at: 100,
            calls: 20,
            failures: 5,
            throttled: 3,
            latency_ms: Some(180.5),
            limit_used: Some(64.0),
            backlog: None,
        };
        let quiet = Minute {
            at: 101,
            calls: 4,
            ..Minute::default()
        };
        assert_eq!(minutes_of(&values), [busy, quiet]);
    }
}
