//! A lane's item, `<provider>#*#warning`: what is kept of it, what is said of it, and who was told.
//!
//! A warning is told at the beginning of its episode, at least once: the item says first that somebody is about to tell
//! (until when), then that it was told. Whoever dies between leaves a term that ends, and the next look tells again,
//! under the same id. Two that look at once write one item, and the second one finds the first one's term.

use std::time::Duration;

use causeway::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Finding, Forecasts, LaneWatch, Minute, Signal, text};

/// For how long nobody else tells of a warning that somebody is about to tell of: publishing takes seconds.
pub const TELL_AGAIN: Duration = Duration::from_secs(90);

/// For how long the gatekeeper heeds an ask to lower a lane. Each look during an episode renews it; when looks stop, the
/// lane is at its full concurrency again soon.
pub const ASK_LASTS: Duration = Duration::from_secs(5 * 60);

/// What is said of a lane longer ago is not shown any more, in minutes: whoever says it has stopped looking.
const STALE: u32 = 15;

/// The key of a lane's item.
#[must_use]
pub fn key(provider: &str) -> String {
    causeway::gatekeeper::ask_key(provider)
}

/// The item. [`Default`] is what a missing one means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// What is kept of the lane.
    pub watch: LaneWatch,
    /// The warning that is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// Who was told of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    telling: Option<Telling>,
    /// Until when the gatekeeper is asked to keep the lane low ([`causeway::gatekeeper::Ask`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_until: Option<Timestamp>,
}

/// A warning that is on, for tables and screens. Instants are minutes since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When it began.
    pub since: u32,
    /// When it was looked at last.
    pub seen: u32,
    /// Who speaks.
    pub signals: Vec<Signal>,
    /// What comes when.
    #[serde(flatten)]
    pub forecasts: Forecasts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Telling {
    /// Of the episode that began in this minute.
    since: u32,
    /// It was told.
    told: bool,
    /// Until when somebody is about to tell.
    until: Timestamp,
}

/// What is to be told, now and by whoever wrote it into the item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The same however often it is told: provider and first minute.
    pub id: String,
    /// One line.
    pub subject: String,
    /// The warning.
    pub message: String,
    since: u32,
}

impl Record {
    /// Looks at the lane's `minutes`, of which there are none after `to`: the item as it then stands, what spoke, and what
    /// must be told once the item is written.
    #[must_use]
    pub fn look(
        &self,
        provider: &str,
        minutes: &[Minute],
        to: u32,
        lowers: bool,
        now: Timestamp,
    ) -> (Self, Vec<Finding>, Option<Alert>) {
        let mut next = self.clone();
        let mut found = Vec::new();
        for minute in minutes {
            found.extend(next.watch.observe(minute));
        }
        next.watch.pass(to);
        next.said = next.watch.episode().map(|episode| Said {
            since: episode.since,
            seen: to,
            signals: episode.signals.clone(),
            forecasts: next.watch.forecasts(),
        });
        let is_on = next.said.is_some();
        next.lower_until = (lowers && is_on).then(|| now + ASK_LASTS);
        let alert = next.tell(provider, lowers, now);
        (next, found, alert)
    }

    fn tell(&mut self, provider: &str, lowers: bool, now: Timestamp) -> Option<Alert> {
        let since = self.said.as_ref()?.since;
        let known = self.telling.filter(|telling| telling.since == since);
        if known.is_some_and(|telling| telling.told || now < telling.until) {
            return None;
        }
        self.telling = Some(Telling {
            since,
            told: false,
            until: now + TELL_AGAIN,
        });
        Some(Alert {
            id: format!("{provider}/{since}"),
            subject: text::subject(provider, &self.watch),
            message: text::message(provider, &self.watch, lowers),
            since,
        })
    }

