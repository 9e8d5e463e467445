//! The selected lane, in words.

use causeway::breaker::State;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::palette::Palette;
use super::text;
use crate::metrics::LaneMetrics;
use crate::text::shown;
use crate::top::model::{App, BreakerRow, Letters, Row, latest, total};
use crate::when::Now;

/// Draws what is known of the selected lane.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, now: &Now, palette: Palette) {
    let Some(row) = app.selected_row() else {
        return;
    };
    let block = Block::new()
        .borders(Borders::TOP)
        .title(format!(" {} ", row.provider));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut lines = Vec::new();
    lines.extend(row.breakers.iter().map(|one| breaker(one, now, palette)));
    if !row.paused.is_empty() {
        let text = format!("paused      {}", row.paused.join(", "));
        lines.push(Line::from(Span::styled(text, palette.warn())));
    }
    if let Some(warning) = &row.warning {
        let text = format!("warning     {}", shown(warning));
        lines.push(Line::from(Span::styled(text, palette.warn())));
    }
    lines.push(Line::from(sources(row)));
    if let Some(metrics) = app.metrics.get(&row.provider) {
        lines.push(Line::from(counters(metrics)));
        lines.extend(latencies(metrics));
    }
    lines.extend(letters(app.letters.get(&row.provider), row, now, palette));
    let room = usize::from(inner.height);
    if lines.len() > room && room > 0 {
        let left = lines.len() - room + 1;
        lines.truncate(room - 1);
        let more = format!("… {left} more lines (enter shows them)");
        lines.push(Line::from(Span::styled(more, palette.faint())));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

fn breaker<'a>(breaker: &'a BreakerRow, now: &Now, palette: Palette) -> Line<'a> {
    let mut spans = vec![
        Span::from("breaker     "),
        Span::styled(format!("{:?}", breaker.state), palette.state(breaker.state)),
    ];
    if let Some(connection) = &breaker.connection {
        spans.push(Span::from(format!(" for {connection}")));
    }
    if breaker.state != State::Closed {
        if let Some(until) = breaker.until {
            spans.push(Span::from(format!(" until {}", now.both(until))));
        }
        if let Some(reason) = &breaker.reason {
            spans.push(Span::from(format!(": {}", shown(reason))));
        }
    }
    Line::from(spans)
}

fn sources(row: &Row) -> String {
    let source = row.source.as_deref().unwrap_or("unknown");
    match &row.limit {
        None => format!("source      {source}"),
        Some((name, percent)) => {
            format!("source      {source}    fullest limit {name} at {percent}%")
        }
    }
}

fn counters(metrics: &LaneMetrics) -> String {
    let counters = [
        ("delivered", &metrics.delivered),
        ("rejected", &metrics.rejected),
        ("unknown", &metrics.unknown),
        ("retried", &metrics.retried),
        ("deferred", &metrics.deferred),
        ("duplicate", &metrics.duplicate),
    ];
    let minutes = metrics.delivered.len();
    let mut line = format!("{:<12}", format!("{minutes} min"));
    let counts = counters.map(|(name, series)| format!("{name} {}", total(series)));
    line += &counts.join("  ");
    line
}

fn latencies(metrics: &LaneMetrics) -> Option<Line<'static>> {
    let p50 = text::millis(latest(&metrics.latency_p50)?);
    let p99 = text::millis(latest(&metrics.latency_p99)?);
    Some(Line::from(format!("latency     p50 {p50}  p99 {p99}")))
}

fn letters<'a>(
    letters: Option<&'a Letters>,
    row: &Row,
    now: &Now,
    palette: Palette,
) -> Vec<Line<'a>> {
    let Some(letters) = letters else {
        return match row.dead {
            Some(0) => vec![Line::from("letters     none")],
            _ => vec![Line::from("letters     not looked at yet")],
        };
    };
    if let Some(problem) = &letters.problem {
        let text = format!("letters     {}", shown(problem));
        return vec![Line::from(Span::styled(text, palette.bad()))];
    }
    let seen = letters.newest.len();
    let heading = format!(
        "letters     newest {seen}, seen {}",
        now.distance(letters.at)
    );
    let mut lines = vec![Line::from(heading)];
    for letter in &letters.newest {
        let age = text::age(now.at.since(letter.sent_at));
        lines.push(Line::from(vec![
            Span::from(format!("  {age:>4}  ")),
            Span::styled(shown(&letter.code), palette.bad()),
            Span::from(format!("  {}  ", shown(&letter.operation))),
            Span::styled(shown(&letter.detail), palette.faint()),
        ]));
    }
    lines
}
