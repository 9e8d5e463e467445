//! Providers as data: `provider.toml` and `operations.jsonl` make a [`Provider`].
//!
//! What the files say stands in `functions/PACKS.md`. A lane reads its page when it starts, and an operation's line at
//! its first use: starting does not depend on how many operations there are.

mod answer;
mod build;
mod call;
#[cfg(feature = "trial")]
pub mod example;
mod format;
pub mod line;
mod lines;
mod lookup;
mod offered;
pub mod page;
mod place;
mod raw;
mod select;
pub mod shape;
mod source;
mod test;
mod text;
mod time;
mod told;

#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod tests;

use http::HeaderMap;
use serde_json::Value;

use crate::Timestamp;
use crate::limiter::Signals;
use crate::provider::{
    Answer, Found, Json, Lookup, Operation, Provider, Spec, Verdict, Wire, hint,
};

pub use build::Provenance;
pub use line::{HAND, OperationLine, SchemaLine, Style};
pub use lines::Lines;
pub use page::{Class, Page};
pub use place::{CallPlace, Place, PlaceError};
pub use raw::CALL;
pub use select::{Selectors, Statuses};
pub use source::PackError;
pub use test::{Rules, Test, When};
pub use told::Kept;

use offered::Offered;
use source::Source;

/// One vendor's pack. It lives as long as the process.
#[derive(Clone, Copy, Debug)]
pub struct Pack {
    spec: &'static Spec,
    offered: &'static Offered,
    judgement: &'static dyn Judgement,
}

/// What a pack is made of.
pub struct Parts<'a> {
    /// `provider.toml`.
    pub page: &'a str,
    /// `operations.jsonl`.
    pub operations: Box<dyn Lines>,
    /// Ready-made mappings.
    pub mappings: &'static [&'static str],
    /// What data cannot say.
    pub judgement: Option<&'static dyn Judgement>,
    /// How well a safety must be known to count; below it an operation is unsafe.
    pub least: Class,
}

impl<'a> Parts<'a> {
    /// A page and its operations, without mappings and Rust; what is reviewed counts.
    pub fn new(page: &'a str, operations: impl Lines + 'static) -> Self {
        Self {
            page,
            operations: Box::new(operations),
            mappings: &[],
            judgement: None,
            least: Class::Reviewed,
        }
    }
}

/// What data cannot say about a vendor, in Rust. Where a method says nothing, the page decides.
pub trait Judgement: std::fmt::Debug + Send + Sync {
    /// What an answer means for each element of a call that carries several.
    fn of_each(
        &self,
        operation: &Operation,
        elements: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Option<Vec<Verdict>> {
        let _ = (operation, elements, answer, now);
        None
    }

    /// What the answer to a lookup says.
    fn found(&self, operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Option<Found> {
        let _ = (operation, lookup, answer);
        None
    }
}

/// Nothing that data cannot say.
#[derive(Debug)]
struct Plain;

impl Judgement for Plain {}

/// What a page's places are read from.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Value,
    pub(super) text: &'a str,
    pub(super) answer: &'a Answer,
    pub(super) payload: &'a Value,
    pub(super) reference: &'a str,
    pub(super) first_sent: Timestamp,
    pub(super) last_sent: Timestamp,
    pub(super) now: Timestamp,
}

impl Scene<'_> {
    /// Runs `what` where there is a payload and no answer.
    fn of_payload<T>(payload: &Value, what: impl FnOnce(&Scene<'_>) -> T) -> T {
        let never = Timestamp::from_millis(0);
        let lookup = Lookup {
            payload,
            reference: "",
            first_sent: never,
            last_sent: never,
        };
        Self::of_lookup(&lookup, what)
    }

    /// Runs `what` where there is a question and no answer yet.
    fn of_lookup<T>(lookup: &Lookup<'_>, what: impl FnOnce(&Scene<'_>) -> T) -> T {
        let nothing = Answer {
            status: 0,
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        Pack::seen(&nothing, lookup, lookup.last_sent, what)
    }

    /// How long the vendor asks to wait.
    fn hint(&self) -> Option<std::time::Duration> {
        hint(self.answer, self.now)
    }
}

impl Pack {
    /// The pack of these files. What is read stays in memory for good.
    ///
    /// # Errors
    /// When the page is none: line, field and rule.
    pub fn new(page: &str, operations: &'static str) -> Result<Self, PackError> {
        Self::of(Parts::new(page, operations))
    }

    /// The pack of these parts.
    ///
    /// # Errors
    /// When the page is none: line, field and rule.
    pub fn of(parts: Parts<'_>) -> Result<Self, PackError> {
        let judgement = parts.judgement.unwrap_or(&Plain);
        let source = Source::new(parts.page, parts.operations, parts.least)?;
        let source: &'static Source = Box::leak(Box::new(source));
        let offered: &'static Offered = Box::leak(Box::new(Offered::new(source)));
        let spec = Box::leak(Box::new(build::spec(source, offered, parts.mappings)?));
        Ok(Self {
            spec,
            offered,
            judgement,
        })
    }