    /// The item once `alert` was told; none where it is about another episode by now.
    #[must_use]
    pub fn told(&self, alert: &Alert) -> Option<Self> {
        let telling = self
            .telling
            .filter(|telling| telling.since == alert.since)?;
        let telling = Some(Telling {
            told: true,
            ..telling
        });
        (!self.telling?.told).then(|| Self {
            telling,
            ..self.clone()
        })
    }
}

impl Said {
    /// What stands in a table at minute `now`: such as `failures rising, breaker opens in ~12 min`. None where nobody has
    /// looked for a while.
    #[must_use]
    pub fn cell(&self, now: u32) -> Option<String> {
        (now.saturating_sub(self.seen) <= STALE)
            .then(|| text::short(&self.signals, &self.forecasts, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u32 = 29_922_480;

    fn at(minute: u32) -> Timestamp {
        Timestamp::from_millis(i64::from(minute) * 60_000)
    }

    fn failing(at: u32) -> Minute {
        Minute {
            at,
            calls: 20,
            failures: 15,
            ..Minute::default()
        }
    }

    /// A lane whose calls have failed for some minutes until `to`, by a single look.
    fn ill(to: u32) -> (Record, Option<Alert>) {
        let minutes: Vec<Minute> = (to - 9..=to).map(failing).collect();
        let (record, found, alert) =
            Record::default().look("stripe", &minutes, to, true, at(to + 2));
        assert_eq!(found.iter().filter(|one| one.begins).count(), 1);
        (record, alert)
    }

    #[test]
    fn a_warning_is_told_once_and_stays_in_the_item_while_it_is_on() {
        let (record, alert) = ill(NOON);
        let alert = alert.expect("it begins");
        let record = record.told(&alert).expect("the same episode");
        assert_eq!(record.told(&alert), None);
        for later in 1..10 {
            let to = NOON + later;
            let (next, _, again) = record.look("stripe", &[failing(to)], to, true, at(to + 2));
            assert_eq!(again, None);
            let cell = next.said.expect("it is on").cell(to).expect("it is fresh");
            assert!(cell.starts_with("failures rising"), "{cell}");
        }
        let (over, _, _) = record.look("stripe", &[], NOON + 60, true, at(NOON + 62));
        assert_eq!((over.said, over.lower_until), (None, None));
    }

    #[test]
    fn who_dies_while_telling_is_followed_by_another_with_the_same_id() {
        let (record, alert) = ill(NOON);
        let alert = alert.expect("it begins");
        let (_, _, meanwhile) = record.look("stripe", &[], NOON + 1, true, at(NOON + 3));
        assert_eq!(meanwhile, None, "somebody is about to tell");
        let (_, _, again) = record.look("stripe", &[], NOON + 2, true, at(NOON + 4));
        let again = again.expect("nobody told");
        assert_eq!(again.id, alert.id);
    }

    #[test]
    fn the_gatekeeper_is_asked_only_where_that_is_wanted_and_for_a_while() {
        let (record, _) = ill(NOON);
        assert_eq!(record.lower_until, Some(at(NOON + 2) + ASK_LASTS));
        let (unasked, _, _) = record.look("stripe", &[], NOON + 1, false, at(NOON + 3));
        assert_eq!(unasked.lower_until, None);
    }

    #[test]
    fn an_item_is_read_as_it_was_written_and_stays_small() {
        let (record, _) = ill(NOON);
        let text = serde_json::to_string(&record).expect("JSON");
        assert!(text.len() < 1400, "{} bytes", text.len());
        let read: Record = serde_json::from_str(&text).expect("what was written");
        assert_eq!((read.said, read.telling), (record.said, record.telling));
    }

    #[test]
    fn what_nobody_has_looked_at_for_long_is_not_shown() {
        let said = Said {
            seen: NOON,
            signals: vec![Signal::Latency],
            ..Said::default()
        };
        assert_eq!(said.cell(NOON + 15).as_deref(), Some("latency rising"));
        assert_eq!(said.cell(NOON + 16), None);
    }
}
