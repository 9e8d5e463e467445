//! JSONata, bounded.
//!
//! The engine is [`jlens_core`]: no I/O, no unsafe code of its own, a budget of steps. Its own limits bound single
//! strings and lists, not what an evaluation builds altogether: ten thousand strings of 200 KiB each are within them.
//! Three things close that gap:
//!
//! - `rules` refuses, when the document is read, what would make a result differ between two attempts (`$random`,
//!   `$shuffle`), what would evade the rules (`$eval`), and what would evade the meter (built-ins passed as values,
//!   the transform operator).
//! - `meter` hears of every value that an expression builds and adds up what they take. It stops an evaluation
//!   *before* a range is built, and once its budget is spent.
//! - `functions` takes the place of built-ins that could build without limit, or take quadratic time, in one call.
//!
//! Three more things make its results right: `dates` takes the place of `$fromMillis` and `$toMillis`, and `domain` adds
//! local times (`$zonedTime`), money (`$money`, `$minorUnits`), phone numbers (`$e164`) and texts (`$escape`, `$cut`).
//!
//! `shared/tests/hostile` measures time and memory of hostile mappings in a process of their own.

mod args;
mod dates;
mod domain;
mod functions;
mod look;
mod meter;
mod rules;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jlens_core::ast::NodeId;
use jlens_core::{Error, Expression, Options};
use serde_json::Value;

use super::{Fault, Mapper};
use crate::Timestamp;
use meter::{Meter, Stopped};

/// Steps of one evaluation: each node that is evaluated, each function called back. A mapping of a 2 KB document takes
/// 350; this is a list of 1,000 items with 100 steps each.
const MAX_STEPS: u64 = 100_000;

/// Longest evaluation. Steps end one long before, at the same place on every machine; this is the guard for what a
/// single step may do (sorting a long list), and leaves room for a Lambda function with a fraction of a core.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The engine's code for [`TIMEOUT`].
pub(crate) const CLOCK: &str = "D1012";

/// How deep evaluation may go: user functions that call themselves included.
const MAX_DEPTH: usize = 200;

/// Longest string that is built, and the largest result, in bytes: a request's own limit.
const MAX_BYTES: usize = crate::request::MAX_REQUEST_BYTES;

/// Longest list that is built.
const MAX_ITEMS: usize = 10_000;

/// Nodes whose values must be neither lists nor objects, by id and place: keys, terms of an order, and what something
/// is applied to.
type Scalars = HashSet<(NodeId, usize)>;

/// One compiled expression.
pub struct Jsonata {
    expression: Expression,
    scalars: Scalars,
}

impl Mapper for Jsonata {
    fn compile(source: &str) -> Result<Self, Fault> {
        let expression = Expression::compile(source).map_err(|error| syntax(&error))?;
        let scalars = rules::check(&expression.ast().root)?;
        Ok(Self {
            expression,
            scalars,
        })
    }

    fn map(&self, input: &Value, now: Timestamp) -> Result<Option<Value>, Fault> {
        let options = Options::new()
            .max_steps(MAX_STEPS)
            .timeout(TIMEOUT)
            .max_depth(MAX_DEPTH)
            .max_string_length(MAX_BYTES)
            .max_result_size(MAX_BYTES)
            .max_array_length(MAX_ITEMS)
            .now(now.as_millis())
            .seed(0);
        let mut meter = Meter::start(&self.scalars);
        // The meter stops an evaluation by unwinding, from where the engine offers no other way out. An engine's own
        // panic ends here too: it is one payload that cannot be mapped.
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            let bindings = functions::bindings();
            self.expression
                .evaluate_traced(Some(input), bindings, &options, &mut meter)
        }));
        match evaluated {
            Ok(result) => result.map_err(|error| failure(&error)),
            Err(payload) if payload.is::<Stopped>() => Err(meter.fault()),
            Err(_) => Err(Fault::new("engine", "the engine failed", None)),
        }
    }

    fn field_at(&self, at: usize) -> Option<String> {
        let field = rules::field_at(&self.expression.ast().root, at);
        (!field.is_empty()).then_some(field)
    }
}

/// What is wrong with the source; it holds no data, so that the engine's own words can be told.
fn syntax(error: &Error) -> Fault {
    let message: String = error.message().chars().take(200).collect();
    Fault::new(error.code(), message, error.span().map(|span| span.start))
}

/// Why an evaluation failed, without the values that the engine would quote.
fn failure(error: &Error) -> Fault {
    let at = error.span().map(|span| span.start);
    Fault::new(error.code(), rule(error), at)
}

/// The catalogue's sentence for the error, with only those details that come from the expression.
fn rule(error: &Error) -> String {
    match error.code() {
        "U1001" => return "the result of a step would exceed a size limit".to_owned(),
        "U1006" => return format!("takes more than {MAX_STEPS} steps"),
        "D1011" => return format!("is nested, or calls itself, more than {MAX_DEPTH} levels deep"),
        CLOCK => return format!("takes longer than {} ms", TIMEOUT.as_millis()),
        args::REFUSED => {
            let rule = error.detail("message").and_then(Value::as_str);
            return rule.unwrap_or("is refused").to_owned();
        }
        "D3137" => return "$error() was called".to_owned(),
        "D3141" => return "$assert() failed".to_owned(),
        _ => {}
    }
    let entry = jlens_core::error::catalog()
        .iter()
        .find(|entry| entry.code == error.code());
    let template = entry.map_or("failed", |entry| entry.template);
    let token: String = error.token().unwrap_or_default().chars().take(60).collect();
    let index = error.detail("index").and_then(Value::as_u64).unwrap_or(0);
    let told = template
        .replace("{{{token}}}", &token)
        .replace("{{token}}", &format!("`{token}`"))
        .replace("{{index}}", &index.to_string());
    hide(&told)
}

/// `text` with every other placeholder hidden.
fn hide(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        shown.push_str(before);
        shown.push_str("(not shown)");
        rest = after.split_once("}}").map_or("", |(_, rest)| rest);
        rest = rest.strip_prefix('}').unwrap_or(rest);
    }
    shown.push_str(rest);
    shown
}
