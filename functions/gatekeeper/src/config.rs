//! What the gatekeeper is told by its environment.

use causeway::gatekeeper::{WatchedLane, WatchedLaneError};
use causeway::telemetry::NAMESPACE;

/// What the names of variables that describe a lane start with.
const LANE: &str = "LANE_";

/// The environment lacks something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name}: {rule}")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

/// The gatekeeper's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The table of breaker and limiter state (`LANES_TABLE`).
    pub lanes_table: String,
    /// Least severe level that is logged (`LOG_LEVEL`: `error` to `trace`, default `info`).
    pub log_level: String,
    /// The namespace of metrics (`METRICS_NAMESPACE`, default [`NAMESPACE`]).
    pub metrics_namespace: String,
    /// Whether a lane is lowered while early warning asks for it (`WARNING_LOWERS`: `true` or `false`, the default).
    pub heeds_warnings: bool,
    /// The lanes (`LANE_<name>`: `<provider>:<maximum concurrency>`; the queue's name is `QUEUE_PREFIX` and the lane's).
    pub lanes: Vec<WatchedLane>,
    /// Variables that describe no lane, and why. They keep nobody from watching the others.
    pub unreadable: Vec<(String, WatchedLaneError)>,
}

impl Config {
    /// Reads `variables`.
    ///
    /// # Errors
    /// When the table's name or the queues' prefix is missing, or no lane can be read.
    pub fn read(variables: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let (mut lanes_table, mut log_level) = (String::new(), "info".to_owned());
        let mut metrics_namespace = NAMESPACE.to_owned();
        let (mut written, mut queue_prefix) = (Vec::new(), String::new());
        let mut heeds_warnings = false;
        for (name, value) in variables {
            if name == "LANES_TABLE" {
                lanes_table = value;
            } else if name == "LOG_LEVEL" && !value.is_empty() {
                log_level = value;
            } else if name == "METRICS_NAMESPACE" && !value.is_empty() {
                metrics_namespace = value;
            } else if name == "WARNING_LOWERS" {
                heeds_warnings = value == "true";
            } else if name == "QUEUE_PREFIX" {
                queue_prefix = value;
            } else if name.starts_with(LANE) {
                written.push((name, value));
            }
        }
        if queue_prefix.is_empty() {
            return Err(ConfigError {
                name: "QUEUE_PREFIX",
                rule: "must be set",
            });
        }
        let (mut lanes, mut unreadable) = (Vec::<WatchedLane>::new(), Vec::new());
        for (name, value) in written {
            let queue = format!("{queue_prefix}{}", &name[LANE.len()..]);
            match WatchedLane::read(queue, &value) {
                Ok(lane) => lanes.push(lane),
                Err(error) => unreadable.push((name, error)),
            }
        }
        lanes.sort_by(|one, other| one.provider.cmp(&other.provider));
        if lanes_table.is_empty() {
            return Err(ConfigError {
                name: "LANES_TABLE",
                rule: "must be set",
            });
        }
        if lanes.is_empty() {
            return Err(ConfigError {
                name: "LANE_<name>",
                rule: "at least one lane must be given",
            });
        }
        Ok(Self {
            lanes_table,
            log_level,
            metrics_namespace,
            heeds_warnings,
            lanes,
            unreadable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Config::read(variables.iter().map(owned))
    }

    #[test]
    fn a_lane_that_cannot_be_read_keeps_nobody_from_watching_the_others() {
        let config = read(&[
            ("PATH", "/bin"),
            ("LANES_TABLE", "lanes"),
            ("LANE_Stripe", "stripe:5"),
            ("LANE_Broken", "broken"),
            ("LANE_AcmePay", "acme-pay:2"),
            ("QUEUE_PREFIX", "causeway-"),
        ]);
        let config = config.expect("two lanes");
        let providers: Vec<&str> = config
            .lanes
            .iter()
            .map(|lane| lane.provider.as_str())
            .collect();
        assert_eq!(providers, ["acme-pay", "stripe"]);
        assert_eq!(config.unreadable[0].0, "LANE_Broken");
        assert_eq!(config.lanes[1].source, "causeway-Stripe");
        assert!(!config.heeds_warnings, "off by default");
        assert_eq!(
            (config.lanes_table.as_str(), config.log_level.as_str()),
            ("lanes", "info")
        );
        assert_eq!(config.metrics_namespace, NAMESPACE);
    }

    #[test]
    fn what_is_missing_is_named() {
        let (lane, prefix) = (("LANE_Stripe", "stripe:5"), ("QUEUE_PREFIX", "causeway-"));
        let missing = |variables: &[_]| read(variables).expect_err("it lacks something").name;
        assert_eq!(missing(&[lane, prefix]), "LANES_TABLE");
        assert_eq!(missing(&[lane, ("LANES_TABLE", "lanes")]), "QUEUE_PREFIX");
        let nobody = read(&[("LANES_TABLE", "lanes"), prefix]).expect_err("no lane");
        assert_eq!(nobody.name, "LANE_<name>");
    }
}
