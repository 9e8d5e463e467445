//! The model that `map propose --model` asks, by options and environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causeway::clock::SystemClock;
use causeway::http_client::ReqwestClient;
use causeway_insights::model::{ApiKey, Budget, Endpoint, FileStates, Keeper, World};
use clap::Args;

use crate::error::Error;

/// Where the model's key is looked for: no argument, since everybody on a machine sees those.
pub const KEY: &str = "CAUSEWAY_MODEL_KEY";

/// Options about a language model.
#[derive(Args, Clone, Debug)]
pub struct ModelArguments {
    /// Ask a language model about the fields that are not sure. Names and types of fields leave, and nothing else:
    /// infra/DATA_HANDLING.md. Its key, where it wants one, stands in CAUSEWAY_MODEL_KEY.
    #[arg(long)]
    pub model: bool,
    /// Its address, before `/chat/completions`: any server with OpenAI's protocol.
    #[arg(long, env = "CAUSEWAY_MODEL_URL", value_name = "URL")]
    pub model_url: Option<String>,
    /// Its name there.
    #[arg(long, env = "CAUSEWAY_MODEL_NAME", value_name = "NAME")]
    pub model_name: Option<String>,
    /// Seconds that it has.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=120), value_name = "SECONDS")]
    pub model_timeout: u64,
}

impl ModelArguments {
    /// The model, where one is to be asked; its budget and answers are kept in `folder`.
    ///
    /// # Errors
    /// When an address or a name is missing or cannot be.
    pub fn keeper(&self, key: Option<&str>, folder: PathBuf) -> Result<Option<Keeper>, Error> {
        if !self.model {
            return Ok(None);
        }
        let (Some(url), Some(name)) = (&self.model_url, &self.model_name) else {
            return Err(
                Error::usage("--model: nobody said which model, or where").hint(
                    "--model-url and --model-name, or CAUSEWAY_MODEL_URL and CAUSEWAY_MODEL_NAME",
                ),
            );
        };
        let wrong = |error: &dyn std::fmt::Display| Error::usage(format!("--model: {error}"));
        let mut endpoint = Endpoint::new(url, name)
            .and_then(|endpoint| endpoint.with_timeout(Duration::from_secs(self.model_timeout)))
            .map_err(|error| wrong(&error))?;
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            let key = ApiKey::new(key);
            endpoint = endpoint
                .with_key(key.ok_or_else(|| wrong(&format!("{KEY} cannot stand in a header")))?);
        }
        let states = Arc::new(FileStates::new(folder));
        let world = World {
            http: Arc::new(
                ReqwestClient::new()
                    .map_err(|error| Error::new(format!("cannot set up TLS: {error}")))?,
            ),
            clock: Arc::new(SystemClock),
            spent: states.clone(),
            answers: states,
            writer: uuid::Uuid::new_v4().simple().to_string(),
        };
        Ok(Some(Keeper::new(endpoint, Budget::default(), world)))
    }
}

/// Where the command keeps what outlives it.
/// <https://specifications.freedesktop.org/basedir-spec/latest/#variables>
///
/// # Errors
/// When the environment names no home.
pub fn state_folder() -> Result<PathBuf, Error> {
    let named = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let state = named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")));
    let state = state.ok_or_else(|| {
        Error::new("cannot keep the model's budget: there is no XDG_STATE_HOME and no HOME")
    })?;
    Ok(state.join("causeway"))
}
