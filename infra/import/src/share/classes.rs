//! Schemas that references point to: which are the same, which contain themselves, and what their text is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::replaced;
use crate::schema::DEFS;

/// How often classes are told apart further: schemas that differ only deeper than that are taken for different.
const ROUNDS_MAX: usize = 64;

/// All schemas that references point to, the same ones once.
pub(crate) struct Graph {
    /// By class: the content, whose references are `#/$defs/<class>`.
    contents: Vec<Value>,
    /// By class: document and name there.
    origins: Vec<(usize, String)>,
    /// By class: the classes that it refers to, once for each time.
    targets: Vec<Vec<usize>>,
}

impl Graph {
    /// Puts the same schemas together; the references in `roots` name classes afterwards.
    pub fn new(roots: &mut [&mut Value], known: BTreeMap<String, Value>) -> Self {
        let mut needed = BTreeSet::new();
        let mut open: Vec<String> = Vec::new();
        for root in roots.iter() {
            open.extend(references(root));
        }
        while let Some(name) = open.pop() {
            if let Some(is) = known.get(&name)
                && needed.insert(name)
            {
                open.extend(references(is));
            }
        }
        let keys: Vec<&String> = needed.iter().collect();
        let numbers: BTreeMap<&str, usize> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| (key.as_str(), at))
            .collect();
        let class_of = classes(&keys, &numbers, &known);
        // The first of a class speaks for it; classes are numbered in that order.
        let mut class_numbers: BTreeMap<usize, usize> = BTreeMap::new();
        let mut graph = Self {
            contents: Vec::new(),
            origins: Vec::new(),
            targets: Vec::new(),
        };
        let mut firsts = Vec::new();
        for (at, class) in class_of.iter().enumerate() {
            let next = class_numbers.len();
            class_numbers.entry(*class).or_insert_with(|| {
                firsts.push(at);
                next
            });
        }
        let number_of = |name: &str| {
            let class = class_of.get(*numbers.get(name)?)?;
            class_numbers.get(class).copied()
        };
        let mut rename = |name: &str| {
            Some(match number_of(name) {
                Some(number) => json!({"$ref": format!("{DEFS}{number}")}),
                None => json!({}),
            })
        };
        for at in firsts {
            let Some(is) = keys.get(at).and_then(|key| known.get(*key)) else {
                continue;
            };
            let content = replaced(is, &mut rename);
            let targets = references(&content)
                .iter()
                .filter_map(|it| it.parse().ok())
                .collect();
            graph.targets.push(targets);
            graph.contents.push(content);
            graph
                .origins
                .push(origin(keys.get(at).map_or("", |key| key.as_str())));
        }
        for root in roots {
            **root = replaced(root, &mut rename);
        }
        graph
    }

    /// The content of a class.
    pub fn content(&self, class: usize) -> &Value {
        self.contents.get(class).unwrap_or(&Value::Null)
    }

    /// The document and the name there.
    pub fn origin(&self, class: usize) -> (usize, &str) {
        self.origins
            .get(class)
            .map_or((0, ""), |(doc, name)| (*doc, name.as_str()))
    }

    /// The classes that stand in lines of their own: those that contain themselves, and larger ones used twice.
    pub fn shared<'a>(
        &self,
        roots: impl Iterator<Item = &'a Value>,
        least: usize,
    ) -> BTreeSet<usize> {
        let mut uses = vec![0_usize; self.contents.len()];
        let from_roots = roots.flat_map(references);
        let from_roots = from_roots.filter_map(|name| name.parse::<usize>().ok());
        for class in from_roots.chain(self.targets.iter().flatten().copied()) {
            if let Some(count) = uses.get_mut(class) {
                *count += 1;
            }
        }
        let mut shared = self.recursive();
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        // Those whose targets are all known come next; there is no cycle left.
        let mut open: Vec<usize> = (0..self.contents.len())
            .filter(|it| !shared.contains(it))
            .collect();
        while !open.is_empty() {
            let before = open.len();
            open.retain(|class| {
                let targets = self
                    .targets
                    .get(*class)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                if targets
                    .iter()
                    .any(|it| !shared.contains(it) && !sizes.contains_key(it))
                {
                    return true;
                }
                let inner = targets
                    .iter()
                    .filter_map(|it| sizes.get(it).filter(|_| !shared.contains(it)));
                let size = self.content(*class).to_string().len() + inner.sum::<usize>();
                sizes.insert(*class, size);
                if uses.get(*class).is_some_and(|uses| *uses > 1) && size > least {
                    shared.insert(*class);
                }
                false
            });
            if open.len() == before {
                shared.extend(open.drain(..));
            }
        }
        shared
    }

    /// Classes that contain themselves, and those on the way from one to another.
    fn recursive(&self) -> BTreeSet<usize> {
        let mut left: BTreeSet<usize> = (0..self.contents.len()).collect();
        for backwards in [false, true] {
            let mut edges: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for (from, targets) in self.targets.iter().enumerate() {
                for to in targets {
                    let (from, to) = if backwards { (*to, from) } else { (from, *to) };
                    edges.entry(from).or_default().insert(to);
                }
            }
            loop {
                let ends = |class: &usize| {
                    edges
                        .get(class)
                        .is_none_or(|targets| targets.iter().all(|it| !left.contains(it)))
                };
                let ended: Vec<_> = left.iter().copied().filter(ends).collect();
                if ended.is_empty() {
                    break;
                }
                ended.iter().for_each(|class| {
                    left.remove(class);
                });
            }
        }
        left
    }

    /// `value` as it is written: shared classes by their names, the others in full.
    pub fn written(
        &self,
        value: &Value,
        names: &BTreeMap<usize, String>,
        inlined: &mut BTreeMap<usize, Value>,
    ) -> Value {
        replaced(value, &mut |reference| {
            let class: usize = reference.parse().ok()?;
            if let Some(name) = names.get(&class) {
                return Some(json!({"$ref": format!("{DEFS}{name}")}));
            }
            if let Some(known) = inlined.get(&class) {
                return Some(known.clone());
            }
            let is = self.written(self.content(class), names, inlined);
            inlined.insert(class, is.clone());
            Some(is)
        })
    }
}

