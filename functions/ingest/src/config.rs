//! What ingest is told by its environment.

use causeway::lambda::{ALLOW_INFERRED, ConfigError, least};
use causeway::pack::Class;

use crate::api::Lane;

/// What the names of variables that describe a lane start with.
const LANE: &str = "LANE_";

/// Ingest's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The ledger's table (`REQUESTS_TABLE`).
    pub requests_table: String,
    /// The table of shared state (`LANES_TABLE`), of which breakers, pauses and limits are looked at.
    pub lanes_table: String,
    /// The table of connections' own mappings (`MAPPINGS_TABLE`).
    pub mappings_table: String,
    /// Least severe level that is logged (`LOG_LEVEL`: `error` to `trace`, default `info`).
    pub log_level: String,
    /// How well a safety must be known to count (`ALLOW_INFERRED`), as in the lanes.
    pub least: Class,
    /// The claim by which tokens list connections (`JWT_CONNECTIONS_CLAIM`); none, a token may use all.
    pub connections_claim: Option<String>,
    /// Requests a minute that one producer may hand in (`PRODUCER_LIMIT`); none, as many as come.
    pub producer_limit: Option<u32>,
    /// The deployed lanes (`LANE_<name>`: the provider; its queue is `QUEUE_URL_PREFIX` and that name).
    pub lanes: Vec<Lane>,
}

impl Config {
    /// Reads `variables`.
    ///
    /// # Errors
    /// When a table or the queues' address is missing, or a lane cannot be read: what nobody can send to must not look
    /// deployed.
    pub fn read(variables: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let (mut requests_table, mut mappings_table) = (String::new(), String::new());
        let mut lanes_table = String::new();
        let (mut prefix, mut log_level) = (String::new(), "info".to_owned());
        let (mut named, mut allow_inferred) = (Vec::new(), String::new());
        let (mut claim, mut limit) = (String::new(), "0".to_owned());
        for (name, value) in variables {
            match name.as_str() {
                "REQUESTS_TABLE" => requests_table = value,
                "LANES_TABLE" => lanes_table = value,
                "MAPPINGS_TABLE" => mappings_table = value,
                "QUEUE_URL_PREFIX" => prefix = value,
                ALLOW_INFERRED => allow_inferred = value,
                "JWT_CONNECTIONS_CLAIM" => claim = value,
                "PRODUCER_LIMIT" if !value.is_empty() => limit = value,
                "LOG_LEVEL" if !value.is_empty() => log_level = value,
                _ => {
                    if let Some(lane) = name.strip_prefix(LANE) {
                        named.push((lane.to_owned(), value));
                    }
                }
            }
        }
        for (name, value) in [
            ("REQUESTS_TABLE", &requests_table),
            ("LANES_TABLE", &lanes_table),
            ("MAPPINGS_TABLE", &mappings_table),
            ("QUEUE_URL_PREFIX", &prefix),
        ] {
            if value.is_empty() {
                return Err(ConfigError {
                    name,
                    rule: "must be set",
                });
            }
        }
        let lanes = named.into_iter().map(|(lane, provider)| Lane {
            queue_url: format!("{prefix}{lane}"),
            provider,
        });
        let mut lanes: Vec<Lane> = lanes.collect();
        if lanes.iter().any(|lane| lane.provider.is_empty()) {
            return Err(ConfigError {
                name: "LANE_<name>",
                rule: "must be the lane's provider",
            });
        }
        lanes.sort_by(|one, other| one.provider.cmp(&other.provider));
        let limit: u32 = limit.parse().map_err(|_| ConfigError {
            name: "PRODUCER_LIMIT",
            rule: "must be a whole number of requests a minute",
        })?;
        Ok(Self {
            requests_table,
            lanes_table,
            mappings_table,
            log_level,
            least: least(&allow_inferred)?,
            connections_claim: Some(claim).filter(|claim| !claim.is_empty()),
            producer_limit: Some(limit).filter(|limit| *limit > 0),
            lanes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [(&str, &str); 6] = [
        ("REQUESTS_TABLE", "requests"),
        ("LANES_TABLE", "lanes"),
        ("MAPPINGS_TABLE", "mappings"),
        ("QUEUE_URL_PREFIX", "https://sqs.test/123/causeway-"),
        ("LANE_Stripe", "stripe"),
        ("LANE_AcmePay", "acme-pay"),
    ];

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Config::read(variables.iter().map(owned))
    }

    #[test]
    fn a_lane_is_its_provider_and_its_queue() {
        let config = read(&WHOLE).expect("whole");
        let queues: Vec<_> = config
            .lanes
            .iter()
            .map(|lane| (lane.provider.as_str(), lane.queue_url.as_str()))
            .collect();
        assert_eq!(
            queues,
            [
                ("acme-pay", "https://sqs.test/123/causeway-AcmePay"),
                ("stripe", "https://sqs.test/123/causeway-Stripe"),
            ]
        );
        assert_eq!(config.log_level, "info");
        assert_eq!(config.least, Class::Reviewed);
        let allowed = [&WHOLE[..], &[("ALLOW_INFERRED", "true")]].concat();
        assert_eq!(
            read(&allowed).map(|config| config.least),
            Ok(Class::Inferred)
        );
        assert_eq!(
            (config.connections_claim, config.producer_limit),
            (None, None)
        );
        let bound = [
            ("JWT_CONNECTIONS_CLAIM", "scope"),
            ("PRODUCER_LIMIT", "600"),
        ];
        let bound = read(&[&WHOLE[..], &bound].concat()).expect("whole");
        assert_eq!(bound.connections_claim.as_deref(), Some("scope"));
        assert_eq!(bound.producer_limit, Some(600));
        let broken = [&WHOLE[..], &[("PRODUCER_LIMIT", "-1")]].concat();
        assert_eq!(read(&broken).expect_err("no number").name, "PRODUCER_LIMIT");
        let broken = [&WHOLE[..], &[("ALLOW_INFERRED", "maybe")]].concat();
        assert_eq!(read(&broken).expect_err("neither").name, "ALLOW_INFERRED");
    }

    #[test]
    fn what_is_missing_or_broken_is_named() {
        for at in 0..4 {
            let mut variables = WHOLE.to_vec();
            let (gone, _) = variables.remove(at);
            assert_eq!(read(&variables).expect_err("not whole").name, gone);
        }
        let broken = [&WHOLE[..], &[("LANE_X", "")]].concat();
        assert_eq!(read(&broken).expect_err("no lane").name, "LANE_<name>");
    }
}
