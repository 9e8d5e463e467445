//! What a function is told by its environment.

use std::env;

use crate::cache::FunctionMemory;
use crate::http_client::is_https_or_loopback;
use crate::pack::Class;
use crate::provider::Spec;
use crate::secrets::SECRETS_PREFIX;
use crate::telemetry::NAMESPACE;

/// Calls that one batch makes at the same time: a batch of an event source mapping without window is ten messages.
const MAX_IN_FLIGHT: usize = 10;

/// A variable that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name}: {rule}")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

/// A lane's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The ledger's table (`REQUESTS_TABLE`).
    pub requests_table: String,
    /// The table of breaker and limiter state (`LANES_TABLE`).
    pub lanes_table: String,
    /// The table of connections' own mappings (`MAPPINGS_TABLE`).
    pub mappings_table: String,
    /// The lane's queue (`QUEUE_URL`).
    pub queue_url: String,
    /// Its dead-letter queue (`DLQ_URL`).
    pub dlq_url: String,
    /// Scheme and host of the vendor, or of what stands in for it (`PROVIDER_BASE_URL`).
    pub base_url: String,
    /// What secrets' names begin with (`SECRETS_PREFIX`, default [`SECRETS_PREFIX`]).
    pub secrets_prefix: String,
    /// The namespace of metrics (`METRICS_NAMESPACE`, default [`NAMESPACE`]).
    pub metrics_namespace: String,
    /// Least severe level that is logged (`LOG_LEVEL`: `error` to `trace`, default `info`).
    pub log_level: String,
    /// This execution environment: unique among all.
    pub environment: String,
    /// Calls that one batch makes at the same time.
    pub max_in_flight: usize,
    /// What the function has (`AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, which Lambda sets).
    pub memory: FunctionMemory,
}

impl Config {
    /// Reads the environment of `spec`'s lane.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(spec: &Spec) -> Result<Self, ConfigError> {
        let needed = |name| {
            let value = env::var(name).unwrap_or_default();
            if value.is_empty() {
                Err(ConfigError {
                    name,
                    rule: "must be set",
                })
            } else {
                Ok(value)
            }
        };
        let given = |name, usual: &str| {
            let value = env::var(name).ok().filter(|value| !value.is_empty());
            value.unwrap_or_else(|| usual.to_owned())
        };
        Ok(Self {
            requests_table: needed("REQUESTS_TABLE")?,
            lanes_table: needed("LANES_TABLE")?,
            mappings_table: needed("MAPPINGS_TABLE")?,
            queue_url: needed("QUEUE_URL")?,
            dlq_url: needed("DLQ_URL")?,
            base_url: base_url(&env::var("PROVIDER_BASE_URL").unwrap_or_default(), spec)?,
            secrets_prefix: given("SECRETS_PREFIX", SECRETS_PREFIX),
            metrics_namespace: given("METRICS_NAMESPACE", NAMESPACE),
            log_level: given("LOG_LEVEL", "info"),
            environment: uuid::Uuid::new_v4().simple().to_string(),
            max_in_flight: MAX_IN_FLIGHT,
            memory: env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
                .ok()
                .and_then(|megabytes| megabytes.parse().ok())
                .map_or(FunctionMemory::USUAL, FunctionMemory::megabytes),
        })
    }
}

/// How well a safety must be known to count, as `ALLOW_INFERRED` says it: `false` or nothing, what is reviewed; `true`,
/// what is inferred, too.
///
/// # Errors
/// When it says something else.
pub fn least(allow_inferred: &str) -> Result<Class, ConfigError> {
    match allow_inferred {
        "" | "false" => Ok(Class::Reviewed),
        "true" => Ok(Class::Inferred),
        _ => Err(ConfigError {
            name: ALLOW_INFERRED,
            rule: "must be true or false",
        }),
    }
}

/// The variable of the stack's parameter `AllowInferred`.
pub const ALLOW_INFERRED: &str = "ALLOW_INFERRED";

/// Where `spec`'s vendor is called: its own address, or `<instead>/<provider>`.
///
/// # Errors
/// When `instead` is no `https` URL, nor an `http` one to a loopback address, or has a user, a query or a fragment.
pub fn base_url(instead: &str, spec: &Spec) -> Result<String, ConfigError> {
    if instead.is_empty() {
        return Ok(spec.base_url.to_owned());
    }
    let refused = ConfigError {
        name: "PROVIDER_BASE_URL",
        rule: "must be empty, an https:// URL, or an http:// URL to a loopback address, without user, query and fragment",
    };
    let url = reqwest::Url::parse(instead).map_err(|_| refused.clone())?;
    // The provider's name and paths are added at the end: behind a query they would be part of it.
    let is_bare = url.query().is_none() && url.fragment().is_none();
    let names_a_user = !url.username().is_empty() || url.password().is_some();
    if !is_https_or_loopback(&url) || !is_bare || names_a_user {
        return Err(refused);
    }
    Ok(format!("{}/{}", instead.trim_end_matches('/'), spec.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Auth;

    static SPEC: Spec = Spec::new(
        "acme",
        "https://api.acme.example",
        Auth::Bearer { field: "token" },
        &[],
    );

    #[test]
    fn what_is_inferred_counts_only_where_the_stack_says_so() {
        assert_eq!(least(""), Ok(Class::Reviewed));
        assert_eq!(least("false"), Ok(Class::Reviewed));
        assert_eq!(least("true"), Ok(Class::Inferred));
        for wrong in ["yes", "True", "1", " true"] {
            assert!(least(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plain_http_goes_to_loopback_addresses_only() {
        assert_eq!(
            base_url("", &SPEC).as_deref(),
            Ok("https://api.acme.example")
        );
        for good in [
            "http://127.0.0.1:99",
            "http://[::1]:99/",
            "http://localhost",
            "https://mock.example",
        ] {
            let expected = format!("{}/acme", good.trim_end_matches('/'));
            assert_eq!(base_url(good, &SPEC), Ok(expected), "{good}");
        }
        for bad in [
            "http://10.0.0.1",
            "http://mock.example",
            "ftp://127.0.0.1",
            "127.0.0.1:99",
            "http://localhost.evil",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example",
            "http://ada:s3cret@127.0.0.1",
            "https://mock.example?x=",
            "https://mock.example/#",
            "http://169.254.169.254",
            "http://0.0.0.0:99",
        ] {
            assert!(base_url(bad, &SPEC).is_err(), "{bad}");
        }
    }
}
