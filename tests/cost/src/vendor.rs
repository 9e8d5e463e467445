//! Stripe as the scenarios have it: well, hiccuping, away, or busier than its documents say.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use causeway::http_client::{CallError, HttpClient};
use causeway::provider::{Answer, Wire};
use http::{HeaderMap, HeaderValue};

use crate::account::Account;
use crate::scenario::Mood;
use std::sync::Arc;

/// How long the vendor takes, in ms.
pub const VENDOR_MS: u64 = 200;

/// What a call and its answer weigh beside path, headers and body: the request line, the host, TLS records.
const HTTP_OVERHEAD: usize = 200;

/// The vendor.
pub struct Vendor {
    account: Arc<Account>,
    mood: Mood,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: u64,
    /// Idempotency keys of what took effect.
    effects: BTreeSet<String>,
    /// When the calls of the last second were let in.
    let_in: VecDeque<Duration>,
}

impl Vendor {
    /// The vendor in its mood.
    #[must_use]
    pub fn new(account: Arc<Account>, mood: Mood) -> Self {
        Self {
            account,
            mood,
            seen: Mutex::default(),
        }
    }

    /// How many requests took effect.
    pub fn effects(&self) -> usize {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .effects
            .len()
    }

    fn answer(&self, key: &str, now: Duration) -> Answer {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.calls += 1;
        let status = match self.mood {
            Mood::Well => 200,
            Mood::OneIn(each) if seen.calls.is_multiple_of(each) => 503,
            Mood::OneIn(_) => 200,
            Mood::Away { from, to } if (from..to).contains(&now) => 503,
            Mood::Away { .. } => 200,
            Mood::Takes { a_second } => {
                let second = Duration::from_secs(1);
                while seen.let_in.front().is_some_and(|at| *at + second <= now) {
                    seen.let_in.pop_front();
                }
                let room = seen.let_in.len() < a_second;
                if room {
                    seen.let_in.push_back(now);
                }
                if room { 200 } else { 429 }
            }
        };
        let body = match status {
            200 => {
                seen.effects.insert(key.to_owned());
                format!(
                    r#"{{"id":"cus_{:014}","object":"customer"}}"#,
                    seen.effects.len()
                )
            }
            429 => r#"{"error":{"code":"rate_limit","type":"invalid_request_error"}}"#.to_owned(),
            _ => r#"{"error":{"type":"api_error"}}"#.to_owned(),
        };
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, json)]);
        Answer {
            status,
            headers,
            body: body.into(),
        }
    }
}

#[async_trait]
impl HttpClient for Vendor {
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        _timeout: Duration,
    ) -> Result<Answer, CallError> {
        let headers: usize = wire
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        let bytes = HTTP_OVERHEAD + base_url.len() + wire.path.len() + headers + wire.body.len();
        self.account.count(|counts| {
            counts.vendor_calls += 1;
            counts.vendor_bytes += bytes as u64;
        });
        let key = wire
            .headers
            .get("idempotency-key")
            .and_then(|key| key.to_str().ok());
        let answer = self.answer(key.unwrap_or_default(), self.account.time.passed());
        self.account.time.sleep(VENDOR_MS).await;
        Ok(answer)
    }
}
