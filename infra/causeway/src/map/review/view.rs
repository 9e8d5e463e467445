//! What the screen shows: pure, from the review to a buffer.

use causeway_insights::propose::{FieldProposal, MAX_CANDIDATES};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};

use super::{Mark, Review};
use crate::map::words::{confidence, filled_by, reasons, sure, told};
use crate::text::shown;
use crate::top::Palette;

/// The selected line's name, and each of its candidates on a line of its own.
const DETAILS: u16 = MAX_CANDIDATES as u16 + 2;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, review: &Review, palette: Palette) {
    let [title, note, lines, details, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(DETAILS),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(heading(review)), title);
    let asks = review.asks.as_ref().map_or("", |(_, why)| why);
    frame.render_widget(Line::styled(asks, palette.warn()), note);
    draw_lines(frame, lines, review, palette);
    if let Some(field) = review.selected() {
        frame.render_widget(Paragraph::new(described(field, palette)), details);
    }
    let text = "a accept  n next  1-5 this one  d drop  A accept the rest  w write  q quit";
    frame.render_widget(Line::styled(text, palette.faint()), keys);
}

fn heading(review: &Review) -> Line<'static> {
    let proposal = &review.proposal;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let counts = format!(
        "  {} lines, {} not reviewed, {} required and not filled, {} of the source not used",
        review.lines().count(),
        review.open(),
        proposal.missing().count(),
        proposal.unused.len(),
    );
    Line::from(vec![
        Span::styled(
            format!("{} {}", proposal.provider, proposal.operation),
            bold,
        ),
        Span::from(counts),
    ])
}

fn draw_lines(frame: &mut Frame<'_>, area: Rect, review: &Review, palette: Palette) {
    let missing: Vec<_> = review
        .proposal
        .missing()
        .map(|field| &field.target)
        .collect();
    let rows = review.lines().map(|(field, mark)| {
        let style = match (field.chosen(), missing.contains(&&field.target)) {
            (None, true) => palette.bad(),
            (None, false) => palette.faint(),
            (Some(_), _) if mark.is_none() && field.confidence < 0.5 => palette.warn(),
            (Some(_), _) => Style::new(),
        };
        let cells = [
            sign(mark).to_owned(),
            shown(&format!(
                "{}{}",
                field.target,
                if field.required { " *" } else { "" }
            ))
            .into_owned(),
            shown(&filled_by(field)).into_owned(),
            sure(field),
        ];
        Row::new(cells.map(Cell::from)).style(style)
    });
    let widths = [
        Constraint::Length(1),
        Constraint::Fill(2),
        Constraint::Fill(3),
        Constraint::Length(5),
    ];
    let table = Table::new(rows, widths)
        .header(Row::new(["", "FIELD (* REQUIRED)", "FROM", "SURE"]).style(Modifier::BOLD))
        .row_highlight_style(Modifier::REVERSED);
    let mut state = TableState::new().with_selected(review.at);
    frame.render_stateful_widget(table, area, &mut state);
}

/// Words beside colours: a mark is a sign.
const fn sign(mark: Option<Mark>) -> &'static str {
    match mark {
        None => "?",
        Some(Mark::Accepted) => "✓",
        Some(Mark::Changed) => "~",
        Some(Mark::Dropped) => "✗",
    }
}

fn described(field: &FieldProposal, palette: Palette) -> Vec<Line<'static>> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let name = shown(&field.target.to_string()).into_owned();
    let need = if field.required {
        "required"
    } else {
        "optional"
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(name, bold),
        Span::styled(
            shown(&format!("  {}, {need}", field.kind)).into_owned(),
            palette.faint(),
        ),
    ])];
    for (number, candidate) in field.candidates.iter().enumerate() {
        let mark = if field.choice == Some(number) {
            '▶'
        } else {
            ' '
        };
        let from = told(candidate);
        let text = format!(
            "{mark} {} {from}  {}  {}",
            number + 1,
            confidence(candidate.confidence),
            reasons(candidate)
        );
        lines.push(Line::from(shown(&text).into_owned()));
    }
    if field.candidates.is_empty() {
        lines.push(Line::from("  nothing in the source looks like it"));
    }
    lines
}
