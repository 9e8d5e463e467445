//! The local stack's stand-in for what CloudWatch does with metrics in logs.

use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway_local::stack::{BareEmulator, root};
use serde_json::json;

const GROUP: &str = "/causeway/acme";
/// Start of the minute that all lines belong to.
const MINUTE: i64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn metrics_in_logs_become_metrics_and_no_line_counts_twice() {
    let emulator = BareEmulator::up("test-metrics").await;
    let emulator = emulator.unwrap_or_else(|error| panic!("{}", error.report()));
    let folder = root().join("target/local/test-metrics/emulator/metrics");
    let now = SystemClock.now();
    let minute = Timestamp::from_millis(now.as_millis() / MINUTE * MINUTE);
    let forward = async || {
        let done = emulator.forward_metrics(&folder, GROUP).await;
        done.unwrap_or_else(|error| panic!("{}", error.report()))
    };

    let lines = [line(minute, 3, &[100, 200]), "START RequestId".to_owned()];
    emulator.log(GROUP, "1", now, &lines).await.expect("taken");
    assert_eq!(forward().await, 2);
    assert_eq!(forward().await, 0);
    let lines = [line(minute, 4, &[300])];
    emulator.log(GROUP, "2", now, &lines).await.expect("taken");
    assert_eq!(forward().await, 2);

    let client = Client::new(&emulator.sdk_config());
    let read = async |name, stat| read(&client, minute, name, stat).await;
    assert_eq!(read("Delivered", "Sum").await, [7.0]);
    assert_eq!(read("ProviderLatency", "Average").await, [200.0]);
    // Between the two largest values: how percentiles are interpolated is the service's business.
    let p99 = read("ProviderLatency", "p99").await;
    assert!(
        matches!(p99[..], [p99] if p99 > 290.0 && p99 <= 300.0),
        "{p99:?}"
    );
    assert_eq!(read("Rejected", "Sum").await, [0.0; 0]);
}

/// A batch's line, as a lane prints it.
fn line(minute: Timestamp, delivered: u64, latencies: &[u64]) -> String {
    json!({
        "Provider": "acme", "Delivered": delivered, "ProviderLatency": latencies,
        "_aws": {"Timestamp": minute.as_millis(), "CloudWatchMetrics": [{
            "Namespace": "Causeway", "Dimensions": [["Provider"]], "Metrics": [
                {"Name": "Delivered", "Unit": "Count"},
                {"Name": "ProviderLatency", "Unit": "Milliseconds"},
            ],
        }]},
    })
    .to_string()
}

async fn read(client: &Client, minute: Timestamp, name: &str, stat: &str) -> Vec<f64> {
    let metric = Metric::builder().namespace("Causeway").metric_name(name);
    let metric = metric.dimensions(Dimension::builder().name("Provider").value("acme").build());
    let stat = MetricStat::builder()
        .metric(metric.build())
        .period(60)
        .stat(stat);
    let query = MetricDataQuery::builder().id("m").metric_stat(stat.build());
    let end = minute + Duration::from_secs(60);
    let answer = client
        .get_metric_data()
        .metric_data_queries(query.build())
        .start_time(DateTime::from_millis(minute.as_millis()))
        .end_time(DateTime::from_millis(end.as_millis()))
        .send()
        .await
        .expect("it answers");
    answer.metric_data_results()[0].values().to_vec()
}
