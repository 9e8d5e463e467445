//! A warning in words: what is happening, since when, how sure that is, what comes next, what to do first.

use causeway::Timestamp;

use super::{FALSE_ALARMS_A_DAY, Finding, Forecasts, LaneWatch, Signal};

/// The most that SNS takes for a subject, in characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const SUBJECT_MAX: usize = 99;

/// A warning's subject: ASCII, one line, within SNS's bound.
#[must_use]
pub fn subject(provider: &str, watch: &LaneWatch) -> String {
    let text = format!("Causeway early warning: {provider}: {}", now(watch));
    text.chars().take(SUBJECT_MAX).collect()
}

/// A warning in a table's cell, such as `failures rising, breaker opens in ~12 min`.
#[must_use]
pub fn short(signals: &[Signal], forecasts: &Forecasts, now: u32) -> String {
    let mut parts: Vec<String> = signals
        .iter()
        .map(|signal| signal.words().to_owned())
        .collect();
    let in_minutes = |what: &str, at: Option<u32>| {
        let left = at?.checked_sub(now).filter(|left| *left > 0)?;
        Some(format!("{what} in ~{left} min"))
    };
    parts.extend(in_minutes("breaker opens", forecasts.breaker_opens));
    parts.extend(in_minutes("limit spent", forecasts.limit_spent));
    parts.join(", ")
}

/// The whole warning, for a person who is called.
#[must_use]
pub fn message(provider: &str, watch: &LaneWatch, lowered: bool) -> String {
    let Some(episode) = watch.episode() else {
        return String::new();
    };
    let mut lines = vec![format!(
        "The lane {provider} is likely to get into trouble: {}.",
        now(watch)
    )];
    lines.push(format!("Since: {}.", clock(episode.since)));
    lines.push(String::new());
    lines.push("What speaks for it:".to_owned());
    let findings = episode
        .signals
        .iter()
        .map(|signal| watch.finding(*signal, false));
    lines.extend(findings.map(|finding| format!("- {}", evidence(&finding))));
    lines.push(sureness());
    lines.extend(ahead(&watch.forecasts()));
    if lowered {
        lines.push("The gatekeeper was asked to lower the lane's concurrency.".to_owned());
    }
    lines.push(String::new());
    lines.push("First: causeway lanes".to_owned());
    lines.push("infra/RUNBOOK.md#early-warning".to_owned());
    lines.join("\n")
}

fn now(watch: &LaneWatch) -> String {
    let signals = watch.episode().map(|episode| &*episode.signals);
    short(
        signals.unwrap_or_default(),
        &watch.forecasts(),
        watch.seen_to(),
    )
}

/// One signal's numbers.
#[must_use]
pub fn evidence(finding: &Finding) -> String {
    let Finding {
        value,
        usual,
        level,
        ..
    } = *finding;
    match finding.signal {
        Signal::Failures => format!(
            "{:.1} % of the calls of the last minutes failed; {:.1} % is usual (statistic {level:.1} of 1)",
            value * 100.0,
            usual * 100.0
        ),
        Signal::Throttles => format!(
            "{:.1} % of the calls of the last minutes were refused by a limit of the vendor's; {:.1} % is usual (statistic {level:.1} of 1)",
            value * 100.0,
            usual * 100.0
        ),
        Signal::Latency => format!(
            "answers take {value:.0} ms (median); {usual:.0} ms is usual at this hour (statistic {level:.1} of 1)"
        ),
        Signal::Limit => format!("{value:.0} % of the fullest limit is used, and it fills evenly"),
    }
}

fn sureness() -> String {
    let days = (1.0 / FALSE_ALARMS_A_DAY).round();
    format!("By chance alone a lane gives such a warning about once in {days} days.")
}

fn ahead(forecasts: &Forecasts) -> Vec<String> {
    let all = [
        ("the circuit breaker opens", forecasts.breaker_opens),
        ("the limit is spent", forecasts.limit_spent),
        ("the backlog is drained", forecasts.backlog_drained),
    ];
    let known = all.iter().filter_map(|(what, at)| Some((what, (*at)?)));
    known
        .map(|(what, at)| format!("If it goes on so, {what} at about {}.", clock(at)))
        .collect()
}

/// A minute, as RFC 3339.
fn clock(minute: u32) -> String {
    Timestamp::from_millis(i64::from(minute) * 60_000).to_string()
}
