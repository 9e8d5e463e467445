//! What the screen shows: pure, from the model to a buffer.

mod details;
mod palette;
mod popup;
mod table;
mod text;

use causeway::breaker::State;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use time::UtcOffset;

pub use palette::Palette;

use super::model::{App, Mode};
use crate::when::Now;

/// The fewest rows for the table: its heading and some lanes.
const TABLE_MIN: u16 = 4;
/// Rows of details that the table leaves free where both fit.
const DETAILS: u16 = 9;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, app: &App, offset: UtcOffset, palette: Palette) {
    let now = Now::at(app.now, offset);
    let [header, word, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(title(app, &now, palette)), header);
    frame.render_widget(Paragraph::new(note(app, palette)), word);
    frame.render_widget(Paragraph::new(keys(app, palette)), footer);
    let [table, details] = split(app, body);
    table::draw(frame, table, app, palette);
    details::draw(frame, details, app, &now, palette);
    popup::draw(frame, app, palette);
}

/// The lanes get what they need, and the details the rest; in a low window both get something.
fn split(app: &App, body: Rect) -> [Rect; 2] {
    let lanes = u16::try_from(app.visible().len()).unwrap_or(u16::MAX);
    let wanted = lanes.saturating_add(1);
    let table = if app.zoomed {
        0
    } else {
        wanted.min(body.height.saturating_sub(DETAILS).max(TABLE_MIN))
    };
    Layout::vertical([Constraint::Length(table), Constraint::Min(0)]).areas(body)
}

fn title(app: &App, now: &Now, palette: Palette) -> Line<'static> {
    let open = app.rows.iter().filter(|row| row.state() != State::Closed);
    let (lanes, open) = (app.rows.len(), open.count());
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut spans = vec![
        Span::styled("causeway top", bold),
        Span::from(format!("  {}  {}  {lanes} lanes, ", app.stack, app.region)),
    ];
    let style = if open > 0 {
        palette.bad()
    } else {
        Style::new()
    };
    spans.push(Span::styled(format!("{open} not closed"), style));
    spans.push(Span::from(match app.looked_at {
        None => "  looking…".to_owned(),
        Some(at) => format!("  as of {}", clock(now, at)),
    }));
    Line::from(spans)
}

/// The time of day alone: a date changes too rarely to take room.
fn clock(now: &Now, at: causeway::Timestamp) -> String {
    let date = now.date(at);
    date.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// One line: what came of an order, else what could not be read, else what is under way.
fn note(app: &App, palette: Palette) -> Line<'static> {
    if let Some(notice) = &app.notice {
        let style = if notice.failed {
            palette.bad()
        } else {
            palette.good()
        };
        let word = if notice.failed { "failed: " } else { "" };
        let text = notice.text.replace('\n', "; ");
        return Line::from(Span::styled(format!("{word}{text}"), style));
    }
    let problems: Vec<_> = app.problems.iter().chain(&app.metrics_problem).collect();
    if let Some(first) = problems.first() {
        let first = first.replace('\n', "; ");
        let more = match problems.len() {
            1 => String::new(),
            many => format!(" (and {} more)", many - 1),
        };
        let text = format!("not read: {first}{more}");
        return Line::from(Span::styled(text, palette.bad()));
    }
    match &app.redriving {
        Some(provider) => Line::from(format!("redriving {provider}…")),
        None => Line::default(),
    }
}

fn keys(app: &App, palette: Palette) -> Line<'static> {
    if app.mode == Mode::Filter {
        return Line::from(format!("/{}_  enter: keep  esc: all lanes", app.filter));
    }
    let filter = if app.filter.is_empty() {
        String::new()
    } else {
        format!("only \"{}\" (esc: all)  ", app.filter)
    };
    let sort = app.sort.word();
    let text = format!(
        "{filter}o open  c close  r redrive  e enable  s sort:{sort}  / filter  ? help  q quit"
    );
    Line::from(Span::styled(text, palette.faint()))
}

#[cfg(test)]
mod tests;
