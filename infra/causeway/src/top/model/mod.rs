//! What the screen is about: pure. Events come in, effects go out, and the view draws what is here.

mod keys;
mod prompt;
mod row;

use std::collections::BTreeMap;
use std::time::Duration;

use causeway::Timestamp;
use ratatui::crossterm::event::KeyEvent;

pub use prompt::{Confirm, Field, Mode, OpenForm};
pub use row::{BreakerRow, Row, Sort, ends, latest, rate, total};

use crate::metrics::LaneMetrics;

/// Pause between two looks at tables and queues. A look costs next to nothing: for 54 lanes a scan of some KB and 108
/// requests to SQS, $0.08 an hour at $0.40 a million (<https://aws.amazon.com/sqs/pricing/>).
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Pause between two looks at the dead letters of the selected lane: each look raises the letters' receive counts.
const LETTERS_EVERY: Duration = Duration::from_secs(60);
/// For how long a word about what was done stays.
const NOTICE_FOR: Duration = Duration::from_secs(15);

/// All that the screen shows.
#[derive(Clone, Debug, Default)]
pub struct App {
    /// The stack's name.
    pub stack: String,
    /// The region.
    pub region: String,
    /// The time, as of the last event.
    pub now: Timestamp,
    /// Every lane.
    pub rows: Vec<Row>,
    /// When the lanes were looked at, in full or in part.
    pub looked_at: Option<Timestamp>,
    /// What the latest look could not read.
    pub problems: Vec<String>,
    /// By provider.
    pub metrics: BTreeMap<String, LaneMetrics>,
    /// What kept the metrics from being read.
    pub metrics_problem: Option<String>,
    /// The latest letters that were seen, by provider.
    pub letters: BTreeMap<String, Letters>,
    /// The selected lane's provider: it stays selected when the order changes.
    pub selected: Option<String>,
    /// The order.
    pub sort: Sort,
    /// Only lanes with this in their name.
    pub filter: String,
    /// What the keys mean just now.
    pub mode: Mode,
    /// Whether the selected lane's details fill the window.
    pub zoomed: bool,
    /// What came of the latest order.
    pub notice: Option<Notice>,
    /// The lane that is being redriven.
    pub redriving: Option<String>,
    /// Pause between two reads of the metrics.
    pub metrics_every: Duration,
    due: Due,
}

/// Letters of one lane, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Letters {
    /// When they were looked at.
    pub at: Timestamp,
    /// The newest of those that could be seen.
    pub newest: Vec<LetterRow>,
    /// Why there are none to see.
    pub problem: Option<String>,
}

/// One dead letter, without its body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LetterRow {
    /// When it was put there.
    pub sent_at: Timestamp,
    /// Why it is there.
    pub code: String,
    /// In more words.
    pub detail: String,
    /// What was to be done.
    pub operation: String,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// In words.
    pub text: String,
    /// Whether it failed.
    pub failed: bool,
    /// When.
    pub at: Timestamp,
}

/// What is under way, and when it was begun last.
#[derive(Clone, Debug, Default)]
struct Due {
    look: Errand,
    metrics: Errand,
    letters: Errand,
    letters_of: String,
}

#[derive(Clone, Copy, Debug, Default)]
struct Errand {
    begun: Option<Timestamp>,
    is_under_way: bool,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Time went by, or the window changed its size.
    Tick,
    /// A look at the lanes ended: the lanes and what could not be read of them.
    Looked(Result<(Vec<Row>, Vec<String>), String>),
    /// A read of the metrics ended.
    Measured(Result<BTreeMap<String, LaneMetrics>, String>),
    /// A look at a lane's dead letters ended.
    Peeked {
        /// The lane.
        provider: String,
        /// The letters, newest first.
        letters: Result<Vec<LetterRow>, String>,
    },
    /// A dry run ended with these words.
    Planned {
        /// The lane.
        provider: String,
        /// What it said.
        plan: Result<String, String>,
    },
    /// An order was carried out, or not.
    Done(Result<String, String>),
    /// A redrive ended.
    Redriven(Result<String, String>),
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Look at the lanes.
    Look,
    /// Read the metrics.
    Measure,
    /// Look at a lane's dead letters.
    Peek(String),
    /// Force a breaker open; the connection is empty where it stands for the provider.
    Open {
        /// The lane.
        provider: String,
        /// Whose breaker.
        connection: String,
        /// Why.
        reason: String,
        /// For how long.
        duration: Duration,
    },
    /// Close breakers.
    Close {
        /// The lane.
        provider: String,
        /// Whose.
        connections: Vec<String>,
    },
    /// Turn on a lane's event source.
    Enable(String),
    /// Find out what a redrive would do.
    Plan(String),
    /// Redrive what can be redriven safely.
    Redrive(String),
    /// End.
    Quit,
}

impl App {
    /// A screen that knows nothing yet.
    #[must_use]
    pub fn new(stack: &str, region: &str, metrics_every: Duration) -> Self {
        Self {
            stack: stack.to_owned(),
            region: region.to_owned(),
            metrics_every,
            ..Self::default()
        }
    }

