//! Prism as a proxy: it holds each request and each answer against an OpenAPI document.
//!
//! It runs without `--errors`. With it a violation *replaces* the answer, and one of an answer hides behind one of its
//! request; without it both are listed in the header `sl-violations`, and the answer arrives for the lane to judge.

use std::path::Path;
use std::time::Duration;

use causeway::provider::Answer;
use causeway_local::stack::{Processes, free_port};
use serde::Deserialize;
use serde_json::Value;
use std::fs::File;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::{Error, Toolbox};

const SCRIPT: &str = "@stoplight/prism-cli/dist/index.js";
/// It listens after two seconds on an idle machine.
const START_MAX: Duration = Duration::from_secs(90);
/// Pause between two tries to connect.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// One thing that contradicts the document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Violation {
    /// `request` or `response`, then the place in it.
    #[serde(default)]
    location: Vec<Value>,
    message: String,
}

impl Violation {
    /// Whether the answer is wrong, and not the request.
    #[must_use]
    pub fn is_of_answer(&self) -> bool {
        self.location.first().and_then(Value::as_str) == Some("response")
    }

    /// Whether the document does not have the call at all.
    #[must_use]
    pub fn is_unknown_call(&self) -> bool {
        self.message == "Selected route not found"
    }

    /// Place and rule in a line. It may quote enumerations of the document, never values of a call.
    #[must_use]
    pub fn text(&self) -> String {
        let step = |step: &Value| {
            step.as_str()
                .map_or_else(|| step.to_string(), str::to_owned)
        };
        let place: Vec<String> = self.location.iter().map(step).collect();
        format!("{}: {}", place.join("."), self.message)
    }
}

/// A running Prism.
#[derive(Debug)]
pub struct Prism {
    base_url: String,
}

impl Prism {
    /// Starts one before `upstream`; `processes` stops it.
    ///
    /// # Errors
    /// When it does not listen in time; its log says why.
    pub async fn start(
        processes: &Processes,
        toolbox: &Toolbox,
        document: &Path,
        upstream: &str,
    ) -> Result<Self, Error> {
        let port = free_port()?;
        let mut command = toolbox.node_script(processes, SCRIPT);
        command.args(["proxy", "--host", "127.0.0.1", "--port", &port.to_string()]);
        command.arg(document).arg(upstream);
        let log = document.with_extension("prism.log");
        listening(command, port, "Prism", &log, START_MAX).await?;
        Ok(Self {
            base_url: format!("http://127.0.0.1:{port}"),
        })
    }

    /// Its address, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// What Prism says about a call, by its answer.
///
/// # Errors
/// When the header is not what Prism writes.
pub fn violations(answer: &Answer) -> Result<Vec<Violation>, Error> {
    let is_own = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/problem+json"));
    if is_own {
        // Not an answer of the fake's: Prism could not even ask it.
        return Err(Error::data("Prism", String::from_utf8_lossy(&answer.body)));
    }
    match answer.headers.get("sl-violations") {
        None => Ok(Vec::new()),
        Some(list) => serde_json::from_slice(list.as_bytes())
            .map_err(|error| Error::data("Prism's header sl-violations", error)),
    }
}

/// Starts a server and waits until it takes connections on `port`.
pub(crate) async fn listening(
    mut command: tokio::process::Command,
    port: u16,
    program: &str,
    log: &Path,
    within: Duration,
) -> Result<(), Error> {
    let out = File::create(log).map_err(Error::io("write a log"))?;
    let err = out.try_clone().map_err(Error::io("write a log"))?;
    let mut child = command
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(Error::io("start a server"))?;
    match timeout(within, connected(&mut child, port)).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Error::Start {
            program: program.to_owned(),
            within,
            log: log.to_path_buf(),
        }),
    }
}

/// False when the program has ended before.
async fn connected(child: &mut Child, port: u16) -> bool {
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        sleep(TRY_EVERY).await;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn answer(header: (&'static str, &'static str)) -> Answer {
        let name = HeaderName::from_static(header.0);
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(header.1))]);
        Answer {
            status: 200,
            headers,
            body: "{}".into(),
        }
    }

    #[test]
    fn violations_are_read_from_the_header() {
        let list = r#"[{"location":["request","body","items",0],"severity":"Error","code":"type","message":"must be string"},
            {"location":["request"],"severity":"Warning","message":"Selected route not found"},
            {"location":["response","body"],"severity":"Error","code":"required","message":"must have id"}]"#;
        let list: &'static str = list.replace('\n', "").leak();
        let found = violations(&answer(("sl-violations", list))).expect("a list");
        let texts: Vec<String> = found.iter().map(Violation::text).collect();
        assert_eq!(texts[0], "request.body.items.0: must be string");
        assert!(!found[0].is_of_answer() && found[1].is_unknown_call() && found[2].is_of_answer());
    }

    #[test]
    fn what_is_no_list_and_what_prism_itself_answers_is_no_clean_bill() {
        assert_eq!(
            violations(&answer(("server", "x")))
                .map(|list| list.len())
                .ok(),
            Some(0)
        );
        assert!(violations(&answer(("sl-violations", "none"))).is_err());
        assert!(violations(&answer(("content-type", "application/problem+json"))).is_err());
    }
}