/// A class for each key: schemas of one name that say the same, however deep one looks.
fn classes(
    keys: &[&String],
    numbers: &BTreeMap<&str, usize>,
    known: &BTreeMap<String, Value>,
) -> Vec<usize> {
    // What each says with its references blanked, and where these go.
    let mut bodies = Vec::new();
    let mut targets = Vec::new();
    for key in keys {
        let mut to = Vec::new();
        let blank = known.get(*key).map(|is| {
            replaced(is, &mut |name| {
                to.extend(numbers.get(name).copied());
                Some(json!({"$ref": ""}))
            })
        });
        bodies.push((origin(key).1, blank.unwrap_or_default().to_string()));
        targets.push(to);
    }
    let mut ids: BTreeMap<&(String, String), usize> = BTreeMap::new();
    let mut classes: Vec<usize> = Vec::new();
    for body in &bodies {
        let next = ids.len();
        classes.push(*ids.entry(body).or_insert(next));
    }
    let mut count = ids.len();
    for _ in 0..ROUNDS_MAX {
        let mut ids: BTreeMap<(usize, Vec<usize>), usize> = BTreeMap::new();
        let mut finer = Vec::new();
        for (at, class) in classes.iter().enumerate() {
            let to = targets.get(at).into_iter().flatten();
            let to = to.filter_map(|it| classes.get(*it).copied()).collect();
            let next = ids.len();
            finer.push(*ids.entry((*class, to)).or_insert(next));
        }
        let settled = ids.len() == count;
        count = ids.len();
        classes = finer;
        if settled {
            return classes;
        }
    }
    (0..keys.len()).collect()
}

/// All references in `value`, in order.
fn references(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    replaced(value, &mut |name| {
        all.push(name.to_owned());
        Some(Value::Null)
    });
    all
}

/// Document and name of what stands at a key: the pointer's last step that is a name.
fn origin(key: &str) -> (usize, String) {
    let (doc, pointer) = key.split_once(':').unwrap_or(("0", key));
    let last = pointer.rsplit('/').next().unwrap_or_default();
    let name = if ["schema", "items"].contains(&last) || last.parse::<usize>().is_ok() {
        let steps: Vec<_> = pointer.split('/').collect();
        steps[steps.len().saturating_sub(4)..].join(".")
    } else {
        last.to_owned()
    };
    let name = name.replace("~1", ".").replace("~0", "-");
    let plain = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    let name = name
        .chars()
        .map(|char| if plain(char) { char } else { '_' });
    let name: String = name.take(64).collect();
    let name = name.trim_matches('.');
    let name = if name.is_empty() { "schema" } else { name };
    (doc.parse().unwrap_or_default(), name.to_owned())
}
