//! MiniStack: started on a free port with a private folder, and asked over HTTP
//! what the SDK clients of this crate do not cover.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Error, Paths, Processes, Tools, aws, root};

/// It answers after one second on an idle machine.
const START_MAX: Duration = Duration::from_secs(60);
/// Pause between two questions whether it is up.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// Log events on a page.
const LOG_PAGE: usize = 10_000;
/// Pages that are read of one function's log; an emulator holds no more than this in a test.
const LOG_PAGES_MAX: usize = 1000;

/// A line of a function's log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct LogEvent {
    /// The stream; the emulator has one for each invocation.
    #[serde(rename = "logStreamName")]
    pub stream: String,
    /// When, in milliseconds since 1970.
    pub timestamp: i64,
    /// The line.
    pub message: String,
}

#[derive(Deserialize)]
struct LogPage {
    events: Vec<LogEvent>,
}

/// A running MiniStack.
#[derive(Debug)]
pub struct Emulator {
    endpoint: String,
}

impl Emulator {
    pub(super) async fn start(
        processes: &Processes,
        tools: &Tools,
        paths: &Paths,
    ) -> Result<Self, Error> {
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let log = paths.log("ministack");
        let out = fs::File::create(&log).map_err(Error::io("write a log"))?;
        let err = out.try_clone().map_err(Error::io("write a log"))?;

        let mut command = processes.command(tools.program("ministack", "python"));
        command.arg(root().join("infra/tools/emulator.py"));
        let mark: Vec<_> = command
            .as_std()
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        // The functions inherit this environment. It starts empty, so that nothing of
        // the developer's shell (a profile, a session token) reaches them.
        command.env_clear().envs(mark);
        for name in ["PATH", "HOME", "LANG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.envs(aws::environment(&endpoint)).envs([
            ("BIND_HOST", "127.0.0.1".to_owned()),
            ("GATEWAY_PORT", port.to_string()),
            // Else queue URLs name `localhost`, and every one of them is resolved anew.
            ("MINISTACK_HOST", "127.0.0.1".to_owned()),
            // Else it listens for MQTT on all interfaces.
            ("IOT_MTLS_ENABLED", "0".to_owned()),
            ("LAMBDA_EXECUTOR", "local".to_owned()),
        ]);
        command
            .env("TMPDIR", paths.emulator("tmp"))
            .env("STATE_DIR", paths.emulator("state"))
            .env("S3_DATA_DIR", paths.emulator("s3"))
            // At start and end it removes containers of its own kind: not ours to touch.
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        let mut child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(Error::io("start MiniStack"))?;

        let emulator = Self { endpoint };
        let end = Instant::now() + START_MAX;
        loop {
            if emulator.answers().await.is_ok() {
                return Ok(emulator);
            }
            let ended = child.try_wait().map_err(Error::io("ask after MiniStack"))?;
            if ended.is_some() || Instant::now() > end {
                return Err(emulator.problem(format!("does not answer; see {}", log.display())));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    pub(super) fn at(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
        }
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) async fn answers(&self) -> Result<(), Error> {
        self.get("/_ministack/health").await.map(|_| ())
    }

    pub(super) async fn environment(
        &self,
        function: &str,
    ) -> Result<BTreeMap<String, String>, Error> {
        let configuration = self.configuration(function).await?;
        serde_json::from_value(configuration["Environment"]["Variables"].clone())
            .map_err(|error| self.problem(format!("gives {function} no environment: {error}")))
    }

    pub(super) async fn logs(&self, function: &str) -> Result<Vec<String>, Error> {
        let group = self.log_group(function).await?;
        let events = self.log_events(&group, 0, "").await?;
        Ok(events.into_iter().map(|event| event.message).collect())
    }

    /// Where a function logs.
    pub(super) async fn log_group(&self, function: &str) -> Result<String, Error> {
        let configuration = self.configuration(function).await?;
        Ok(configuration["LoggingConfig"]["LogGroup"]
            .as_str()
            .map_or_else(|| format!("/aws/lambda/{function}"), str::to_owned))
    }

    /// The events of a log group since `from` (milliseconds since 1970) that have `pattern` in them, by time.
    pub(super) async fn log_events(
        &self,
        group: &str,
        mut from: i64,
        pattern: &str,
    ) -> Result<Vec<LogEvent>, Error> {
        let mut all: Vec<LogEvent> = Vec::new();
        // A page has no token to go on with: the next one starts at the last one's last millisecond, and what was
        // read of that is left out.
        let mut read = 0;
        for _ in 0..LOG_PAGES_MAX {
            let asked = json!({
                "logGroupName": group, "startTime": from, "filterPattern": pattern, "limit": LOG_PAGE,
            });
            let page = self.ask_logs("FilterLogEvents", &asked).await?;
            let page: LogPage = serde_json::from_value(page)
                .map_err(|error| self.problem(format!("answers no log events: {error}")))?;
            let (count, last) = (page.events.len(), page.events.last());
            let last = last.map_or(from, |event| event.timestamp);
            let of_last = page.events.iter().rev();
            let of_last = of_last.take_while(|event| event.timestamp == last).count();
            all.extend(page.events.into_iter().skip(read));
            if count < LOG_PAGE {
                break;
            }
            (from, read) = (last, of_last);
        }
        Ok(all)
    }

    /// Asks the emulator's CloudWatch Logs.
    pub(super) async fn ask_logs(&self, action: &str, input: &Value) -> Result<Value, Error> {
        let request = http::Request::post(format!("{}/", self.endpoint))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Logs_20140328.{action}"));
        self.ask(request, input.to_string()).await
    }

    async fn configuration(&self, function: &str) -> Result<Value, Error> {
        self.get(&format!("/2015-03-31/functions/{function}/configuration"))
            .await
    }

    async fn get(&self, path: &str) -> Result<Value, Error> {
        let request = http::Request::get(format!("{}{path}", self.endpoint));
        self.ask(request, String::new()).await
    }

    async fn ask(&self, request: http::request::Builder, body: String) -> Result<Value, Error> {
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.problem(error.to_string()))?;
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let response = client
            .request(request)
            .await
            .map_err(|error| self.problem(format!("does not answer: {error}")))?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| self.problem(format!("breaks off: {error}")))?
            .to_bytes();
        if !status.is_success() {
            let body = String::from_utf8_lossy(&body);
            return Err(self.problem(format!("answers {status}: {body}")));
        }
        serde_json::from_slice(&body).map_err(|error| self.problem(format!("answers {error}")))
    }

    fn problem(&self, problem: String) -> Error {
        Error::Emulator {
            endpoint: self.endpoint.clone(),
            problem,
        }
    }
}

/// A loopback port that nobody listens on. Another program could take it first; then a start fails and says so.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> Result<u16, Error> {
    let listener =
        std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("find a free port"))?;
    let address = listener
        .local_addr()
        .map_err(Error::io("find a free port"))?;
    Ok(address.port())
}