    /// The page.
    #[must_use]
    pub fn page(&self) -> &'static Page {
        &self.offered.source.page
    }

    /// The operation's line.
    #[must_use]
    pub fn line(&self, operation: &str) -> Option<&'static OperationLine> {
        self.offered.known(operation).map(|known| &known.line)
    }

    /// Method and route of an operation for people, as the vendor's document has them; of the raw call all that it may
    /// take. Empty where there is no such operation.
    #[must_use]
    pub fn route(&self, operation: &str) -> String {
        match self.line(operation) {
            Some(line) if raw::is(line) => {
                let routes: Vec<_> = self.page().raw.texts().collect();
                routes.join(", ")
            }
            Some(line) => format!("{} {}", line.method, line.path),
            None => String::new(),
        }
    }

    /// The row of the page that an answer to `operation` falls under; none where HTTP's own rules decide, or there is no
    /// such operation.
    #[must_use]
    pub fn row(
        &self,
        operation: &str,
        answer: &Answer,
        now: Timestamp,
    ) -> Option<&'static page::AnswerRow> {
        let (line, page) = (self.line(operation)?, self.page());
        Self::seen(answer, &nothing_asked(now), now, |scene| {
            page.row(line, scene)
        })
    }

    /// Reads every operation: what is wrong with a line, or with what the page says of one, a lane would only find at its
    /// first use.
    ///
    /// # Errors
    /// What is wrong first: operation, field and rule.
    pub fn check(&self) -> Result<(), PackError> {
        self.offered.check()
    }

    /// Where the operation's safety is known from; none where there is no such operation.
    #[must_use]
    pub fn provenance(&self, operation: &str) -> Option<Provenance> {
        self.offered.known(operation).map(|known| known.provenance)
    }

    /// A payload that the operation's schema takes, made from the schema alone; none where there is no such operation.
    #[cfg(feature = "trial")]
    #[must_use]
    pub fn example(&self, operation: &str, extent: example::Extent) -> Option<Value> {
        let line = self.line(operation)?;
        Some(example::example(&line.schema, &self.offered.source, extent))
    }

    /// Runs `what` over what an answer to `operation` shows.
    fn seen<T>(
        answer: &Answer,
        lookup: &Lookup<'_>,
        now: Timestamp,
        what: impl FnOnce(&Scene<'_>) -> T,
    ) -> T {
        let body: Value = answer.json().unwrap_or_default();
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        what(&Scene {
            status: answer.status,
            headers: &answer.headers,
            body: &body,
            text,
            answer,
            payload: lookup.payload,
            reference: lookup.reference,
            first_sent: lookup.first_sent,
            last_sent: lookup.last_sent,
            now,
        })
    }
}

/// What an answer is read with where there is no lookup: nothing of the request.
fn nothing_asked(now: Timestamp) -> Lookup<'static> {
    static NULL: Value = Value::Null;
    Lookup {
        payload: &NULL,
        reference: "",
        first_sent: now,
        last_sent: now,
    }
}

impl Provider for Pack {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn classify(&self, operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        let Some(known) = self.offered.known(operation.name) else {
            return Verdict::by_status(answer, now);
        };
        Self::seen(answer, &nothing_asked(now), now, |scene| {
            self.offered.source.page.verdict(&known.line, scene)
        })
    }

    fn classify_batch(
        &self,
        operation: &Operation,
        elements: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Vec<Verdict> {
        let told = self.judgement.of_each(operation, elements, answer, now);
        told.unwrap_or_else(|| {
            self.classify(operation, answer, now)
                .of_whole(elements.len())
        })
    }

    fn signals(&self, operation: &Operation, answer: &Answer, now: Timestamp) -> Signals {
        let Some(known) = self.offered.known(operation.name) else {
            return Signals::default();
        };
        if known.signals.is_empty() {
            return Signals::default();
        }
        Self::seen(answer, &nothing_asked(now), now, |scene| {
            build::signals(&known.signals, scene)
        })
    }

    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        let known = self.offered.known(operation.name)?;
        let question = known.lookup?;
        Scene::of_lookup(lookup, |scene| {
            question.question(&self.offered.source.page, known, scene)
        })
    }

    fn found(&self, operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Found {
        if let Some(found) = self.judgement.found(operation, lookup, answer) {
            return found;
        }
        let known = self.offered.known(operation.name);
        let Some(page) = known.and_then(|known| known.lookup) else {
            return Found::Unclear;
        };
        Self::seen(answer, lookup, lookup.last_sent, |scene| page.found(scene))
    }
}
