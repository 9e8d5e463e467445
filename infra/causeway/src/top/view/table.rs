//! The lanes, one a row.

use std::time::Duration;

use causeway::breaker::State;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Row as TableRow, Table, TableState};

use super::palette::Palette;
use super::text;
use crate::metrics::LaneMetrics;
use crate::top::model::{App, Row, ends, latest, rate};

/// From this width on there is room for the latency's bars and the limit's gauge.
const WIDE: u16 = 110;
/// Percent of a limit from which on it is worth a colour; the alarm's threshold.
const LIMIT_WARN: u8 = 80;

/// Widths that depend on the window's.
#[derive(Clone, Copy)]
struct Columns {
    rate: u16,
    latency: u16,
    gauge: u16,
}

impl Columns {
    const fn of(width: u16) -> Self {
        if width >= WIDE {
            Self {
                rate: 20,
                latency: 12,
                gauge: 10,
            }
        } else {
            Self {
                rate: 8,
                latency: 0,
                gauge: 0,
            }
        }
    }

    fn widths(self) -> [Constraint; 10] {
        let latency = if self.latency > 0 {
            self.latency + 7
        } else {
            6
        };
        let gauge = if self.gauge > 0 { self.gauge + 5 } else { 5 };
        [
            Constraint::Min(9),
            Constraint::Length(10),
            Constraint::Length(self.rate),
            Constraint::Length(5),
            Constraint::Length(latency),
            Constraint::Length(gauge),
            Constraint::Length(6),
            Constraint::Length(6),
            Constraint::Length(5),
            Constraint::Length(5),
        ]
    }
}

/// Draws the table.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, palette: Palette) {
    let columns = Columns::of(area.width);
    let visible = app.visible();
    let rows = visible.iter().map(|row| {
        let metrics = app.metrics.get(&row.provider);
        lane(row, metrics, columns, palette)
    });
    let latency = if columns.latency > 0 {
        "LATENCY, P99"
    } else {
        "P99"
    };
    let headings = [
        "LANE", "BREAKER", "RATE", "/MIN", latency, "LIMIT", "READY", "HIDDEN", "AGE", "DLQ",
    ];
    let table = Table::new(rows, columns.widths())
        .header(TableRow::new(headings).style(Style::new().add_modifier(Modifier::BOLD)))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let selected = app.selected_row().map(|row| &*row.provider);
    let place = visible
        .iter()
        .position(|row| Some(&*row.provider) == selected);
    let mut state = TableState::new().with_selected(place);
    frame.render_stateful_widget(table, area, &mut state);
}

fn lane<'a>(
    row: &'a Row,
    metrics: Option<&LaneMetrics>,
    columns: Columns,
    palette: Palette,
) -> TableRow<'a> {
    let dash = || Line::from("-");
    let (ready, hidden) = match row.queue {
        Some((ready, hidden)) => (text::count(ready), text::count(hidden)),
        None => ("?".to_owned(), "?".to_owned()),
    };
    let bars = metrics.map_or_else(String::new, |lane| {
        text::spark(&ends(lane), usize::from(columns.rate))
    });
    let per_minute = metrics.and_then(rate);
    let age = metrics.and_then(|lane| latest(&lane.oldest_age));
    TableRow::new([
        Line::from(&*row.provider),
        breaker(row, palette),
        Line::from(Span::styled(bars, palette.bars())),
        per_minute.map_or_else(dash, |rate| Line::from(text::count(rate as u64))),
        latency(metrics, columns, palette),
        limit(row, columns, palette),
        Line::from(ready),
        Line::from(hidden),
        age.map_or_else(dash, |age| {
            Line::from(text::age(Duration::from_secs(age.max(0.0) as u64)))
        }),
        dead(row, palette),
    ])
}

fn breaker(row: &Row, palette: Palette) -> Line<'_> {
    let state = row.state();
    let word = match state {
        // A lane whose connections are paused is not well, whatever its breaker says.
        State::Closed if !row.paused.is_empty() => {
            return Line::from(Span::styled("Paused", palette.warn()));
        }
        State::Closed if row.warning.is_some() => {
            return Line::from(Span::styled("Warned", palette.warn()));
        }
        state => format!("{state:?}"),
    };
    Line::from(Span::styled(word, palette.state(state)))
}

fn latency(metrics: Option<&LaneMetrics>, columns: Columns, palette: Palette) -> Line<'static> {
    let Some(metrics) = metrics else {
        return Line::from("-");
    };
    let p99 = latest(&metrics.latency_p99).map_or_else(|| "-".to_owned(), text::millis);
    if columns.latency == 0 {
        return Line::from(p99);
    }
    let bars = text::spark(&metrics.latency_p99, usize::from(columns.latency));
    Line::from(vec![
        Span::styled(bars, palette.bars()),
        Span::from(format!(" {p99}")),
    ])
}

fn limit(row: &Row, columns: Columns, palette: Palette) -> Line<'static> {
    let Some((_, percent)) = &row.limit else {
        return Line::from("-");
    };
    let style = if *percent >= LIMIT_WARN {
        palette.warn()
    } else {
        Style::new()
    };
    let mut spans = Vec::new();
    if columns.gauge > 0 {
        let gauge = text::gauge(*percent, usize::from(columns.gauge));
        spans.push(Span::styled(gauge, style));
        spans.push(Span::from(" "));
    }
    spans.push(Span::styled(format!("{percent}%"), style));
    Line::from(spans)
}

fn dead(row: &Row, palette: Palette) -> Line<'static> {
    match row.dead {
        None => Line::from("?"),
        Some(0) => Line::from("0"),
        Some(letters) => Line::from(Span::styled(text::count(letters), palette.bad())),
    }
}
