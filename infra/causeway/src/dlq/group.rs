//! Letters by cause.

use std::collections::BTreeMap;

use causeway::Timestamp;
use serde::Serialize;

use super::fingerprint;
use super::letter::Letter;

/// Letters of one code and fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Whose lane.
    pub provider: String,
    /// Why they are here.
    pub code: String,
    /// Short name of the cause, for `--fingerprint`.
    pub fingerprint: String,
    /// The operation.
    pub operation: Option<String>,
    /// The vendor's HTTP status.
    pub provider_status: Option<u16>,
    /// The detail's pattern.
    pub detail: String,
    /// How many.
    pub count: usize,
    /// When the oldest one came into the dead-letter queue.
    #[serde(serialize_with = "as_text")]
    pub oldest: Timestamp,
    /// When the newest one did.
    #[serde(serialize_with = "as_text")]
    pub newest: Timestamp,
    /// Message id of the newest one.
    pub example: String,
}

fn as_text<S: serde::Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

/// The groups of `letters`, the largest first.
pub fn groups<'a>(provider: &str, letters: impl IntoIterator<Item = &'a Letter>) -> Vec<Group> {
    let mut groups = BTreeMap::<String, Group>::new();
    for letter in letters {
        let fingerprint = fingerprint::of(letter);
        let group = groups
            .entry(fingerprint)
            .or_insert_with_key(|fingerprint| Group {
                provider: provider.to_owned(),
                code: letter.said.code.clone(),
                fingerprint: fingerprint.clone(),
                operation: letter.operation().map(str::to_owned),
                provider_status: letter.said.provider_status,
                detail: fingerprint::pattern(letter.said.detail.as_deref().unwrap_or_default()),
                count: 0,
                oldest: letter.sent_at,
                newest: letter.sent_at,
                example: letter.message_id.clone(),
            });
        group.count += 1;
        group.oldest = group.oldest.min(letter.sent_at);
        if letter.sent_at > group.newest {
            group.newest = letter.sent_at;
            group.example.clone_from(&letter.message_id);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        let by_size = b.count.cmp(&a.count);
        by_size.then_with(|| (&a.code, &a.fingerprint).cmp(&(&b.code, &b.fingerprint)))
    });
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlq::letter::tests::letter;

    fn at(seconds: i64, id: &str, detail: &str) -> Letter {
        Letter {
            message_id: id.to_owned(),
            sent_at: Timestamp::from_millis(seconds * 1000),
            ..letter("{}", &[("code", "provider_rejected"), ("detail", detail)])
        }
    }

    #[test]
    fn letters_are_counted_by_cause_with_oldest_newest_and_an_example() {
        let letters = [
            at(5, "b", "no such customer: cus_2"),
            at(9, "c", "card declined"),
            at(7, "d", "no such customer: cus_3"),
            at(2, "a", "no such customer: cus_1"),
        ];
        let groups = groups("stripe", &letters);
        assert_eq!(
            groups.iter().map(|group| group.count).collect::<Vec<_>>(),
            [3, 1]
        );
        let first = &groups[0];
        assert_eq!(first.detail, "no such customer: #");
        assert_eq!(first.oldest, Timestamp::from_millis(2000));
        assert_eq!(
            (first.newest, &*first.example),
            (Timestamp::from_millis(7000), "d")
        );
    }
}
