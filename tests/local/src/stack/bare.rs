//! An emulator without a stack, for what speaks to AWS's services and needs nothing deployed: it is up in seconds.

use std::path::Path;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::{Stack, StackStatus};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use causeway::Timestamp;
use causeway::ledger::index::INDEX;
use serde_json::{Value, json};

use super::sam::Sam;
use super::{Emulator, Error, Paths, Processes, Tools, aws};

/// Pause between two looks at a stack that is being made, which takes less than a second.
const STACK_LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks at it: half a minute on a busy machine.
const STACK_LOOKS_MAX: usize = 600;

/// A running emulator that holds nothing yet. Dropping it stops it.
#[derive(Debug)]
pub struct BareEmulator {
    name: String,
    pub(super) emulator: Emulator,
    pub(super) processes: Processes,
}

impl BareEmulator {
    /// Starts one; anything left of an earlier one of the name goes first.
    ///
    /// # Errors
    /// When a tool is missing, or the emulator does not come up.
    pub async fn up(name: &str) -> Result<Self, Error> {
        let paths = Paths::new(name);
        let processes = Processes::owned_by(paths.stack());
        processes.stop();
        paths.make_empty()?;
        let tools = Tools::install(&processes, |_| {}).await?;
        let emulator = Emulator::start(&processes, &tools, &paths).await?;
        Ok(Self {
            name: name.to_owned(),
            emulator,
            processes,
        })
    }

    /// Configuration of AWS clients that talk to it.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        aws::sdk_config(self.emulator.endpoint())
    }

    /// Makes a table with the key that all of the template's tables have.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn make_table(&self, name: &str) -> Result<(), Error> {
        let made = self.table(name)?.send().await;
        made.map_err(Error::aws(MAKE_TABLE))?;
        Ok(())
    }

    /// Makes a table of the template's `RequestsTable`'s kind: one with its index.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn make_ledger(&self, name: &str) -> Result<(), Error> {
        let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly);
        let index = GlobalSecondaryIndex::builder()
            .index_name(INDEX)
            .key_schema(key("open", KeyType::Hash)?)
            .key_schema(key("claimed_at", KeyType::Range)?)
            .projection(keys_only.build())
            .build()
            .map_err(Error::aws(MAKE_TABLE))?;
        let table = self
            .table(name)?
            .attribute_definitions(attribute("open", ScalarAttributeType::S)?)
            .attribute_definitions(attribute("claimed_at", ScalarAttributeType::N)?)
            .global_secondary_indexes(index);
        table.send().await.map_err(Error::aws(MAKE_TABLE))?;
        Ok(())
    }

    fn table(&self, name: &str) -> Result<CreateTableFluentBuilder, Error> {
        Ok(aws_sdk_dynamodb::Client::new(&self.sdk_config())
            .create_table()
            .table_name(name)
            .attribute_definitions(attribute("pk", ScalarAttributeType::S)?)
            .key_schema(key("pk", KeyType::Hash)?)
            .billing_mode(BillingMode::PayPerRequest))
    }

    /// Makes a stack of what `template` (CloudFormation, as JSON) describes, for what reads a stack's outputs, and waits
    /// until it is there.
    ///
    /// # Errors
    /// When the emulator refuses, or does not make it in time.
    pub async fn make_stack(&self, name: &str, template: &Value) -> Result<(), Error> {
        const DOING: &str = "make a stack";
        let client = aws_sdk_cloudformation::Client::new(&self.sdk_config());
        let create = client.create_stack().stack_name(name);
        let create = create.template_body(template.to_string()).send().await;
        create.map_err(Error::aws(DOING))?;
        let problem = |problem: String| Error::Emulator {
            endpoint: self.emulator.endpoint().to_owned(),
            problem,
        };
        // The emulator answers, as AWS does, before everything is there.
        for _ in 0..STACK_LOOKS_MAX {
            let described = client.describe_stacks().stack_name(name).send().await;
            let described = described.map_err(Error::aws(DOING))?;
            let status = described.stacks().first().and_then(Stack::stack_status);
            match status {
                Some(StackStatus::CreateComplete) => return Ok(()),
                Some(StackStatus::CreateInProgress) | None => {
                    tokio::time::sleep(STACK_LOOK_EVERY).await;
                }
                Some(other) => {
                    let status = other.as_str();
                    return Err(problem(format!("says {status} of the stack `{name}`")));
                }
            }
        }
        Err(problem(format!("takes too long over the stack `{name}`")))
    }

    /// Deploys the project's template as it is, its functions unbuilt, under the `parameters` of a file that
    /// `causeway deploy check` wrote: what a deployment does to queues and tables needs no program.
    ///
    /// # Errors
    /// When the deployment fails; it has been rolled back then.
    pub async fn deploy(&self, stack: &str, parameters: &Path) -> Result<(), Error> {
        let paths = Paths::new(&self.name);
        let tools = Tools::installed();
        let sam = Sam::new(&self.processes, &tools, &paths, self.emulator.endpoint());
        sam.deploy_unbuilt(stack, parameters).await
    }

    /// Makes a queue that takes messages as large as the template's dead-letter queues do; answers its URL.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn make_queue(&self, name: &str) -> Result<String, Error> {
        let made = aws_sdk_sqs::Client::new(&self.sdk_config())
            .create_queue()
            .queue_name(name)
            .attributes(
                aws_sdk_sqs::types::QueueAttributeName::MaximumMessageSize,
                (1 << 20).to_string(),
            )
            .send()
            .await
            .map_err(Error::aws("make a queue"))?;
        Ok(made.queue_url.unwrap_or_default())
    }

    /// Puts lines in a log stream of its own, as an invocation of a function does.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn log(
        &self,
        group: &str,
        stream: &str,
        at: Timestamp,
        lines: &[String],
    ) -> Result<(), Error> {
        let group = json!({"logGroupName": group});
        // The group may be there.
        let _ = self.emulator.ask_logs("CreateLogGroup", &group).await;
        let mut input = group;
        input["logStreamName"] = stream.into();
        self.emulator.ask_logs("CreateLogStream", &input).await?;
        let event = |line: &String| json!({"timestamp": at.as_millis(), "message": line});
        input["logEvents"] = lines.iter().map(event).collect();
        self.emulator.ask_logs("PutLogEvents", &input).await?;
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.emulator.endpoint()
    }

    pub(super) const fn emulator(&self) -> &Emulator {
        &self.emulator
    }
}

/// What is tried.
const MAKE_TABLE: &str = "make a table";

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, Error> {
    let attribute = AttributeDefinition::builder().attribute_name(name);
    let attribute = attribute.attribute_type(kind).build();
    attribute.map_err(Error::aws(MAKE_TABLE))
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, Error> {
    let key = KeySchemaElement::builder().attribute_name(name);
    key.key_type(kind).build().map_err(Error::aws(MAKE_TABLE))
}
