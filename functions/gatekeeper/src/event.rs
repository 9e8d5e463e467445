//! What the gatekeeper is invoked with: records of the `Lanes` table's stream, or the schedule.

use causeway::gatekeeper::Cause;
use serde::Deserialize;

/// Either event. Of a record only the key is read: images never travel (the stream is `KEYS_ONLY`), since items with
/// tokens stand in the same table.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Event {
    /// The stream's records; none in a schedule's event.
    #[serde(rename = "Records", default)]
    records: Option<Vec<Record>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Record {
    dynamodb: Option<Change>,
}

#[derive(Clone, Debug, Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: Option<Keys>,
}

#[derive(Clone, Debug, Deserialize)]
struct Keys {
    pk: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: Option<String>,
}

/// Why the gatekeeper is invoked. An event without records, and one with a record whose key cannot be read, are
/// reasons to look at all lanes.
#[must_use]
pub fn cause(event: &Event) -> Cause {
    let key = |record: &Record| record.dynamodb.clone()?.keys?.pk?.text;
    let Some(records) = &event.records else {
        return Cause::Schedule;
    };
    match records.iter().map(key).collect() {
        Some(keys) => Cause::Changed(keys),
        None => Cause::Schedule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Cause {
        cause(&serde_json::from_str(text).expect("an event"))
    }

    #[test]
    fn a_streams_records_are_told_by_their_keys() {
        let event = r#"{"Records": [
            {"eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb",
             "dynamodb": {"Keys": {"pk": {"S": "stripe#*#breaker"}}, "StreamViewType": "KEYS_ONLY"}},
            {"eventID": "2", "eventName": "REMOVE", "eventSource": "aws:dynamodb",
             "dynamodb": {"Keys": {"pk": {"S": "slack#*#breaker"}}}}]}"#;
        let keys = ["stripe#*#breaker", "slack#*#breaker"].map(str::to_owned);
        assert_eq!(of(event), Cause::Changed(keys.to_vec()));
    }

    #[test]
    fn everything_else_is_a_reason_to_look_at_all_lanes() {
        let schedule =
            r#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;
        assert_eq!(of(schedule), Cause::Schedule);
        assert_eq!(of("{}"), Cause::Schedule);
        assert_eq!(of(r#"{"Records": [{"eventID": "1"}]}"#), Cause::Schedule);
        assert_eq!(
            of(r#"{"Records": [{"dynamodb": {"Keys": {}}}]}"#),
            Cause::Schedule
        );
    }
}
