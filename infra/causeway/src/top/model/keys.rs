//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::prompt::{Confirm, Mode, OpenForm, Typed, edit};
use super::{App, Effect};

/// Lanes that a page key moves by.
const PAGE: usize = 10;

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        // The terminal sends no signal while it is ours.
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => vec![Effect::Quit],
                _ => Vec::new(),
            };
        }
        match std::mem::take(&mut self.mode) {
            Mode::Browse => self.browse(key.code),
            Mode::Filter => self.filter(key.code),
            // Any key.
            Mode::Help => Vec::new(),
            Mode::Open(form) => self.open(form, key.code),
            Mode::Confirm(what) => self.confirm(what, key.code),
            Mode::Redrive { provider, plan } => self.redrive(provider, plan, key.code),
        }
    }

    fn browse(&mut self, key: KeyCode) -> Vec<Effect> {
        match key {
            KeyCode::Up | KeyCode::Char('k') => self.step(|at, _| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.step(|at, last| last.min(at + 1)),
            KeyCode::PageUp => self.step(|at, _| at.saturating_sub(PAGE)),
            KeyCode::PageDown => self.step(|at, last| last.min(at + PAGE)),
            KeyCode::Home | KeyCode::Char('g') => self.step(|_, _| 0),
            KeyCode::End | KeyCode::Char('G') => self.step(|_, last| last),
            KeyCode::Enter => self.zoomed = !self.zoomed,
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('/') => self.mode = Mode::Filter,
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Esc => {
                if self.zoomed {
                    self.zoomed = false;
                } else {
                    self.filter.clear();
                }
            }
            KeyCode::Char('q') if self.redriving.is_some() => {
                self.mode = Mode::Confirm(Confirm::Quit);
            }
            KeyCode::Char('q') => return vec![Effect::Quit],
            other => return self.order(other),
        }
        Vec::new()
    }

    /// Keys that want something done to the selected lane.
    fn order(&mut self, key: KeyCode) -> Vec<Effect> {
        let Some(row) = self.selected_row() else {
            return Vec::new();
        };
        let provider = row.provider.clone();
        match key {
            KeyCode::Char('o') => {
                self.mode = Mode::Open(OpenForm::of(&provider, row.by_connection))
            }
            KeyCode::Char('c') => {
                let connections = row.open_connections();
                if connections.is_empty() {
                    self.say(Err(format!("{provider}: the breaker is closed already")));
                } else {
                    self.mode = Mode::Confirm(Confirm::Close {
                        provider,
                        connections,
                    });
                }
            }
            KeyCode::Char('e') => self.mode = Mode::Confirm(Confirm::Enable { provider }),
            KeyCode::Char('r') if self.redriving.is_some() => {
                self.say(Err("one redrive at a time: wait for its end".to_owned()));
            }
            KeyCode::Char('r') if row.dead == Some(0) => {
                self.say(Err(format!("{provider}: no dead letters")));
            }
            KeyCode::Char('r') => {
                self.mode = Mode::Redrive {
                    provider: provider.clone(),
                    plan: None,
                };
                return vec![Effect::Plan(provider)];
            }
            _ => {}
        }
        Vec::new()
    }

    fn step(&mut self, to: impl FnOnce(usize, usize) -> usize) {
        let visible = self.visible();
        let Some(last) = visible.len().checked_sub(1) else {
            return;
        };
        let selected = self.selected.as_deref();
        let found = visible
            .iter()
            .position(|row| Some(&*row.provider) == selected);
        let next = visible[to(found.unwrap_or(0), last)].provider.clone();
        self.selected = Some(next);
    }

    fn filter(&mut self, key: KeyCode) -> Vec<Effect> {
        match key {
            KeyCode::Enter => return Vec::new(),
            KeyCode::Esc => {
                self.filter.clear();
                return Vec::new();
            }
            other => edit(&mut self.filter, other),
        }
        self.mode = Mode::Filter;
        Vec::new()
    }

    fn open(&mut self, mut form: OpenForm, key: KeyCode) -> Vec<Effect> {
        match form.key(key) {
            Typed::Cancelled => Vec::new(),
            Typed::More => {
                self.mode = Mode::Open(form);
                Vec::new()
            }
            Typed::Open {
                connection,
                reason,
                duration,
            } => vec![Effect::Open {
                provider: form.provider,
                connection,
                reason,
                duration,
            }],
        }
    }

    fn confirm(&mut self, what: Confirm, key: KeyCode) -> Vec<Effect> {
        match key {
            KeyCode::Char('y') => vec![match what {
                Confirm::Close {
                    provider,
                    connections,
                } => Effect::Close {
                    provider,
                    connections,
                },
                Confirm::Enable { provider } => Effect::Enable(provider),
                Confirm::Quit => Effect::Quit,
            }],
            KeyCode::Char('n') | KeyCode::Esc => Vec::new(),
            _ => {
                self.mode = Mode::Confirm(what);
                Vec::new()
            }
        }
    }

    fn redrive(&mut self, provider: String, plan: Option<String>, key: KeyCode) -> Vec<Effect> {
        match (key, &plan) {
            (KeyCode::Char('y'), Some(_)) => {
                self.redriving = Some(provider.clone());
                vec![Effect::Redrive(provider)]
            }
            (KeyCode::Char('n') | KeyCode::Esc, _) => Vec::new(),
            _ => {
                self.mode = Mode::Redrive { provider, plan };
                Vec::new()
            }
        }
    }
}
