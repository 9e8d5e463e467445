//! Where requests are judged: a document's schemas, compiled.

use std::fmt;

use causeway::pack::OperationLine;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;

use super::call::{Call, In};
use super::file::DocumentFile;
use super::request::Request;
use super::schema::{ADDRESS, Reader, Relaxed};

/// A document that cannot judge.
#[derive(Debug, thiserror::Error)]
#[error("its schemas are none: {0}")]
pub struct CourtError(String);

/// Complaints that are listed of one request.
const COMPLAINTS_MAX: usize = 3;

/// Most characters of a complaint: some quote a whole list.
const TEXT_MAX: usize = 300;

/// A document's schemas.
#[derive(Debug)]
pub struct Court {
    relaxed: Vec<Relaxed>,
    draft: Draft,
    /// The document, its schemas as JSON Schemas.
    pub root: Value,
    registry: Registry<'static>,
}

/// What a document has against a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The parameter, or none for the body.
    pub place: Option<(In, String)>,
    /// Where in it: a JSON pointer.
    pub pointer: String,
    /// The rule.
    pub text: String,
    /// Values that would do, where the rule lists them.
    pub listed: Vec<Value>,
}

impl Complaint {
    /// One about a whole place.
    #[must_use]
    pub fn whole(place: Option<(In, String)>, text: impl Into<String>) -> Self {
        Self {
            place,
            pointer: String::new(),
            text: text.into(),
            listed: Vec::new(),
        }
    }

    /// Whether both are about one place.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.place == other.place && self.pointer == other.pointer
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((place, name)) => write!(f, "{place:?} {name}{}: {}", self.pointer, self.text),
            None => write!(f, "body{}: {}", self.pointer, self.text),
        }
    }
}

impl Court {
    /// Of `file`, without what `relaxed` names.
    ///
    /// # Errors
    /// When its schemas cannot be read.
    pub fn new(file: &DocumentFile, relaxed: &[Relaxed]) -> Result<Self, CourtError> {
        // The reader has translated older documents, whose references stand alone.
        let draft = Draft::Draft202012;
        let root = Reader::new(file, relaxed).root();
        let registry = Registry::new()
            .draft(draft)
            .add(ADDRESS, draft.create_resource(root.clone()));
        let registry = registry.and_then(jsonschema::RegistryBuilder::prepare);
        let registry = registry.map_err(|error| CourtError(error.to_string()))?;
        Ok(Self {
            relaxed: relaxed.to_vec(),
            draft,
            root,
            registry,
        })
    }

    /// The judge of `line`'s calls; none where the document has no such call.
    ///
    /// # Errors
    /// When a schema is none.
    pub fn judge(
        &self,
        file: &DocumentFile,
        line: &OperationLine,
    ) -> Result<Option<Judge>, CourtError> {
        let Some(call) = Call::find(file, line, Reader::new(file, &self.relaxed)) else {
            return Ok(None);
        };
        let compiled = |schema: &Value| {
            let options = jsonschema::options()
                .with_draft(self.draft)
                .with_registry(&self.registry);
            let built = options.should_validate_formats(true).build(schema);
            built.map_err(|error| CourtError(error.to_string()))
        };
        let parameters = call
            .parameters
            .iter()
            .map(|one| compiled(&one.schema))
            .collect::<Result<_, _>>()?;
        let mut bodies: Vec<Validator> = Vec::new();
        for body in &call.bodies {
            bodies.push(compiled(&body.schema)?);
        }
        Ok(Some(Judge {
            call,
            parameters,
            bodies,
        }))
    }
}

/// Judges the calls of one operation.
#[derive(Debug)]
pub struct Judge {
    /// What the document says of them.
    pub call: Call,
    parameters: Vec<Validator>,
    bodies: Vec<Validator>,
}

impl Judge {
    /// What the document has against `request`: nothing, or a few complaints.
    #[must_use]
    pub fn complaints(&self, request: &Request) -> Vec<Complaint> {
        let mut found = Vec::new();
        for (one, validator) in self.call.parameters.iter().zip(&self.parameters) {
            let place = Some((one.place, one.name.clone()));
            let value = request.value(one.place, &one.name);
            let is_empty = value
                .is_some_and(|value| value == "" || value.as_array().is_some_and(Vec::is_empty));
            match value {
                Some(_) if one.place == In::Path && is_empty => {
                    found.push(Complaint::whole(place, "nothing stands there"));
                }
                Some(value) => complain(validator, value, place.as_ref(), &[], &mut found),
                None if one.required
                    && !request.elsewhere.contains(&(one.place, one.name.clone())) =>
                {
                    found.push(Complaint::whole(place, "it must be given"));
                }
                None => {}
            }
        }
        match (&request.body, self.bodies.as_slice()) {
            (Some(body), bodies) if !bodies.is_empty() => {
                let own = self
                    .call
                    .bodies
                    .iter()
                    .position(|one| request.media.as_deref() == Some(one.media.as_str()));
                let at = own.or_else(|| self.plain()).unwrap_or_default();
                if let Some(validator) = bodies.get(at) {
                    complain(validator, body, None, &request.body_elsewhere, &mut found);
                }
            }
            (None, _) if self.call.needs_body => {
                found.push(Complaint::whole(None, "it must be given"));
            }
            _ => {}
        }
        found.truncate(COMPLAINTS_MAX);
        found
    }

    /// The way of writing a body that is JSON or a form, where there are others.
    #[must_use]
    pub fn plain(&self) -> Option<usize> {
        let is = |words: &[&str]| {
            self.call
                .bodies
                .iter()
                .position(|body| words.iter().any(|word| body.media.contains(word)))
        };
        is(&["json"]).or_else(|| is(&["x-www-form-urlencoded"]))
    }
}

/// Adds what `validator` has against `value`, but for fields at its top that somebody else fills in.
fn complain(
    validator: &Validator,
    value: &Value,
    place: Option<&(In, String)>,
    elsewhere: &[String],
    found: &mut Vec<Complaint>,
) {
    if validator.is_valid(value) {
        return;
    }
    for error in validator.iter_errors(value).take(COMPLAINTS_MAX * 3) {
        let pointer = error.instance_path().to_string();
        if let ValidationErrorKind::Required { property } = error.kind()
            && pointer.is_empty()
            && elsewhere.iter().any(|name| property == name)
        {
            continue;
        }
        let text: String = error.to_string().chars().take(TEXT_MAX).collect();
        let listed = match error.kind() {
            ValidationErrorKind::Enum { options } => {
                options.as_array().cloned().unwrap_or_default()
            }
            ValidationErrorKind::Constant { expected_value } => vec![Value::clone(expected_value)],
            _ => Vec::new(),
        };
        found.push(Complaint {
            place: place.cloned(),
            pointer,
            text,
            listed,
        });
    }
}
