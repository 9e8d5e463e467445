//! Promises of `template.yaml` that no linter checks.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use causeway::pipeline::invocation_needed;
use causeway_ingest::catalogue;
use causeway_local::stack::root;
use serde_json::{Value, json};

use crate::cloudformation::Template;

/// CloudFormation's quota of outputs in a template.
const OUTPUTS_MAX: usize = 200;
/// As many lanes as one stack should carry: 40 integrations, and room to grow.
pub const LANES_PLANNED: usize = 54;
const FOURTEEN_DAYS_S: u64 = 14 * 24 * 3600;

pub fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// `{"Fn::GetAtt": [<id, perhaps in a Sub>, "Arn"]}` names a resource.
fn arn_of(id: &str) -> Value {
    json!({"Fn::GetAtt": [{"Fn::Sub": id}, "Arn"]})
}

/// A table's ARN, as `!GetAtt <id>.Arn` has it.
fn table_arn(id: &str) -> Value {
    json!({ "Fn::GetAtt": format!("{id}.Arn") })
}

pub fn reference_to(id: &str) -> Value {
    json!({"Ref": {"Fn::Sub": id}})
}

#[test]
fn every_pack_can_be_a_lane_and_every_lane_has_its_pack() {
    let packs: BTreeSet<String> = fs::read_dir(root().join("functions"))
        .expect("functions/ exists")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.join("provider.toml").exists())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let template = Template::read();
    let of = |settings: &Value| settings["Provider"].as_str().map(str::to_owned);
    let providers: BTreeSet<String> = template.shipped.values().filter_map(of).collect();

    assert_eq!(
        providers, packs,
        "functions/ and the lanes of template.yaml"
    );
    assert_eq!(template.shipped.len(), packs.len(), "one lane a pack");
    for lane in template.lanes.keys() {
        assert!(template.shipped.contains_key(lane), "{lane} has no pack");
    }
}

/// The operators' command and the laying of artefacts know a lane by its name without a list.
#[test]
fn a_lane_is_called_like_its_provider_in_pascal_case() {
    for (lane, settings) in &Template::read().shipped {
        let provider = settings["Provider"].as_str().expect("a name");
        assert_eq!(lane.to_lowercase(), provider.replace('-', ""));
        assert!(lane.starts_with(|first: char| first.is_ascii_uppercase()));
    }
}

/// With `CodeUri: .` in the loop every lane got the artefact of the first one: `sam build` takes a location without the
/// loop's variable to be the same for all. Makefiles it runs function by function, each with a folder of its own.
#[test]
fn every_lane_has_an_artefact_of_its_own() {
    let template = Template::read();
    let line = "CodeUri: !FindInMap [Lane, Code, !Ref Lane, DefaultValue: functions/lane]";
    assert!(
        template.text.contains(line),
        "the location depends on the lane"
    );
    for (id, function) in template.of_type("AWS::Serverless::Function") {
        let metadata = &template.resources[id]["Metadata"];
        assert_eq!(metadata["BuildMethod"], "makefile", "{id}");
        assert_eq!(function["Handler"], "bootstrap", "{id}");
    }
}

/// make is not told for which processor it builds, but which makefile it reads.
#[test]
fn functions_are_built_for_the_processor_on_which_they_run() {
    let template = Template::read();
    let processors = template.parameters["Architecture"]["AllowedValues"].as_array();
    for processor in processors.expect("two processors") {
        let processor = processor.as_str().expect("a name");
        let makefile = root().join(format!("infra/build/{processor}/Makefile"));
        let text = fs::read_to_string(makefile).expect("a makefile for each");
        let option = format!("PROCESSOR := --{}\n", processor.replace('_', "-"));
        assert!(text.contains(&option), "{text}");
    }
    for (id, function) in template.of_type("AWS::Serverless::Function") {
        let architecture = json!([{"Ref": "Architecture"}]);
        assert_eq!(function["Architectures"], architecture, "{id}");
        let context = json!({"Fn::Sub": "infra/build/${Architecture}"});
        assert_eq!(template.resources[id]["Metadata"]["ContextPath"], context);
    }
}