    /// Takes an event; answers what is to be done.
    pub fn update(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        let mut effects = Vec::new();
        match event {
            Event::Key(key) => effects = self.key(key),
            Event::Tick => {}
            Event::Looked(look) => self.looked(look),
            Event::Measured(read) => {
                self.due.metrics.is_under_way = false;
                match read {
                    Ok(metrics) => {
                        self.metrics = metrics;
                        self.metrics_problem = None;
                    }
                    Err(problem) => self.metrics_problem = Some(problem),
                }
            }
            Event::Peeked { provider, letters } => self.peeked(provider, letters),
            Event::Planned { provider, plan } => self.planned(&provider, plan),
            Event::Done(done) => {
                self.say(done);
                // An order shows at once.
                self.due.look.begun = None;
            }
            Event::Redriven(done) => {
                self.redriving = None;
                self.say(done);
                self.due.look.begun = None;
                self.due.letters.begun = None;
            }
        }
        if let Some(notice) = &self.notice
            && now.since(notice.at) > NOTICE_FOR
        {
            self.notice = None;
        }
        effects.extend(self.errands());
        effects
    }

    /// The lanes that the filter lets through, in order.
    #[must_use]
    pub fn visible(&self) -> Vec<&Row> {
        let wanted = self.filter.to_lowercase();
        let rows = self.rows.iter();
        let mut rows: Vec<_> = rows
            .filter(|row| row.provider.to_lowercase().contains(&wanted))
            .collect();
        rows.sort_by_cached_key(|row| {
            let key = self.sort.key(row, self.metrics.get(&row.provider));
            (key, row.provider.clone())
        });
        rows
    }

    /// The selected lane: the first one where the one that was is not to be seen.
    #[must_use]
    pub fn selected_row(&self) -> Option<&Row> {
        let visible = self.visible();
        let selected = self.selected.as_deref();
        let found = visible.iter().find(|row| Some(&*row.provider) == selected);
        found.or(visible.first()).copied()
    }

    fn looked(&mut self, look: Result<(Vec<Row>, Vec<String>), String>) {
        self.due.look.is_under_way = false;
        match look {
            Ok((rows, problems)) => {
                self.rows = rows;
                self.problems = problems;
                self.looked_at = Some(self.now);
            }
            // What was known stays on the screen, with its time.
            Err(problem) => self.problems = vec![problem],
        }
        if self.selected.is_none() {
            self.selected = self.visible().first().map(|row| row.provider.clone());
        }
    }

    fn peeked(&mut self, provider: String, letters: Result<Vec<LetterRow>, String>) {
        self.due.letters.is_under_way = false;
        let (newest, problem) = match letters {
            Ok(newest) => (newest, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        let at = self.now;
        let seen = Letters {
            at,
            newest,
            problem,
        };
        self.letters.insert(provider, seen);
    }

    fn planned(&mut self, provider: &str, plan: Result<String, String>) {
        let Mode::Redrive {
            provider: asked,
            plan: place,
        } = &mut self.mode
        else {
            return;
        };
        if asked != provider {
            return;
        }
        match plan {
            Ok(plan) => *place = Some(plan),
            Err(problem) => {
                self.mode = Mode::Browse;
                self.say(Err(problem));
            }
        }
    }

    fn say(&mut self, done: Result<String, String>) {
        let failed = done.is_err();
        let text = match done {
            Ok(text) | Err(text) => text,
        };
        self.notice = Some(Notice {
            text,
            failed,
            at: self.now,
        });
    }

    /// What is due: nothing is begun anew before it has ended.
    fn errands(&mut self) -> Vec<Effect> {
        let now = self.now;
        let mut effects = Vec::new();
        if self.due.look.start(now, LOOK_EVERY) {
            effects.push(Effect::Look);
        }
        if self.due.metrics.start(now, self.metrics_every) {
            effects.push(Effect::Measure);
        }
        let Some(row) = self.selected_row() else {
            return effects;
        };
        let (provider, dead) = (row.provider.clone(), row.dead.unwrap_or_default());
        if self.due.letters_of != provider && !self.due.letters.is_under_way {
            // Somebody who walks through the lanes does not receive every letter each time.
            let seen = self.letters.get(&provider).map(|letters| letters.at);
            self.due.letters.begun = seen;
            self.due.letters_of.clone_from(&provider);
        }
        let is_redriven = self.redriving.as_deref() == Some(&*provider);
        if dead == 0 {
            self.letters.remove(&provider);
        } else if !is_redriven && self.due.letters.start(now, LETTERS_EVERY) {
            effects.push(Effect::Peek(provider));
        }
        effects
    }
}

impl Errand {
    fn start(&mut self, now: Timestamp, every: Duration) -> bool {
        let is_due = self.begun.is_none_or(|begun| now.since(begun) >= every);
        let start = is_due && !self.is_under_way;
        if start {
            self.begun = Some(now);
            self.is_under_way = true;
        }
        start
    }
}

#[cfg(test)]
mod tests;
