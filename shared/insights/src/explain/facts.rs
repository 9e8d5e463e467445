//! What is known of a request when it is explained. A fact that is not known is left out, and so is its sentence.

use causeway::Timestamp;
use causeway::breaker::{Breaker, State};
use causeway::credentials::{Pause, Rights};
use causeway::ledger::{Record, Status};
use causeway::limiter::{Limit, LimitState};
use causeway::pack::page::{AnswerRow, Page};
use causeway::pack::{Kept, OperationLine};
use causeway::provider::Safety;

use super::codes::{Entry, entry, of_row};

/// What is known of a request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The present.
    pub now: Timestamp,
    /// The provider.
    pub provider: &'a str,
    /// The connection.
    pub connection: &'a str,
    /// The idempotency key; none where a letter's body cannot be read.
    pub key: Option<&'a str>,
    /// What the provider is to do, where that is known: a record does not keep it.
    pub operation: Option<&'a OperationLine>,
    /// What doubt about it comes to, where the operation is known.
    pub safety: Option<Safety>,
    /// When it is no longer to be carried out.
    pub deadline: Option<Timestamp>,
    /// What is written down about it; none where nothing is.
    pub seen: Option<&'a Seen<'a>>,
    /// What holds its lane up; none where nobody could look.
    pub lane: Option<&'a Lane>,
    /// About how many messages wait in the lane's queue.
    pub waiting: Option<u64>,
    /// The provider's page.
    pub page: Option<&'a Page>,
}

/// What is written down about a request, in its record or on its letter.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Where it stands.
    pub status: Status,
    /// Attempts made in this series; none where a letter does not say.
    pub attempts: Option<u32>,
    /// Which series of attempts it is in, from 1.
    pub series: u32,
    /// Whether an attempt may have taken effect.
    pub ambiguous: bool,
    /// When its lane first saw it.
    pub first_seen: Option<Timestamp>,
    /// When a call that is not proven void was first sent.
    pub first_sent_at: Option<Timestamp>,
    /// When the last attempt was made.
    pub last_attempt: Option<Timestamp>,
    /// When the next attempt, or the next question to the vendor, is due.
    pub next_attempt_at: Option<Timestamp>,
    /// When the present claim was taken.
    pub claimed_at: Option<Timestamp>,
    /// When the present claim ends by itself.
    pub lease_until: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// When a person ruled on it.
    pub resolved_at: Option<Timestamp>,
    /// Why it ended, or why the last attempt failed.
    pub code: Option<&'a str>,
    /// The code in more words.
    pub detail: Option<&'a str>,
    /// The vendor's last HTTP status.
    pub provider_status: Option<u16>,
    /// The vendor's id of what was made.
    pub object_id: Option<&'a str>,
}

/// What holds a lane, or a connection of it, up.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    /// The provider's breaker.
    pub breaker: Breaker,
    /// The connection's own breaker, where it has one.
    pub own_breaker: Option<Breaker>,
    /// Why the connection is paused.
    pub pause: Option<Pause>,
    /// Which operations are paused.
    pub rights: Rights,
    /// The limit that waiting requests wait for.
    pub limit: Option<Full>,
}

/// A limit that lets nothing through for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// Its name.
    pub name: String,
    /// What stands in the way.
    pub by: Stop,
    /// Until when.
    pub until: Timestamp,
}

/// What a full limit goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The vendor wants no call before.
    Asked,
    /// The vendor says that nothing is left of its allowance.
    Spent,
    /// All of it is used: some of that is free again then.
    Line,
}

