//! The payload that an operation is swept with.

use causeway::pack::Pack;
use causeway::pack::example::Extent;
use causeway::provider::Operation;
use serde_json::Value;

/// Fields that are taken out of a payload before it is given up.
const FIELDS_MAX: usize = 100;

/// A payload that `operation` takes, with what its vendor demands beyond its schema; none where nothing was found.
#[must_use]
pub fn of(pack: &Pack, operation: &Operation, extent: Extent, with: &[&Value]) -> Option<Value> {
    let mut made = pack.example(operation.name, extent)?;
    for more in with {
        merge(&mut made, more);
    }
    // A field that spoils the whole, and that nobody needs, goes.
    for _ in 0..FIELDS_MAX {
        let Some(error) = operation.check(&made, 1).pop() else {
            return Some(made);
        };
        let name = error.path.strip_prefix("payload.")?;
        let name = name.split(['.', '[']).next()?.to_owned();
        made.as_object_mut()?.remove(&name)?;
    }
    None
}

fn merge(whole: &mut Value, more: &Value) {
    match (whole, more) {
        (Value::Object(whole), Value::Object(more)) => {
            for (name, value) in more {
                merge(whole.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (whole, more) => *whole = more.clone(),
    }
}
