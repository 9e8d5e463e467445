//! A document's schemas in JSON Schema 2020-12, with the keywords of `functions/PACKS.md` alone.
//!
//! A schema is first gathered from all that `allOf` puts together, then written as one. So an object whose fields are
//! listed can refuse others, which `allOf` of closed objects cannot. What a page cannot hold is dropped to the open
//! side, and counted: a pack may let through what the vendor refuses, never the other way round.

mod gather;
mod keywords;
mod union;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::document::Kind;
use crate::refs::{Address, Documents};

/// The most schemas that one import writes: all 477 documents of the collection together have a third of that.
pub(crate) const SCHEMAS_MAX: usize = 2_000_000;
/// How deep a schema nests without a reference. Documents' parsers stop at 128 levels, two for each schema.
const DEPTH_MAX: usize = 64;
/// How often a schema is put together from schemas that are themselves put together, before references stay so.
const JOINED_MAX: usize = 4;

/// Writes schemas.
pub(crate) struct Schemas<'d> {
    pub docs: &'d Documents,
    /// Objects whose fields are listed refuse others.
    pub closed: bool,
    /// Enumerations refuse other values.
    pub enums: bool,
    pub losses: Losses,
    /// What references point to; none until it is written.
    known: BTreeMap<Address, Option<Value>>,
    /// What is not written yet.
    queue: Vec<Address>,
    /// How many were written.
    written: usize,
}

/// What was dropped, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// By what it is.
    pub counts: BTreeMap<String, usize>,
    /// References that lead nowhere, at most 50: anything goes there.
    pub unresolved: BTreeSet<String>,
}

impl Losses {
    pub(crate) fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }
}

/// A schema in a document.
pub(crate) type Part<'v> = (usize, &'v Value);

impl<'d> Schemas<'d> {
    pub fn new(docs: &'d Documents, closed: bool, enums: bool) -> Self {
        Self {
            docs,
            closed,
            enums,
            losses: Losses::default(),
            known: BTreeMap::new(),
            queue: Vec::new(),
            written: 0,
        }
    }

    /// Whether this import takes too much.
    pub fn is_too_much(&self) -> bool {
        self.written > SCHEMAS_MAX
    }

    /// One schema. References point to `#/$defs/<document>:<pointer>`.
    pub fn write(&mut self, part: Part<'_>) -> Value {
        self.at_depth(part, 0)
    }

    /// One schema that is no reference itself.
    pub fn write_whole(&mut self, parts: &[Part<'_>]) -> Value {
        self.joined(parts, true, 0, 0)
    }

    /// All that references point to, by the names in them.
    pub fn finish(&mut self) -> BTreeMap<String, Value> {
        self.drain();
        let known = std::mem::take(&mut self.known);
        let known = known
            .into_iter()
            .filter_map(|(at, is)| Some((key(&at), is?)));
        known.collect()
    }

    /// What a reference that was written points to.
    pub fn target(&mut self, reference: &str) -> Option<Value> {
        self.drain();
        let name = reference.strip_prefix(DEFS)?;
        let (doc, pointer) = name.split_once(':')?;
        let at = Address {
            doc: doc.parse().ok()?,
            pointer: pointer.to_owned(),
        };
        self.known.get(&at)?.clone()
    }

    fn drain(&mut self) {
        while let Some(at) = self.queue.pop() {
            let docs = self.docs;
            let Some(raw) = docs.at(&at) else { continue };
            let is = self.at_depth((at.doc, raw), 0);
            self.known.insert(at, Some(is));
        }
    }

    fn kind(&self, doc: usize) -> Kind {
        self.docs.0.get(doc).map_or(Kind::OpenApi31, |it| it.kind)
    }

    fn at_depth(&mut self, (doc, raw): Part<'_>, depth: usize) -> Value {
        self.written += 1;
        let Value::Object(fields) = raw else {
            return if raw == &Value::Bool(false) {
                never()
            } else {
                json!({})
            };
        };
        if self.is_too_much() {
            return json!({});
        }
        if depth > DEPTH_MAX {
            self.losses.count("schemas nested too deep");
            return json!({});
        }
        if let Some(reference) = self.only_reference(doc, fields) {
            let is = self.reference(doc, reference);
            let nullable = is_nullable(fields);
            return if nullable { keywords::or_null(is) } else { is };
        }
        let parts = self.gather(&[(doc, raw)]);
        self.joined(&parts, true, depth, 0)
    }

    /// The reference that a schema is, alone or as the one part of an `allOf`.
    fn only_reference<'v>(&self, doc: usize, fields: &'v Map<String, Value>) -> Option<&'v str> {
        let modern = self.kind(doc) == Kind::OpenApi31;
        if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
            // Before 3.1 what stands beside a reference does not count.
            let alone = !modern || !fields.keys().any(|key| keywords::constrains(key));
            return alone.then_some(reference);
        }
        let Some([only]) = fields
            .get("allOf")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
        else {
            return None;
        };
        let beside = |key: &String| {
            let idle = key == "allOf" || key == "type" && fields["type"] == "object";
            !idle && keywords::constrains(key)
        };
        if fields.keys().any(beside) {
            return None;
        }
        let only = only.as_object()?;
        let alone = !modern || only.len() == 1;
        alone.then(|| only.get("$ref")?.as_str()).flatten()
    }

    /// A reference to what `reference` finally points to, which is written later.
    fn reference(&mut self, doc: usize, reference: &str) -> Value {
        match self.final_address(doc, reference) {
            Ok(at) => {
                let is = json!({"$ref": format!("{DEFS}{}", key(&at))});
                if !self.known.contains_key(&at) {
                    self.known.insert(at.clone(), None);
                    self.queue.push(at);
                }
                is
            }
            Err(reason) => {
                self.lost_reference(reason);
                json!({})
            }
        }
    }

    fn lost_reference(&mut self, reason: String) {
        self.losses.count("references that lead nowhere");
        if self.losses.unresolved.len() < 50 {
            self.losses.unresolved.insert(reason);
        }
    }

    fn final_address(&self, doc: usize, reference: &str) -> Result<Address, String> {
        let mut at = self.docs.resolve(doc, reference)?;
        for _ in 0..32 {
            let value = self
                .docs
                .at(&at)
                .ok_or_else(|| format!("`{reference}` is not in the document"))?;
            match value
                .as_object()
                .and_then(|it| self.only_reference(at.doc, it))
            {
                Some(next) if !value.as_object().is_some_and(is_nullable) => {
                    at = self.docs.resolve(at.doc, next)?;
                }
                _ => return Ok(at),
            }
        }
        Err(format!("`{reference}` refers to itself"))
    }
}

/// What references start with.
pub(crate) const DEFS: &str = "#/$defs/";

fn key(at: &Address) -> String {
    format!("{}:{}", at.doc, at.pointer)
}

/// A schema that nothing fits.
fn never() -> Value {
    json!({"not": {}})
}

fn is_nullable(fields: &Map<String, Value>) -> bool {
    let says = |key| fields.get(key) == Some(&Value::Bool(true));
    says("nullable") || says("x-nullable")
}
