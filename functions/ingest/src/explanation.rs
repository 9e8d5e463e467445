//! An explanation as answers and problems carry it.

use causeway_insights::explain::Explanation;
use schemars::JsonSchema;
use serde::Serialize;

/// What happened, who can change it, and what happens next, in whole sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explained {
    /// For support people, without jargon.
    pub support: String,
    /// For engineers: codes, numbers, times, the next command.
    pub engineer: String,
}

impl From<Explanation> for Explained {
    fn from(explanation: Explanation) -> Self {
        let Explanation { support, engineer } = explanation;
        Self { support, engineer }
    }
}
