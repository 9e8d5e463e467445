//! A language model, asked within a budget and never believed.
//!
//! | file | what |
//! |---|---|
//! | `fact.rs`, `question.rs`, `form.rs` | words: what may leave, and the shape in which an answer is read |
//! | `budget.rs`, `answers.rs`, `chat.rs` | decisions: may it be asked now, is the answer known, what was said |
//! | `endpoint.rs`, `keeper.rs` | where the model is; the one way to it, past budget and cache |
//! | `rerank.rs`, `prose.rs` | what is asked: which candidate means a field, how a paragraph reads in another language |
//! | `file.rs` | a seam's adapter: budget and cache of one machine, in a folder |
//!
//! What may leave is a closed list of types ([`Fact`]): names and types of fields, codes, numbers, times, and the program's
//! own sentences with blanks for what they tell of. There is no
//! way from a text to a fact but through a type that refuses what does not look like one:
//!
//! ```compile_fail,E0277
//! let sample = String::from("ada@example.com");
//! let fact: causeway_insights::model::Fact = sample.into();
//! ```
//!
//! An answer is read in the [`Form`] that the question asks for, and is a proposal even then: who asks holds it to
//! what it knows, and does without whenever [`ask`](LanguageModel::ask) fails, whatever the reason.

mod answers;
mod budget;
mod chat;
mod endpoint;
mod fact;
mod file;
mod form;
mod keeper;
mod prose;
mod question;
mod rerank;

use async_trait::async_trait;
use causeway::StoreError;
use serde_json::Value;

pub use budget::{Allowance, Budget, OverBudget, Window};
pub use endpoint::{ApiKey, Endpoint, EndpointError, Prices};
pub use fact::{Code, Fact, FieldName, FieldType, Number};
pub use file::FileStates;
pub use form::{Form, Misfit};
pub use keeper::{Keeper, World};
pub use prose::{Blanked, Prose, translate};
pub use question::{Question, QuestionTooLong};
pub use rerank::{Reranked, rerank};

/// Answers questions, or says why not.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The model's answer to `question`, in the form that it asks for.
    ///
    /// # Errors
    /// When there is none: the deterministic result stands.
    async fn ask(&self, question: &Question) -> Result<Answer, ModelError>;
}

/// What a model said, in the question's form. A proposal.
#[derive(Clone, PartialEq)]
pub struct Answer {
    /// An object with the fields that the question asked for.
    pub value: Value,
    /// What it cost; none where the answer was known, or the endpoint does not say.
    pub usage: Option<Usage>,
}

/// Only that there is one: its content belongs to whoever asked.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an answer, {:?}", self.usage)
    }
}

/// Tokens, as the endpoint counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Read by the model.
    pub prompt_tokens: u64,
    /// Written by it, what it thought included.
    pub completion_tokens: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }
}

/// Why there is no answer. None of them quotes what was sent or what came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The budget is spent; nothing was sent.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// Nobody knows what is spent already, so nothing was sent.
    #[error("the budget cannot be read: {0}")]
    BudgetUnknown(#[from] StoreError),
    /// The endpoint did not answer, or not in time.
    #[error("the model's endpoint did not answer: {0}")]
    Call(String),
    /// The endpoint answered with something else than a success.
    #[error("the model's endpoint answered {0}")]
    Status(u16),
    /// The model will not answer, or a filter on the way withheld what it said.
    #[error("the model refused")]
    Refused,
    /// The answer was cut off at its longest.
    #[error("the model's answer was cut off")]
    Cut,
    /// The endpoint does not speak the protocol.
    #[error("not an answer of a chat completion")]
    Unreadable,
    /// It was said, and is not what was asked for.
    #[error("the model's answer {0}")]
    Misfit(#[from] Misfit),
}

impl ModelError {
    /// The bounded word for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OverBudget(_) => "over_budget",
            Self::BudgetUnknown(_) => "budget_unknown",
            Self::Call(_) => "no_answer",
            Self::Status(_) => "status",
            Self::Refused => "refused",
            Self::Cut => "cut_off",
            Self::Unreadable => "unreadable",
            Self::Misfit(_) => "misfit",
        }
    }
}
