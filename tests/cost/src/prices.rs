//! One table of prices: US East (N. Virginia), without free tiers and without volume discounts.
//!
//! AWS fills the figures of its pricing pages in by script, so that each was read on the page that `source` names. Where
//! a figure could not be read anywhere, the dearer of what is likely stands here, and `verified` is false.

use serde::Serialize;

/// When the prices were looked up.
pub const LOOKED_UP: &str = "2026-11-30";

/// A price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Price {
    /// What is billed.
    pub what: &'static str,
    /// US dollars for `per` units.
    pub usd: f64,
    /// How many units that is for.
    pub per: f64,
    /// The unit.
    pub unit: &'static str,
    /// Where the figure was read.
    pub source: &'static str,
    /// Whether it was read there; else it is our reading.
    pub verified: bool,
}

impl Price {
    /// What `units` cost, in US dollars.
    #[must_use]
    pub fn of(&self, units: f64) -> f64 {
        units * self.usd / self.per
    }

    const fn new(
        what: &'static str,
        usd: f64,
        per: f64,
        unit: &'static str,
        source: &'static str,
    ) -> Self {
        Self {
            what,
            usd,
            per,
            unit,
            source,
            verified: true,
        }
    }

    const fn unverified(mut self) -> Self {
        self.verified = false;
        self
    }
}

const MILLION: f64 = 1e6;

/// Bytes of a GB as AWS bills them: 2^30, as DynamoDB says of its own; the others are taken for the same.
pub const GB: f64 = 1_073_741_824.0;

const DYNAMODB: &str = "https://airbyte.com/data-engineering-resources/dynamodb-pricing";
const DYNAMODB_STORED: &str = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const SQS: &str = "https://cloudburn.io/blog/amazon-sqs-pricing";
const LAMBDA: &str = "https://cloudchipr.com/blog/aws-lambda-pricing";
const CLOUDWATCH: &str = "https://cloudburn.io/blog/amazon-cloudwatch-pricing";
const LOGS: &str = "https://c3x.dev/blog/cloudwatch-logs-cost-optimization";
const ALARMS: &str = "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm";
const XRAY: &str = "https://aws.amazon.com/xray/pricing/";
const SECRETS: &str = "https://techoral.com/aws/aws-parameter-store-vs-secrets.html";
const GATEWAY: &str = "https://www.apigatewaycost.com/aws";

/// A write of up to 1 KB to an on-demand table. Halved on 2024-11-01: before, it was $1.25.
pub const WRITE_UNIT: Price = Price::new(
    "DynamoDB write request unit",
    0.625,
    MILLION,
    "units",
    DYNAMODB,
);
/// A consistent read of up to 4 KB.
pub const READ_UNIT: Price = Price::new(
    "DynamoDB read request unit",
    0.125,
    MILLION,
    "units",
    DYNAMODB,
);
/// A GB in a table for a month.
pub const TABLE_GB: Price =
    Price::new("DynamoDB storage", 0.25, 1.0, "GB-months", DYNAMODB_STORED).unverified();
/// Continuous backups of a GB for a month.
pub const BACKUP_GB: Price = Price::new(
    "DynamoDB point-in-time recovery",
    0.20,
    1.0,
    "GB-months",
    DYNAMODB_STORED,
)
.unverified();
/// A call of SQS: each 64 KiB of what it carries, ten messages at most.
pub const SQS_CALL: Price = Price::new(
    "SQS request, standard queue",
    0.40,
    MILLION,
    "64 KiB calls",
    SQS,
);
/// What a call about messages with a group costs on top (fair queues). Which calls count for it was not found: all.
pub const SQS_FAIR: Price = Price::new(
    "SQS request about a fair queue's messages, on top",
    0.10,
    MILLION,
    "64 KiB calls",
    SQS,
)
.unverified();
/// An invocation.
pub const INVOCATION: Price = Price::new("Lambda request", 0.20, MILLION, "invocations", LAMBDA);
/// A GB of a function's memory for a second, on x86_64.
pub const GB_SECOND: Price = Price::new(
    "Lambda duration, x86_64",
    0.000_016_666_7,
    1.0,
    "GB-seconds",
    LAMBDA,
);
/// The same on arm64.
pub const GB_SECOND_ARM: Price = Price::new(
    "Lambda duration, arm64",
    0.000_013_333_4,
    1.0,
    "GB-seconds",
    LAMBDA,
);
/// A GB of log lines. Lambda's are cheaper above 10 TB a month.
pub const LOG_GB: Price = Price::new("CloudWatch Logs ingestion", 0.50, 1.0, "GB", LOGS);
/// A GB of log lines kept for a month. AWS bills it compressed; here it is taken as written.
pub const LOG_GB_KEPT: Price = Price::new("CloudWatch Logs storage", 0.03, 1.0, "GB-months", LOGS);
/// A GB that a Logs Insights query reads.
pub const LOG_GB_READ: Price =
    Price::new("CloudWatch Logs Insights", 0.005, 1.0, "GB scanned", LOGS);
