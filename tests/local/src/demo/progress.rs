//! Progress bars on a terminal, a line now and then elsewhere.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lanes::PARTS;
use super::plan::Plan;

/// Away from a terminal one line in so long is enough.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What there is to show.
pub(super) struct View {
    pub(super) sent: usize,
    pub(super) lanes: Vec<LaneView>,
}

/// One lane.
pub(super) struct LaneView {
    pub(super) provider: String,
    /// Effects at the vendor.
    pub(super) effects: u64,
    /// Effects that there should be in the end, about.
    pub(super) expected: u64,
    /// Messages that wait to be received.
    pub(super) ready: usize,
    /// Messages under way or put off.
    pub(super) hidden: usize,
    /// Letters in the dead-letter queue.
    pub(super) letters: usize,
}

/// Bars or lines.
pub(crate) struct Progress {
    bars: Option<Bars>,
    total: usize,
    last_line: RefCell<Instant>,
    started: Instant,
}

struct Bars {
    all: MultiProgress,
    sent: ProgressBar,
    lanes: Vec<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(plan: &Plan) -> Self {
        let bars = io::stderr().is_terminal().then(|| Bars::new(plan));
        Self {
            bars,
            total: plan.sent(),
            last_line: RefCell::new(Instant::now()),
            started: Instant::now(),
        }
    }

    /// Shows where the run stands.
    pub(super) fn show(&self, view: &View) {
        if let Some(bars) = &self.bars {
            bars.sent.set_position(view.sent as u64);
            for (bar, lane) in bars.lanes.iter().zip(&view.lanes) {
                bar.set_position(lane.effects);
                bar.set_message(lane.words());
            }
            return;
        }
        let mut last = self.last_line.borrow_mut();
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let lanes = view.lanes.iter().map(|lane| {
                format!(
                    "{} {}/{} effects, {}",
                    lane.provider,
                    lane.effects,
                    lane.expected,
                    lane.words()
                )
            });
            let lanes: Vec<String> = lanes.collect();
            self.line(&format!(
                "sent {}/{}; {}",
                view.sent,
                self.total,
                lanes.join("; ")
            ));
        }
    }

    /// Says something that happened.
    pub(crate) fn say(&self, what: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars
                    .all
                    .println(format!("{:>4} s  {what}", self.started.elapsed().as_secs()));
            }
            None => self.line(what),
        }
    }

    /// Leaves the last state standing.
    pub(crate) fn finish(&self) {
        if let Some(bars) = &self.bars {
            for bar in bars.lanes.iter().chain([&bars.sent]) {
                bar.abandon();
            }
        }
    }

    fn line(&self, what: &str) {
        // A closed pipe must not stop a run.
        let _ = writeln!(
            io::stderr(),
            "{:>4} s  {what}",
            self.started.elapsed().as_secs()
        );
    }
}

impl LaneView {
    fn words(&self) -> String {
        format!(
            "{} ready, {} under way or put off, {} dead letters",
            self.ready, self.hidden, self.letters
        )
    }
}

impl Bars {
    fn new(plan: &Plan) -> Self {
        let style = |template: &str| {
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸ ")
        };
        let all = MultiProgress::new();
        let bar = |name: &'static str, total: u64| {
            let bar = all.add(ProgressBar::new(total).with_prefix(name));
            bar.with_style(style("{prefix:>8} {bar:32} {pos:>5}/{len:5} {msg}"))
        };
        let sent = bar("sent", plan.sent() as u64);
        // In the order of the field's lanes.
        let lanes = PARTS
            .iter()
            .map(|part| bar(part.provider, plan.deliverable(part.provider) as u64));
        Self {
            lanes: lanes.collect(),
            sent,
            all,
        }
    }
}
