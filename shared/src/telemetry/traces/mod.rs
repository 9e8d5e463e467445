//! Traces: X-Ray's subsegments out of the box, OTLP where a collector is named. Off, the latter costs nothing: neither
//! client nor connection is made.

mod batch;
mod exporter;
mod otlp;
mod span;
mod xray;

#[cfg(test)]
mod tests;

use std::env;
use std::sync::Arc;

pub use batch::Batch;
pub use exporter::{Exporter, ExporterError};
pub use span::{Attribute, Cause, Kind, Span, Value};
pub use xray::Daemon;

use crate::Timestamp;
use crate::http_client::HttpClient;

/// Who makes spans.
#[derive(Clone, Debug)]
pub struct Source {
    /// The provider, or what else the function is for.
    pub provider: &'static str,
    /// The function's name (`AWS_LAMBDA_FUNCTION_NAME`, or `OTEL_SERVICE_NAME` in its place).
    pub service: String,
    /// Its version (`AWS_LAMBDA_FUNCTION_VERSION`).
    pub version: String,
    /// The region (`AWS_REGION`).
    pub region: String,
    /// The queue that it takes messages from, or puts them on.
    pub queue: String,
    /// This execution environment: unique among all.
    pub environment: String,
}

impl Source {
    /// The function as its environment names it, with the queue at `queue_url`.
    #[must_use]
    pub fn from_env(provider: &'static str, queue_url: &str, environment: &str) -> Self {
        let named = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let function = || named("AWS_LAMBDA_FUNCTION_NAME");
        Self {
            provider,
            service: named("OTEL_SERVICE_NAME")
                .or_else(function)
                .unwrap_or_else(|| format!("causeway-{provider}")),
            version: named("AWS_LAMBDA_FUNCTION_VERSION").unwrap_or_default(),
            region: named("AWS_REGION").unwrap_or_default(),
            queue: queue_url.rsplit('/').next().unwrap_or_default().to_owned(),
            environment: environment.to_owned(),
        }
    }

    /// The attributes of everything that it sends.
    /// <https://opentelemetry.io/docs/specs/semconv/resource/faas/>
    fn resource(&self) -> Vec<Attribute> {
        let text = |name, value: &str| (name, Value::from(value));
        let known = [
            text("service.name", &self.service),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", &self.environment),
            text("cloud.provider", "aws"),
            text("cloud.platform", "aws_lambda"),
            text("cloud.region", &self.region),
            text("faas.name", &self.service),
            text("faas.version", &self.version),
        ];
        let is_known = |(_, value): &Attribute| *value != Value::Text(String::new());
        known.into_iter().filter(is_known).collect()
    }
}

/// Where a function's traces go.
#[derive(Debug)]
pub struct Traces {
    source: Source,
    daemon: Option<Daemon>,
    exporter: Option<Exporter>,
}

impl Traces {
    /// Traces of `source` to these two.
    #[must_use]
    pub fn new(source: Source, daemon: Option<Daemon>, exporter: Option<Exporter>) -> Self {
        Self {
            source,
            daemon,
            exporter,
        }
    }

    /// Traces as the environment says: `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets, `OTEL_EXPORTER_OTLP_ENDPOINT` and
    /// `OTEL_EXPORTER_OTLP_HEADERS`. `http` is asked for only where the latter name a collector. What is wrong with
    /// them is logged, and the function goes without: no request should wait for a trace.
    #[must_use]
    pub fn from_env<E: std::fmt::Display>(
        source: Source,
        http: impl FnOnce() -> Result<Arc<dyn HttpClient>, E>,
    ) -> Self {
        let named = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let exporter = named("OTEL_EXPORTER_OTLP_ENDPOINT").and_then(|endpoint| {
            let headers = named("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
            let http = http().map_err(|error| no_exporter(&error)).ok()?;
            let exporter = Exporter::new(http, &endpoint, &headers);
            exporter.map_err(|error| no_exporter(&error)).ok()
        });
        let daemon = named("AWS_XRAY_DAEMON_ADDRESS").and_then(|address| Daemon::at(&address));
        Self::new(source, daemon, exporter)
    }

    /// Tells of a batch. Never fails; takes at most a second, and nothing of what is needed to answer before
    /// `deadline`.
    pub async fn tell(&self, batch: &Batch<'_>, deadline: Timestamp) {
        if let Some(daemon) = &self.daemon {
            daemon.send(batch, &self.source);
        }
        let now = batch.ended;
        if let Some(exporter) = self.exporter.as_ref().filter(|it| !it.is_resting(now)) {
            let spans = batch.spans(&self.source);
            self.export(&spans, exporter, now, deadline).await;
        }
    }

    /// Exports `spans` of the function's own making, in the same way.
    pub async fn tell_spans(&self, spans: &[Span], now: Timestamp, deadline: Timestamp) {
        if let Some(exporter) = &self.exporter {
            self.export(spans, exporter, now, deadline).await;
        }
    }

    async fn export(
        &self,
        spans: &[Span],
        exporter: &Exporter,
        now: Timestamp,
        deadline: Timestamp,
    ) {
        if !spans.is_empty() {
            let body = otlp::body(spans, &self.source);
            exporter.export(body, now, deadline).await;
        }
    }
}

/// Everything that would be told of `batch`: the export's body, and the daemon's documents.
#[cfg(test)]
pub(crate) fn told(batch: &Batch<'_>, source: &Source) -> (String, Vec<String>) {
    let export = otlp::body(&batch.spans(source), source);
    (export, xray::subsegments(batch, source))
}

fn no_exporter(error: &impl std::fmt::Display) {
    tracing::error!(%error, "spans are not exported");
}
