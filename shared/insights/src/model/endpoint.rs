//! Where the model is, and what it costs.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;

use super::Usage;

/// Longest wait for an answer, where nobody says otherwise: models that think take ten seconds for a batch of fields.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait that can be asked for: ingest's answers end after 29 s anyway, and a person waits no longer than this.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// An endpoint's key. `Debug` does not show it.
#[derive(Clone)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
    /// `text` as a bearer token; none where no header may carry it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut value = HeaderValue::from_str(&format!("Bearer {text}")).ok()?;
        value.set_sensitive(true);
        (!text.is_empty()).then_some(Self(value))
    }

    pub(super) const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
}

/// What a million tokens cost, in millionths of a dollar (or of whatever the bill is in).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// Read by the model.
    pub prompt: u64,
    /// Written by it.
    pub completion: u64,
}

impl Prices {
    /// What `usage` costs, in millionths, rounded up.
    #[must_use]
    pub const fn cost(self, usage: Usage) -> u64 {
        let prompt = self.prompt.saturating_mul(usage.prompt_tokens);
        let completion = self.completion.saturating_mul(usage.completion_tokens);
        prompt.saturating_add(completion).div_ceil(1_000_000)
    }
}

/// A model behind an address that speaks OpenAI's protocol.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) base_url: String,
    pub(super) model: String,
    pub(super) key: Option<ApiKey>,
    pub(super) timeout: Duration,
    pub(super) prices: Prices,
}

/// What is wrong with a model's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The address.
    #[error(
        "the model's base URL must be https (or http on this machine), as `https://api.example.com/v1`"
    )]
    BaseUrl,
    /// The name.
    #[error("the model's name must be 1 to 256 characters")]
    Model,
    /// The time.
    #[error("the model's time must be more than 0 and at most {} s", TIMEOUT_MAX.as_secs())]
    Timeout,
}

impl Endpoint {
    /// `model` at `base_url`, which ends before `/chat/completions`.
    ///
    /// # Errors
    /// When one of them cannot be.
    pub fn new(base_url: &str, model: &str) -> Result<Self, EndpointError> {
        let base_url = base_url.trim_end_matches('/');
        let plain = |c: char| c.is_ascii_graphic() && !"?#@\\".contains(c);
        // Where it leads, and that plain HTTP stays on this machine, the HTTP client sees to at each call.
        let is_url = ["https://", "http://"]
            .iter()
            .any(|scheme| base_url.starts_with(scheme));
        if !is_url || !base_url.chars().all(plain) {
            return Err(EndpointError::BaseUrl);
        }
        if model.is_empty() || model.chars().count() > 256 {
            return Err(EndpointError::Model);
        }
        Ok(Self {
            base_url: base_url.to_owned(),
            model: model.to_owned(),
            key: None,
            timeout: TIMEOUT,
            prices: Prices::default(),
        })
    }

    /// With a key; a server of one's own may need none.
    #[must_use]
    pub fn with_key(mut self, key: ApiKey) -> Self {
        self.key = Some(key);
        self
    }

    /// With prices, so that the log tells what was spent.
    #[must_use]
    pub fn with_prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// With another wait for the complete answer.
    ///
    /// # Errors
    /// When it is none, or longer than anybody waits.
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, EndpointError> {
        if timeout.is_zero() || timeout > TIMEOUT_MAX {
            return Err(EndpointError::Timeout);
        }
        self.timeout = timeout;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = ApiKey::new(" sk-secret\n").expect("a key");
        assert_eq!(key.header().to_str().expect("text"), "Bearer sk-secret");
        let endpoint = Endpoint::new("https://api.example.com/v1/", "small")
            .expect("an endpoint")
            .with_key(key);
        assert!(!format!("{endpoint:?}").contains("secret"), "{endpoint:?}");
        assert!(ApiKey::new("a\nb").is_none() && ApiKey::new("").is_none());
    }

    #[test]
    fn an_address_has_no_query_and_no_user() {
        for bad in [
            "",
            "api.example.com",
            "ftp://a.example",
            "https://a.example/?x=",
            "https://ada@a.example",
            "https://a.example/#",
        ] {
            assert_eq!(
                Endpoint::new(bad, "small").err(),
                Some(EndpointError::BaseUrl),
                "{bad}"
            );
        }
        assert_eq!(
            Endpoint::new("https://a.example", "").err(),
            Some(EndpointError::Model)
        );
    }

    #[test]
    fn a_cost_is_rounded_up() {
        let prices = Prices {
            prompt: 150_000,
            completion: 600_000,
        };
        let usage = Usage {
            prompt_tokens: 1000,
            completion_tokens: 1,
        };
        assert_eq!(prices.cost(usage), 151, "150.6 millionths");
    }
}
