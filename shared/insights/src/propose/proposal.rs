//! What is proposed, and what people and models may change about it: nothing that is not among the candidates.

use serde::Serialize;

use super::Source;
#[cfg(feature = "trial")]
use super::Target;
use super::conversion::Conversion;
use super::flatten::Fields;
use super::path::Path;

/// Candidates that are kept a field, the chosen one among them: more is a list, not a choice.
pub const MAX_CANDIDATES: usize = 5;

/// Why a source field may be what a target field takes. Its text holds names and types, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", content = "of", rename_all = "snake_case")]
pub enum Reason {
    /// Both are called the same.
    SameName,
    /// These words of the target's name are in the source's, or mean the same.
    Words(Vec<String>),
    /// What they are in is called alike.
    Parent,
    /// Types or formats agree.
    Format(String),
    /// The descriptions speak of the same.
    Description,
    /// The values that are allowed, or were seen, agree.
    Values,
    /// Several source fields together are the target.
    Together,
    /// The schema allows no other value.
    OnlyValue,
    /// A model named it, of the candidates.
    Model,
    /// A person named it.
    Person,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SameName => f.write_str("same name"),
            Self::Words(words) => write!(f, "says {}", words.join(", ")),
            Self::Parent => f.write_str("its parents are alike"),
            Self::Format(format) => write!(f, "both are {format}"),
            Self::Description => f.write_str("described alike"),
            Self::Values => f.write_str("values agree"),
            Self::Together => f.write_str("the parts of it"),
            Self::OnlyValue => f.write_str("the only value that is allowed"),
            Self::Model => f.write_str("a model says so"),
            Self::Person => f.write_str("a person says so"),
        }
    }
}

/// One way to fill a target field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The source fields: several where they are joined.
    pub from: Vec<Path>,
    /// Their type, as JSON Schema calls it.
    pub kind: String,
    /// What is done with them, in order; nothing where they are copied.
    pub conversions: Vec<Conversion>,
    /// How likely this is what the target means: 0 to 1.
    pub confidence: f64,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// One field of the target, and what may fill it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldProposal {
    /// Where it is in the payload.
    pub target: Path,
    /// Its type, as JSON Schema calls it.
    pub kind: String,
    /// Whether the payload is refused without it, wherever what it is in is there.
    pub required: bool,
    /// The best candidates, best first; at most [`MAX_CANDIDATES`].
    pub candidates: Vec<Candidate>,
    /// The candidate that is taken; none where the field is unmapped.
    pub choice: Option<usize>,
    /// How sure the choice is, *unmapped* included: 0 to 1.
    pub confidence: f64,
}

impl FieldProposal {
    /// The candidate that is taken.
    pub fn chosen(&self) -> Option<&Candidate> {
        self.choice.and_then(|choice| self.candidates.get(choice))
    }
}

/// A mapping as it is proposed, a field a line.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// The provider.
    pub provider: String,
    /// The operation.
    pub operation: String,
    /// Every field of the payload, required ones and mapped ones included, in the schema's order.
    pub fields: Vec<FieldProposal>,
    /// Source fields that nothing takes.
    pub unused: Vec<Path>,
    /// Whether a schema had more fields than are looked at ([`MAX_FIELDS`](super::MAX_FIELDS)).
    pub cut: bool,
    /// How many of the source's fields are in it, and not made of others.
    #[serde(skip)]
    pub(super) plain: usize,
    #[serde(skip)]
    pub(super) sources: Fields,
    #[serde(skip)]
    pub(super) targets: Fields,
    #[serde(skip)]
    pub(super) source: Source,
    #[cfg(feature = "trial")]
    #[serde(skip)]
    pub(super) target: Target,
}

/// What cannot be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// The payload has no such field.
    #[error("`{0}` is no field of the payload")]
    NoField(String),
    /// The field has no such candidate.
    #[error("`{target}` has {has} candidates, counted from 0, and none of number {number}")]
    NoCandidate {
        /// The field.
        target: String,
        /// The number.
        number: usize,
        /// How many there are.
        has: usize,
    },
}

