//! All that `allOf` and references put together, and the one schema that it makes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{JOINED_MAX, Part, Schemas, is_nullable, keywords, never};
use crate::document::Kind;

/// The most schemas that are put together into one: real ones have a dozen.
const PARTS_MAX: usize = 200;
const DEPTH_MAX: usize = 32;

/// The side of a schema that speaks of objects.
#[derive(Default)]
pub(super) struct Fields<'v> {
    pub properties: BTreeMap<&'v str, Vec<Part<'v>>>,
    pub required: BTreeSet<&'v str>,
    /// Others are refused.
    refused: bool,
    /// Others go through.
    free: bool,
    /// Others look so.
    others: Vec<Part<'v>>,
}

impl<'d> Schemas<'d> {
    /// The schemas that `parts` are put together from, references followed.
    pub fn gather<'v>(&mut self, parts: &[Part<'v>]) -> Vec<Part<'v>>
    where
        'd: 'v,
    {
        let (mut all, mut seen) = (Vec::new(), Vec::new());
        for part in parts {
            self.gather_into(*part, &mut all, &mut seen, 0);
        }
        all
    }

    /// The schema at hand stands first; of what it is put together from, each stands behind its own parts: what is said
    /// later knows better.
    fn gather_into<'v>(
        &mut self,
        (doc, raw): Part<'v>,
        all: &mut Vec<Part<'v>>,
        seen: &mut Vec<&'v Value>,
        depth: usize,
    ) where
        'd: 'v,
    {
        let known = seen.iter().any(|it| std::ptr::eq(*it, raw));
        if known || seen.len() >= PARTS_MAX || depth > DEPTH_MAX {
            return;
        }
        seen.push(raw);
        if raw.get("$ref").is_some() {
            let docs = self.docs;
            match docs.follow_one(doc, raw) {
                Ok(target) => self.gather_into(target, all, seen, depth),
                Err(reason) => self.lost_reference(reason),
            }
            if self.kind(doc) != Kind::OpenApi31 {
                return;
            }
        }
        let first = depth == 0 && all.is_empty();
        if first {
            all.push((doc, raw));
        }
        let parts = raw.get("allOf").and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            self.gather_into((doc, part), all, seen, depth + 1);
        }
        if !first {
            all.push((doc, raw));
        }
    }

    /// One schema of all parts. `close`: an object refuses fields that are not listed. `joins`: how many schemas
    /// around it are put together, too.
    pub(super) fn joined(
        &mut self,
        parts: &[Part<'_>],
        close: bool,
        depth: usize,
        joins: usize,
    ) -> Value {
        self.written += 1;
        if parts.iter().any(|(_, raw)| **raw == Value::Bool(false)) {
            return never();
        }
        let mut out = Map::new();
        let fields = self.fields(parts);
        let types = self.types(parts, !fields.properties.is_empty());
        if let Some(types) = &types {
            out.insert("type".to_owned(), keywords::type_value(types));
        }
        self.scalars(parts, types.as_deref(), &mut out);
        self.items(parts, depth, joins, &mut out);
        let unions = self.unions(parts, &fields, depth, joins);
        self.put_fields(
            parts,
            fields,
            &unions.names,
            close,
            (depth, joins),
            &mut out,
        );
        let nullable = unions.nullable || parts.first().is_some_and(nullable);
        let is = unions.put(out);
        if nullable { keywords::or_null(is) } else { is }
    }

    fn fields<'v>(&mut self, parts: &[Part<'v>]) -> Fields<'v> {
        let mut fields = Fields::default();
        for (doc, raw) in parts {
            let properties = raw.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                let parts = fields.properties.entry(name).or_default();
                parts.push((*doc, property));
            }
            let required = raw.get("required").and_then(Value::as_array);
            let names = required.into_iter().flatten().filter_map(Value::as_str);
            fields.required.extend(names);
            match raw.get("additionalProperties") {
                Some(Value::Bool(false)) => fields.refused = true,
                Some(Value::Bool(true)) => fields.free = true,
                Some(Value::Object(others)) if others.is_empty() => fields.free = true,
                Some(others @ Value::Object(_)) => fields.others.push((*doc, others)),
                _ => {}
            }
            if raw.get("unevaluatedProperties") == Some(&Value::Bool(false)) {
                fields.refused = true;
            }
            for key in ["patternProperties", "x-patternProperties"] {
                if raw.get(key).is_some() {
                    self.losses
                        .count("`patternProperties`: such fields may be anything");
                    fields.free = true;
                }
            }
        }
        // The head of a family without a list of its members: members have fields that it does not know.
        if let Some((_, head)) = parts.first() {
            let alone = head.get("oneOf").is_none() && head.get("anyOf").is_none();
            fields.free |= alone && head.get("discriminator").is_some();
        }
        fields
    }

    fn put_fields(
        &mut self,
        parts: &[Part<'_>],
        fields: Fields<'_>,
        more: &BTreeSet<String>,
        close: bool,
        (depth, joins): (usize, usize),
        out: &mut Map<String, Value>,
    ) {
        let mut properties = Map::new();
        let mut answers = BTreeSet::new();
        for (name, of) in &fields.properties {
            let own = parts
                .first()
                .and_then(|(_, head)| head.get("properties")?.get(*name));
            let own = own.and_then(|own| of.iter().find(|(_, it)| std::ptr::eq(*it, own)));
            if own.or(of.last()).is_some_and(|it| self.is_of_answers(*it)) {
                answers.insert(*name);
            } else {
                let is = self.together(of, depth + 1, joins);
                properties.insert((*name).to_owned(), is);
            }
        }
        for name in more {
            let unknown = !properties.contains_key(name) && !answers.contains(name.as_str());
            if unknown {
                properties.insert(name.clone(), json!({}));
            }
        }
        let required = fields
            .required
            .iter()
            .filter(|name| !answers.contains(*name));
        let required: Vec<_> = required.copied().collect();
        let listed = !properties.is_empty() || !answers.is_empty();
        let explicit = fields.refused && parts.len() == 1;
        if fields.free {
            // Open.
        } else if !fields.others.is_empty() {
            let others = self.together(&fields.others, depth + 1, joins);
            if others != json!({}) {
                out.insert("additionalProperties".to_owned(), others);
            }
        } else if close && self.closed && (listed || explicit) {
            for name in &required {
                properties.entry(*name).or_insert_with(|| json!({}));
            }
            out.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        if !properties.is_empty() {
            out.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            out.insert("required".to_owned(), json!(required));
        }
    }

    /// A field that only answers have, or that is never allowed.
    fn is_of_answers(&self, (doc, raw): Part<'_>) -> bool {
        let read_only = |value: &Value| value.get("readOnly") == Some(&Value::Bool(true));
        let target = || {
            self.docs
                .follow(doc, raw)
                .is_ok_and(|(_, it)| read_only(it))
        };
        *raw == Value::Bool(false) || read_only(raw) || raw.get("$ref").is_some() && target()
    }

    /// One schema of one or several that hold at once.
    fn together(&mut self, parts: &[Part<'_>], depth: usize, joins: usize) -> Value {
        let Some((first, others)) = parts.split_first() else {
            return json!({});
        };
        let is = self.at_depth(*first, depth);
        if others.is_empty() {
            return is;
        }
        let same = others.iter().all(|it| self.at_depth(*it, depth) == is);
        if same {
            return is;
        }
        if joins >= JOINED_MAX {
            self.losses
                .count("fields that several schemas describe: the first counts");
            return is;
        }
        let parts = self.gather(parts);
        self.joined(&parts, true, depth, joins + 1)
    }

    fn items(
        &mut self,
        parts: &[Part<'_>],
        depth: usize,
        joins: usize,
        out: &mut Map<String, Value>,
    ) {
        let items = parts
            .iter()
            .filter_map(|(doc, raw)| Some((*doc, raw.get("items")?)));
        let items: Vec<_> = items.filter(|(_, it)| it.is_object()).collect();
        if items.is_empty() {
            return;
        }
        let is = self.together(&items, depth + 1, joins);
        if is != json!({}) {
            out.insert("items".to_owned(), is);
        }
    }
}

fn nullable((_, raw): &Part<'_>) -> bool {
    raw.as_object().is_some_and(is_nullable)
}
