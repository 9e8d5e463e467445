//! How AWS counts what it bills: items, calls, log lines.

use serde::Serialize;
use serde_json::Value;

/// Bytes of one write unit.
const WRITE_UNIT: usize = 1024;

/// Bytes of one read unit.
const READ_UNIT: usize = 4096;

/// Bytes of one SQS request.
/// <https://cloudburn.io/blog/amazon-sqs-pricing>
const SQS_CHUNK: usize = 64 * 1024;

/// What an item takes in a table beside itself, unless an AWS page says otherwise.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub const ITEM_OVERHEAD: usize = 100;

/// What a log line counts for beside itself in CloudWatch's limit of a batch. Whether ingestion is billed with it is
/// unverified; it is taken so.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>
pub const LINE_OVERHEAD: usize = 26;

/// What Lambda writes itself around an invocation that is traced, in its text format.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html>
pub const PLATFORM_LINES: [&str; 4] = [
    "START RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Version: $LATEST\n",
    "END RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95\n",
    "REPORT RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95\tDuration: 236.77 ms\tBilled Duration: 237 ms\tMemory Size: 256 MB\tMax Memory Used: 24 MB\t\n",
    "XRAY TraceId: 1-5e34a614-10bd0000f1fb44f07bc535a1\tSegmentId: 07f500002d1f6f85\tSampled: true\t\n",
];

/// Bytes of an item, as DynamoDB counts them: names and values; a number takes half a byte a digit and one more, a list
/// or map three bytes and one for each entry.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub fn item_bytes(item: &impl Serialize) -> usize {
    match serde_json::to_value(item) {
        Ok(Value::Object(fields)) => fields
            .iter()
            .map(|(name, value)| name.len() + value_bytes(value))
            .sum(),
        Ok(other) => value_bytes(&other),
        Err(_) => 0,
    }
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => number.to_string().len().div_ceil(2) + 1,
        Value::String(text) => text.len(),
        Value::Array(items) => {
            3 + items
                .iter()
                .map(|item| 1 + value_bytes(item))
                .sum::<usize>()
        }
        Value::Object(fields) => {
            let entries = fields
                .iter()
                .map(|(name, value)| 1 + name.len() + value_bytes(value));
            3 + entries.sum::<usize>()
        }
    }
}

/// Write units of an item of `bytes`: one at least.
#[must_use]
pub fn write_units(bytes: usize) -> u64 {
    bytes.div_ceil(WRITE_UNIT).max(1) as u64
}

/// Units of a consistent read of `bytes`: one at least, also where there is nothing.
#[must_use]
pub fn read_units(bytes: usize) -> u64 {
    bytes.div_ceil(READ_UNIT).max(1) as u64
}

/// What one call of SQS counts for that carries `bytes`.
#[must_use]
pub fn sqs_calls(bytes: usize) -> u64 {
    bytes.div_ceil(SQS_CHUNK).max(1) as u64
}

/// What the platform's own lines of one invocation add to the log: lines and bytes.
#[must_use]
pub fn platform_lines() -> (u64, u64) {
    let bytes: usize = PLATFORM_LINES.iter().map(|line| line.len()).sum();
    (PLATFORM_LINES.len() as u64, bytes as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_counts_its_names_and_its_values() {
        let item = json!({"pk": "abcd", "n": 12_345, "on": true, "l": ["x", 1]});
        // 2+4, 1+(3+1), 2+1, 1+(3 + 1+1 + 1+2)
        assert_eq!(item_bytes(&item), 6 + 5 + 3 + 9);
    }

    #[test]
    fn units_are_begun_ones() {
        assert_eq!([0, 1, 1024, 1025].map(write_units), [1, 1, 1, 2]);
        assert_eq!([0, 4096, 4097].map(read_units), [1, 1, 2]);
        assert_eq!([0, 65_536, 65_537].map(sqs_calls), [1, 1, 2]);
    }
}
