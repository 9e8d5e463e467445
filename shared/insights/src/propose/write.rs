//! The mapping as an expression of the mapping language: one object, a field a line.

use std::collections::BTreeMap;

use super::conversion::Conversion;
use super::flatten::{Fields, Leaf};
use super::path::{Path, Step, is_plain};
use super::proposal::{Candidate, Proposal};
use super::render;
use super::tree::{Filled, Node};

/// The lines of the expression.
pub(super) fn expression(proposal: &Proposal) -> Vec<String> {
    let mut root = Node::Object(BTreeMap::new());
    for field in &proposal.fields {
        if let Some(candidate) = field.chosen() {
            root.insert(field.target.steps(), Filled { field, candidate });
        }
    }
    let mut writer = Writer {
        sources: &proposal.sources,
        targets: &proposal.targets,
        helpers: BTreeMap::new(),
    };
    let body = writer.node(&root, &Path::root(), &Scope::default()).text;
    let body: Vec<String> = body.lines().map(str::to_owned).collect();
    if writer.helpers.is_empty() {
        return body;
    }
    let mut lines = vec!["(".to_owned()];
    lines.extend(writer.helpers.values().map(|helper| format!("  {helper}")));
    lines.extend(body.iter().map(|line| format!("  {line}")));
    lines.push(")".to_owned());
    lines
}

/// The source lists whose elements are at hand, outermost first.
#[derive(Clone, Default)]
struct Scope {
    lists: Vec<Path>,
}

/// A written part.
struct Written {
    text: String,
    /// Whether it is there in every document.
    certain: bool,
}

struct Writer<'p> {
    sources: &'p Fields,
    targets: &'p Fields,
    helpers: BTreeMap<&'static str, String>,
}

impl<'p> Writer<'p> {
    fn node(&mut self, node: &Node<'p>, path: &Path, scope: &Scope) -> Written {
        match node {
            Node::Field(filled) => self.field(*filled, scope),
            Node::Object(inner) => self.object(inner, path, scope),
            Node::List(Some(inner)) => self.list(inner, path, scope),
            Node::List(None) => Written {
                text: "[]".to_owned(),
                certain: true,
            },
        }
    }

    fn object(
        &mut self,
        inner: &BTreeMap<&'p str, Node<'p>>,
        path: &Path,
        scope: &Scope,
    ) -> Written {
        let mut lines = Vec::new();
        let mut certain = false;
        for (key, node) in inner {
            let written = self.node(node, &path.key(key), scope);
            certain |= written.certain;
            lines.push(format!(
                "  {}: {}",
                render::quoted(key),
                indent(&written.text)
            ));
        }
        let text = format!("{{\n{}\n}}", lines.join(",\n"));
        let in_list = path.steps().last() == Some(&Step::Each);
        if certain || *path == Path::root() || in_list && !scope.lists.is_empty() {
            return Written { text, certain };
        }
        self.helpers.insert(
            "filled",
            "$filled := function($object) { $count($keys($object)) > 0 ? $object };".to_owned(),
        );
        Written {
            text: format!("$filled({text})"),
            certain: false,
        }
    }

    fn list(&mut self, inner: &Node<'p>, path: &Path, scope: &Scope) -> Written {
        if let Node::Field(filled) = inner {
            return self.values(*filled, path, scope);
        }
        let element = path.each();
        let Some(list) = self.source_list(inner, &element, scope) else {
            let written = self.node(inner, &element, scope);
            if written.certain {
                return Written {
                    text: format!("[{}]", written.text),
                    certain: true,
                };
            }
            self.helpers.insert(
                "listed",
                "$listed := function($object) { $exists($object) ? [$object] };".to_owned(),
            );
            return Written {
                text: format!("$listed({})", written.text),
                certain: false,
            };
        };
        let mut inside = scope.clone();
        inside.lists.push(list.clone());
        let written = self.node(inner, &element, &inside);
        let from = self.reference(&Path::from(list.without_each().to_vec()), scope, false);
        let required = self.targets.lists.get(&element).copied().unwrap_or(false);
        let certain = self.sources.lists.get(&list).copied().unwrap_or(false);
        let body = match written.text.contains(&outer(scope.lists.len() + 1)) {
            true => format!("({} := $; {})", outer(scope.lists.len() + 1), written.text),
            false => written.text,
        };
        let text = format!("[{from}.{body}]");
        match required || certain {
            true => Written {
                text,
                certain: true,
            },
            false => Written {
                text: format!("{from} ? {text}"),
                certain: false,
            },
        }
    }

