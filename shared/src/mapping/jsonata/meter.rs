//! What an evaluation builds, added up while it runs.
//!
//! The engine tells a tracer of every node that it enters and leaves, and of the value that it leaves with. The meter
//! adds what such a value takes at least; what is only passed on (a variable, a branch) costs nothing again. Nothing is
//! ever given back: a budget of all that is built is also a bound of what exists at any time.

use std::cell::Cell;

use jlens_core::ast::{BinaryOp, FallbackOp, Node, NodeKind};
use jlens_core::audit::{CaptureLimits, Outcome, Tracer, ValueRef};
use serde_json::Value;

use super::super::Fault;
use super::MAX_ITEMS;

/// Bytes that one evaluation may build altogether. With the parsed request, what the engine keeps beside its values and
/// the result's own copy it stays below 64 MiB, in which the smallest Lambda function (128 MB) still has its rest.
pub(super) const BUDGET: usize = 16 * 1024 * 1024;

/// What every step takes beside its value: frames, lists of arguments.
const STEP: usize = 48;

/// A string beside its text, a slot of a list, a field of an object, a row of a joined list: measured on the engine's
/// types, rounded up.
const TEXT: usize = 40;
const ITEM: usize = 40;
const FIELD: usize = 120;
const ROW: usize = 600;

/// Items of a list that is a condition, or compared as a whole, that are looked at.
const LOOKED_AT: usize = 64;

thread_local! {
    /// What the evaluation on this thread has built. Here and not in the meter, since the functions that take built-ins'
    /// places add to it too, and the engine knows them for longer than one evaluation.
    static BUILT: Cell<usize> = const { Cell::new(0) };
}

/// Adds `bytes`; whether they are still within the budget.
pub(super) fn spend(bytes: usize) -> bool {
    let built = BUILT.get().saturating_add(bytes);
    BUILT.set(built);
    built <= BUDGET
}

/// What the meter unwinds with.
pub(super) struct Stopped;

/// A node whose direct children are of interest.
struct Parent {
    depth: usize,
    takes: Takes,
    seen: usize,
    first: Option<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Takes {
    /// The bounds of a range.
    Bounds,
    /// Numbers.
    Numbers,
    /// Something that is true or not, and what follows from it.
    Condition,
    /// Arguments; of a function that compares each item with each other.
    Arguments { pairwise: bool },
}

/// Hears of one evaluation.
pub(super) struct Meter {
    depth: usize,
    parents: Vec<Parent>,
    fault: Option<Fault>,
}

impl Meter {
    /// For an evaluation that starts now, on this thread.
    pub fn start() -> Self {
        BUILT.set(0);
        Self {
            depth: 0,
            parents: Vec::new(),
            fault: None,
        }
    }

    /// Why it stopped the evaluation.
    pub fn fault(self) -> Fault {
        let unknown = || Fault::new("limit", "was stopped", None);
        self.fault.unwrap_or_else(unknown)
    }

    /// Ends the evaluation. Unwinding runs no panic hook, and nothing outlives the evaluation that could be left torn.
    fn stop(&mut self, message: impl Into<String>, node: &Node) -> ! {
        self.fault = Some(Fault::new("limit", message, Some(node.span.start)));
        std::panic::resume_unwind(Box::new(Stopped))
    }

    fn add(&mut self, bytes: usize, node: &Node) {
        if !spend(bytes) {
            let mib = BUDGET / (1024 * 1024);
            self.stop(format!("builds more than {mib} MiB of values"), node);
        }
    }

    /// A direct child of the innermost parent of interest ends with `value`.
    fn child(&mut self, node: &Node, value: ValueRef<'_>) {
        let Some(parent) = self
            .parents
            .last_mut()
            .filter(|parent| parent.depth == self.depth)
        else {
            return;
        };
        let (takes, seen) = (parent.takes, parent.seen);
        parent.seen += 1;
        match takes {
            Takes::Bounds => {
                let bound = value.to_json_number();
                let first = parent.first.replace(bound.unwrap_or(f64::NAN));
                if let (1, Some(from), Some(to)) = (seen, first, bound)
                    && to - from >= MAX_ITEMS as f64
                {
                    self.stop(format!("a range has more than {MAX_ITEMS} items"), node);
                }
            }
            Takes::Numbers if is_container(value) => {
                self.stop("a list or an object stands where a number belongs", node);
            }
            Takes::Condition if seen == 0 => self.condition(node, value),
            Takes::Arguments { pairwise } if value.type_name() == "array" => {
                let items = length(value);
                let work = if pairwise {
                    items.saturating_mul(items) / 4
                } else {
                    items * 8
                };
                self.add(work, node);
            }
            _ => {}
        }
    }

    /// A list is true when any item is, those of lists in it included: through lists that hold the same list many times,
    /// that takes the engine for ever.
    fn condition(&mut self, node: &Node, value: ValueRef<'_>) {
        if value.type_name() != "array" {
            return;
        }
        let length = length(value);
        self.add(length * 8, node);
        let (items, levels) = if length <= LOOKED_AT {
            (LOOKED_AT, 2)
        } else {
            (length, 1)
        };
        let Some(Value::Array(seen)) = value.capture(&shape(items, levels)) else {
            return;
        };
        let is_deep = seen.iter().any(|item| match item {
            Value::Array(inner) => inner.len() > LOOKED_AT || inner.iter().any(is_cut),
            other => levels == 1 && is_cut(other),
        });
        if is_deep {
            self.stop(
                "a list of lists is no condition: use $exists or $count",
                node,
            );
        }
    }

