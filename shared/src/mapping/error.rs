//! Why a mapping cannot be used, or made nothing of a payload: never with a value of the payload.

use super::Place;

/// A document that is no mapping, or a payload that a mapping cannot turn into the canonical shape.
///
/// Its text goes into a dead-letter attribute: it names the mapping, the place in the expression and the rule, and
/// stays below 1 KiB.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The document does not have a mapping's shape.
    #[error("mapping document: {path}: {rule}")]
    Document {
        /// The offending field.
        path: String,
        /// What it must be.
        rule: String,
    },
    /// The expression cannot be compiled.
    #[error("mapping {mapping}: expression{place} ({code}): {message}")]
    Expression {
        /// `name@version`.
        mapping: String,
        /// Where.
        place: Box<Place>,
        /// The language's own code, such as `S0201`.
        code: String,
        /// The rule.
        message: String,
    },
    /// The expression fails on this payload.
    #[error("mapping {mapping}: expression{place} ({code}): {message}")]
    Failed {
        /// `name@version`.
        mapping: String,
        /// Where.
        place: Box<Place>,
        /// The language's own code, such as `T2001`.
        code: String,
        /// The rule.
        message: String,
    },
    /// The expression is *undefined* on this payload.
    #[error("mapping {mapping}: the expression gives nothing for this payload")]
    Nothing {
        /// `name@version`.
        mapping: String,
    },
    /// The mapping serves another operation than the request asks for.
    #[error("mapping {mapping}: serves `{serves}`, the request asks for `{asked}`")]
    OtherOperation {
        /// `name@version`.
        mapping: String,
        /// `provider/operation` of the mapping.
        serves: String,
        /// `provider/operation` of the request.
        asked: String,
    },
}

impl MappingError {
    /// Whether it is the guard of the wall clock, which tells of the machine as much as of the mapping.
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self, Self::Failed { code, .. } if code == super::jsonata::CLOCK)
    }

    /// Bounded, for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Document { .. } => "mapping_document",
            Self::Expression { .. } => "mapping_expression",
            Self::Failed { .. } | Self::Nothing { .. } => "mapping_evaluation",
            Self::OtherOperation { .. } => "mapping_operation",
        }
    }
}
