//! Lambda's Runtime API: hands out one event at a time and takes what became of it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use super::answer;
use crate::Result;

/// How long an invocation may take: `Timeout` of the lanes in `template.yaml`, in seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long the harness waits for a process to ask for its next event: a cold start of the slowest contender under the
/// quota of a 256 MB function takes some seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the process says.
#[derive(Debug)]
enum Word {
    /// It asks for the next event; nobody answers before the harness does.
    Next,
    /// It has answered the event before, at this moment.
    Answer(Bytes, Instant),
    /// It failed.
    Error(String),
}

/// The process's side: what the server calls.
#[derive(Debug)]
pub struct Runtime {
    words: mpsc::UnboundedSender<Word>,
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
}

/// The harness's side.
#[derive(Debug)]
pub struct Driver {
    words: mpsc::UnboundedReceiver<Word>,
    events: mpsc::UnboundedSender<Bytes>,
}

/// What became of one event.
#[derive(Debug)]
pub struct Invoked {
    /// From handing out the event to the last byte of its answer.
    pub wall: Duration,
    /// The ids of those of its messages that come back.
    pub put_back: Vec<String>,
}

/// Both sides.
pub fn runtime() -> (Runtime, Driver) {
    let (words, heard) = mpsc::unbounded_channel();
    let (events, handed) = mpsc::unbounded_channel();
    let runtime = Runtime {
        words,
        events: Mutex::new(handed),
    };
    let driver = Driver {
        words: heard,
        events,
    };
    (runtime, driver)
}

impl Driver {
    /// Waits until the process asks for its next event.
    ///
    /// # Errors
    /// When it fails, or does not ask in time.
    pub async fn asked(&mut self) -> Result<()> {
        match self.word().await? {
            Word::Next => Ok(()),
            Word::Answer(..) => Err("an answer to no event".into()),
            Word::Error(error) => Err(format!("the function failed: {error}").into()),
        }
    }

    /// Hands out an event, waits for the answer, and for the next question.
    ///
    /// # Errors
    /// When the function fails or is too slow.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Invoked> {
        let begun = Instant::now();
        self.events.send(event)?;
        let (answer, ended) = match self.word().await? {
            Word::Answer(answer, ended) => (answer, ended),
            Word::Next => return Err("the next event was asked for before an answer".into()),
            Word::Error(error) => return Err(format!("the function failed: {error}").into()),
        };
        self.asked().await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let failures = answer["batchItemFailures"].as_array();
        let failures = failures.ok_or("no partial batch response")?;
        let ids = failures
            .iter()
            .filter_map(|failure| failure["itemIdentifier"].as_str());
        Ok(Invoked {
            wall: ended - begun,
            put_back: ids.map(str::to_owned).collect(),
        })
    }

    async fn word(&mut self) -> Result<Word> {
        let word = tokio::time::timeout(PATIENCE, self.words.recv()).await?;
        word.ok_or_else(|| "the Runtime API is gone".into())
    }
}

impl Runtime {
    /// A call of the process to `/2018-06-01/runtime/<path>`.
    pub async fn call(&self, path: &str, body: Bytes) -> Response<http_body_util::Full<Bytes>> {
        let arrived = Instant::now();
        match path.rsplit('/').next() {
            Some("next") => {
                let _ = self.words.send(Word::Next);
                match self.events.lock().await.recv().await {
                    Some(event) => invocation(event),
                    None => answer(StatusCode::GONE, ""),
                }
            }
            Some("response") => {
                let _ = self.words.send(Word::Answer(body, arrived));
                answer(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
            }
            _ => {
                let error = String::from_utf8_lossy(&body).into_owned();
                let _ = self.words.send(Word::Error(error));
                answer(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
            }
        }
    }
}

fn invocation(event: Bytes) -> Response<http_body_util::Full<Bytes>> {
    let deadline = SystemTime::now() + TIMEOUT;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut response = Response::new(event.into());
    let mut header = |name: &'static str, value: String| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    header("lambda-runtime-aws-request-id", request_id());
    header(
        "lambda-runtime-deadline-ms",
        deadline.as_millis().to_string(),
    );
    header(
        "lambda-runtime-invoked-function-arn",
        "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned(),
    );
    // Not sampled: nobody here listens for X-Ray's segments.
    header(
        "lambda-runtime-trace-id",
        "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
    );
    header("content-type", "application/json".to_owned());
    response
}

/// A UUID of the moment: one event is handed out at a time.
fn request_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        "{:08x}-0000-4000-8000-{:012x}",
        now.as_secs(),
        now.subsec_nanos()
    )
}