/// A series of a metric for a month, by the hour in which it has a value.
pub const SERIES: Price = Price::new(
    "CloudWatch custom metric",
    0.30,
    1.0,
    "series-months",
    CLOUDWATCH,
);
/// A metric that an alarm looks at.
pub const ALARM_METRIC: Price = Price::new(
    "CloudWatch alarm, a metric",
    0.10,
    1.0,
    "metric-months",
    ALARMS,
);
/// An alarm over other alarms.
pub const COMPOSITE_ALARM: Price = Price::new(
    "CloudWatch composite alarm",
    0.50,
    1.0,
    "alarm-months",
    ALARMS,
);
/// A dashboard.
pub const DASHBOARD: Price = Price::new(
    "CloudWatch dashboard",
    3.0,
    1.0,
    "dashboard-months",
    CLOUDWATCH,
);
/// A trace that X-Ray records.
pub const TRACE: Price = Price::new("X-Ray trace recorded", 5.0, MILLION, "traces", XRAY);
/// A secret.
pub const SECRET: Price = Price::new(
    "Secrets Manager secret",
    0.40,
    1.0,
    "secret-months",
    SECRETS,
);
/// A read of a secret.
pub const SECRET_CALL: Price =
    Price::new("Secrets Manager API call", 0.05, 10_000.0, "calls", SECRETS);
/// An advanced parameter, for comparison: a cheaper place for a connection's secret.
pub const PARAMETER: Price = Price::new(
    "Parameter Store, advanced parameter",
    0.05,
    1.0,
    "parameter-months",
    "https://think-with-tech.blogspot.com/2025/10/aws-systems-manager-parameter-store-ssm_94.html",
);
/// A call of the HTTP API, which may carry a hundred requests: each 512 KB of it.
pub const API_CALL: Price = Price::new(
    "API Gateway, HTTP API",
    1.0,
    MILLION,
    "512 KB calls",
    GATEWAY,
);
/// A GB sent to the vendor. The first 100 GB of an account and month are free.
pub const TRAFFIC_GB: Price = Price::new("data transfer out", 0.09, 1.0, "GB", GATEWAY);

/// All of them, in the order of the published table.
pub const ALL: [Price; 23] = [
    WRITE_UNIT,
    READ_UNIT,
    TABLE_GB,
    BACKUP_GB,
    SQS_CALL,
    SQS_FAIR,
    INVOCATION,
    GB_SECOND,
    GB_SECOND_ARM,
    LOG_GB,
    LOG_GB_KEPT,
    LOG_GB_READ,
    SERIES,
    ALARM_METRIC,
    COMPOSITE_ALARM,
    DASHBOARD,
    TRACE,
    SECRET,
    SECRET_CALL,
    PARAMETER,
    API_CALL,
    TRAFFIC_GB,
    SNS_PUBLISH,
];

/// A message to the alerts' topic; an e-mail costs more, and alarms are few.
pub const SNS_PUBLISH: Price = Price::new(
    "SNS publish",
    0.50,
    MILLION,
    "64 KB publishes",
    "https://aws.amazon.com/sns/pricing/",
)
.unverified();