#[test]
fn the_lanes_together_fit_into_the_accounts_concurrency() {
    let template = Template::read();
    let sum: u64 = template
        .lanes
        .values()
        .map(|lane| number(&lane["MaximumConcurrency"]))
        .sum();

    assert!(sum <= number(&template.parameters["AccountConcurrency"]["Default"]));
}

#[test]
fn every_queue_consumer_is_bounded_and_answers_per_record() {
    let template = Template::read();
    let sources = template.of_type("AWS::Lambda::EventSourceMapping");
    assert_eq!(sources.len(), template.lanes.len() + 1);
    for (id, source) in sources {
        if id == "GatekeeperChanges" {
            continue;
        }
        let concurrency = number(&source["ScalingConfig"]["MaximumConcurrency"]);
        assert!(
            (2..=1000).contains(&concurrency),
            "{id}: AWS takes 2 to 1000"
        );
        assert_eq!(
            source["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"]),
            "{id}"
        );
        assert_eq!(source["BatchSize"], 10, "{id}");
    }
}

#[test]
fn a_batch_stays_hidden_for_six_timeouts_and_the_batching_window() {
    let template = Template::read();
    for lane in template.lanes.keys() {
        let source = template.properties(&format!("{lane}Source"));
        let window = source["MaximumBatchingWindowInSeconds"]
            .as_u64()
            .unwrap_or(0);
        let timeout = number(&template.properties(&format!("{lane}Function"))["Timeout"]);
        let hidden = number(&template.properties(&format!("{lane}Queue"))["VisibilityTimeout"]);

        assert!(hidden >= 6 * timeout + window, "{lane}: {hidden} s");
    }
}

/// Tests that kill functions cannot wait six minutes for a message to come back.
#[test]
fn two_parameters_shorten_every_lanes_times() {
    let template = Template::read();
    let lanes = template.text.split("Fn::ForEach::LaneResources").nth(1);
    let code = lanes.expect("lanes are written once");
    for (name, unset) in [
        ("FunctionTimeout", json!("0")),
        ("VisibilityTimeout", json!(0)),
    ] {
        assert_eq!(template.parameters[name]["Default"], unset, "{name}");
        let overridden = format!("- Has{name}\n            - !Ref {name}\n");
        assert_eq!(code.matches(&overridden).count(), 1, "{name}");
    }
}

/// A function that is too short for its calls used to put every message off, without a word, until it was 13 days old.
#[test]
fn every_function_is_long_enough_for_its_calls_and_none_can_be_made_too_short_for_all() {
    let template = Template::read();
    for provider in catalogue::providers() {
        let spec = provider.spec();
        let of = |settings: &&Value| settings["Provider"] == spec.name;
        let lane = template.shipped.values().find(of).expect("a lane");
        let timeout = Duration::from_secs(number(&lane["Timeout"]));
        let mut needed = spec.operations.iter().map(invocation_needed);
        assert!(needed.all(|needed| needed < timeout), "{}", spec.name);
        // The least that the parameter takes.
        let least = Duration::from_secs(25);
        let shortest = spec.operations.iter().map(invocation_needed).min();
        let some = shortest.is_none_or(|needed| needed < least);
        assert!(some, "{}", spec.name);
    }
    let pattern = &template.parameters["FunctionTimeout"]["AllowedPattern"];
    assert_eq!(pattern, "^(0|2[5-9]|[3-9][0-9]|[1-8][0-9]{2}|900)$");
}

/// The function itself sees to it that a message's rounds come to an end; Lambda would end them after sixteen.
#[test]
fn lanes_may_send_a_message_to_their_own_queue_again_and_nobody_else_may() {
    let template = Template::read();
    for (id, function) in template.of_type("AWS::Serverless::Function") {
        let is_lane = id
            .strip_suffix("Function")
            .is_some_and(|lane| template.lanes.contains_key(lane));
        let loops = if is_lane { json!("Allow") } else { Value::Null };
        assert_eq!(function["RecursiveLoop"], loops, "{id}");
    }
}

#[test]
fn queues_keep_everything_for_fourteen_days_and_encrypted() {
    let template = Template::read();
    let queues = template.of_type("AWS::SQS::Queue");
    assert_eq!(queues.len(), 2 * template.lanes.len());
    for (id, queue) in queues {
        assert_eq!(
            number(&queue["MessageRetentionPeriod"]),
            FOURTEEN_DAYS_S,
            "{id}"
        );
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
    }
}

