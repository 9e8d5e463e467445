//! DynamoDB as far as the contenders use it: items in memory, conditions that hold or do not, write units counted.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::expression::{self, Item, Names};

/// A write is charged by this much of the item.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>
const WRITE_UNIT_BYTES: usize = 1024;

/// Tables by name, items by key.
#[derive(Debug, Default)]
pub struct Tables {
    tables: HashMap<String, HashMap<String, Item>>,
    /// What was written and read since the last [`take`](Self::take).
    counts: Counts,
}

/// What the calls of a while came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that write, refused ones too: they are charged like the others.
    pub writes: u64,
    /// Write units.
    pub write_units: u64,
    /// Writes whose condition did not hold.
    pub refused: u64,
    /// Calls that read.
    pub reads: u64,
}

/// An error as DynamoDB answers it: its type, and the item where the condition failed and it was asked for.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    /// The last part of `__type`.
    pub kind: &'static str,
    /// For people.
    pub message: String,
    /// What stands there.
    pub item: Option<Item>,
}

impl Refusal {
    fn validation(message: impl Into<String>) -> Self {
        Self {
            kind: "ValidationException",
            message: message.into(),
            item: None,
        }
    }
}

impl Tables {
    /// The counts since the last time.
    pub fn take(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Carries out a call.
    ///
    /// # Errors
    /// As DynamoDB would refuse it; an operation or expression that is not understood here is a `ValidationException`.
    pub fn call(&mut self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => self.write(operation, input),
            "GetItem" => {
                self.counts.reads += 1;
                let key = key(&input["Key"])?;
                let item = self.table(&input["TableName"])?.get(&key).cloned();
                Ok(item.map_or_else(|| json!({}), |item| json!({"Item": item})))
            }
            "BatchGetItem" => self.batch_get(input),
            other => Err(Refusal::validation(format!("{other} is not understood"))),
        }
    }

    fn table(&mut self, name: &Value) -> Result<&mut HashMap<String, Item>, Refusal> {
        let name = name
            .as_str()
            .ok_or_else(|| Refusal::validation("no table"))?;
        Ok(self.tables.entry(name.to_owned()).or_default())
    }

    fn write(&mut self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        let names = Names {
            names: &input["ExpressionAttributeNames"],
            values: &input["ExpressionAttributeValues"],
        };
        let put = input["Item"].as_object();
        let key = match put {
            Some(item) => key_of_item(item)?,
            None => key(&input["Key"])?,
        };
        let table = self.table(&input["TableName"])?;
        let before = table.get(&key);
        if let Some(condition) = input["ConditionExpression"].as_str() {
            let holds = expression::holds(condition, before, names);
            if !holds.map_err(Refusal::validation)? {
                let asks = input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD";
                let refusal = Refusal {
                    kind: "ConditionalCheckFailedException",
                    message: "The conditional request failed".to_owned(),
                    item: before.filter(|_| asks).cloned(),
                };
                let units = units(before.map_or(0, size));
                self.count(units);
                self.counts.refused += 1;
                return Err(refusal);
            }
        }
        let old = before.map_or(0, size);
        let new = match (operation, put) {
            ("DeleteItem", _) => None,
            (_, Some(item)) => Some(item.clone()),
            (_, None) => {
                let key = input["Key"].as_object().cloned().unwrap_or_default();
                let mut item = before.cloned().unwrap_or(key);
                let update = input["UpdateExpression"].as_str().unwrap_or_default();
                expression::update(update, &mut item, names).map_err(Refusal::validation)?;
                Some(item)
            }
        };
        // The larger of the item before and after is charged.
        let bytes = old.max(new.as_ref().map_or(0, size));
        match new {
            Some(item) => table.insert(key, item),
            None => table.remove(&key),
        };
        self.count(units(bytes));
        Ok(json!({}))
    }

    fn count(&mut self, units: u64) {
        self.counts.writes += 1;
        self.counts.write_units += units;
    }

    fn batch_get(&mut self, input: &Value) -> Result<Value, Refusal> {
        self.counts.reads += 1;
        let mut responses = serde_json::Map::new();
        let asked = input["RequestItems"].as_object();
        for (name, ask) in asked.ok_or_else(|| Refusal::validation("no tables"))? {
            let table = self.table(&Value::String(name.clone()))?;
            let mut found = Vec::new();
            for wanted in ask["Keys"].as_array().into_iter().flatten() {
                let item = table.get(&key(wanted)?);
                let item = item.map(|item| projected(item, ask)).transpose()?;
                found.extend(item.map(Value::Object));
            }
            responses.insert(name.clone(), Value::Array(found));
        }
        Ok(json!({"Responses": responses, "UnprocessedKeys": {}}))
    }
}

