//! The one way to a model: known answers first, then the budget, then one call. Told in the log: sizes, tokens, time and
//! cost, and nothing that was said.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use causeway::clock::Clock;
use causeway::http_client::HttpClient;
use causeway::lanes::{self, StateStore};
use causeway::provider::Wire;
use causeway::{StoreError, Timestamp};
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

use super::answers::Answers;
use super::budget::{Budget, Reserved, Spent};
use super::endpoint::Endpoint;
use super::question::Question;
use super::{Answer, LanguageModel, ModelError, Usage, chat};

/// Where the budget is kept. No provider's keys begin like this: a provider's name is never empty.
const BUDGET: &str = "#model#budget";
/// Where the answers are kept.
const ANSWERS: &str = "#model#answers";

/// The seams that a model is asked through.
#[derive(Clone)]
pub struct World {
    /// Calls the endpoint: no redirects, at most 1 MiB, nothing repeated.
    pub http: Arc<dyn HttpClient>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Keeps what is spent: shared by all who share the budget.
    pub spent: Arc<dyn StateStore>,
    /// Keeps known answers; may be the same store, or memory.
    pub answers: Arc<dyn StateStore>,
    /// A name that no other writer to these stores has.
    pub writer: String,
}

/// A model and its budget.
#[derive(Clone)]
pub struct Keeper {
    endpoint: Endpoint,
    budget: Budget,
    world: World,
}

impl Keeper {
    /// Keeps `endpoint` within `budget`.
    #[must_use]
    pub const fn new(endpoint: Endpoint, budget: Budget, world: World) -> Self {
        Self {
            endpoint,
            budget,
            world,
        }
    }

    async fn known(&self, hash: &str, now: Timestamp) -> Option<serde_json::Value> {
        // A cache that does not answer is an empty one.
        let answers = lanes::read::<Answers>(&*self.world.answers, ANSWERS)
            .await
            .ok()?;
        answers.value.get(hash, now).cloned()
    }

    async fn remember(&self, hash: &str, value: &serde_json::Value) {
        let (states, clock) = (&*self.world.answers, &*self.world.clock);
        let Ok(known) = lanes::read::<Answers>(states, ANSWERS).await else {
            return;
        };
        let add = |answers: &Answers, now| (answers.with(hash, value, now), ());
        // Not remembering costs a question, and never an answer.
        let _ = lanes::update(states, clock, ANSWERS, &self.world.writer, known, add).await;
    }

    /// Spends the most that the question can take.
    async fn reserve(&self, tokens: u64) -> Result<Reserved, ModelError> {
        let (states, clock) = (&*self.world.spent, &*self.world.clock);
        let known = lanes::read::<Spent>(states, BUDGET).await?;
        let spend = |spent: &Spent, now| match self.budget.reserve(spent, now, tokens) {
            Ok((next, reserved)) => (Some(next), Ok(reserved)),
            Err(over) => (None, Err(over)),
        };
        let spent = lanes::update(states, clock, BUDGET, &self.world.writer, known, spend).await?;
        let (_, reserved) =
            spent.ok_or_else(|| StoreError::new("spending the budget", "others wrote faster"))?;
        Ok(reserved?)
    }

    /// Corrects what was spent to what it took. Where that fails, more counts as spent than was.
    async fn settle(&self, reserved: Reserved, usage: Usage) {
        let (states, clock) = (&*self.world.spent, &*self.world.clock);
        let settle = |spent: &Spent, _| (Some(spent.settle(reserved, usage.total())), ());
        if let Ok(known) = lanes::read::<Spent>(states, BUDGET).await {
            let _ = lanes::update(states, clock, BUDGET, &self.world.writer, known, settle).await;
        }
    }
}

#[async_trait]
impl LanguageModel for Keeper {
    async fn ask(&self, question: &Question) -> Result<Answer, ModelError> {
        let Endpoint {
            base_url,
            model,
            key,
            timeout,
            prices,
        } = &self.endpoint;
        let mut wire = Wire::post("/chat/completions").json(&chat::request(model, question));
        let hash = hash(base_url, &wire.body);
        let started = self.world.clock.now();
        // Held to the form again: whoever keeps the answers may have lost or changed something.
        let known = self.known(&hash, started).await;
        if let Some(value) = known.filter(|value| question.form().check(value).is_ok()) {
            return Ok(Answer { value, usage: None });
        }
        // No tokenizer makes more tokens than there are bytes.
        let most = wire.body.len() as u64 + u64::from(question.tokens());
        let reserved = self.reserve(most).await?;
        if let Some(key) = key {
            wire = wire.header(AUTHORIZATION, key.header().clone());
        }
        let called = self.world.http.call(base_url, &wire, *timeout).await;
        let usage = called.as_ref().ok().and_then(chat::usage);
        if let Some(usage) = usage {
            self.settle(reserved, usage).await;
        }
        let now = self.world.clock.now();
        let bytes_in = called.as_ref().map_or(0, |answer| answer.body.len());
        // The client's error names the endpoint's address at most, never what was sent.
        let said = called.map_err(|error| ModelError::Call(error.to_string()));
        let said = said.and_then(|answer| chat::read(&answer, question.form()));
        tracing::info!(
            code = said.as_ref().err().map_or("answered", ModelError::code),
            bytes_out = wire.body.len(),
            bytes_in,
            prompt_tokens = usage.map(|usage| usage.prompt_tokens),
            completion_tokens = usage.map(|usage| usage.completion_tokens),
            cost_micros = usage.map(|usage| prices.cost(usage)),
            duration_ms = u64::try_from(now.since(started).as_millis()).unwrap_or(u64::MAX),
            "asked a language model"
        );
        let value = said?;
        self.remember(&hash, &value).await;
        Ok(Answer { value, usage })
    }
}

/// Tells everything that is sent, and to whom, from everything else.
fn hash(base_url: &str, body: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update((base_url.len() as u64).to_be_bytes());
    hasher.update(base_url);
    hasher.update(body);
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("endpoint", &self.endpoint)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
