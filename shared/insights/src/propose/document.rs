//! The mapping document of a proposal, and what it makes of the samples.

use causeway::Timestamp;
use causeway::mapping::{Mapping, MappingError};
use serde_json::{Value, json};

use super::proposal::Proposal;
use super::{blank, infer, write};

/// Most samples that become examples: what a mapping document may have.
pub const MAX_EXAMPLES: usize = 20;

impl Proposal {
    /// The lines of the expression that makes the payload of the choices as they stand.
    pub fn expression(&self) -> Vec<String> {
        write::expression(self)
    }

    /// The mapping document of the choices as they stand, called `name`: a first version, with the samples as its
    /// examples, as of `now`. A sample that the expression fails on is left out; `try_out` (feature `trial`) tells.
    ///
    /// # Errors
    /// When it is no mapping: `name` is none, or it is longer than one may be.
    pub fn document(&self, name: &str, now: Timestamp) -> Result<Value, MappingError> {
        let schema = self.source.schema.clone();
        let schema = schema.unwrap_or_else(|| infer::schema(&self.source.samples));
        let made = [blank::document(&self.sources)];
        let inputs = match self.source.samples.as_slice() {
            [] => made.as_slice(),
            samples => samples,
        };
        let mut document = json!({
            "name": name,
            "version": 1,
            "provider": self.provider,
            "operation": self.operation,
            "description": format!("Proposed for {} of {}: to be reviewed.", self.operation, self.provider),
            "source": schema,
            "expression": self.expression(),
            "examples": [{"name": "none", "input": {}, "output": {}}],
        });
        let mapping = Mapping::parse(&document.to_string())?;
        let examples = inputs.iter().take(MAX_EXAMPLES).enumerate().filter_map(|(index, input)| {
            let output = mapping.apply(input, now).ok()?;
            Some(json!({"name": format!("sample {}", index + 1), "input": input, "output": output}))
        });
        let examples: Vec<Value> = examples.collect();
        if !examples.is_empty() {
            document["examples"] = Value::Array(examples);
        }
        Mapping::parse(&document.to_string())?;
        Ok(document)
    }

    /// What the mapping makes of each sample, and what the schemas of both ends say of it.
    ///
    /// # Errors
    /// As [`document`](Self::document), and when one of the schemas is none.
    #[cfg(feature = "trial")]
    pub fn try_out(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<Vec<causeway::mapping::trial::Trial>, TryError> {
        let document = self.document(name, now)?;
        let mapping = Mapping::parse(&document.to_string())?;
        let bench = causeway::mapping::trial::Bench::new(&mapping, &self.target.schema)
            .map_err(TryError::Schema)?;
        let samples = self.source.samples.iter();
        Ok(samples
            .map(|sample| bench.try_out(sample.clone(), now))
            .collect())
    }
}

/// Why a proposal cannot be tried out.
#[cfg(feature = "trial")]
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// It is no mapping.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A schema is none.
    #[error("{0}")]
    Schema(String),
}
