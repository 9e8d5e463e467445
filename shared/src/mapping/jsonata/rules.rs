//! What an expression may not do, found in its syntax tree.

use jlens_core::ast::{Node, NodeKind, Stage};

use super::super::Fault;
use super::{Scalars, dates, functions};

/// Nodes of one expression: the largest mapping that comes with Causeway has a few hundred.
const MAX_NODES: usize = 4_000;

/// How deep they may nest.
const MAX_NESTING: usize = 100;

/// Arguments of one call: `$zip` and friends build as many lists.
const MAX_ARGUMENTS: usize = 16;

/// Bindings by `@` and `#`: each widens every row of a joined list.
const MAX_JOINS: usize = 8;

/// Groups and length of a regular expression: each match makes a string a group.
const MAX_GROUPS: usize = 16;
const MAX_PATTERN: usize = 512;

/// Functions that a mapping may not use, and why.
const REFUSED: [(&str, &str); 4] = [
    ("eval", "an expression in the data cannot be reviewed"),
    ("random", "the result would differ between attempts"),
    ("shuffle", "the result would differ between attempts"),
    ("clone", "nothing is ever modified in place"),
];

/// Built-ins whose results are small whatever they are given: the meter need not hear of each call.
const SMALL: [&str; 21] = [
    "abs",
    "average",
    "boolean",
    "ceil",
    "count",
    "exists",
    "floor",
    "formatBase",
    "length",
    "max",
    "millis",
    "min",
    "not",
    "number",
    "parseInteger",
    "power",
    "round",
    "sqrt",
    "sum",
    "toMillis",
    "type",
];

/// Functions that take a regular expression.
const MATCHERS: [&str; 4] = ["contains", "match", "replace", "split"];

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// It is what is called.
    Callee,
    /// It is an argument of one of [`MATCHERS`].
    Matcher,
    Other,
}

struct Rules {
    scalars: Scalars,
    nodes: usize,
    joins: usize,
    built_in: Vec<&'static str>,
}

/// Holds the tree against the rules, and notes what the meter has to know of it.
pub(super) fn check(root: &Node) -> Result<Scalars, Fault> {
    let built_in = jlens_core::function_catalog();
    let mut rules = Rules {
        scalars: Scalars::new(),
        nodes: 0,
        joins: 0,
        built_in: built_in.into_iter().map(|function| function.name).collect(),
    };
    rules.node(root, Role::Other, 0)?;
    Ok(rules.scalars)
}

fn refused(node: &Node, message: impl Into<String>) -> Fault {
    Fault::new("refused", message, Some(node.span.start))
}

impl Rules {
    fn node(&mut self, node: &Node, role: Role, depth: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(refused(node, format!("has more than {MAX_NODES} parts")));
        }
        if depth > MAX_NESTING {
            return Err(refused(
                node,
                format!("is nested more than {MAX_NESTING} levels deep"),
            ));
        }
        self.joins(node)?;
        self.note_scalars(node);
        match &node.kind {
            NodeKind::Variable { name } => self.variable(node, name, role)?,
            NodeKind::Bind { lhs, .. } => {
                if let NodeKind::Variable { name } = &lhs.kind {
                    self.new_name(node, name)?;
                }
            }
            NodeKind::Lambda(def) if def.signature.is_some() => {
                return Err(refused(node, "a function of a mapping has no signature"));
            }
            NodeKind::Lambda(def) => {
                for name in &def.params {
                    self.new_name(node, name)?;
                }
            }
            NodeKind::Transform(_) => {
                return Err(refused(
                    node,
                    "the transform operator |…| is not available: build a new object",
                ));
            }
            NodeKind::Regex { pattern, .. } => self.regex(node, pattern, role)?,
            NodeKind::Function { args, .. } if args.len() > MAX_ARGUMENTS => {
                return Err(refused(
                    node,
                    format!("has more than {MAX_ARGUMENTS} arguments"),
                ));
            }
            NodeKind::Function { procedure, args } => dates_of(node, procedure, args)?,
            _ => {}
        }
        let mut result = Ok(());
        let mut index = 0;
        node.for_each_child(|child| {
            let role = role_of_child(node, index);
            index += 1;
            if result.is_ok() {
                result = jlens_core::stack::grow(|| self.node(child, role, depth + 1));
            }
        });
        result
    }

    fn note_scalars(&mut self, node: &Node) {
        let mut note = |node: &Node| {
            self.scalars.insert((node.id, node.span.start));
        };
        match &node.kind {
            NodeKind::Object { pairs } => pairs.iter().for_each(|(key, _)| note(key)),
            NodeKind::Sort { terms } => terms.iter().for_each(|term| note(&term.expr)),
            NodeKind::Apply { rhs, .. } if !matches!(rhs.kind, NodeKind::Function { .. }) => {
                note(rhs)
            }
            _ => {}
        }
        if let Some(group) = &node.attrs.group {
            group.pairs.iter().for_each(|(key, _)| note(key));
        }
    }

    fn joins(&mut self, node: &Node) -> Result<(), Fault> {
        let stages = node.attrs.stages.iter();
        let positions = stages.filter(|stage| matches!(stage, Stage::Index { .. }));
        self.joins += usize::from(node.attrs.focus.is_some())
            + usize::from(node.attrs.index.is_some())
            + positions.count();
        if self.joins > MAX_JOINS {
            return Err(refused(
                node,
                format!("binds more than {MAX_JOINS} variables by @ and #"),
            ));
        }
        Ok(())
    }

    fn variable(&self, node: &Node, name: &str, role: Role) -> Result<(), Fault> {
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(refused(node, format!("${name} is not available: {why}")));
        }
        let is_value = role != Role::Callee && self.built_in.contains(&name);
        if is_value && !SMALL.contains(&name) && !functions::is_ours(name) {
            let rule = format!(
                "${name} cannot be passed as a value: write function($v) {{ ${name}($v) }}"
            );
            return Err(refused(node, rule));
        }
        Ok(())
    }

    /// A variable that is named like a function which cannot be passed would hide where that one is.
    fn new_name(&self, node: &Node, name: &str) -> Result<(), Fault> {
        let may_be_passed = SMALL.contains(&name) || functions::is_ours(name);
        if self.built_in.contains(&name) && !may_be_passed {
            return Err(refused(
                node,
                format!("${name} is a built-in function: choose another name"),
            ));
        }
        Ok(())
    }

    fn regex(&self, node: &Node, pattern: &str, role: Role) -> Result<(), Fault> {
        if role != Role::Matcher {
            return Err(refused(
                node,
                "a regular expression stands in a call of $contains, $match, $replace or $split",
            ));
        }
        if pattern.len() > MAX_PATTERN || pattern.matches('(').count() > MAX_GROUPS {
            let rule = format!(
                "a regular expression has at most {MAX_PATTERN} bytes and {MAX_GROUPS} groups"
            );
            return Err(refused(node, rule));
        }
        Ok(())
    }
}

