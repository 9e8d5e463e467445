//! What an evaluation builds, added up while it runs.
//!
//! The engine tells a tracer of every node that it enters and leaves, and of the value that it leaves with. The meter
//! adds what such a value takes at least; what is only passed on (a variable, a branch) costs nothing again. Nothing is
//! ever given back: a budget of all that is built is also a bound of what exists at any time.

use std::cell::Cell;

use jlens_core::ast::{BinaryOp, FallbackOp, Node, NodeKind};
use jlens_core::audit::{Outcome, Tracer, ValueRef};

use super::super::Fault;
use super::look;
use super::look::{is_container, length, text_length};
use super::{MAX_ITEMS, Scalars};

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

#[derive(Clone, Copy)]
enum Takes {
    /// The bounds of a range.
    Bounds,
    /// Numbers.
    Numbers,
    /// Something that is true or not, and what follows from it.
    Condition,
    /// A function, so many arguments of its call, and then what its callbacks give.
    Call { arguments: usize, of: Arguments },
}

/// What a function does with a list or an object.
#[derive(Clone, Copy, PartialEq)]
enum Arguments {
    /// It takes texts and numbers.
    Scalars,
    /// It takes a list of texts or numbers.
    Flat,
    /// It walks through it, lists in lists included.
    Walked,
    /// It compares each item with each other.
    Pairwise,
    /// It asks its callback whether an item is wanted.
    Asks,
    /// It looks at the items alone, or copies what it is given and counts that.
    Any,
}

impl Arguments {
    fn of(function: &str) -> Self {
        match function {
            "sum" | "sumMoney" | "max" | "min" | "average" | "join" => Self::Flat,
            "boolean" | "not" | "lookup" => Self::Walked,
            "distinct" => Self::Pairwise,
            "filter" | "single" | "sift" => Self::Asks,
            "abs" | "ceil" | "floor" | "round" | "sqrt" | "power" | "number" | "length" => {
                Self::Scalars
            }
            "substring" | "substringBefore" | "substringAfter" | "lowercase" | "uppercase" => {
                Self::Scalars
            }
            "trim" | "formatBase" | "formatInteger" | "parseInteger" => Self::Scalars,
            "base64encode" | "base64decode" | "encodeUrlComponent" | "encodeUrl" => Self::Scalars,
            "decodeUrlComponent" | "decodeUrl" | "fromMillis" | "toMillis" => Self::Scalars,
            "zonedTime" | "minorUnits" | "money" | "escape" | "cut" => Self::Scalars,
            _ => Self::Any,
        }
    }
}

/// Hears of one evaluation.
pub(super) struct Meter<'a> {
    scalars: &'a Scalars,
    depth: usize,
    parents: Vec<Parent>,
    fault: Option<Fault>,
}

impl<'a> Meter<'a> {
    /// For an evaluation that starts now, on this thread.
    pub fn start(scalars: &'a Scalars) -> Self {
        BUILT.set(0);
        Self {
            scalars,
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

    /// Where a list or an object is an error, the engine would quote it, however large it is when written out.
    fn scalar(&mut self, node: &Node, value: ValueRef<'_>) {
        if is_container(value) && self.scalars.contains(&(node.id, node.span.start)) {
            self.stop(
                "a list or an object stands where a text, a number or a function belongs",
                node,
            );
        }
    }

    /// A direct child of the innermost parent of interest ends with `value`.
    fn child(&mut self, node: &Node, value: ValueRef<'_>) {
        let here = self.depth;
        let Some(parent) = self
            .parents
            .last_mut()
            .filter(|parent| parent.depth == here)
        else {
            return;
        };
        let (takes, seen) = (parent.takes, parent.seen);
        parent.seen += 1;
        match takes {
            Takes::Bounds => {
                let bound = look::number(value);
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
            Takes::Condition if seen == 0 => self.walked(node, value),
            Takes::Call {
                arguments,
                of: Arguments::Asks,
            } if seen > arguments => self.walked(node, value),
            Takes::Call { arguments, of }
                if seen <= arguments && seen > 0 && is_container(value) =>
            {
                self.argument(node, value, of)
            }
            _ => {}
        }
    }

    /// A function is given a list or an object.
    fn argument(&mut self, node: &Node, value: ValueRef<'_>, of: Arguments) {
        let items = length(value);
        self.add(items * 8, node);
        match of {
            Arguments::Scalars => self.stop(
                "a list or an object stands where a text or a number belongs",
                node,
            ),
            Arguments::Walked => self.walked(node, value),
            Arguments::Flat if !look::has_scalars_only(value, items) => {
                self.stop(
                    "a list stands here that has more than texts and numbers",
                    node,
                );
            }
            Arguments::Pairwise => {
                self.add(items.saturating_mul(items) / 4, node);
                if !look::has_scalars_only(value, items) && !look::has_flat_items(value) {
                    self.stop(
                        "$distinct compares texts, numbers and a few small objects",
                        node,
                    );
                }
            }
            _ => {}
        }
    }

    /// The engine walks through `value` here: a list is true when any item is, those of lists in it included. Through
    /// lists that hold the same list many times, that takes for ever.
    fn walked(&mut self, node: &Node, value: ValueRef<'_>) {
        if value.type_name() != "array" {
            return;
        }
        self.add(length(value) * 8, node);
        if !look::is_walked_soon(value) {
            self.stop(
                "a long list of objects, or of lists, cannot stand here: use $exists or $count",
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
        match (value.type_name(), &node.kind) {
            ("string" | "array", _) if passed_on => row,
            ("string", NodeKind::Path { .. }) => row,
            ("string", NodeKind::String { value }) => row + TEXT + value.len(),
            ("string", _) => row + TEXT + text_length(value),
            ("array", _) => length(value).saturating_mul(ITEM + row),
            ("object", NodeKind::Object { pairs }) => row + pairs.len() * FIELD,
            ("object", NodeKind::Function { .. } | NodeKind::Apply { .. }) => {
                row + length(value) * FIELD
            }
            ("object", _) if node.attrs.group.is_some() => row + length(value) * FIELD,
            _ => row,
        }
    }
}

impl Tracer for Meter<'_> {
    fn enter(&mut self, node: &Node, input: ValueRef<'_>) {
        let walks = matches!(
            node.kind,
            NodeKind::Name { .. } | NodeKind::Wildcard | NodeKind::Descendant
        );
        if walks {
            self.walked(node, input);
        }
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
            NodeKind::Function { procedure, args } => {
                let of = match &procedure.kind {
                    NodeKind::Variable { name } => Arguments::of(name),
                    _ => Arguments::Any,
                };
                Takes::Call {
                    arguments: args.len(),
                    of,
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
        self.scalar(node, value);
        self.child(node, value);
    }

    fn operands(&mut self, node: &Node, lhs: ValueRef<'_>, rhs: ValueRef<'_>) {
        if !is_container(lhs)
            || !is_container(rhs)
            || matches!(
                node.kind,
                NodeKind::Binary {
                    op: BinaryOp::In,
                    ..
                }
            )
        {
            return;
        }
        for side in [lhs, rhs] {
            self.add(length(side) * 8, node);
            if !look::is_small_and_flat(side) {
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