impl Full {
    /// What of `state`, the item of `limits`, lets nothing through at `now`; the longest stop counts.
    #[must_use]
    pub fn of(state: &LimitState, limits: &[&Limit], now: Timestamp) -> Option<Self> {
        let of_limit = |limit: &&Limit| {
            let cell = state.cells.get(limit.name())?;
            let spent = cell
                .quota
                .filter(|quota| quota.left == 0 && quota.until > now);
            let stop = match spent {
                Some(quota) => (Stop::Spent, quota.until),
                None => (Stop::Line, state.free_at(limit, now)),
            };
            (stop.1 > now).then(|| Self {
                name: limit.name().to_owned(),
                by: stop.0,
                until: stop.1,
            })
        };
        let asked = state.blocked_until.filter(|until| *until > now);
        let asked = asked.map(|until| Self {
            name: limits
                .first()
                .map_or("account", |limit| limit.name())
                .to_owned(),
            by: Stop::Asked,
            until,
        });
        let all = limits.iter().filter_map(of_limit).chain(asked);
        all.max_by_key(|full| full.until)
    }
}

impl<'a> Seen<'a> {
    /// What `record` says.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        let response = record.response.as_ref();
        Self {
            status: record.status,
            attempts: Some(record.attempts),
            series: record.series,
            ambiguous: record.ambiguous,
            first_seen: Some(record.first_seen),
            first_sent_at: record.first_sent_at,
            last_attempt: record.last_attempt,
            next_attempt_at: record
                .next_attempt_at
                .filter(|_| record.status == Status::Retrying),
            claimed_at: record
                .claimed_at
                .filter(|_| record.status == Status::InProgress),
            lease_until: record
                .lease_until
                .filter(|_| record.status == Status::InProgress),
            closed_at: record.closed_at,
            resolved_at: record.resolved_at,
            code: record.code.as_ref().map(causeway::outcome::Code::as_str),
            detail: record.detail.as_deref(),
            provider_status: response.map(|response| response.status),
            object_id: response.and_then(|response| response.object_id.as_deref()),
        }
    }

    /// The code that stands within the detail: what the last attempt failed with, or what the request waited for, where it
    /// ended for having done so too long; and, of an unknown end, what would have ended it.
    #[must_use]
    pub fn inner(&self) -> Option<(&'a str, Option<&'a str>)> {
        let detail = self.detail?;
        for before in ["last failure: ", "last deferral: "] {
            if let Some((_, word)) = detail.split_once(before) {
                return Some((word, None));
            }
        }
        let (word, rest) = detail.split_once(": ")?;
        let is_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_word =
            self.status == Status::Unknown && !word.is_empty() && word.chars().all(is_code);
        is_word.then_some((word, Some(rest)))
    }
}

impl<'a> Facts<'a> {
    /// The provider's name for people.
    #[must_use]
    pub fn title(&self) -> &'a str {
        self.page.map_or(self.provider, |page| &page.title)
    }

    /// The row that the vendor's last answer fell under, where what is written down tells it.
    #[must_use]
    pub fn row(&self, code: &str, detail: Option<&str>) -> Option<&'a AnswerRow> {
        let seen = self.seen?;
        self.page?.row_told(&Kept {
            code,
            status: seen.provider_status,
            detail,
            line: self.operation,
        })
    }

    /// What `code` means here: the vendor's row first, then our own words.
    #[must_use]
    pub fn entry(&self, code: &str, detail: Option<&str>) -> Option<Entry<'a>> {
        let of_row = self.row(code, detail).and_then(of_row);
        of_row.or_else(|| entry(self.page, code))
    }

    /// Why it ended, or why the last attempt failed.
    #[must_use]
    pub fn cause(&self) -> Option<Entry<'a>> {
        let seen = self.seen?;
        self.entry(seen.code?, seen.detail)
    }

    /// What stands behind the cause.
    #[must_use]
    pub fn inner_cause(&self) -> Option<Entry<'a>> {
        let (word, detail) = self.seen?.inner()?;
        self.entry(word, detail)
    }
}

impl Lane {
    /// Whether nothing that was looked at holds the connection's requests up.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let closed = |breaker: &Breaker| breaker.state == State::Closed;
        closed(&self.breaker)
            && self.own_breaker.as_ref().is_none_or(closed)
            && self.pause.is_none()
            && self.rights.paused().next().is_none()
            && self.limit.is_none()
    }
}
