//! Questions and help, above everything else.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::palette::Palette;
use crate::top::model::{App, Confirm, Field, Mode, OpenForm};

/// Columns of the widest popup, its frame included.
const WIDTH: u16 = 76;

/// Keys and what they do.
const HELP: [&str; 13] = [
    "up/down j/k   select a lane        page up/down, g/G  further",
    "enter         details of the lane  esc                back",
    "o             force the breaker open, with a reason and for a time",
    "c             close the breaker",
    "e             turn the event source on",
    "r             redrive the dead letters: shows first what it would do",
    "s             sort by name, trouble, rate or depth",
    "/             show only lanes with a text in their name",
    "q             quit",
    "",
    "RATE: requests that ended, minute by minute; /MIN: in the last whole minute.",
    "READY waits to be received; HIDDEN is under way or was put off. AGE of the",
    "oldest message is AWS's own metric. \"-\": nothing measured; \"?\": not read.",
];

/// Draws what `app` asks, if it asks anything.
pub fn draw(frame: &mut Frame<'_>, app: &App, palette: Palette) {
    let (title, lines) = match &app.mode {
        Mode::Browse | Mode::Filter => return,
        Mode::Help => ("Keys", HELP.map(Line::from).into()),
        Mode::Open(form) => ("Force open", open(form, palette)),
        Mode::Confirm(what) => ("Confirm", confirm(what)),
        Mode::Redrive { provider, plan } => ("Redrive", redrive(provider, plan.as_deref(), frame)),
    };
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let area = centred(frame.area(), height.saturating_add(2));
    frame.render_widget(Clear, area);
    let block = Block::bordered().title(format!(" {title} "));
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    frame.render_widget(text.block(block), area);
}

fn open(form: &OpenForm, palette: Palette) -> Vec<Line<'_>> {
    let provider = &form.provider;
    let mut lines = vec![Line::from(format!(
        "{provider}: no calls until then; messages wait, no attempt is spent."
    ))];
    for (at, (field, value)) in form.fields.iter().enumerate().take(form.at + 1) {
        let question = match field {
            Field::Connection => "connection",
            Field::Reason => "reason",
            Field::Duration => "for (90s, 15m, 2h, 7d)",
        };
        let cursor = if at == form.at { "_" } else { "" };
        lines.push(Line::from(format!("{question}: {value}{cursor}")));
    }
    match &form.problem {
        Some(problem) => lines.push(Line::from(Span::styled(problem.as_str(), palette.bad()))),
        None if form.is_complete() => lines.push(Line::from("Force it open? y/n")),
        None => lines.push(Line::from("enter: next  esc: never mind")),
    }
    lines
}

fn confirm(what: &Confirm) -> Vec<Line<'_>> {
    let question = match what {
        Confirm::Close {
            provider,
            connections,
        } => {
            let whose = connections.join(", ");
            let of = if whose.is_empty() {
                provider.clone()
            } else {
                format!("{provider} ({whose})")
            };
            format!("Close the breaker of {of}? Calls start at a quarter of the rate.")
        }
        Confirm::Enable { provider } => {
            format!("Turn on the event source of {provider}, at its own concurrency?")
        }
        Confirm::Quit => {
            "A redrive is under way. Quit? It stops; what was not moved stays.".to_owned()
        }
    };
    vec![Line::from(question), Line::from("y/n")]
}

/// The end of a plan that is longer than the window is left out: its beginning has the sums.
fn redrive<'a>(provider: &str, plan: Option<&'a str>, frame: &Frame<'_>) -> Vec<Line<'a>> {
    let Some(plan) = plan else {
        return vec![
            Line::from(format!("{provider}: reading the dead letters…")),
            Line::from("esc: never mind"),
        ];
    };
    let room = usize::from(frame.area().height.saturating_sub(5));
    let mut lines: Vec<_> = plan.lines().map(Line::from).collect();
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines.push(Line::from("… `causeway dlq redrive --dry-run` shows all"));
    }
    lines.push(Line::from(format!(
        "Redrive what is safe in {provider}? y/n"
    )));
    lines
}

fn centred(area: Rect, height: u16) -> Rect {
    let width = Constraint::Length(WIDTH.min(area.width));
    let height = Constraint::Length(height.min(area.height));
    let [area] = Layout::horizontal([width]).flex(Flex::Center).areas(area);
    let [area] = Layout::vertical([height]).flex(Flex::Center).areas(area);
    area
}
