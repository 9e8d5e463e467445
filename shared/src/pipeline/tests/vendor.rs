//! The vendor: answers by script, remembers every call, and honours keys where it is given one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};

use crate::Timestamp;
use crate::clock::{Clock, ManualClock};
use crate::http_client::{CallError, HttpClient};
use crate::provider::{Answer, Wire};

/// What the vendor does with a call.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// Answers with this status and body; 2xx take effect.
    Status(u16, &'static str),
    /// Answers 429 with this `Retry-After`, in seconds.
    TryAfter(u64),
    /// Cannot be reached.
    NotSent,
    /// Takes effect, and its answer is lost.
    Lost,
    /// Takes effect, and answers 200 with more than is read.
    Unreadable,
    /// Takes effect, and never answers: whoever waits must be ended.
    Hang,
    /// Takes effect, and answers after this long.
    Slow(Duration),
}

/// A call as the vendor saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub at: Timestamp,
    pub key: Option<String>,
    pub authorization: Option<String>,
    pub body: String,
    pub path: String,
    pub fresh: bool,
}

#[derive(Default)]
struct Inner {
    /// What the next calls get; after them [`Reply::Status`] of 200.
    script: VecDeque<Reply>,
    /// What every call gets once the script has ended.
    always: Option<Reply>,
    /// What every call gets whose body holds this text.
    marked: Vec<(String, Reply)>,
    seen: Vec<Seen>,
    /// Effects by key; those without one by body.
    effects: BTreeMap<String, u32>,
}

/// The vendor.
pub(super) struct Vendor {
    clock: Arc<ManualClock>,
    inner: Mutex<Inner>,
}

impl Vendor {
    pub fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            inner: Mutex::default(),
        }
    }

    /// What the next calls get.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.lock().script.extend(replies);
    }

    /// What every call gets from now on; none: they are carried out.
    pub fn always(&self, reply: Option<Reply>) {
        self.lock().always = reply;
    }

    /// What every call gets from now on whose body holds `text`.
    pub fn on(&self, text: &str, reply: Reply) {
        self.lock().marked.push((text.to_owned(), reply));
    }

    pub fn calls(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    pub fn effects(&self) -> BTreeMap<String, u32> {
        self.lock().effects.clone()
    }

    /// Notes the call and decides on it.
    fn serve(&self, wire: &Wire) -> Reply {
        let header = |name: &str| {
            let value = wire.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let mut inner = self.lock();
        let seen = Seen {
            at: self.clock.now(),
            key: header("idempotency-key"),
            authorization: header("authorization"),
            body: String::from_utf8_lossy(&wire.body).into_owned(),
            path: wire.path.clone(),
            fresh: wire.fresh,
        };
        let identity = seen.key.clone();
        inner.seen.push(seen.clone());
        let marked = inner
            .marked
            .iter()
            .find(|(text, _)| seen.body.contains(text));
        let reply = match marked {
            Some((_, reply)) => Some(reply.clone()),
            None => inner.script.pop_front().or_else(|| inner.always.clone()),
        };
        let reply = reply.unwrap_or(Reply::Status(200, r#"{"id":"obj_1"}"#));
        let takes_effect = match reply {
            Reply::Status(status, _) => (200..300).contains(&status),
            Reply::Lost | Reply::Unreadable | Reply::Hang | Reply::Slow(_) => true,
            Reply::TryAfter(_) | Reply::NotSent => false,
        };
        if takes_effect && wire.method != http::Method::GET {
            match identity {
                // A key that was seen before has its effect already.
                Some(key) => {
                    inner.effects.insert(key, 1);
                }
                None => *inner.effects.entry(seen.body).or_default() += 1,
            }
        }
        reply
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!(base_url, "https://api.acme.example");
        match self.serve(wire) {
            Reply::Status(status, body) => Ok(answer(status, body)),
            Reply::TryAfter(seconds) => {
                let mut refusal = answer(429, "{}");
                refusal
                    .headers
                    .insert("retry-after", HeaderValue::from(seconds));
                Ok(refusal)
            }
            Reply::NotSent => Err(CallError::NotSent("connection refused".into())),
            Reply::Lost => Err(CallError::Ambiguous("the connection was reset".into())),
            Reply::Unreadable => Err(CallError::Unreadable {
                status: Some(200),
                reason: "too long".into(),
            }),
            Reply::Hang => std::future::pending().await,
            Reply::Slow(wait) => {
                self.clock.advance(wait);
                Ok(answer(200, r#"{"id":"obj_1"}"#))
            }
        }
    }
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
    }
}
