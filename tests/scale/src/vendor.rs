//! The vendor: a bit for each request, and a time at which it goes away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use causeway::http_client::{CallError, HttpClient};
use causeway::provider::{Answer, Wire};
use http::HeaderMap;

use crate::world::{Bits, World};

/// How long the vendor takes, in virtual ms.
pub const VENDOR_MS: u64 = 200;

/// The vendor of one lane.
pub struct Vendor {
    world: Arc<World>,
    effects: Mutex<Bits>,
    away_from: Option<Duration>,
    /// When calls came, where that is asked for.
    calls: Mutex<Vec<Duration>>,
}

impl Vendor {
    /// One that is well, for `requests` requests; from `away_from` on it fails with 503.
    #[must_use]
    pub fn new(world: Arc<World>, requests: u64, away_from: Option<Duration>) -> Self {
        let effects = Mutex::new(Bits::new(requests));
        Self {
            world,
            effects,
            away_from,
            calls: Mutex::default(),
        }
    }

    /// How many requests took effect.
    pub fn effects(&self) -> u64 {
        self.effects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count()
    }

    /// The calls that came while the vendor was away.
    pub fn calls_while_away(&self) -> Vec<Duration> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn carry_out(&self, wire: &Wire) -> Answer {
        let now = self.world.time.passed();
        if self.away_from.is_some_and(|from| now >= from) {
            self.calls
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(now);
            return answer(503, r#"{"error":{"type":"api_error"}}"#);
        }
        let number = number(&wire.body);
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        if number.is_none_or(|number| effects.set(number)) {
            self.world.counts().doubled += 1;
        }
        answer(200, r#"{"id":"cus_00000000000001","object":"customer"}"#)
    }
}

/// The request's number, as it stands in the form: `email=guest-1712%40shop.example`.
fn number(form: &[u8]) -> Option<u64> {
    const MARK: &[u8] = b"guest-";
    let at = form.windows(MARK.len()).position(|window| window == MARK)?;
    let digits = form[at + MARK.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
    }
}

#[async_trait]
impl HttpClient for Vendor {
    async fn call(
        &self,
        _base_url: &str,
        wire: &Wire,
        _timeout: Duration,
    ) -> Result<Answer, CallError> {
        self.world.counts().calls += 1;
        let answer = self.carry_out(wire);
        self.world.time.sleep(VENDOR_MS).await;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_number() {
        assert_eq!(
            number(b"email=guest-1712%40shop.example&name=Ada"),
            Some(1712)
        );
        assert_eq!(number(b"name=Ada"), None);
    }
}
