//! `POST /v1/mappings/propose`: for tools that help people to write a mapping. What is sent is looked at and answered;
//! nothing of it is kept, logged or sent on.

use std::collections::BTreeMap;

use causeway::mapping::Mapping;
use causeway::provider::{Operation, Provider};
use causeway::request::Name;
use causeway_insights::propose::{self, MAX_EXAMPLES, Proposal, ProposeError, Source, Target};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::http::{Request, Response};
use crate::problem::{FieldError, Problem};

/// Longest body: a schema and twenty records have a few hundred KB, and every value of them is looked at.
pub const BODY_MAX: usize = 1 << 20;

/// Most samples: each is an example of the mapping.
pub const SAMPLES_MAX: usize = MAX_EXAMPLES;

/// The mapping's name where none is given.
const NAME: &str = "proposed";

/// What is wrong with the body, as a code.
const INVALID: &str = "proposal_invalid";

/// What a proposal is made of.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["source"]}, {"required": ["samples"]}]))]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Ask {
    /// Which lane.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    provider: String,
    /// Which of its operations.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    operation: String,
    /// The JSON Schema of the source's records.
    #[schemars(extend("type" = "object"))]
    source: Option<Map<String, Value>>,
    /// Records of the source.
    #[schemars(length(max = 20), extend("type" = "array"))]
    samples: Option<Vec<Map<String, Value>>>,
    /// The mapping's name in requests; `proposed` where none is given.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"), extend("type" = "string"))]
    name: Option<String>,
    /// What a person chose otherwise, by the payload's field: the number of a candidate of an earlier answer, from 0, or
    /// null for none of them.
    #[schemars(extend("type" = "object"))]
    choices: Option<BTreeMap<String, Option<u8>>>,
}

/// A proposed mapping.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Proposed {
    /// The payload's fields that are required, or that something may fill.
    fields: Vec<ProposedField>,
    /// Required fields that nothing fills.
    missing: Vec<String>,
    /// Fields of the source that nothing takes.
    unused: Vec<String>,
    /// Whether there are more fields than are looked at.
    cut: bool,
    /// What the mapping makes of each sample, in their order.
    samples: Vec<Tried>,
    /// The mapping document, with the samples as its examples: to be reviewed.
    document: Map<String, Value>,
}

/// One field of the payload.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProposedField {
    /// Where it stands in the payload, such as `lines[].price`.
    target: String,
    /// Its type, in words.
    #[serde(rename = "type")]
    kind: String,
    /// Whether the payload is refused without it.
    required: bool,
    /// The candidate that is taken, from 0; null where none is.
    choice: Option<usize>,
    /// How sure the choice is, also where it is none.
    #[schemars(range(min = 0, max = 1))]
    confidence: f64,
    /// What may fill it, best first.
    candidates: Vec<ProposedCandidate>,
}

/// One way to fill a field.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProposedCandidate {
    /// Fields of the source.
    from: Vec<String>,
    /// Their type, in words.
    #[serde(rename = "type")]
    kind: String,
    /// What is done with them, in words.
    conversions: Vec<String>,
    /// How likely it is right.
    #[schemars(range(min = 0, max = 1))]
    confidence: f64,
    /// Why, in words.
    reasons: Vec<String>,
}

/// What the mapping makes of a sample.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tried {
    /// Whether the operation takes it.
    good: bool,
    /// The payload; null where there is none.
    output: Option<Value>,
    /// What is wrong with it by the operation's schema, or that there is none.
    #[schemars(length(max = 16))]
    errors: Vec<FieldError>,
}

/// Answers a POST.
pub(crate) fn propose(api: &Api, request: &Request) -> Response {
    if request.body.len() > BODY_MAX {
        let detail = format!(
            "the body has {} bytes, at most {BODY_MAX} are taken",
            request.body.len()
        );
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).into();
    }
    match answer(api, &request.body) {
        Ok(proposed) => Response::json(StatusCode::OK, &proposed),
        Err(problem) => problem.into(),
    }
}

fn answer(api: &Api, body: &[u8]) -> Result<Proposed, Problem> {
    let mut fields = Fields::read(body)?;
    let (lane, operation) = operation(api, &fields.name("provider")?, &fields.name("operation")?)?;
    let source = fields.take(
        "source",
        "must be a JSON Schema, an object",
        Value::is_object,
    )?;
    let samples = fields.take("samples", "must be a list", Value::is_array)?;
    let choices = fields.take("choices", "must be an object", Value::is_object)?;
    let name = fields.optional_name("name")?;
    fields.end()?;
    let samples = match samples {
        Some(Value::Array(samples)) => samples,
        _ => Vec::new(),
    };
    if samples.len() > SAMPLES_MAX {
        let rule = format!("at most {SAMPLES_MAX} samples");
        return Err(Problem::field(INVALID, "samples", rule));
    }
    // Their words name what is wrong and its bound, never a value.
    let cannot = |error: ProposeError| Problem::field(INVALID, "source", error.to_string());
    let source = Source::new(source, samples.clone()).map_err(cannot)?;
    let schema = operation.schema().to_value();
    let target = Target::new(lane, operation.name, schema).map_err(cannot)?;
    let mut proposal = propose::propose(&source, &target).map_err(cannot)?;
    if let Some(Value::Object(choices)) = choices {
        choose(&mut proposal, &choices)?;
    }
    let now = api.clock.now();
    let not_a_mapping = |_| Problem::field(INVALID, "source", "no mapping can be made of it");
    let name = name.as_deref().unwrap_or(NAME);
    let document = proposal.document(name, now).map_err(not_a_mapping)?;
    let mapping = Mapping::parse(&document.to_string()).map_err(not_a_mapping)?;
    let tried = samples.iter().map(|sample| {
        let output = mapping.apply(sample, now).ok();
        tried(api, lane, operation, output)
    });
    Ok(Proposed::of(&proposal, tried.collect(), document))
}

