//! The lines of the contract, and what it means to break one.

use std::fmt;

/// One line of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Provider, operations and headers are named as keys, secrets and HTTP need it.
    Names,
    /// The base URL is usable.
    BaseUrl,
    /// There is something to do, and each thing has its own name.
    Operations,
    /// A call fits into the function.
    Timeout,
    /// Limits can be told apart, and their scope exists.
    Limits,
    /// An idempotency key has a place and a life.
    Key,
    /// The README tells an operator what there is.
    Readme,
    /// The schema refuses what it does not know.
    SchemaStrict,
    /// There are fixtures, and they can be read.
    Fixture,
    /// The fixtures show what every provider must show.
    Coverage,
    /// Fixtures say where their data is from.
    Source,
    /// The request on the wire is the one shown.
    Request,
    /// The key goes out where the operation is keyed, and nowhere else.
    KeyPlaced,
    /// The credentials go out.
    Credentials,
    /// Secrets are never printed.
    SecretKept,
    /// In a call of several requests each has its own answer.
    Batches,
    /// What the vendor is asked for, and what its answers say.
    Lookup,
    /// A payload that the fixtures call good is good.
    GoodPayload,
    /// Schema and lane refuse the same payloads.
    Agreement,
    /// A refusal says which field.
    FieldNamed,
    /// A refusal does not repeat the value.
    ValueKept,
    /// An answer means what the fixture says.
    Verdict,
    /// An answer says of the limits what the fixture says.
    Signals,
    /// Each kind of answer leads where its kind must lead.
    Meaning,
    /// Ready-made mappings do what their examples say.
    Mappings,
    /// What a vendor says in prose stays out of our words.
    ProseKept,
    /// No input makes the provider panic.
    NoPanic,
    /// What cannot be read proves nothing.
    Unreadable,
}

impl Line {
    /// All lines, in the order of the suite.
    pub const ALL: [Self; 28] = [
        Self::Names,
        Self::BaseUrl,
        Self::Operations,
        Self::Timeout,
        Self::Limits,
        Self::Key,
        Self::Readme,
        Self::SchemaStrict,
        Self::Fixture,
        Self::Coverage,
        Self::Source,
        Self::Request,
        Self::KeyPlaced,
        Self::Credentials,
        Self::SecretKept,
        Self::Batches,
        Self::Lookup,
        Self::GoodPayload,
        Self::Agreement,
        Self::FieldNamed,
        Self::ValueKept,
        Self::Verdict,
        Self::Signals,
        Self::Meaning,
        Self::Mappings,
        Self::ProseKept,
        Self::NoPanic,
        Self::Unreadable,
    ];

    /// The line itself.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Names => {
                "providers are named [a-z0-9-], operations [A-Za-z0-9._-], headers in lower case"
            }
            Self::BaseUrl => "the base URL is https and a host, without a trailing slash",
            Self::Operations => "there is at least one operation, and no two have one name",
            Self::Timeout => {
                "a call takes 1 to 25 s, so that the 60 s function has room for two and for settling"
            }
            Self::Limits => {
                "an operation's limits have different names, a scope field is required by the schema, and a cost stands \
                 where a limit counts it and fits into it"
            }
            Self::Key => {
                "an idempotency key stands in a lower-case header and is remembered for 1 min to 31 days"
            }
            Self::Readme => "a README.md names the secret and its fields",
            Self::SchemaStrict => "a schema describes an object and refuses additional properties",
            Self::Fixture => {
                "fixtures/<operation>.json is of an operation and has the documented shape"
            }
            Self::Coverage => "fixtures show a full and a minimal payload and every kind of answer",
            Self::Source => {
                "an answer has its source (an https URL or `own knowledge: why`) and the date it was read"
            }
            Self::Request => {
                "the request on the wire is exactly the fixture's (CAUSEWAY_BLESS=1 writes it)"
            }
            Self::KeyPlaced => {
                "the idempotency key goes out once where the operation is keyed, and never elsewhere"
            }
            Self::Credentials => "the credentials are in the request",
            Self::SecretKept => "no Debug or Display shows a secret",
            Self::Batches => {
                "an operation that takes several requests in a call shows such a call and its answer, and judges each \
                 element by what the answer says of it, not by its place or its company"
            }
            Self::Lookup => {
                "an operation of safety Lookup asks as the fixture shows, and shows a hit, a miss and an outage; what \
                 cannot be read says nothing"
            }
            Self::GoodPayload => "a fixture's payload is accepted by the schema and by the lane",
            Self::Agreement => "the schema and the lane refuse the same payloads",
            Self::FieldNamed => "a refusal names the field",
            Self::ValueKept => "a refusal never quotes the value",
            Self::Verdict => "an answer's verdict is the fixture's (CAUSEWAY_BLESS=1 writes it)",
            Self::Signals => {
                "an answer says of declared limits what the fixture says (CAUSEWAY_BLESS=1 writes it)"
            }
            Self::Meaning => "each kind of answer has a verdict of its kind",
            Self::Mappings => {
                "each document in mappings/ is listed in Spec.mappings, serves an operation of this provider, and makes of \
                 each example's input, which its source schema takes, the example's output, which schema and lane take"
            }
            Self::ProseKept => {
                "a verdict quotes the vendor's codes, never its prose, which may hold personal data"
            }
            Self::NoPanic => "no payload and no answer makes the provider panic",
            Self::Unreadable => "an answer that cannot be read proves neither effect nor refusal",
        }
    }
}

/// A broken line of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub line: Line,
    /// Where: operation, fixture, field.
    pub place: String,
    /// What was found there.
    pub found: String,
}

impl Breach {
    pub(crate) fn new(line: Line, place: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            line,
            place: place.into(),
            found: found.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} ({})\n    at {}: {}",
            self.line,
            self.line.rule(),
            self.place,
            self.found
        )
    }
}