    /// The source list that most fields inside are in, beyond those whose elements are at hand.
    fn source_list(&self, inner: &Node<'p>, element: &Path, scope: &Scope) -> Option<Path> {
        let mut filled = Vec::new();
        inner.filled(&mut filled);
        let mut votes: BTreeMap<Path, usize> = BTreeMap::new();
        let depth = |path: &Path| {
            path.steps()
                .iter()
                .filter(|step| **step == Step::Each)
                .count()
        };
        for Filled { field, candidate } in &filled {
            // What is in a list of its own inside votes there.
            let own = Path::from(field.target.without_each().to_vec())
                .list()
                .as_ref()
                == Some(element);
            if candidate.conversions.contains(&Conversion::First)
                || !own && depth(&field.target) > depth(element) + 1
            {
                continue;
            }
            for from in &candidate.from {
                let list = Path::from(from.without_each().to_vec()).list();
                if let Some(list) = list.filter(|list| !scope.lists.contains(list)) {
                    *votes.entry(list).or_default() += if own { 4 } else { 1 };
                }
            }
        }
        let best = votes
            .into_iter()
            .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
        best.map(|(list, _)| list)
    }

    /// A list of plain values.
    fn values(&mut self, filled: Filled<'p>, path: &Path, scope: &Scope) -> Written {
        let candidate = filled.candidate;
        let required = self
            .targets
            .lists
            .get(&path.each())
            .copied()
            .unwrap_or(false);
        let one = |conversion: &Conversion| {
            matches!(conversion, Conversion::Wrap | Conversion::Split { .. })
        };
        if candidate.from.len() != 1 || candidate.conversions.iter().any(one) {
            let written = self.field(filled, scope);
            return match written.certain || required {
                true => written,
                false => Written {
                    certain: false,
                    ..written
                },
            };
        }
        let from = &candidate.from[0];
        let reference = self.reference(from, scope, false);
        let elements = match candidate.conversions.is_empty() {
            true => reference.clone(),
            false => {
                let each = self.converted("$", candidate, scope);
                format!("{reference}.({each})")
            }
        };
        let certain = self.leaf(from).is_some_and(|leaf| leaf.required);
        match required || certain {
            true => Written {
                text: format!("[{elements}]"),
                certain: true,
            },
            false => Written {
                text: format!("{reference} ? [{elements}]"),
                certain: false,
            },
        }
    }

