//! `operations.jsonl`: what a vendor's document says of its operations, one operation or shared schema a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CallPlace;

/// One operation. The fields stand in the line in this order, `op` first: lines are sorted, and found by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationLine {
    /// The name in requests, pinned: an import never renames it.
    pub op: String,
    /// The document's alias; [`HAND`] where a person wrote the line.
    pub doc: String,
    /// Its `operationId` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// HTTP method, in capitals.
    pub method: String,
    /// The path, behind the page's prefix; `{name}` stands for the parameter of that name.
    pub path: String,
    /// `json`, `form`, or a media type; none where there is no body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// Where a field stands in the call, unless it is the body's top-level member of the same name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at: BTreeMap<String, CallPlace>,
    /// How a place writes lists and objects, where it is not the usual way.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub style: BTreeMap<CallPlace, Style>,
    /// The payload's field `body` is the body.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
    /// JSON pointer under which the body's fields stand in the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap: Option<String>,
    /// What every call carries.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fixed: BTreeMap<CallPlace, Value>,
    /// Places of the page's `[supply]` in query and body that this operation has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supply: Vec<CallPlace>,
    /// What the payload says a second time in the call: JSON pointers into the payload.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copy: BTreeMap<CallPlace, String>,
    /// Numbers of limits that the document's text gives, for `count = "document:1"`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<u32>,
    /// JSON Schema of the payload, one flat object.
    pub schema: Value,
}

/// A schema that several operations share: `#/$defs/<schema>` in theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaLine {
    /// Its name.
    pub schema: String,
    /// The schema.
    pub is: Value,
}

/// How a parameter or a form's field writes lists and objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// `a=1,2`.
    Csv,
    /// `a=1&a=2`: the usual way in queries.
    Multi,
    /// `a[]=1&a[]=2`.
    Brackets,
    /// `a[k]=v`.
    Deep,
}

/// The `doc` of lines that a person wrote: an import leaves them as they are.
pub const HAND: &str = "hand";

fn is_false(is: &bool) -> bool {
    !is
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_with_its_name() {
        let line = OperationLine {
            op: "a.b".into(),
            doc: HAND.into(),
            id: None,
            method: "POST".into(),
            path: "/a".into(),
            media: None,
            at: BTreeMap::new(),
            style: BTreeMap::new(),
            whole: false,
            wrap: None,
            fixed: BTreeMap::new(),
            supply: vec![],
            copy: BTreeMap::new(),
            limits: vec![],
            schema: Value::Bool(true),
        };
        let text = serde_json::to_string(&line).expect("it is data");
        assert_eq!(
            text,
            r#"{"op":"a.b","doc":"hand","method":"POST","path":"/a","schema":true}"#
        );
    }
}
