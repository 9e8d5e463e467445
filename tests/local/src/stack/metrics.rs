//! What CloudWatch does with log lines in the embedded metric format, and MiniStack does not: it makes metrics of them.
//!
//! Whoever needs the metrics [forwards](LocalStack::forward_metrics) what the functions logged since it was done last;
//! `make demo-up` leaves a process behind that does so every few seconds. How far the logs were read stands in a file
//! of the stack's folder under a lock, so that both may do it and no line counts twice.

mod emf;
mod place;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::builders::DimensionBuilder;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};

pub use emf::Datum;
use place::Place;

use super::{BareEmulator, Emulator, Error, LocalStack, lock};

/// Data in one call: PutMetricData takes 1,000.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>
const DATA_MAX: usize = 1_000;
/// Pause between two rounds of the process that forwards all the time. CloudWatch itself takes longer.
const ROUND_EVERY: Duration = Duration::from_secs(3);
/// Failed rounds in a row after which that process takes the emulator for gone.
const FAILURES_MAX: u32 = 10;
/// Only lines with this in them are asked for.
const PATTERN: &str = "CloudWatchMetrics";

/// How far each log group was read.
type Places = BTreeMap<String, Place>;

impl LocalStack {
    /// Makes metrics of what the functions logged since this was done last; answers how many data.
    ///
    /// # Errors
    /// When the emulator does not answer, or the stack's folder cannot be written.
    pub async fn forward_metrics(&self) -> Result<usize, Error> {
        let emulator = Emulator::at(self.endpoint());
        let mut groups = Vec::new();
        for (output, function) in self.outputs() {
            if output.ends_with("FunctionName") {
                groups.push(emulator.log_group(function).await?);
            }
        }
        groups.sort();
        groups.dedup();
        let client = client(&self.sdk_config());
        // With the emulator's state it goes when a new stack of the name comes up.
        let folder = self.paths().emulator("metrics");
        forward(&emulator, &client, &folder, &groups).await
    }

    /// Forwards until the emulator is gone.
    ///
    /// # Errors
    /// When it is.
    pub async fn forward_metrics_forever(&self) -> Result<(), Error> {
        let mut failures = 0;
        loop {
            match self.forward_metrics().await {
                Ok(_) => failures = 0,
                Err(error) if failures == FAILURES_MAX => return Err(error),
                Err(_) => failures += 1,
            }
            tokio::time::sleep(ROUND_EVERY).await;
        }
    }

    /// Starts a process that forwards as long as the stack is up: `program` is `local`. It ends with the stack.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_forwarding_metrics(&self, program: &Path, name: &str) -> Result<(), Error> {
        let log =
            fs::File::create(self.paths().log("metrics")).map_err(Error::io("write a log"))?;
        self.command(program)
            .args(["forward-metrics", "--name", name])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(Error::io("start the metrics' forwarder"))?;
        Ok(())
    }
}

impl BareEmulator {
    /// As [`LocalStack::forward_metrics`], of one log group; `folder` is where it is kept how far that was read.
    ///
    /// # Errors
    /// When the emulator does not answer, or the folder cannot be written.
    pub async fn forward_metrics(&self, folder: &Path, group: &str) -> Result<usize, Error> {
        let client = client(&self.sdk_config());
        forward(self.emulator(), &client, folder, &[group.to_owned()]).await
    }
}

/// The emulator reads no compressed bodies, and the client compresses large ones.
fn client(config: &aws_config::SdkConfig) -> Client {
    let config =
        aws_sdk_cloudwatch::config::Builder::from(config).disable_request_compression(true);
    Client::from_conf(config.build())
}

async fn forward(
    emulator: &Emulator,
    client: &Client,
    folder: &Path,
    groups: &[String],
) -> Result<usize, Error> {
    let _one_at_a_time = lock(&folder.join("lock")).await?;
    let file = folder.join("places.json");
    let mut places: Places = fs::read(&file)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let mut forwarded = 0;
    for group in groups {
        let place = places.entry(group.clone()).or_default();
        let events = emulator.log_events(group, place.from(), PATTERN).await?;
        let events = place.unread(events);
        let data: Vec<Datum> = events
            .iter()
            .flat_map(|event| emf::parse(&event.message))
            .collect();
        put(client, &data).await?;
        forwarded += data.len();
        // A crash before this line makes what was just put count twice; nobody lives by these numbers.
        let text = serde_json::to_vec(&places).unwrap_or_default();
        fs::write(&file, text).map_err(Error::io("note how far the logs were read"))?;
    }
    Ok(forwarded)
}

async fn put(client: &Client, data: &[Datum]) -> Result<(), Error> {
    let mut by_namespace: BTreeMap<&str, Vec<MetricDatum>> = BTreeMap::new();
    for datum in data {
        by_namespace
            .entry(&datum.namespace)
            .or_default()
            .push(metric_datum(datum));
    }
    for (namespace, data) in by_namespace {
        for some in data.chunks(DATA_MAX) {
            client
                .put_metric_data()
                .namespace(namespace)
                .set_metric_data(Some(some.to_vec()))
                .send()
                .await
                .map_err(Error::aws("put the metrics"))?;
        }
    }
    Ok(())
}

fn metric_datum(datum: &Datum) -> MetricDatum {
    let dimensions = datum.dimensions.iter();
    let dimensions = dimensions.map(|(name, value)| Dimension::builder().name(name).value(value));
    MetricDatum::builder()
        .metric_name(&datum.name)
        .set_dimensions(Some(dimensions.map(DimensionBuilder::build).collect()))
        .timestamp(DateTime::from_millis(datum.timestamp))
        .unit(datum.unit.as_str().into())
        .set_values(Some(datum.values.clone()))
        .build()
}
