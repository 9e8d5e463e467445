//! What a proposal starts from: a source's shape, and what an operation takes.

use serde_json::Value;

/// Most samples: as many as a mapping document may show as examples, five times over.
pub const MAX_SAMPLES: usize = 100;

/// Longest schema, and the most that all samples have together, in bytes of JSON: what ingest takes in one request is
/// less, and every value of it is looked at.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Why nothing can be proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// There is neither a schema nor a sample.
    #[error("a source is told by a JSON Schema, by samples, or by both")]
    NothingGiven,
    /// A schema or a sample is no object.
    #[error("{0} must be a JSON object")]
    NoObject(String),
    /// Too many samples.
    #[error("there are {0} samples, at most {MAX_SAMPLES} are looked at")]
    TooManySamples(usize),
    /// Too large.
    #[error("{0} has more than {MAX_BYTES} bytes")]
    TooLarge(String),
    /// A schema names no field.
    #[error("{0} has no fields")]
    NoFields(String),
}

/// What the producer sends.
#[derive(Clone, Debug)]
pub struct Source {
    pub(super) schema: Option<Value>,
    pub(super) samples: Vec<Value>,
}

impl Source {
    /// By a JSON Schema, by samples, or by both. Each sample is an object.
    ///
    /// # Errors
    /// Where there is nothing, where something is no object, and where it is more than [`MAX_SAMPLES`] or [`MAX_BYTES`].
    pub fn new(schema: Option<Value>, samples: Vec<Value>) -> Result<Self, ProposeError> {
        if schema.is_none() && samples.is_empty() {
            return Err(ProposeError::NothingGiven);
        }
        if samples.len() > MAX_SAMPLES {
            return Err(ProposeError::TooManySamples(samples.len()));
        }
        if let Some(schema) = &schema {
            object("the source's schema", schema)?;
        }
        for (index, sample) in samples.iter().enumerate() {
            object(&format!("sample {}", index + 1), sample)?;
        }
        let bytes: usize = samples.iter().map(|sample| sample.to_string().len()).sum();
        if bytes > MAX_BYTES {
            return Err(ProposeError::TooLarge("what all samples have".to_owned()));
        }
        Ok(Self { schema, samples })
    }
}

/// What an operation takes.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) provider: String,
    pub(super) operation: String,
    pub(super) schema: Value,
}

impl Target {
    /// The payload of `operation` of `provider`, by its JSON Schema, as
    /// [`Operation::schema`](causeway::provider::Operation::schema) gives it.
    ///
    /// # Errors
    /// Where the schema is no object, or longer than [`MAX_BYTES`].
    pub fn new(
        provider: impl Into<String>,
        operation: impl Into<String>,
        schema: Value,
    ) -> Result<Self, ProposeError> {
        object("the operation's schema", &schema)?;
        Ok(Self {
            provider: provider.into(),
            operation: operation.into(),
            schema,
        })
    }
}

fn object(what: &str, value: &Value) -> Result<(), ProposeError> {
    if !value.is_object() {
        return Err(ProposeError::NoObject(what.to_owned()));
    }
    if value.to_string().len() > MAX_BYTES {
        return Err(ProposeError::TooLarge(what.to_owned()));
    }
    Ok(())
}
