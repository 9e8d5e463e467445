//! What HubSpot answers: the records that were written, and the errors of those that were not.

use std::fmt;

use causeway::provider::{Json, Operation, Verdict};
use serde::Deserialize;

/// An answer of status 200, or 207 where only some were written.
/// <https://developers.hubspot.com/docs/api-reference/error-handling#multi-status-errors>
#[derive(Deserialize)]
pub(crate) struct Upserted {
    results: Vec<Record>,
    #[serde(default)]
    errors: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    object_write_trace_id: Option<String>,
    #[serde(default)]
    properties: Json,
}

/// <https://developers.hubspot.com/docs/api-reference/error-handling>: every field may be missing.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Failed {
    category: String,

    context: Json,
    errors: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    code: String,
}

impl Upserted {
    /// One verdict an element.
    pub(crate) fn of(&self, operation: &Operation, elements: &[&Json]) -> Vec<Verdict> {
        let is_alone = elements.len() == 1;
        let mut verdicts = Vec::with_capacity(elements.len());
        let mut untold = Vec::new();
        for (at, element) in elements.iter().enumerate() {
            let trace = operation.identity(element).ok().flatten();
            let trace = trace.unwrap_or_default();
            let written = self.results.iter().filter(|it| it.is(&trace, element));
            let written = written.map(|it| Verdict::delivered(Some(it.id.clone())));
            let failed = self.errors.iter().filter(|it| it.names(&trace));
            let mut told = written
                .chain(failed.map(|it| it.verdict(is_alone)))
                .peekable();
            if told.peek().is_none() {
                untold.push(at);
            }
            verdicts.push(Verdict::of_element(told));
        }
        // As many errors without a name as elements without a word: they are theirs, in an order that nobody tells.
        let nameless: Vec<_> = self
            .errors
            .iter()
            .filter(|it| it.trace_ids().is_empty())
            .collect();
        if nameless.len() == untold.len() {
            for (at, error) in untold.into_iter().zip(nameless) {
                verdicts[at] = if is_alone {
                    error.verdict(true)
                } else {
                    Verdict::alone()
                };
            }
        }
        verdicts
    }
}

impl Record {
    /// By our trace id; where HubSpot left it out, by the value of the property that tells records apart.
    fn is(&self, trace: &str, element: &Json) -> bool {
        if let Some(named) = &self.object_write_trace_id {
            return named == trace;
        }
        let property = element["id_property"].as_str().unwrap_or_default();
        let value = self.properties[property].as_str();
        value.is_some_and(|value| format!("{property}={}", value.trim().to_lowercase()) == trace)
    }
}

impl Failed {
    fn trace_ids(&self) -> &[Json] {
        let ids = self.context["objectWriteTraceId"].as_array();
        ids.map_or(&[], Vec::as_slice)
    }

    fn names(&self, trace: &str) -> bool {
        self.trace_ids().iter().any(|id| id == trace)
    }

    /// What is plainly about the element is final; of the rest its own call will tell more.
    fn verdict(&self, is_alone: bool) -> Verdict {
        if is_alone || self.category == "VALIDATION_ERROR" {
            return Verdict::rejected(self.to_string());
        }
        Verdict::alone()
    }
}

/// Category and codes; HubSpot's messages quote the values.
impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "category={}", self.category)?;
        let codes = self.errors.iter().map(|cause| cause.code.as_str());
        codes
            .filter(|code| !code.is_empty())
            .take(5)
            .try_for_each(|code| write!(f, " code={code}"))
    }
}
