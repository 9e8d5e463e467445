//! One batch to ingest, until each of its requests has an answer.

use std::time::Duration;

use async_trait::async_trait;
use causeway::clock::Clock;
use causeway::http_client::HttpClient;
use causeway::provider::{Answer, Wire};
use http::StatusCode;

use super::batch::body;
use super::end::{End, Outcome, Refusal, Results, Sent};
use super::input::Item;
use crate::error::Error;

/// The API's path; see its own description, `functions/ingest`.
const PATH: &str = "/v1/requests";

/// Calls for one batch, repetitions included. The waits between them are at most a minute together, unless ingest asks
/// for more.
pub const TRIES: u32 = 8;

/// Longest wait for one answer: API Gateway gives up after 30 s.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const TIMEOUT: Duration = Duration::from_secs(35);

/// The wait before the second call, doubled before each further one, of which a random part is waited.
const BACKOFF: Duration = Duration::from_millis(500);

/// Its most.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Adds what authorises a call.
#[async_trait]
pub trait Authorise: Send + Sync {
    /// `wire` for `url`, authorised.
    async fn authorise(&self, url: &str, wire: Wire) -> Result<Wire, Error>;
}

/// What a batch is sent with.
pub struct Sender<'a> {
    /// Where ingest is.
    pub url: &'a str,
    /// Calls it.
    pub http: &'a dyn HttpClient,
    /// Authorises calls.
    pub authorise: &'a dyn Authorise,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// What one call says of all that were in it.
enum Said {
    /// One outcome each.
    Each(Vec<Outcome>),
    /// Nothing, or nothing for good: again.
    Again {
        wait: Option<Duration>,
        why: Refusal,
    },
    /// Too many at once.
    TooLarge(Refusal),
    /// None of them, for one reason.
    All(Refusal),
}