/// What a model (or whoever is asked) says of a question: the number of a candidate, or none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The target field, as its path is written.
    pub target: String,
    /// The candidate's number in the question, from 0; none where nothing fits.
    pub choice: Option<usize>,
}

impl Proposal {
    /// The field at `target`, as its path is written.
    pub fn field(&self, target: &str) -> Option<&FieldProposal> {
        let mut fields = self.fields.iter();
        fields.find(|field| field.target.to_string() == target)
    }

    /// Required fields that nothing fills, of what is there: an object or a list of which nothing is filled is left out
    /// whole, and whether it may be, the trial of a sample tells.
    pub fn missing(&self) -> impl Iterator<Item = &FieldProposal> {
        let unfilled = self
            .fields
            .iter()
            .filter(|field| field.required && field.choice.is_none());
        unfilled.filter(|field| {
            let outer = field.target.without_each().len().saturating_sub(1);
            let outer = field.target.first(outer);
            let mut filled = self.fields.iter().filter(|other| other.choice.is_some());
            outer == Path::root() || filled.any(|other| other.target.below(&outer).is_some())
        })
    }

    /// Takes candidate `number` of `target`: a person's word.
    ///
    /// # Errors
    /// When there is no such field, or no such candidate.
    pub fn choose(&mut self, target: &str, number: usize) -> Result<(), ChoiceError> {
        self.set(target, Some(number), Reason::Person)
    }

    /// Leaves `target` unmapped: a person's word.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn unmap(&mut self, target: &str) -> Result<(), ChoiceError> {
        self.set(target, None, Reason::Person)
    }

    /// Takes what `verdicts` say: all of them, or none where one names a field or a candidate that there is not.
    ///
    /// # Errors
    /// With the first verdict that cannot be followed; then nothing has changed.
    pub fn rerank(&mut self, verdicts: &[Verdict]) -> Result<(), ChoiceError> {
        let mut changed = self.clone();
        for verdict in verdicts {
            changed.set(&verdict.target, verdict.choice, Reason::Model)?;
        }
        *self = changed;
        Ok(())
    }

    fn set(
        &mut self,
        target: &str,
        number: Option<usize>,
        reason: Reason,
    ) -> Result<(), ChoiceError> {
        let mut fields = self.fields.iter_mut();
        let field = fields.find(|field| field.target.to_string() == target);
        let field = field.ok_or_else(|| ChoiceError::NoField(target.to_owned()))?;
        let has = field.candidates.len();
        if let Some(number) = number {
            let candidate = field.candidates.get_mut(number);
            let candidate = candidate.ok_or_else(|| ChoiceError::NoCandidate {
                target: target.to_owned(),
                number,
                has,
            })?;
            if !candidate.reasons.contains(&reason) {
                candidate.reasons.push(reason.clone());
            }
        }
        let agrees = field.choice == number;
        field.choice = number;
        field.confidence = match reason {
            Reason::Person => 1.0,
            // Two who come to the same are surer than each; two who differ are sure of nothing.
            _ if agrees => 1.0 - (1.0 - field.confidence) / 2.0,
            _ => 0.5,
        };
        self.count_unused();
        Ok(())
    }

    pub(super) fn count_unused(&mut self) {
        let chosen: Vec<&Candidate> = self
            .fields
            .iter()
            .filter_map(FieldProposal::chosen)
            .collect();
        let used = |path: &Path| {
            chosen.iter().any(|candidate| {
                candidate.from.contains(path)
                    || candidate
                        .conversions
                        .iter()
                        .any(|done| done.reads() == Some(path))
            })
        };
        let leaves = self.sources.leaves.iter().take(self.plain);
        let unused = leaves.map(|leaf| &leaf.path).filter(|path| !used(path));
        self.unused = unused.cloned().collect();
    }
}
