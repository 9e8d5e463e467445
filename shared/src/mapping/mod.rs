//! Mappings: from a producer's own shape to an operation's canonical payload.
//!
//! A mapping is a reviewed, versioned document: what the source sends, one [JSONata](https://docs.jsonata.org)
//! expression, and examples that are tests. [`Mapping::parse`] compiles it once; [`Mapping::apply`] is pure and
//! [bounded in work and memory](jsonata), however hostile the expression is. What comes out is an operation's payload
//! like any other: the lane checks it against the operation's type.
//!
//! [`Mappings`] is what an environment knows: the documents that come with the provider, and those that the table
//! `Mappings` holds for single connections.

mod document;
mod error;
pub mod jsonata;
mod known;
mod money;
mod phone;
mod place;
mod text;
#[cfg(feature = "trial")]
pub mod trial;
mod zone;

use std::fmt;

use serde_json::Value;

use crate::Timestamp;

pub use document::{Example, MAX_DOCUMENT_BYTES};
pub use error::MappingError;
pub use known::{FindError, Mappings, STALE_AFTER};
pub use place::Place;

use document::Document;
use jsonata::Jsonata;

/// A format's name, and whether a text is of it.
pub type Format = (&'static str, fn(&str) -> bool);

/// What `format` means in a mapping's source, besides what JSON Schema has: a time zone of the built-in database, and a
/// currency of ISO 4217 that has a minor unit. Whoever validates by a source takes `format` for a rule.
pub const FORMATS: [Format; 2] = [
    ("time-zone", zone::is_known),
    ("currency", |code| money::minor_units(code).is_some()),
];

/// An expression that can be applied: the seam to the engine, so that another one can take its place.
pub trait Mapper: Sized + Send + Sync {
    /// Reads `source`.
    ///
    /// # Errors
    /// When `source` is no expression of the language, or does what a mapping may not.
    fn compile(source: &str) -> Result<Self, Fault>;

    /// What the expression makes of `input`; none where that is JSONata's *undefined*. `now` is what the expression
    /// takes for the current time.
    ///
    /// # Errors
    /// When the expression fails on `input`, or reaches a bound.
    fn map(&self, input: &Value, now: Timestamp) -> Result<Option<Value>, Fault>;

    /// The field of the output that is being built at byte `at` of the source.
    fn field_at(&self, at: usize) -> Option<String>;
}

/// What went wrong in an expression. No word of it comes from the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The engine's code, such as `T2001`.
    pub code: String,
    /// The rule that was broken.
    pub message: String,
    /// Where in the source, in bytes.
    pub at: Option<usize>,
}

impl Fault {
    /// A rule that was broken `at` a byte of the source.
    pub(crate) fn new(code: &str, message: impl Into<String>, at: Option<usize>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            at,
        }
    }
}

/// One compiled mapping document.
pub struct Mapping {
    document: Document,
    source_text: String,
    engine: Jsonata,
}

impl Mapping {
    /// Reads and compiles a document.
    ///
    /// # Errors
    /// With the field and the rule that it breaks, or the place in the expression.
    pub fn parse(document: &str) -> Result<Self, MappingError> {
        let document = Document::parse(document)?;
        let source_text = document.expression.text();
        let engine = Jsonata::compile(&source_text).map_err(|fault| {
            let place = Box::new(Place::of(&source_text, fault.at, None));
            MappingError::Expression {
                mapping: document.label(),
                code: fault.code,
                place,
                message: fault.message,
            }
        })?;
        Ok(Self {
            document,
            source_text,
            engine,
        })
    }

    /// The canonical payload that the mapping makes of `payload`. The same payload and `created_at` give the same
    /// result at every attempt: `created_at`, the request's own, is the expression's `$now()`.
    ///
    /// # Errors
    /// When the expression fails on `payload`, gives nothing, or reaches a bound. No value of `payload` is told.
    pub fn apply(&self, payload: &Value, created_at: Timestamp) -> Result<Value, MappingError> {
        let found = self.engine.map(payload, created_at).map_err(|fault| {
            let field = fault.at.and_then(|at| self.engine.field_at(at));
            MappingError::Failed {
                mapping: self.to_string(),
                place: Box::new(Place::of(&self.source_text, fault.at, field)),
                code: fault.code,
                message: fault.message,
            }
        })?;
        let mut output = found.ok_or_else(|| MappingError::Nothing {
            mapping: self.to_string(),
        })?;
        // As a decoded payload is: what is sent must not depend on the order in which an expression builds it.
        output.sort_all_objects();
        Ok(output)
    }

    /// What requests call it.
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// Goes up with every change.
    pub fn version(&self) -> u32 {
        self.document.version
    }

    /// The provider whose operation it serves.
    pub fn provider(&self) -> &str {
        &self.document.provider
    }

    /// The operation whose payload it makes.
    pub fn operation(&self) -> &str {
        &self.document.operation
    }

    /// What it is for, in a sentence.
    pub fn description(&self) -> &str {
        &self.document.description
    }

    /// The JSON Schema of what the producer sends.
    pub fn source(&self) -> &Value {
        &self.document.source
    }

    /// Samples of input and output.
    pub fn examples(&self) -> &[Example] {
        &self.document.examples
    }

    /// The expression, its lines joined.
    pub fn expression(&self) -> &str {
        &self.source_text
    }
}

/// `name@version`, as errors and logs name it.
impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document.label())
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mapping").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
mod tests;
