//! The fake as a lane calls it: in the lane's own process, at the lane's own time, with faults on command.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use causeway::clock::{Clock, ManualClock};
use causeway::http_client::{CallError, HttpClient};
use causeway::provider::{Answer, Wire};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::call::Asked;
use super::fake::{Fake, Served};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is carried out, and the connection breaks before the answer.
    LostAfter,
    /// It is carried out, and the vendor breaks down before it answers: a 5xx of its own.
    ErrorAfter,
    /// It is carried out, and nobody waits long enough for the answer.
    TimeoutAfter,
    /// It is carried out, nobody waits long enough, and the vendor says of its key that it is at work.
    AtWorkAfter,
    /// It is carried out, and there is never an answer: whoever waits must be ended.
    KilledAfter,
    /// The connection breaks with the request on it, and nothing is done.
    LostBefore,
    /// Nobody waits long enough, and nothing is done.
    TimeoutBefore,
    /// There is no connection.
    NotSent,
    /// The vendor says no to what the call says.
    Refused,
    /// The vendor has had enough calls.
    Throttled,
    /// The vendor does not take the credentials.
    Unauthorised,
}

/// A vendor at the end of a wire that is none. Faults meet calls of one operation, in their order; questions and token
/// calls go through.
#[derive(Debug)]
pub struct Client {
    base_url: String,
    clock: Arc<ManualClock>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    fake: Fake,
    faults: VecDeque<Fault>,
    operation: String,
    /// How many calls of the operation there were.
    calls: usize,
}

impl Client {
    /// `fake` at `base_url`.
    #[must_use]
    pub fn new(fake: Fake, base_url: impl Into<String>, clock: Arc<ManualClock>) -> Self {
        let inner = Inner {
            fake,
            faults: VecDeque::new(),
            operation: String::new(),
            calls: 0,
        };
        Self {
            base_url: base_url.into(),
            clock,
            inner: Mutex::new(inner),
        }
    }

    /// Looks at the vendor.
    pub fn look<T>(&self, what: impl FnOnce(&Fake) -> T) -> T {
        what(&self.lock().fake)
    }

    /// From now on calls of `operation` meet `faults`, one each, and are counted.
    pub fn beset(&self, operation: &str, faults: &[Fault]) {
        let mut inner = self.lock();
        inner.faults = faults.iter().copied().collect();
        operation.clone_into(&mut inner.operation);
        inner.calls = 0;
    }

    /// How many calls of the operation there were since then.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, asked: &Asked, timeout: Duration) -> Result<Served, Option<CallError>> {
        let mut inner = self.lock();
        let Inner {
            fake,
            faults,
            operation,
            calls,
        } = &mut *inner;
        let line = fake.line(operation);
        let is_its = line.is_some_and(|line| fake.is_call_of(asked, line));
        *calls += usize::from(is_its);
        let fault = is_its.then(|| faults.pop_front()).flatten();
        let lost = || CallError::Ambiguous("the connection was reset".to_owned());
        let late = || {
            self.clock.advance(timeout);
            CallError::Ambiguous("no answer in time".to_owned())
        };
        match fault {
            None => return Ok(fake.serve(asked)),
            Some(Fault::ErrorAfter) => return Ok(fake.serve_broken(asked)),
            Some(Fault::Refused) => return Ok(fake.refuse(asked, "refused")),
            Some(Fault::Throttled) => return Ok(fake.refuse(asked, "throttled")),
            Some(Fault::Unauthorised) => return Ok(fake.refuse(asked, "unauthorised")),
            Some(Fault::NotSent) => {
                return Err(Some(CallError::NotSent("connection refused".to_owned())));
            }
            Some(Fault::LostAfter) => fake.serve_unheard(asked, false),
            Some(Fault::TimeoutAfter) => {
                fake.serve_unheard(asked, false);
                return Err(Some(late()));
            }
            Some(Fault::AtWorkAfter) => {
                fake.serve_unheard(asked, true);
                return Err(Some(late()));
            }
            Some(Fault::KilledAfter) => {
                fake.serve_unheard(asked, false);
                return Err(None);
            }
            Some(Fault::LostBefore) => fake.lose(asked),
            Some(Fault::TimeoutBefore) => {
                fake.lose(asked);
                return Err(Some(late()));
            }
        }
        Err(Some(lost()))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let rest = base_url.strip_prefix(&self.base_url).unwrap_or_default();
        let target = format!("{rest}{}", wire.path);
        let now_ms = self.clock.now().as_millis();
        let headers = wire.headers.clone();
        let asked = Asked::new(wire.method.clone(), &target, headers, &wire.body, now_ms);
        match self.take(&asked, timeout) {
            Ok(served) => Ok(answer(served)),
            Err(Some(error)) => Err(error),
            Err(None) => std::future::pending().await,
        }
    }
}

fn answer(served: Served) -> Answer {
    let mut headers = HeaderMap::new();
    for (name, value) in served.headers {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    Answer {
        status: served.status,
        headers,
        body: served.body.into(),
    }
}
