//! The writing calls of a document, whatever kind it is.

mod discovery;
mod media;
mod openapi;
mod parameter;
mod path;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::Kind;
use crate::refs::Documents;
use causeway::pack::CallPlace;
use causeway::pack::Style;

pub(crate) use media::{Media, choose, media};

/// The methods that write.
pub(crate) const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// One writing call.
#[derive(Debug)]
pub(crate) struct Route<'d> {
    pub doc: usize,
    pub method: &'static str,
    /// The path as it is called.
    pub path: String,
    /// The path as it stands in the document.
    pub written: String,
    pub id: Option<&'d str>,
    /// What the document says of it: only looked through for numbers, never kept.
    pub text: String,
    pub parameters: Vec<Parameter<'d>>,
    pub body: Body<'d>,
    /// What the path's own query says.
    pub fixed: BTreeMap<CallPlace, Value>,
    /// Names of API keys that the document's security schemes take from query and headers.
    pub credentials: Vec<CallPlace>,
}

/// A parameter of path, query or header.
#[derive(Debug)]
pub(crate) struct Parameter<'d> {
    pub place: CallPlace,
    pub name: String,
    pub required: bool,
    pub doc: usize,
    pub schema: Cow<'d, Value>,
    pub style: Option<Style>,
    /// Why it cannot be sent, if it cannot.
    pub problem: Option<&'static str>,
}

/// What a call carries.
#[derive(Debug, Default)]
pub(crate) struct Body<'d> {
    pub required: bool,
    /// The ways to write it that can be held, by media type as the document has it.
    pub ways: Vec<Way<'d>>,
    /// Media types that cannot.
    pub others: Vec<String>,
}

/// One way to write a body.
#[derive(Debug)]
pub(crate) struct Way<'d> {
    pub media: Media,
    pub doc: usize,
    /// None: anything.
    pub schema: Option<Cow<'d, Value>>,
    /// How fields of forms write lists.
    pub style: BTreeMap<CallPlace, Style>,
}

/// A call that was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The document's alias.
    pub doc: String,
    /// Method and path.
    pub route: String,
    /// Its `operationId`.
    pub id: Option<String>,
    /// Why.
    pub reason: String,
}

/// All writing calls of document `doc`.
pub(crate) fn routes(docs: &Documents, doc: usize) -> (Vec<Route<'_>>, Vec<LeftOut>) {
    let kind = docs.0.get(doc).map(|it| it.kind);
    match kind {
        None => (Vec::new(), Vec::new()),
        Some(Kind::Discovery) => discovery::routes(docs, doc),
        Some(kind) => openapi::routes(docs, doc, kind),
    }
}

/// An object's members by name: documents' own order must not matter.
fn members(value: Option<&Value>) -> Vec<(&str, &Value)> {
    let members = value.and_then(Value::as_object);
    let mut members: Vec<_> = members
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    members.sort_by_key(|(name, _)| *name);
    members
}