fn operation(
    api: &Api,
    provider: &str,
    operation: &str,
) -> Result<(&'static str, &'static Operation), Problem> {
    let Some((name, lane)) = api.lanes.get_key_value(provider) else {
        let rule = "no lane of this name is deployed";
        return Err(Problem::field("unknown_provider", "provider", rule));
    };
    let spec = lane.pack.spec();
    let found = spec.operation(operation).ok_or_else(|| {
        let rule = spec.operations.unknown(operation).to_string();
        Problem::field("unknown_operation", "operation", rule)
    })?;
    Ok((name, found))
}

/// Takes what a person chose: all of it, or nothing.
fn choose(proposal: &mut Proposal, choices: &Map<String, Value>) -> Result<(), Problem> {
    for (target, choice) in choices {
        let number = choice
            .as_u64()
            .and_then(|choice| usize::try_from(choice).ok());
        let chosen = match (choice, number) {
            (Value::Null, _) => proposal.unmap(target),
            (_, Some(number)) => proposal.choose(target, number),
            _ => {
                let rule = "must be the number of a candidate, or null";
                return Err(Problem::field(INVALID, format!("choices.{target}"), rule));
            }
        };
        chosen.map_err(|error| {
            Problem::field(INVALID, format!("choices.{target}"), error.to_string())
        })?;
    }
    Ok(())
}

fn tried(
    api: &Api,
    lane: &'static str,
    operation: &'static Operation,
    output: Option<Value>,
) -> Tried {
    let errors = match &output {
        Some(output) => api
            .schemas
            .payload(lane, operation, output)
            .unwrap_or_else(|error| vec![FieldError::new("payload", error.to_string())]),
        None => vec![FieldError::new(
            "payload",
            "the mapping fails on this sample",
        )],
    };
    Tried {
        good: errors.is_empty(),
        output,
        errors,
    }
}

impl Proposed {
    fn of(proposal: &Proposal, samples: Vec<Tried>, document: Value) -> Self {
        let fields = proposal.fields.iter();
        let fields = fields.filter(|field| field.required || !field.candidates.is_empty());
        let told = |things: &mut dyn Iterator<Item = String>| things.collect::<Vec<_>>();
        let field = |field: &propose::FieldProposal| ProposedField {
            target: field.target.to_string(),
            kind: field.kind.clone(),
            required: field.required,
            choice: field.choice,
            confidence: field.confidence,
            candidates: field.candidates.iter().map(ProposedCandidate::of).collect(),
        };
        Self {
            fields: fields.map(field).collect(),
            missing: told(&mut proposal.missing().map(|field| field.target.to_string())),
            unused: told(&mut proposal.unused.iter().map(ToString::to_string)),
            cut: proposal.cut,
            samples,
            document: match document {
                Value::Object(document) => document,
                _ => Map::new(),
            },
        }
    }
}

impl ProposedCandidate {
    fn of(candidate: &propose::Candidate) -> Self {
        Self {
            from: candidate.from.iter().map(ToString::to_string).collect(),
            kind: candidate.kind.clone(),
            conversions: candidate
                .conversions
                .iter()
                .map(ToString::to_string)
                .collect(),
            confidence: candidate.confidence,
            reasons: candidate.reasons.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The body's fields, taken one by one: no error quotes a value, as a deserialiser's would.
struct Fields(Map<String, Value>);

impl Fields {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Problem::malformed("the body must be a JSON object")),
            Err(error) => Err(Problem::malformed(format!(
                "the body is no JSON: line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
    }

    fn take(
        &mut self,
        name: &str,
        rule: &str,
        holds: impl FnOnce(&Value) -> bool,
    ) -> Result<Option<Value>, Problem> {
        match self.0.remove(name) {
            Some(value) if !holds(&value) => Err(Problem::field(INVALID, name, rule)),
            value => Ok(value),
        }
    }

    fn optional_name(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let is_name = |value: &Value| value.as_str().is_some_and(Name::is_valid);
        let rule = "must be 1 to 64 letters, digits, or . _ -";
        let value = self.take(name, rule, is_name)?;
        Ok(value.and_then(|value| Some(value.as_str()?.to_owned())))
    }

    fn name(&mut self, name: &str) -> Result<String, Problem> {
        let value = self.optional_name(name)?;
        value.ok_or_else(|| Problem::field(INVALID, name, "must be given"))
    }

    fn end(&self) -> Result<(), Problem> {
        match self.0.keys().next() {
            Some(stray) => Err(Problem::field(
                INVALID,
                stray,
                "is not a field of this body",
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
