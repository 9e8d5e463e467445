//! What the function is told by its environment.

use std::collections::BTreeMap;

use causeway::telemetry::NAMESPACE;

/// What the names of variables that describe a lane start with; the rest is the end of its queue's name.
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

/// The function's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The table of shared state (`LANES_TABLE`).
    pub lanes_table: String,
    /// The topic that people are told by (`ALERTS_TOPIC`).
    pub alerts_topic: String,
    /// What a lane's queue's address begins with; its name follows (`QUEUE_URL_PREFIX`).
    pub queue_url_prefix: String,
    /// Whether the gatekeeper is asked to lower a lane that is warned of (`WARNING_LOWERS`: `true` or `false`).
    pub lowers: bool,
    /// The namespace of metrics (`METRICS_NAMESPACE`, default [`NAMESPACE`]).
    pub metrics_namespace: String,
    /// Least severe level that is logged (`LOG_LEVEL`, default `info`).
    pub log_level: String,
    /// The lanes' names by their providers (`LANE_<name>`).
    pub lanes: BTreeMap<String, String>,
}

impl Config {
    /// Reads `variables`.
    ///
    /// # Errors
    /// When one that must be there is not.
    pub fn read(variables: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut config = Self {
            log_level: "info".to_owned(),
            metrics_namespace: NAMESPACE.to_owned(),
            ..Self::default()
        };
        for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "LANES_TABLE" => config.lanes_table = value,
                "ALERTS_TOPIC" => config.alerts_topic = value,
                "QUEUE_URL_PREFIX" => config.queue_url_prefix = value,
                "WARNING_LOWERS" => config.lowers = value == "true",
                "LOG_LEVEL" => config.log_level = value,
                "METRICS_NAMESPACE" => config.metrics_namespace = value,
                _ => {
                    let lane = name.strip_prefix(LANE).map(str::to_owned);
                    config.lanes.extend(lane.map(|lane| (value, lane)));
                }
            }
        }
        let needed = [
            ("LANES_TABLE", config.lanes_table.is_empty()),
            ("ALERTS_TOPIC", config.alerts_topic.is_empty()),
            ("QUEUE_URL_PREFIX", config.queue_url_prefix.is_empty()),
            ("LANE_<name>", config.lanes.is_empty()),
        ];
        match needed.into_iter().find(|(_, missing)| *missing) {
            Some((name, _)) => Err(ConfigError {
                name,
                rule: "must be set",
            }),
            None => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [(&str, &str); 6] = [
        ("LANES_TABLE", "lanes"),
        ("ALERTS_TOPIC", "arn:aws:sns:us-east-1:1:alerts"),
        ("QUEUE_URL_PREFIX", "https://sqs/1/causeway-"),
        ("WARNING_LOWERS", "true"),
        ("LANE_AcmePay", "acme-pay"),
        ("PATH", "/bin"),
    ];

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Config::read(variables.iter().map(owned))
    }

    #[test]
    fn lanes_are_known_by_their_providers_and_nothing_is_lowered_unasked() {
        let config = read(&WHOLE).expect("whole");
        assert_eq!(config.lanes["acme-pay"], "AcmePay");
        assert!(config.lowers);
        let unasked: Vec<_> = WHOLE
            .into_iter()
            .filter(|(name, _)| *name != "WARNING_LOWERS")
            .collect();
        assert!(!read(&unasked).expect("whole").lowers);
    }

    #[test]
    fn what_is_missing_is_named() {
        for missing in ["LANES_TABLE", "ALERTS_TOPIC", "QUEUE_URL_PREFIX"] {
            let rest: Vec<_> = WHOLE
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            assert_eq!(read(&rest).expect_err("not whole").name, missing);
        }
        assert_eq!(read(&WHOLE[..4]).expect_err("no lane").name, "LANE_<name>");
    }
}