impl Sender<'_> {
    /// Sends `items`, some of which may be broken; one end each, in their order. What ingest could not take, or did
    /// not answer, is sent again as it was, so that it has the same idempotency key.
    ///
    /// # Errors
    /// When calls are not authorised: no further one would be.
    pub async fn send(&self, items: Vec<Item>) -> Result<Vec<Sent>, Error> {
        let mut ends: Vec<Option<End>> = Vec::with_capacity(items.len());
        let mut open = Vec::new();
        for (at, item) in items.iter().enumerate() {
            ends.push(item.text.as_ref().err().map(|broken| {
                End::Refused(Refusal {
                    code: broken.code.to_owned(),
                    detail: broken.detail.clone(),
                    ..Refusal::default()
                })
            }));
            if item.text.is_ok() {
                open.push(at);
            }
        }
        // Halves of a call that was too large are calls of their own.
        let mut calls = vec![open];
        while let Some(call) = calls.pop().filter(|call| !call.is_empty()) {
            if let Some((first, second)) = self.until_answered(&items, call, &mut ends).await? {
                calls.push(second);
                calls.push(first);
            }
        }
        let sent = items.into_iter().zip(ends).map(|(item, end)| {
            let end = end.unwrap_or_else(|| End::Refused(Refusal::default()));
            let is_kept = matches!(end, End::Refused(_));
            let text = match item.text {
                Ok(text) => Some(text),
                Err(broken) => broken.text,
            };
            Sent {
                line: item.line,
                end,
                text: text.filter(|_| is_kept),
            }
        });
        Ok(sent.collect())
    }

    /// Calls for those at `open` until each has an end, or the tries are spent. Two halves where they are too large
    /// for one call.
    async fn until_answered(
        &self,
        items: &[Item],
        mut open: Vec<usize>,
        ends: &mut [Option<End>],
    ) -> Result<Option<(Vec<usize>, Vec<usize>)>, Error> {
        for attempt in 0..TRIES {
            let texts: Vec<&str> = open
                .iter()
                .filter_map(|at| items[*at].text.as_deref().ok())
                .collect();
            let wait = match self.call(&texts).await? {
                Said::Each(outcomes) if outcomes.len() == open.len() => {
                    let before = std::mem::take(&mut open);
                    for (at, outcome) in before.into_iter().zip(outcomes) {
                        let end = End::from(outcome);
                        if end.is_retryable() {
                            open.push(at);
                        }
                        ends[at] = Some(end);
                    }
                    None
                }
                Said::Each(_) => {
                    let why =
                        Refusal::of("bad_answer", "the answer does not match the requests", true);
                    note(&open, ends, &why);
                    None
                }
                Said::Again { wait, why } => {
                    note(&open, ends, &why);
                    wait
                }
                Said::TooLarge(_) if open.len() > 1 => {
                    let second = open.split_off(open.len() / 2);
                    return Ok(Some((open, second)));
                }
                Said::TooLarge(why) | Said::All(why) => {
                    note(&open, ends, &why);
                    return Ok(None);
                }
            };
            if open.is_empty() {
                return Ok(None);
            }
            if attempt + 1 < TRIES {
                let pause =
                    wait.unwrap_or(Duration::ZERO).min(BACKOFF_MAX) + backoff(attempt, jitter());
                self.clock.sleep_until(self.clock.now() + pause).await;
            }
        }
        Ok(None)
    }

    async fn call(&self, texts: &[&str]) -> Result<Said, Error> {
        let mut wire = Wire::post(PATH);
        wire.body = body(texts).into();
        let json = http::HeaderValue::from_static("application/json");
        wire = wire.header(http::header::CONTENT_TYPE, json);
        let wire = self.authorise.authorise(self.url, wire).await?;
        match self.http.call(self.url, &wire, TIMEOUT).await {
            Ok(answer) => self.read(&answer),
            Err(error) => Ok(Said::Again {
                wait: None,
                why: Refusal::of("no_answer", error.to_string(), true),
            }),
        }
    }

    fn read(&self, answer: &Answer) -> Result<Said, Error> {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let problem = || {
            let told = serde_json::from_slice::<Refusal>(&answer.body).ok();
            let told = told.filter(|told| !told.code.is_empty());
            told.unwrap_or_else(|| Refusal::of("http_error", format!("HTTP {status}"), false))
        };
        Ok(match status {
            StatusCode::ACCEPTED | StatusCode::MULTI_STATUS => {
                match serde_json::from_slice::<Results>(&answer.body) {
                    Ok(told) => Said::Each(told.results),
                    Err(_) => Said::Again {
                        wait: None,
                        why: Refusal::of("bad_answer", "the answer cannot be read", true),
                    },
                }
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Error::new(format!("ingest does not let you in (HTTP {status})")).hint(
                    "the credentials need the permission execute-api:Invoke on the API, or, where it asks for a token, CAUSEWAY_TOKEN in the environment; what was accepted so far stays accepted, and sending the rest again is safe",
                ));
            }
            StatusCode::PAYLOAD_TOO_LARGE => Said::TooLarge(problem()),
            StatusCode::TOO_MANY_REQUESTS => Said::Again {
                wait: retry_after(answer),
                why: Refusal {
                    retryable: true,
                    ..problem()
                },
            },
            _ if status.is_server_error() => Said::Again {
                wait: retry_after(answer),
                why: Refusal {
                    retryable: true,
                    ..problem()
                },
            },
            _ => Said::All(problem()),
        })
    }
}

fn note(open: &[usize], ends: &mut [Option<End>], why: &Refusal) {
    for at in open {
        ends[*at] = Some(End::Refused(why.clone()));
    }
}

/// Seconds only: neither ingest nor API Gateway writes dates there.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer
        .headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?;
    text.parse().ok().map(Duration::from_secs)
}

/// Full jitter: anything up to the doubled wait.
fn backoff(attempt: u32, jitter: f64) -> Duration {
    let most = BACKOFF
        .saturating_mul(2_u32.saturating_pow(attempt))
        .min(BACKOFF_MAX);
    most.mul_f64(jitter)
}

/// Uniform in `0.0..1.0`, from the random part of a UUID.
fn jitter() -> f64 {
    let random = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(random) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;