fn projected(item: &Item, ask: &Value) -> Result<Item, Refusal> {
    let Some(projection) = ask["ProjectionExpression"].as_str() else {
        return Ok(item.clone());
    };
    let names = Names {
        names: &ask["ExpressionAttributeNames"],
        values: &Value::Null,
    };
    let mut shown = Item::new();
    for path in projection.split(',') {
        let name = expression::name(path.trim(), names).map_err(Refusal::validation)?;
        if let Some(value) = item.get(&name) {
            shown.insert(name, value.clone());
        }
    }
    Ok(shown)
}

/// Tables here have a partition key alone, `pk` for the lanes and `id` for Powertools.
fn key_of_item(item: &Item) -> Result<String, Refusal> {
    let value = ["pk", "id"]
        .iter()
        .find_map(|name| item.get(*name)?["S"].as_str());
    value
        .map(str::to_owned)
        .ok_or_else(|| Refusal::validation("no key in the item"))
}

fn key(key: &Value) -> Result<String, Refusal> {
    let item = key.as_object();
    key_of_item(item.ok_or_else(|| Refusal::validation("no key"))?)
}

fn units(bytes: usize) -> u64 {
    bytes.div_ceil(WRITE_UNIT_BYTES).max(1) as u64
}

/// Names and values, in bytes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + bytes(value))
        .sum()
}

fn bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return 0;
    };
    match (kind.as_str(), value) {
        // A byte for two digits, and one more.
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("B", Value::String(text)) => text.len() * 3 / 4,
        ("S", Value::String(text)) => text.len(),
        ("L", Value::Array(values)) => {
            3 + values.iter().map(|value| 1 + bytes(value)).sum::<usize>()
        }
        ("M", Value::Object(item)) => 3 + item.len() + size(item),
        // BOOL and NULL; sets do not occur.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(pk: &str, more: &str, condition: Option<&str>) -> Value {
        let mut input = json!({"TableName": "t", "Item": {"pk": {"S": pk}, "v": {"S": more}}});
        if let Some(condition) = condition {
            input["ConditionExpression"] = condition.into();
            input["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
        }
        input
    }

    #[test]
    fn a_condition_that_does_not_hold_writes_nothing_brings_the_item_and_is_charged() {
        let mut tables = Tables::default();
        let absent = Some("attribute_not_exists(pk)");
        assert!(tables.call("PutItem", &put("a", "first", absent)).is_ok());
        let refused = tables.call("PutItem", &put("a", "second", absent));
        let refused = refused.expect_err("it is there");
        assert_eq!(refused.kind, "ConditionalCheckFailedException");
        assert_eq!(refused.item.expect("asked for")["v"], json!({"S": "first"}));
        let read = tables.call(
            "GetItem",
            &json!({"TableName": "t", "Key": {"pk": {"S": "a"}}}),
        );
        assert_eq!(read.expect("an item")["Item"]["v"], json!({"S": "first"}));
        let counts = tables.take();
        assert_eq!(
            (
                counts.writes,
                counts.write_units,
                counts.refused,
                counts.reads
            ),
            (2, 2, 1, 1)
        );
    }

    #[test]
    fn a_unit_is_each_begun_kilobyte_of_the_larger_item() {
        let mut tables = Tables::default();
        let long = "x".repeat(1024 - "pkav".len());
        tables.call("PutItem", &put("a", &long, None)).expect("put");
        assert_eq!(tables.take().write_units, 1);
        tables
            .call("PutItem", &put("a", &format!("{long}x"), None))
            .expect("put");
        assert_eq!(tables.take().write_units, 2);
        tables
            .call("PutItem", &put("a", "short", None))
            .expect("put");
        assert_eq!(tables.take().write_units, 2, "what was there counts too");
    }

    #[test]
    fn a_batch_of_reads_shows_what_is_there_and_asked_for() {
        let mut tables = Tables::default();
        tables.call("PutItem", &put("a", "1", None)).expect("put");
        let ask = json!({"RequestItems": {"t": {
            "Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}],
            "ProjectionExpression": "#a0", "ExpressionAttributeNames": {"#a0": "pk"},
        }}});
        let found = tables.call("BatchGetItem", &ask).expect("found");
        assert_eq!(found["Responses"]["t"], json!([{"pk": {"S": "a"}}]));
    }
}
