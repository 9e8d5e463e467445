//! A language model's endpoint that speaks OpenAI's protocol, says what a test wants it to say, and keeps what it was
//! asked.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// No question is larger.
const BODY_MAX: usize = 1 << 20;
/// What a question and its answer cost here.
const TOKENS: (u64, u64) = (100, 20);

/// What the model says.
#[derive(Clone, Debug)]
pub enum Said {
    /// This, as JSON.
    Answer(Value),
    /// This text, which may be anything.
    Text(String),
    /// It will not answer.
    Refusal,
    /// A filter withheld what it said.
    Filtered,
    /// It stopped at the longest answer allowed.
    CutOff,
    /// A failure of the endpoint.
    Status(u16),
    /// A success that is no completion.
    Garbage,
    /// A completion of so many bytes.
    Long(usize),
    /// Nothing, as long as the caller waits.
    Silence,
}

/// A question as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path that was called.
    pub path: String,
    /// Its `Authorization` header.
    pub authorization: Option<String>,
    /// Its body.
    pub body: Value,
}

type Answers = Arc<dyn Fn(&Value) -> Said + Send + Sync>;

/// A running endpoint; dropping it closes its sockets.
pub struct ModelServer {
    base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl ModelServer {
    /// Starts one on a free port in the current tokio runtime; `answer` says what it answers to a request's body.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(
        answer: impl Fn(&Value) -> Said + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&asked), Arc::new(answer)));
        Ok(Self {
            base_url,
            asked,
            accepting,
        })
    }

    /// Its address, as a model's base URL.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// All questions so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, asked: Arc<Mutex<Vec<Asked>>>, answers: Answers) {
    // Dropped with this task, and then every connection ends.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
                let service = service_fn(move |request| {
                    reply(request, Arc::clone(&asked), Arc::clone(&answers))
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(connection);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn reply(
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Answers,
) -> io::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| Some(value.to_str().ok()?.to_owned()));
    let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let body: Value = serde_json::from_slice(&body)?;
    let said = answers(&body);
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Asked {
            path,
            authorization,
            body,
        });
    let (status, body) = match said {
        Said::Answer(value) => (
            200,
            completion("stop", json!({"content": value.to_string()})),
        ),
        Said::Text(text) => (200, completion("stop", json!({"content": text}))),
        Said::Refusal => (
            200,
            completion(
                "stop",
                json!({"content": null, "refusal": "I cannot help with that."}),
            ),
        ),
        Said::Filtered => (200, completion("content_filter", json!({"content": ""}))),
        Said::CutOff => (
            200,
            completion("length", json!({"content": "{\"choices\": ["})),
        ),
        Said::Status(status) => (
            status,
            json!({"error": {"message": "No.", "type": "server_error", "code": null}}).to_string(),
        ),
        Said::Garbage => (200, "<html>Welcome!</html>".to_owned()),
        Said::Long(bytes) => (
            200,
            completion("stop", json!({"content": " ".repeat(bytes)})),
        ),
        Said::Silence => std::future::pending().await,
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
    Ok(response)
}

/// A completion as <https://platform.openai.com/docs/api-reference/chat/object> has it.
fn completion(finish_reason: &str, mut message: Value) -> String {
    message["role"] = "assistant".into();
    let (prompt, written) = TOKENS;
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_348_800,
        "model": "fake",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message, "logprobs": null}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
        },
    })
    .to_string()
}
