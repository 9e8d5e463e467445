//! The canary: a few letters go ahead, and the rest only when these came through.

use causeway::ledger::{Record, Status};

/// How many letters of a cause go ahead of the others, one step after the other.
pub const STEPS: [usize; 2] = [1, 4];

/// How a letter that went ahead is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has not ended yet.
    Waiting(Option<String>),
    /// It took effect.
    Delivered,
    /// It ended as it did before, or worse: code and status.
    Failed(String),
}

/// How a letter is doing whose record was `before` when it was sent, and is `now`.
///
/// Every claim changes owner and generation: a record that shows what it showed before tells of
/// its past.
pub fn fate(before: Option<&Record>, now: Option<&Record>) -> Fate {
    let Some(now) = now else {
        return Fate::Waiting(None);
    };
    let marks = |record: &Record| (record.generation, record.owner.clone(), record.status);
    if before.map(marks).as_ref() == Some(&marks(now)) {
        return Fate::Waiting(None);
    }
    let code = now.code.as_ref().map(ToString::to_string);
    match now.status {
        Status::Completed => Fate::Delivered,
        Status::Rejected | Status::Unknown => {
            let code = code.unwrap_or_else(|| "no code".to_owned());
            Fate::Failed(format!("{:?}: {code}", now.status))
        }
        Status::InProgress | Status::Retrying => Fate::Waiting(code),
    }
}

#[cfg(test)]
mod tests {
    use causeway::Timestamp;
    use causeway::outcome::code;

    use super::*;

    fn record(status: Status, generation: u64) -> Record {
        let at = Timestamp::from_millis(0);
        Record {
            pk: "acme#default#1".to_owned(),
            format_version: 1,
            status,
            payload_hash: "h".to_owned(),
            wire_hash: None,
            owner: format!("owner-{generation}"),
            generation,
            series: 1,
            lease_until: None,
            claimed_at: None,
            attempts: 1,
            series_since: at,
            next_attempt_at: None,
            first_seen: at,
            first_sent_at: None,
            last_attempt: None,
            ambiguous: false,
            alone: false,
            crashes: 0,
            message_id: "m".to_owned(),
            response: None,
            code: Some(code::PROVIDER_REJECTED),
            detail: None,
            closing: 0,
            closed_at: None,
            resolved_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn only_what_happened_since_counts() {
        use Status::{Completed, InProgress, Rejected, Retrying, Unknown};
        let before = record(Rejected, 3);
        for (now, expected) in [
            (record(Rejected, 3), Fate::Waiting(None)),
            (
                record(InProgress, 4),
                Fate::Waiting(Some("provider_rejected".to_owned())),
            ),
            (
                record(Retrying, 4),
                Fate::Waiting(Some("provider_rejected".to_owned())),
            ),
            (record(Completed, 4), Fate::Delivered),
            (
                record(Rejected, 4),
                Fate::Failed("Rejected: provider_rejected".to_owned()),
            ),
            (
                record(Unknown, 4),
                Fate::Failed("Unknown: provider_rejected".to_owned()),
            ),
        ] {
            assert_eq!(
                fate(Some(&before), Some(&now)),
                expected,
                "{:?}",
                now.status
            );
        }
        assert_eq!(fate(None, None), Fate::Waiting(None));
        assert_eq!(fate(Some(&before), None), Fate::Waiting(None));
        assert_eq!(fate(None, Some(&record(Completed, 1))), Fate::Delivered);
    }
}