    /// What leaving `node` with `value` has built.
    fn built(&self, node: &Node, value: ValueRef<'_>) -> usize {
        let passed_on = matches!(
            node.kind,
            NodeKind::Variable { .. }
                | NodeKind::Block { .. }
                | NodeKind::Condition { .. }
                | NodeKind::Fallback { .. }
                | NodeKind::Bind { .. }
        );
        let row = if node.attrs.tuple { ROW } else { 0 };
        match value.type_name() {
            "string" if passed_on || matches!(node.kind, NodeKind::Path { .. }) => row,
            "string" => row + TEXT + text_length(node, value),
            "array" if passed_on => row,
            "array" => length(value).saturating_mul(ITEM + row),
            "object" => match &node.kind {
                NodeKind::Object { pairs } => row + pairs.len() * FIELD,
                NodeKind::Function { .. } | NodeKind::Apply { .. } => row + length(value) * FIELD,
                _ if node.attrs.group.is_some() => row + length(value) * FIELD,
                _ => row,
            },
            _ => row,
        }
    }
}

impl Tracer for Meter {
    fn enter(&mut self, node: &Node, _: ValueRef<'_>) {
        self.depth += 1;
        let takes = match &node.kind {
            NodeKind::Binary { op, .. } => match op {
                BinaryOp::Range => Takes::Bounds,
                BinaryOp::And | BinaryOp::Or => Takes::Condition,
                BinaryOp::Concat | BinaryOp::Eq | BinaryOp::Ne | BinaryOp::In => return,
                _ => Takes::Numbers,
            },
            NodeKind::Negate { .. } => Takes::Numbers,
            NodeKind::Condition { .. } => Takes::Condition,
            NodeKind::Fallback {
                op: FallbackOp::Default,
                ..
            } => Takes::Condition,
            NodeKind::Function { procedure, .. } => {
                let name = match &procedure.kind {
                    NodeKind::Variable { name } => name.as_str(),
                    _ => "",
                };
                Takes::Arguments {
                    pairwise: name == "distinct",
                }
            }
            _ => return,
        };
        let (depth, seen, first) = (self.depth, 0, None);
        self.parents.push(Parent {
            depth,
            takes,
            seen,
            first,
        });
    }

    fn exit(&mut self, node: &Node, outcome: Outcome<'_>) {
        // An error ends the evaluation: nothing in the language catches one.
        let Outcome::Value(value) = outcome else {
            return;
        };
        if self
            .parents
            .last()
            .is_some_and(|parent| parent.depth == self.depth)
        {
            self.parents.pop();
        }
        self.depth -= 1;
        let built = self.built(node, value);
        self.add(STEP + built, node);
        self.child(node, value);
    }

    fn operands(&mut self, node: &Node, lhs: ValueRef<'_>, rhs: ValueRef<'_>) {
        if !is_container(lhs) || !is_container(rhs) {
            return;
        }
        for side in [lhs, rhs] {
            let items = length(side);
            self.add(items * 8, node);
            let seen = side.capture(&shape(LOOKED_AT, 1));
            let is_deep = match &seen {
                Some(Value::Array(items)) => items.iter().any(is_cut),
                Some(Value::Object(fields)) => fields.values().any(is_cut),
                _ => false,
            };
            if is_deep || items > LOOKED_AT {
                self.stop(
                    "lists and objects are compared as a whole only when they are small and flat",
                    node,
                );
            }
        }
    }

    fn filter_begin(&mut self, _: &Node) {
        // The predicate's values come as direct children of the node that filters, whichever that is.
        let (depth, seen, first) = (self.depth, 0, None);
        let takes = Takes::Condition;
        self.parents.push(Parent {
            depth,
            takes,
            seen,
            first,
        });
    }

    fn filter_item(&mut self, _: &Node, _: usize, _: ValueRef<'_>, _: bool) {
        if let Some(parent) = self.parents.last_mut() {
            parent.seen = 0;
        }
    }

    fn filter_end(&mut self, _: &Node) {
        self.parents.pop();
    }
}

fn is_container(value: ValueRef<'_>) -> bool {
    matches!(value.type_name(), "array" | "object")
}

/// What a value looks like, `levels` deep and `items` wide; strings are cut to one character.
fn shape(items: usize, levels: usize) -> CaptureLimits {
    CaptureLimits {
        max_items: items,
        max_string: 1,
        max_depth: levels,
        ..CaptureLimits::default()
    }
}

/// Whether a list or an object was cut off here.
fn is_cut(value: &Value) -> bool {
    value.as_str() == Some("…")
}

/// Items of a list or fields of an object, without looking at one.
fn length(value: ValueRef<'_>) -> usize {
    let told = match value.capture(&shape(0, 1)) {
        Some(Value::Array(mut told)) => told.pop(),
        Some(Value::Object(mut told)) => told.remove("…"),
        _ => None,
    };
    let Some(Value::String(told)) = told else {
        return 0;
    };
    let digits = told.bytes().filter(u8::is_ascii_digit);
    digits.fold(0_usize, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'))
    })
}

fn text_length(node: &Node, value: ValueRef<'_>) -> usize {
    match (&node.kind, value.to_json()) {
        (NodeKind::String { value }, _) => value.len(),
        (_, Some(Value::String(text))) => text.len(),
        _ => 0,
    }
}

trait Number {
    fn to_json_number(&self) -> Option<f64>;
}

impl Number for ValueRef<'_> {
    fn to_json_number(&self) -> Option<f64> {
        if self.type_name() != "number" {
            return None;
        }
        self.to_json().and_then(|json| json.as_f64())
    }
}