    fn leaf(&self, path: &Path) -> Option<&'p Leaf> {
        self.sources.leaves.iter().find(|leaf| leaf.path == *path)
    }

    fn field(&mut self, filled: Filled<'p>, scope: &Scope) -> Written {
        let candidate = filled.candidate;
        let [from] = candidate.from.as_slice() else {
            return self.joined(filled, scope);
        };
        let first = candidate.conversions.first() == Some(&Conversion::First);
        let reference = self.reference(from, scope, first);
        let converted = self.converted(&reference, candidate, scope);
        let leaf = self.leaf(from);
        let certain = leaf.is_some_and(|leaf| {
            let there = if scope.lists.is_empty() {
                leaf.always
            } else {
                leaf.required
            };
            there && !leaf.kind.types.null
        });
        let text = leaf.is_none_or(|leaf| leaf.kind.types.text);
        let nullable = leaf.is_some_and(|leaf| leaf.kind.types.null);
        let counted = candidate.conversions.contains(&Conversion::Count);
        let guarded = match () {
            () if certain || counted => converted,
            () if text => format!("{reference} ? {converted}"),
            () if nullable => format!("{reference} != null ? {converted}"),
            () if candidate
                .conversions
                .iter()
                .all(|done| *done == Conversion::First) =>
            {
                converted
            }
            () => format!("$exists({reference}) ? {converted}"),
        };
        Written {
            text: guarded,
            certain,
        }
    }

    /// A text of several fields, or a value that is always the same.
    fn joined(&mut self, filled: Filled<'p>, scope: &Scope) -> Written {
        let candidate = filled.candidate;
        if let Some(Conversion::Constant { value }) = candidate.conversions.first() {
            return Written {
                text: value.to_string(),
                certain: true,
            };
        }
        let parts: Vec<String> = candidate
            .from
            .iter()
            .map(|from| self.reference(from, scope, true))
            .collect();
        let certain = candidate.from.iter().all(|from| {
            self.leaf(from)
                .is_some_and(|leaf| leaf.always && !leaf.kind.types.null)
        });
        if candidate.conversions.contains(&Conversion::Sum) {
            return Written {
                text: format!("$sum([{}][$ != null])", parts.join(", ")),
                certain,
            };
        }
        let separator = candidate.conversions.iter().find_map(|done| match done {
            Conversion::Join { separator } => Some(separator.as_str()),
            _ => None,
        });
        let separator = render::quoted(separator.unwrap_or(" "));
        let text = match certain {
            true => parts.join(&format!(" & {separator} & ")),
            false => format!("$join([{}][$], {separator})", parts.join(", ")),
        };
        let wrap = candidate.conversions.contains(&Conversion::Wrap);
        Written {
            text: if wrap { format!("[{text}]") } else { text },
            certain,
        }
    }

    /// The value after all conversions.
    fn converted(&mut self, reference: &str, candidate: &Candidate, scope: &Scope) -> String {
        let many = candidate
            .from
            .first()
            .is_some_and(|from| from.steps().last() == Some(&Step::Each));
        let beside = candidate.conversions.iter().find_map(Conversion::reads);
        let beside = beside.map(|path| self.reference(path, scope, true));
        let mut text = reference.to_owned();
        let mut each: Option<String> = (many && reference != "$").then(|| "$".to_owned());
        for conversion in &candidate.conversions {
            match (conversion, &mut each) {
                (Conversion::First, _) => each = None,
                (Conversion::Join { separator }, Some(inner)) => {
                    let elements = if inner == "$" {
                        text.clone()
                    } else {
                        format!("{text}.({inner})")
                    };
                    text = format!("$join([{elements}], {})", render::quoted(separator));
                    each = None;
                }
                (conversion, Some(inner)) => {
                    *inner = render::one(conversion, inner, beside.as_deref(), &mut self.helpers)
                }
                (conversion, None) => {
                    text = render::one(conversion, &text, beside.as_deref(), &mut self.helpers)
                }
            }
        }
        text
    }

    /// A source field as it is reached from where the expression stands; with `first`, the first element of each list
    /// on the way.
    fn reference(&self, path: &Path, scope: &Scope, first: bool) -> String {
        let around = scope.lists.iter().enumerate().rev();
        let inner = around.clone().find(|(_, list)| path.below(list).is_some());
        let (start, steps) = match inner {
            None if scope.lists.is_empty() => (String::new(), path.steps()),
            None => ("$$".to_owned(), path.steps()),
            Some((level, list)) => {
                let steps = path.below(list).unwrap_or_default();
                let start = if level + 1 == scope.lists.len() {
                    String::new()
                } else {
                    outer(level + 1)
                };
                (start, steps)
            }
        };
        let mut text = start;
        for step in steps {
            match step {
                Step::Each if first => text.push_str("[0]"),
                Step::Each => {}
                Step::Key(key) if is_plain(key) => {
                    let dot = if text.is_empty() { "" } else { "." };
                    text = format!("{text}{dot}{key}");
                }
                // Backticks cannot be written in backticks.
                Step::Key(key) if key.contains('`') || key.is_empty() => {
                    let of = if text.is_empty() { "$" } else { &text };
                    text = format!("$lookup({of}, {})", render::quoted(key));
                }
                Step::Key(key) => {
                    let dot = if text.is_empty() { "" } else { "." };
                    text = format!("{text}{dot}`{key}`");
                }
            }
        }
        if text.is_empty() {
            "$".to_owned()
        } else {
            text
        }
    }
}

/// The element of the list at a level, where an expression inside of another list speaks of it.
fn outer(level: usize) -> String {
    format!("$outer{level}")
}

/// `text` further in, but for its first line.
fn indent(text: &str) -> String {
    text.replace('\n', "\n  ")
}