/// A lane's name taken out of `Lanes`, or the stack deleted, took its queues along, with requests that were answered 202.
#[test]
fn what_may_hold_a_message_or_a_record_survives_its_lane_and_the_stack_but_no_failed_creation() {
    let template = Template::read();
    let mut seen = 0;
    for (id, resource) in &template.resources {
        let kind = resource["Type"].as_str().expect("a type");
        if !["AWS::SQS::Queue", "AWS::DynamoDB::Table"].contains(&kind) {
            continue;
        }
        assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{id}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
        if kind == "AWS::DynamoDB::Table" {
            let properties = &resource["Properties"];
            assert_eq!(properties["DeletionProtectionEnabled"], true, "{id}");
        }
        seen += 1;
    }
    assert_eq!(seen, 2 * template.lanes.len() + 3);
}

/// "A bad release never slows another": a lane's queue feeds an alias, which goes back by itself.
#[test]
fn a_lanes_queue_feeds_an_alias_of_its_own() {
    let template = Template::read();
    for lane in template.lanes.keys() {
        let function = template.properties(&format!("{lane}Function"));
        assert_eq!(function["AutoPublishAlias"], "live");
        assert_eq!(function["AutoPublishAliasAllProperties"], true);
        let source = template.properties(&format!("{lane}Source"));
        assert_eq!(
            source["FunctionName"],
            reference_to(&format!("{lane}Function.Alias"))
        );
    }
}

#[test]
fn a_letter_with_its_reason_always_fits_and_the_queues_own_redrive_is_the_last_guard() {
    let template = Template::read();
    for lane in template.lanes.keys() {
        let queue = template.properties(&format!("{lane}Queue"));
        let letters = template.properties(&format!("{lane}Dlq"));

        assert_eq!(number(&queue["MaximumMessageSize"]), (256 + 16) * 1024);
        assert_eq!(number(&letters["MaximumMessageSize"]), 1024 * 1024);
        let redrive = &queue["RedrivePolicy"];
        assert_eq!(redrive["maxReceiveCount"], 1000);
        assert_eq!(
            redrive["deadLetterTargetArn"],
            arn_of(&format!("{lane}Dlq"))
        );
    }
}

#[test]
fn tables_are_on_demand_encrypted_and_recoverable() {
    let template = Template::read();
    for id in ["RequestsTable", "LanesTable", "MappingsTable"] {
        let table = template.properties(id);
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{id}");
        let recovery = &table["PointInTimeRecoverySpecification"];
        assert_eq!(recovery["PointInTimeRecoveryEnabled"], true, "{id}");
    }
    let expiry = &template.properties("RequestsTable")["TimeToLiveSpecification"];
    assert_eq!(
        expiry,
        &json!({"AttributeName": "expires_at", "Enabled": true})
    );
}

#[test]
fn every_function_logs_to_a_group_that_forgets() {
    let template = Template::read();
    let others = ["Gatekeeper", "Warning"].map(str::to_owned);
    for lane in template.lanes.keys().chain(&others) {
        let function = template.properties(&format!("{lane}Function"));
        let group = format!("{lane}LogGroup");

        let logs_to = &function["LoggingConfig"]["LogGroup"];
        let by_name = json!({ "Ref": group });
        assert!(
            [reference_to(&group), by_name].contains(logs_to),
            "{lane}: {logs_to}"
        );
        assert!(number(&template.properties(&group)["RetentionInDays"]) <= 30);
    }
}

