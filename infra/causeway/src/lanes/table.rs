//! All lanes as a table.

use causeway::breaker::State;

use super::limits::Fullest;
use super::look::{LaneView, Look, PausedConnection};
use super::source::Source;
use crate::breaker;
use crate::output;
use crate::when::Now;

/// Paused connections that a row names; the rest are counted.
const NAMED_MAX: usize = 2;

/// What stands where nothing could be read.
const UNREAD: &str = "?";

/// A row a lane.
#[must_use]
pub fn table(look: &Look, now: &Now) -> String {
    let mut table = output::table(&[
        "LANE", "BREAKER", "LIMIT", "READY", "HIDDEN", "DELAYED", "DEAD", "SOURCE", "PAUSED",
        "WARNING",
    ]);
    for lane in &look.lanes {
        table.add_row(row(lane, now));
    }
    table.to_string()
}

fn row(lane: &LaneView, now: &Now) -> Vec<String> {
    let number =
        |number: Option<u64>| number.map_or_else(|| UNREAD.to_owned(), |it| it.to_string());
    vec![
        lane.provider.clone(),
        breaker(&lane.breakers, now),
        lane.limit
            .as_ref()
            .map_or_else(|| "-".to_owned(), |limit| limit_cell(limit, now)),
        number(lane.queue.map(|queue| queue.ready)),
        number(lane.queue.map(|queue| queue.hidden)),
        number(lane.queue.map(|queue| queue.delayed)),
        number(lane.dead_letters.map(super::look::Queued::all)),
        lane.source
            .as_ref()
            .map_or_else(|| UNREAD.to_owned(), source),
        paused(&lane.paused),
        lane.warning
            .as_ref()
            .map_or_else(|| "-".to_owned(), |warned| warned.text.clone()),
    ]
}

fn breaker(breakers: &[breaker::View], now: &Now) -> String {
    let Some(first) = breakers.first() else {
        return UNREAD.to_owned();
    };
    let mut text = format!("{:?}", first.state);
    if first.state == State::Closed {
        return text;
    }
    if let Some(connection) = &first.connection {
        text = format!("{connection}: {text}");
    }
    if let Some(until) = first.until {
        // A window that is over ends with the next message that comes.
        text += &match until > now.at {
            true => format!(", ends {}", now.distance(until)),
            false => ", over".to_owned(),
        };
    }
    if let Some(reason) = &first.reason {
        text += &format!(" ({reason})");
    }
    if breakers.len() > 1 {
        text += &format!(" and {} more", breakers.len() - 1);
    }
    text
}

fn limit_cell(limit: &Fullest, now: &Now) -> String {
    let mut text = format!("{} % {}", limit.used_percent, limit.name);
    if limit.scope != "account" {
        text += &format!(" {}", limit.scope);
    }
    if let Some(at) = limit.free_at.filter(|_| limit.used_percent > 0) {
        text += &format!(", free {}", now.distance(at));
    }
    text
}

fn source(source: &Source) -> String {
    match source.maximum_concurrency {
        Some(batches) if source.state == "Enabled" => format!("on, {batches} at once"),
        None if source.state == "Enabled" => "on".to_owned(),
        _ if source.state == "Disabled" => "off".to_owned(),
        _ => source.state.clone(),
    }
}

fn paused(paused: &[PausedConnection]) -> String {
    if paused.is_empty() {
        return "-".to_owned();
    }
    let named = paused.iter().take(NAMED_MAX);
    let named: Vec<_> = named.map(ToString::to_string).collect();
    let more = paused.len().saturating_sub(NAMED_MAX);
    match more {
        0 => named.join(", "),
        _ => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use causeway::Timestamp;
    use causeway::breaker::Breaker;
    use causeway::credentials::Reason;
    use time::UtcOffset;

    use super::*;
    use crate::lanes::{Queued, Warned};

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    #[test]
    fn a_troubled_lane_says_so_in_every_column() {
        let until = NOON + Duration::from_secs(7200);
        let open = Breaker::default().force_open(NOON, "maintenance", until);
        let paused = |connection: &str| PausedConnection {
            connection: connection.to_owned(),
            operation: None,
            reason: Reason::Unauthorised,
        };
        let lane = LaneView {
            provider: "stripe".to_owned(),
            breakers: vec![breaker::view(None, &open.expect("within the rules"))],
            limit: Some(Fullest {
                name: "second",
                connection: "default".to_owned(),
                scope: "account".to_owned(),
                used_percent: 80,
                free_at: Some(NOON + Duration::from_secs(3)),
            }),
            queue: Some(Queued {
                ready: 5,
                hidden: 6,
                delayed: 7,
            }),
            dead_letters: Some(Queued {
                ready: 2,
                hidden: 1,
                delayed: 0,
            }),
            source: Some(Source {
                id: "id".to_owned(),
                state: "Disabled".to_owned(),
                maximum_concurrency: Some(5),
            }),
            paused: vec![paused("a"), paused("b"), paused("c")],
            warning: Some(Warned {
                since: Some(NOON),
                text: "latency rising".to_owned(),
            }),
        };
        let row = row(&lane, &Now::at(NOON, UtcOffset::UTC));
        let expected = [
            "stripe",
            "ForcedOpen, ends in 2 h (maintenance)",
            "80 % second, free in 3 s",
            "5",
            "6",
            "7",
            "3",
            "off",
            "a (unauthorised), b (unauthorised) and 1 more",
            "latency rising",
        ];
        assert_eq!(row, expected);
    }

    #[test]
    fn what_could_not_be_read_is_no_zero() {
        let lane = LaneView {
            provider: "stripe".to_owned(),
            breakers: vec![breaker::view(None, &Breaker::default())],
            limit: None,
            queue: None,
            dead_letters: None,
            source: None,
            paused: Vec::new(),
            warning: None,
        };
        let look = Look {
            lanes: vec![lane],
            problems: Vec::new(),
        };
        let text = table(&look, &Now::at(NOON, UtcOffset::UTC));
        let words: Vec<_> = text
            .lines()
            .last()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        assert_eq!(
            words,
            ["stripe", "Closed", "-", "?", "?", "?", "?", "?", "-", "-"]
        );
    }
}
