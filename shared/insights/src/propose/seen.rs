//! What samples show of the fields: types, values, and how often they are there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::flatten::{Fields, Leaf, MAX_DEPTH, MAX_FIELDS, MAX_TEXT, MAX_VALUES, Types};
use super::path::Path;

/// Elements of a list in a sample that are looked at.
const MAX_ELEMENTS: usize = 50;

/// What was seen at one path.
#[derive(Default)]
struct Sight {
    types: Types,
    values: Vec<Value>,
    /// In how many documents it is, not null.
    documents: usize,
    last: Option<usize>,
}

/// What was seen in all documents.
#[derive(Default)]
pub(super) struct Seen {
    sights: BTreeMap<Path, Sight>,
    lists: BTreeSet<Path>,
    documents: usize,
    cut: bool,
}

impl Seen {
    /// Notes what a document has.
    pub fn look(&mut self, document: &Value) {
        self.documents += 1;
        let mut waiting = VecDeque::from([(Path::root(), document)]);
        while let Some((path, value)) = waiting.pop_front() {
            let deep = path.steps().len() >= MAX_DEPTH;
            match value {
                Value::Object(inner) if !deep && !inner.is_empty() => {
                    let inner = inner
                        .iter()
                        .filter(|(name, _)| is_name(name))
                        .take(MAX_FIELDS);
                    waiting.extend(inner.map(|(name, value)| (path.key(name), value)));
                }
                Value::Array(elements) if !deep => {
                    let path = path.each();
                    self.lists.insert(path.clone());
                    let elements = elements.iter().take(MAX_ELEMENTS);
                    waiting.extend(elements.map(|value| (path.clone(), value)));
                }
                value => self.note(path, value),
            }
        }
    }

    fn note(&mut self, path: Path, value: &Value) {
        if self.sights.len() >= MAX_FIELDS && !self.sights.contains_key(&path) {
            self.cut = true;
            return;
        }
        let sight = self.sights.entry(path).or_default();
        sight.types.add(Types::of(value));
        if value.is_null() {
            return;
        }
        if sight.last != Some(self.documents) {
            sight.last = Some(self.documents);
            sight.documents += 1;
        }
        let kept = match value {
            Value::String(text) => Value::from(text.chars().take(MAX_TEXT).collect::<String>()),
            Value::Bool(_) | Value::Number(_) => value.clone(),
            _ => return,
        };
        if sight.values.len() < MAX_VALUES && !sight.values.contains(&kept) {
            sight.values.push(kept);
        }
    }

    /// Adds what was seen to what the schema says, if there is one.
    pub fn merge_into(self, fields: &mut Fields, has_schema: bool, documents: usize) {
        let index: BTreeMap<Path, usize> = {
            let paths = fields.leaves.iter().enumerate();
            paths
                .map(|(index, leaf)| (leaf.path.clone(), index))
                .collect()
        };
        fields.cut |= self.cut;
        for list in &self.lists {
            fields.lists.entry(list.clone()).or_insert(false);
        }
        let known: Vec<Path> = self.sights.keys().cloned().collect();
        for (position, (path, sight)) in self.sights.into_iter().enumerate() {
            let place = index.get(&path).copied();
            let leaf = match place.and_then(|place| fields.leaves.get_mut(place)) {
                Some(leaf) => leaf,
                None => {
                    let next = known.get(position + 1);
                    // Null, or an empty object, where another document has more: that one tells its fields.
                    let is_outer = next.is_some_and(|next| next.below(&path).is_some());
                    let inside = fields
                        .leaves
                        .iter()
                        .any(|leaf| leaf.path.below(&path).is_some());
                    let nothing = !sight.types.scalar();
                    if path == Path::root()
                        || nothing && (is_outer || inside)
                        || fields.leaves.len() >= MAX_FIELDS
                    {
                        continue;
                    }
                    let mut leaf = Leaf::new(path);
                    leaf.kind.types = sight.types;
                    leaf.required = !has_schema && sight.documents == documents;
                    leaf.always = leaf.required && leaf.path.list().is_none();
                    fields.leaves.push(leaf);
                    let last = fields.leaves.len() - 1;
                    &mut fields.leaves[last]
                }
            };
            if leaf.kind.types.unknown() {
                leaf.kind.types = sight.types;
            }
            leaf.kind.types.null |= sight.types.null;
            leaf.always &= sight.documents == documents || leaf.path.list().is_some();
            leaf.seen = sight.values;
        }
    }
}

/// Whether a key of a sample is a field's name: a key that is itself data (an address, a number) names nothing, and
/// must not be told as a name.
fn is_name(key: &str) -> bool {
    let digits = key.chars().filter(char::is_ascii_digit).count();
    !key.contains('@') && key.chars().count() <= 100 && digits * 2 < key.chars().count().max(1)
}
