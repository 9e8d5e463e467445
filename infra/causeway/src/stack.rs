//! The stack that a command works on, as its CloudFormation outputs describe it.

use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider as Tls, rustls_provider::CryptoMode};
use causeway::secrets::SECRETS_PREFIX;
use causeway::telemetry::NAMESPACE;
use causeway_ingest::catalogue;

use crate::context::Global;
use crate::error::Error;

/// A deployed stack and the clients that reach it.
#[derive(Debug)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// What further clients are made from.
    pub config: SdkConfig,
    /// The ledger and shared state.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The lanes' queues.
    pub sqs: aws_sdk_sqs::Client,
    /// The lanes' functions and event sources.
    pub lambda: aws_sdk_lambda::Client,
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
    lanes: Vec<Lane>,
}

/// One deployed lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The provider's name in requests.
    pub provider: String,
    /// The lane's name in the template.
    pub pascal: String,
    /// Its queue.
    pub queue_url: String,
    /// Its dead letters.
    pub dlq_url: String,
    /// Its function.
    pub function_name: String,
}

impl Stack {
    /// Reads the outputs of the stack that `global` names.
    ///
    /// # Errors
    /// When AWS cannot be reached, or there is no such stack.
    pub async fn connect(global: &Global) -> Result<Self, Error> {
        let config = sdk_config(global).await;
        let Described {
            outputs,
            parameters,
        } = describe(&config, &global.stack).await?;
        Ok(Self {
            name: global.stack.clone(),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            lanes: lanes(&outputs),
            outputs,
            parameters,
            config,
        })
    }

    /// The deployed lanes, by provider.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// The lane of `provider`; the lane's own name, as alarms have it, does as well.
    ///
    /// # Errors
    /// When it is not deployed: the text names those that are.
    pub fn lane(&self, provider: &str) -> Result<&Lane, Error> {
        let is_meant = |lane: &&Lane| lane.provider == provider || lane.pascal == provider;
        let found = self.lanes.iter().find(is_meant);
        found.ok_or_else(|| {
            let deployed: Vec<_> = self.lanes.iter().map(|lane| &*lane.provider).collect();
            Error::usage(format!("stack {} has no lane `{provider}`", self.name))
                .hint(format!("deployed: {}", deployed.join(", ")))
        })
    }

    /// The names of all functions: the lanes', ingest's and the gatekeeper's.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let outputs = self.outputs.iter();
        outputs.filter_map(|(name, value)| name.ends_with("FunctionName").then_some(&**value))
    }

    /// The ledger's table.
    ///
    /// # Errors
    /// When the stack is of a release without it.
    pub fn requests_table(&self) -> Result<&str, Error> {
        self.output("RequestsTable")
    }

    /// The table of breakers, limits and credentials.
    ///
    /// # Errors
    /// When the stack is of a release without it.
    pub fn lanes_table(&self) -> Result<&str, Error> {
        self.output("LanesTable")
    }

    /// The table of connections' own mappings.
    ///
    /// # Errors
    /// When the stack is of a release without it.
    pub fn mappings_table(&self) -> Result<&str, Error> {
        self.output("MappingsTable")
    }

    /// Where requests are POSTed.
    ///
    /// # Errors
    /// When the stack is of a release without it.
    pub fn ingest_url(&self) -> Result<&str, Error> {
        self.output("IngestUrl")
    }

    /// The namespace of the stack's metrics.
    #[must_use]
    pub fn metrics_namespace(&self) -> &str {
        // A stack of a release without the output has the one that they all had.
        let named = self.outputs.get("MetricsNamespace");
        named.map_or(NAMESPACE, String::as_str)
    }

    /// What secrets' names begin with.
    #[must_use]
    pub fn secrets_prefix(&self) -> &str {
        let prefix = self.outputs.get("SecretsPrefix");
        prefix.map_or(SECRETS_PREFIX, String::as_str)
    }

    /// The name of a connection's secret.
    #[must_use]
    pub fn secret(&self, provider: &str, connection: &str) -> String {
        format!("{}/{provider}/{connection}", self.secrets_prefix())
    }

    /// Where lanes call something in the vendors' stead; none where they call the vendors.
    #[must_use]
    pub fn provider_base_url(&self) -> Option<&str> {
        let url = self.parameters.get("ProviderBaseUrl");
        url.map(String::as_str).filter(|url| !url.is_empty())
    }

    /// Any output.
    ///
    /// # Errors
    /// When the stack has none of that name.
    pub fn output(&self, name: &str) -> Result<&str, Error> {
        self.outputs.get(name).map(String::as_str).ok_or_else(|| {
            Error::new(format!("stack {} has no output {name}", self.name))
                .hint("it was deployed from another release, or is not a stack of Causeway")
        })
    }
}