/// Refuses what the language would guess of dates, and what a picture in the expression would get wrong.
fn dates_of(node: &Node, procedure: &Node, args: &[Node]) -> Result<(), Fault> {
    let NodeKind::Variable { name } = &procedure.kind else {
        return Ok(());
    };
    let picture = match args.get(1).map(|argument| &argument.kind) {
        Some(NodeKind::String { value }) => Some(value),
        _ => None,
    };
    let checked = match (name.as_str(), picture) {
        ("now", _) if !args.is_empty() => {
            let rule = "$now takes no picture: write $fromMillis($millis(), picture, zone)";
            return Err(refused(node, rule));
        }
        ("fromMillis", Some(picture)) => dates::check_format(picture),
        ("toMillis", Some(picture)) => dates::check_parse(picture),
        _ => Ok(()),
    };
    checked.map_err(|error| refused(node, super::rule(&error)))
}

/// What the child `index` of `node` is to it.
fn role_of_child(node: &Node, index: usize) -> Role {
    match &node.kind {
        NodeKind::Function { procedure, args } => match &procedure.kind {
            _ if index == 0 => Role::Callee,
            NodeKind::Variable { name }
                if index <= args.len() && MATCHERS.contains(&name.as_str()) =>
            {
                Role::Matcher
            }
            _ => Role::Other,
        },
        // `text ~> $uppercase`: the result is the apply's own.
        NodeKind::Apply { .. } if index == 1 => Role::Callee,
        _ => Role::Other,
    }
}

/// The keys of the object constructors around byte `at`, dotted: which field of the output is being built there.
pub(super) fn field_at(root: &Node, at: usize) -> String {
    let mut path: Vec<&str> = Vec::new();
    let mut here = Some(root);
    // The tree was checked: no deeper than this.
    for _ in 0..=MAX_NESTING {
        let Some(node) = here else { break };
        let holds = |node: &Node| node.span.start <= at && at <= node.span.end;
        let pairs = match (&node.kind, &node.attrs.group) {
            (NodeKind::Object { pairs }, _) => Some(pairs),
            (_, Some(group)) => Some(&group.pairs),
            _ => None,
        };
        let pair = pairs.and_then(|pairs| pairs.iter().find(|(_, value)| holds(value)));
        if let Some((key, value)) = pair {
            if let NodeKind::String { value: name } = &key.kind {
                path.push(name);
            }
            here = Some(value);
            continue;
        }
        let mut inner = None;
        node.for_each_child(|child| {
            if inner.is_none() && holds(child) {
                inner = Some(child);
            }
        });
        here = inner;
    }
    path.join(".")
}