#[test]
fn a_lane_reaches_its_own_things_only() {
    let template = Template::read();
    for (lane, settings) in &template.lanes {
        let provider = settings["Provider"]
            .as_str()
            .expect("a lane has a provider");
        let role = template.properties(&format!("{lane}Role"));
        assert_eq!(role["ManagedPolicyArns"], Value::Null, "{lane}");
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"]
            .as_array()
            .expect("the role's policy has statements");
        let find = |sid: &str| {
            let found = statements.iter().find(|one| one["Sid"] == sid);
            found.unwrap_or_else(|| panic!("{lane} has no statement {sid}"))
        };

        assert_eq!(
            find("OwnQueue")["Resource"],
            arn_of(&format!("{lane}Queue"))
        );
        assert_eq!(
            find("OwnDeadLetters")["Resource"],
            arn_of(&format!("{lane}Dlq"))
        );
        let records = find("OwnRecords");
        assert_eq!(records["Resource"], table_arn("RequestsTable"));
        assert_eq!(find("OwnState")["Resource"], table_arn("LanesTable"));
        let keys = &records["Condition"]["ForAllValues:StringLike"];
        assert_eq!(
            keys["dynamodb:LeadingKeys"][0]["Fn::Sub"],
            json!(["${Provider}#*", {"Provider": provider}])
        );
        let mappings = find("OwnMappings");
        assert_eq!(mappings["Action"], "dynamodb:GetItem", "it reads, no more");
        assert_eq!(mappings["Resource"], table_arn("MappingsTable"));
        for other in [mappings, find("OwnState")] {
            assert_eq!(other["Condition"], records["Condition"]);
        }
        let secrets = &find("OwnSecrets")["Resource"]["Fn::Sub"];
        assert!(
            secrets[0]
                .to_string()
                .contains("secret:${SecretsPrefix}/${Provider}/*")
        );
        assert_eq!(secrets[1]["Provider"], provider);
    }
}

#[test]
fn every_wildcard_says_why() {
    let template = Template::read();
    let lines: Vec<&str> = template.text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let code = line.split(" #").next().unwrap_or_default().trim();
        let everything = code.ends_with("\"*\"") || code.ends_with("'*'");
        let whole_service = code.starts_with("- ") && code.ends_with(":*");
        let within = code.contains("arn:") && code.ends_with('*');
        if everything || whole_service || within || code.ends_with(":*\"") {
            let reason = index
                .checked_sub(1)
                .is_some_and(|before| lines[before].trim().starts_with('#'));
            assert!(reason, "line {}: no reason above `{code}`", index + 1);
        }
    }
}

#[test]
fn the_outputs_of_fifty_four_lanes_fit_into_one_template() {
    let template = Template::read();
    let of_a_lane = |id: &str| template.lanes.keys().any(|lane| id.starts_with(lane));
    let (lanes, common): (Vec<&str>, Vec<&str>) = template
        .outputs
        .keys()
        .map(String::as_str)
        .partition(|id| of_a_lane(id));
    let outputs = common.len() + LANES_PLANNED * lanes.len() / template.lanes.len();
    assert!(outputs < OUTPUTS_MAX, "{outputs} outputs");
}

#[test]
fn outputs_keep_the_names_that_others_rely_on() {
    let template = Template::read();
    let mut expected: BTreeSet<String> = [
        "RequestsTable",
        "LanesTable",
        "MappingsTable",
        "AlertsTopicArn",
        "IngestUrl",
    ]
    .map(str::to_owned)
    .into();
    for lane in ["Stripe", "Slack"] {
        for what in ["QueueUrl", "DlqUrl", "FunctionName"] {
            expected.insert(format!("{lane}{what}"));
        }
    }
    let given: BTreeSet<String> = template.outputs.keys().cloned().collect();

    let missing: Vec<_> = expected.difference(&given).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_function_is_told_where_everything_is() {
    let template = Template::read();
    let ingest = &template.properties("IngestFunction")["Environment"]["Variables"];
    assert_eq!(ingest["LANES_TABLE"], json!({"Ref": "LanesTable"}));
    for lane in template.lanes.keys() {
        let variables =
            &template.properties(&format!("{lane}Function"))["Environment"]["Variables"];
        assert_eq!(variables["REQUESTS_TABLE"], json!({"Ref": "RequestsTable"}));
        assert_eq!(variables["LANES_TABLE"], json!({"Ref": "LanesTable"}));
        assert_eq!(variables["MAPPINGS_TABLE"], json!({"Ref": "MappingsTable"}));
        assert_eq!(
            variables["QUEUE_URL"],
            reference_to(&format!("{lane}Queue"))
        );
        assert_eq!(variables["DLQ_URL"], reference_to(&format!("{lane}Dlq")));
        assert_eq!(
            variables["PROVIDER_BASE_URL"],
            json!({"Ref": "ProviderBaseUrl"})
        );
    }
}