/// Configuration of AWS clients as the options say.
pub(crate) async fn sdk_config(global: &Global) -> SdkConfig {
    let https = Builder::new()
        .tls_provider(Tls::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https);
    if let Some(region) = &global.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &global.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &global.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// What CloudFormation says of a stack.
struct Described {
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

async fn describe(config: &SdkConfig, stack: &str) -> Result<Described, Error> {
    let described = aws_sdk_cloudformation::Client::new(config)
        .describe_stacks()
        .stack_name(stack)
        .send()
        .await
        .map_err(|error| {
            Error::aws("read the stack's outputs")(error).hint(format!(
                "is `{stack}` the stack's name (--stack), and are region and credentials those of its account?"
            ))
        })?;
    let outputs = described
        .stacks()
        .iter()
        .flat_map(aws_sdk_cloudformation::types::Stack::outputs);
    let outputs = outputs.filter_map(|one| pair(one.output_key(), one.output_value()));
    let parameters = described
        .stacks()
        .iter()
        .flat_map(aws_sdk_cloudformation::types::Stack::parameters);
    let parameters = parameters.filter_map(|one| pair(one.parameter_key(), one.parameter_value()));
    Ok(Described {
        outputs: outputs.collect(),
        parameters: parameters.collect(),
    })
}

fn pair(name: Option<&str>, value: Option<&str>) -> Option<(String, String)> {
    Some((name?.to_owned(), value?.to_owned()))
}

/// Every `<Pascal>FunctionName` with a queue is a lane.
fn lanes(outputs: &BTreeMap<String, String>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = outputs
        .iter()
        .filter_map(|(name, function)| {
            let pascal = name.strip_suffix("FunctionName")?;
            Some(Lane {
                provider: provider_of(pascal),
                pascal: pascal.to_owned(),
                queue_url: outputs.get(&format!("{pascal}QueueUrl"))?.clone(),
                dlq_url: outputs.get(&format!("{pascal}DlqUrl"))?.clone(),
                function_name: function.clone(),
            })
        })
        .collect();
    lanes.sort_by(|a, b| a.provider.cmp(&b.provider));
    lanes
}

/// The provider whose name is `pascal` in Pascal case; one that this release does not know keeps it in lower case.
fn provider_of(pascal: &str) -> String {
    let names = catalogue::providers()
        .iter()
        .map(|provider| provider.spec().name);
    let lower = pascal.to_ascii_lowercase();
    names
        .into_iter()
        .find(|name| name.replace('-', "") == lower)
        .map_or(lower.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_with_queue_and_function_are_lanes() {
        let outputs = [
            "StripeQueueUrl",
            "StripeDlqUrl",
            "StripeFunctionName",
            "GatekeeperFunctionName",
            "NewcomerQueueUrl",
            "NewcomerDlqUrl",
            "NewcomerFunctionName",
        ];
        let outputs = outputs.map(|name| (name.to_owned(), format!("the {name}")));
        let lanes = lanes(&BTreeMap::from(outputs));
        let names: Vec<_> = lanes.iter().map(|lane| &*lane.provider).collect();
        assert_eq!(names, ["newcomer", "stripe"]);
        assert_eq!(lanes[1].dlq_url, "the StripeDlqUrl");
    }
}
