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
    "oldest message is what lanes measure. \"-\": nothing measured; \"?\": not read.",
];

/// A popup: what it tells may be cut where the window is low, what it asks never is.
struct Popup<'a> {
    title: &'static str,
    told: Vec<Line<'a>>,
    asked: Line<'a>,
}

/// Draws what `app` asks, if it asks anything.
pub fn draw(frame: &mut Frame<'_>, app: &App, palette: Palette) {
    let popup = match &app.mode {
        Mode::Browse | Mode::Filter => return,
        Mode::Help => Popup {
            title: "Keys",
            told: HELP.map(Line::from).into(),
            asked: Line::from("esc: back"),
        },
        Mode::Open(form) => open(form, palette),
        Mode::Confirm(what) => confirm(what),
        Mode::Redrive { provider, plan } => redrive(provider, plan.as_deref()),
    };
    let block = Block::bordered().title(format!(" {} ", popup.title));
    let width = WIDTH.min(frame.area().width);
    let text = Paragraph::new(popup.told).wrap(Wrap { trim: false });
    let rows = text.line_count(width.saturating_sub(2));
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    let area = centred(frame.area(), width, rows.saturating_add(3));
    let [told, asked] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(block.inner(area));
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    frame.render_widget(text, told);
    frame.render_widget(popup.asked, asked);
}

fn open(form: &OpenForm, palette: Palette) -> Popup<'_> {
    let provider = &form.provider;
    let mut told = vec![Line::from(format!(
        "{provider}: no calls until then; messages wait, no attempt is spent."
    ))];
    for (at, (field, value)) in form.fields.iter().enumerate().take(form.at + 1) {
        let question = match field {
            Field::Connection => "connection",
            Field::Reason => "reason",
            Field::Duration => "for (90s, 15m, 2h, 7d)",
        };
        let cursor = if at == form.at { "_" } else { "" };
        told.push(Line::from(format!("{question}: {value}{cursor}")));
    }
    let asked = match &form.problem {
        Some(problem) => Line::from(Span::styled(problem.as_str(), palette.bad())),
        None if form.is_complete() => Line::from("Force it open? y/n"),
        None => Line::from("enter: next  esc: never mind"),
    };
    Popup {
        title: "Force open",
        told,
        asked,
    }
}

fn confirm(what: &Confirm) -> Popup<'_> {
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
    Popup {
        title: "Confirm",
        told: vec![Line::from(question)],
        asked: Line::from("y/n"),
    }
}

/// The end of a plan that is longer than the window is left out: its beginning has the sums.
fn redrive<'a>(provider: &str, plan: Option<&'a str>) -> Popup<'a> {
    let Some(plan) = plan else {
        return Popup {
            title: "Redrive",
            told: vec![Line::from(format!("{provider}: reading the dead letters…"))],
            asked: Line::from("esc: never mind"),
        };
    };
    Popup {
        title: "Redrive (all of the plan: `causeway dlq redrive --dry-run`)",
        told: plan.lines().map(Line::from).collect(),
        asked: Line::from(format!("Redrive what is safe in {provider}? y/n")),
    }
}

fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = Constraint::Length(width);
    let height = Constraint::Length(height.min(area.height));
    let [area] = Layout::horizontal([width]).flex(Flex::Center).areas(area);
    let [area] = Layout::vertical([height]).flex(Flex::Center).areas(area);
    area
}
