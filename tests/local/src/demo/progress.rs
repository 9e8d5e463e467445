//! Progress bars on a terminal, a short line now and then elsewhere.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lanes::PARTS;
use super::plan::Plan;

/// Away from a terminal one line in so long is enough, and none where nothing has changed.
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
    lines: RefCell<Lines>,
    started: Instant,
}

/// What was said last, and when in the run.
#[derive(Default)]
struct Lines {
    at: Duration,
    said: String,
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
            lines: RefCell::default(),
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
        let next = self
            .lines
            .borrow_mut()
            .next(self.started.elapsed(), view.line(self.total));
        if let Some(line) = next {
            self.line(&line);
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

impl Lines {
    /// The line, where it is time for one and it is not the last one again.
    fn next(&mut self, now: Duration, line: String) -> Option<String> {
        if now < self.at + LINE_EVERY || line == self.said {
            return None;
        }
        *self = Self {
            at: now,
            said: line.clone(),
        };
        Some(line)
    }
}

impl View {
    /// All lanes in one line that a log shows whole, and the one that has most left to do.
    fn line(&self, total: usize) -> String {
        let sum = |count: fn(&LaneView) -> usize| self.lanes.iter().map(count).sum::<usize>();
        let effects: u64 = self.lanes.iter().map(|lane| lane.effects).sum();
        let expected: u64 = self.lanes.iter().map(|lane| lane.expected).sum();
        let waiting = |lane: &&LaneView| lane.ready + lane.hidden;
        let slowest = self.lanes.iter().max_by_key(waiting);
        let slowest = slowest.filter(|lane| waiting(lane) > 0);
        let slowest = slowest.map(|lane| format!(" ({} {})", lane.provider, waiting(&lane)));
        format!(
            "sent {}/{total}, effects {effects}/{expected}, {} ready and {} under way or put off{}, {} dead letters",
            self.sent,
            sum(|lane| lane.ready),
            sum(|lane| lane.hidden),
            slowest.unwrap_or_default(),
            sum(|lane| lane.letters),
        )
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
            bar.with_style(style("{prefix:>9} {bar:32} {pos:>5}/{len:5} {msg}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty thousand messages are the most that a run takes.
    fn view() -> View {
        let lanes = PARTS.iter().map(|part| LaneView {
            provider: part.provider.to_owned(),
            effects: 2_000,
            expected: 2_500,
            ready: 2_000,
            hidden: 500,
            letters: 125,
        });
        View {
            sent: 20_000,
            lanes: lanes.collect(),
        }
    }

    /// It was a line of 900 characters.
    #[test]
    fn a_line_is_short_and_says_how_all_lanes_stand() {
        let line = view().line(20_000);
        assert!("9999 s  ".len() + line.len() <= 120, "{line}");
        assert!(
            line.starts_with("sent 20000/20000, effects 20000/25000, 20000 ready"),
            "{line}"
        );
        assert!(line.ends_with("1250 dead letters"), "{line}");

        let mut stripe_is_behind = view();
        stripe_is_behind.lanes[0].provider = "stripe".to_owned();
        stripe_is_behind.lanes[0].ready += 1;
        let line = stripe_is_behind.line(20_000);
        assert!(line.contains("(stripe 2501)"), "{line}");

        let mut over = view();
        for lane in &mut over.lanes {
            (lane.ready, lane.hidden) = (0, 0);
        }
        let line = over.line(20_000);
        assert!(
            line.contains("0 under way or put off, 1250 dead letters"),
            "{line}"
        );
    }

    #[test]
    fn a_line_is_said_every_ten_seconds_and_not_twice() {
        let mut lines = Lines::default();
        let mut say = |second, text: &str| lines.next(Duration::from_secs(second), text.to_owned());
        assert_eq!(say(9, "a"), None);
        assert_eq!(say(10, "a").as_deref(), Some("a"));
        assert_eq!(say(19, "b"), None);
        assert_eq!(say(20, "b").as_deref(), Some("b"));
        assert_eq!(say(30, "b"), None);
        assert_eq!(say(41, "b"), None);
        assert_eq!(say(42, "c").as_deref(), Some("c"));
    }
}
