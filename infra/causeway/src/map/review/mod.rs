//! A proposal under review: what a person says of each line. Pure; `view` draws it, `run` holds the terminal.

mod run;
mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use causeway_insights::propose::{FieldProposal, Proposal};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

pub use run::run;

/// Lines that a page key moves by.
const PAGE: usize = 10;

/// What a person said of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is right as it was proposed.
    Accepted,
    /// It takes another candidate.
    Changed,
    /// Nothing fills it.
    Dropped,
}

/// How a review ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The document is to be written.
    Write,
    /// It is not.
    Quit,
}

/// A proposal, and what was said of it so far.
#[derive(Clone, Debug)]
pub struct Review {
    /// As it stands.
    pub proposal: Proposal,
    /// The line that keys speak of.
    pub at: usize,
    /// What a second press of the same key would do, and why it is asked for.
    pub asks: Option<(End, String)>,
    /// Targets of the lines, the doubtful ones first.
    lines: Vec<String>,
    marks: BTreeMap<String, Mark>,
}

impl Review {
    /// Of `proposal`. A line is a field that something may fill, or that must be filled. What must be filled and is not
    /// comes first, then what is least sure.
    #[must_use]
    pub fn new(proposal: Proposal) -> Self {
        let fields = proposal.fields.iter();
        let lines = fields.filter(|field| field.required || !field.candidates.is_empty());
        let mut lines: Vec<&FieldProposal> = lines.collect();
        let sure = |field: &FieldProposal| match field.required && field.choice.is_none() {
            true => 0.0,
            false => field.confidence,
        };
        lines.sort_by(|a, b| sure(a).total_cmp(&sure(b)));
        Self {
            lines: lines.iter().map(|field| field.target.to_string()).collect(),
            proposal,
            at: 0,
            asks: None,
            marks: BTreeMap::new(),
        }
    }

    /// The lines, each with its mark.
    pub fn lines(&self) -> impl Iterator<Item = (&FieldProposal, Option<Mark>)> {
        self.lines.iter().filter_map(|target| {
            let field = self.proposal.field(target)?;
            Some((field, self.marks.get(target).copied()))
        })
    }

    /// The line that keys speak of.
    #[must_use]
    pub fn selected(&self) -> Option<&FieldProposal> {
        self.proposal.field(self.lines.get(self.at)?)
    }

    /// Lines that nothing was said of.
    #[must_use]
    pub fn open(&self) -> usize {
        self.lines.len() - self.marks.len()
    }

    /// What a key does; how the review ends, where it ends it.
    pub fn key(&mut self, key: KeyEvent) -> Option<End> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let asked = self.asks.take().map(|(end, _)| end);
        // The terminal sends no signal while it is ours.
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(End::Quit);
        }
        let last = self.lines.len().saturating_sub(1);
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.at = last.min(self.at + 1),
            KeyCode::PageUp => self.at = self.at.saturating_sub(PAGE),
            KeyCode::PageDown => self.at = last.min(self.at + PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.at = 0,
            KeyCode::End | KeyCode::Char('G') => self.at = last,
            KeyCode::Enter | KeyCode::Char('a') => self.accept(),
            KeyCode::Char('n') => self.turn(),
            KeyCode::Char('d' | '0') => self.drop_line(),
            KeyCode::Char(digit @ '1'..='9') => self.pick(digit as usize - '1' as usize),
            KeyCode::Char('A') => self.accept_rest(),
            KeyCode::Char('w') => return self.end(End::Write, asked),
            KeyCode::Esc | KeyCode::Char('q') => return self.end(End::Quit, asked),
            _ => {}
        }
        None
    }

    /// The line is right; on to the next one that nothing was said of.
    fn accept(&mut self) {
        let Some(target) = self.lines.get(self.at).cloned() else {
            return;
        };
        self.marks.entry(target).or_insert(Mark::Accepted);
        let open = |at: &usize| !self.marks.contains_key(&self.lines[*at]);
        let after = (self.at..self.lines.len()).find(open);
        if let Some(next) = after.or_else(|| (0..self.at).find(open)) {
            self.at = next;
        }
    }

    fn accept_rest(&mut self) {
        for target in &self.lines {
            self.marks.entry(target.clone()).or_insert(Mark::Accepted);
        }
    }

    /// The next candidate; after the last one, the first again.
    fn turn(&mut self) {
        if let Some(field) = self.selected() {
            let next = field.choice.map_or(0, |choice| choice + 1);
            let next = if next < field.candidates.len() {
                next
            } else {
                0
            };
            self.pick(next);
        }
    }

    fn pick(&mut self, number: usize) {
        let Some(target) = self.lines.get(self.at).cloned() else {
            return;
        };
        let before = self.proposal.field(&target).and_then(|field| field.choice);
        // A number that no candidate has does nothing.
        if self.proposal.choose(&target, number).is_ok() {
            let is_same = before == Some(number) && !self.marks.contains_key(&target);
            let mark = if is_same {
                Mark::Accepted
            } else {
                Mark::Changed
            };
            self.marks.insert(target, mark);
        }
    }

    fn drop_line(&mut self) {
        if let Some(target) = self.lines.get(self.at).cloned()
            && self.proposal.unmap(&target).is_ok()
        {
            self.marks.insert(target, Mark::Dropped);
        }
    }

    /// Ends, at once where nothing speaks against it, else when asked for twice.
    fn end(&mut self, end: End, asked: Option<End>) -> Option<End> {
        if asked == Some(end) {
            return Some(end);
        }
        let missing = self.proposal.missing().count();
        let why = match end {
            End::Write if self.open() > 0 => format!(
                "{} of {} lines are not reviewed: w again writes them as proposed",
                self.open(),
                self.lines.len()
            ),
            End::Write if missing > 0 => {
                format!("{missing} required fields are not filled: w again writes it all the same")
            }
            End::Quit if !self.marks.is_empty() => {
                "what you said is lost: q again ends without a document".to_owned()
            }
            _ => return Some(end),
        };
        self.asks = Some((end, why));
        None
    }
}
