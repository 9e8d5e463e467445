//! Answers that are known: the same question is not paid for twice.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long an answer is known. Mappings are worked on for days; behind one name a vendor replaces a model within weeks.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Most answers that are known: a day's worth of work.
const ANSWERS_MAX: usize = 64;
/// Largest answer that is kept, in bytes as JSON. All together stay below DynamoDB's 400 KB an item, hashes included.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items>
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// Answers by the hash of everything that was sent: the stored state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Answers {
    by_hash: BTreeMap<String, Known>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    at: Timestamp,
    value: Value,
}

impl Answers {
    /// The answer to what hashes to `hash`, where it is known and not too old.
    pub(super) fn get(&self, hash: &str, now: Timestamp) -> Option<&Value> {
        let known = self.by_hash.get(hash).filter(|known| known.is_fresh(now));
        known.map(|known| &known.value)
    }

    /// With one answer more, the oldest making way; none where it is too large to be kept.
    pub(super) fn with(&self, hash: &str, value: &Value, now: Timestamp) -> Option<Self> {
        if value.to_string().len() > ANSWER_BYTES_MAX {
            return None;
        }
        let mut by_hash = self.by_hash.clone();
        by_hash.retain(|_, known| known.is_fresh(now));
        by_hash.insert(
            hash.to_owned(),
            Known {
                at: now,
                value: value.clone(),
            },
        );
        while by_hash.len() > ANSWERS_MAX {
            let oldest = by_hash
                .iter()
                .min_by_key(|(_, known)| known.at)
                .map(|(hash, _)| hash.clone());
            by_hash.remove(&oldest?);
        }
        Some(Self { by_hash })
    }
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.at) < KEPT
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_known_for_a_while_and_the_oldest_makes_way() {
        let mut answers = Answers::default();
        for second in 0..=ANSWERS_MAX {
            let now = Timestamp::from_millis(i64::try_from(second).expect("few") * 1000);
            answers = answers
                .with(&second.to_string(), &json!({"n": second}), now)
                .expect("a small answer");
        }
        let now = Timestamp::from_millis(100_000);
        assert_eq!(answers.by_hash.len(), ANSWERS_MAX);
        assert_eq!(answers.get("0", now), None, "the oldest");
        assert_eq!(answers.get("1", now), Some(&json!({"n": 1})));
        assert_eq!(answers.get("1", now + KEPT), None, "too old");
        let later = answers
            .with("new", &json!({}), now + KEPT)
            .expect("a small answer");
        assert_eq!(later.by_hash.len(), 1, "what is too old is dropped");
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let large = json!({"text": "x".repeat(ANSWER_BYTES_MAX)});
        assert_eq!(
            Answers::default().with("a", &large, Timestamp::from_millis(0)),
            None
        );
    }
}
