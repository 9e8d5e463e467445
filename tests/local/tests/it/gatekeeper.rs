//! What `template.yaml` gives to the gatekeeper, and what it gives to nobody else.

use serde_json::{Value, json};

use crate::cloudformation::Template;
use crate::template::number;

/// A role's statements that allow a service's actions.
fn statements<'t>(role: &'t Value, service: &str) -> Vec<&'t Value> {
    let policies = role["Policies"].as_array().expect("a role has policies");
    let all = policies.iter().flat_map(|policy| {
        let statements = policy["PolicyDocument"]["Statement"].as_array();
        statements.expect("a policy has statements")
    });
    let is_of_service = |action: &Value| {
        let action = action.as_str().expect("actions are named");
        action == "*" || action.starts_with(service)
    };
    all.filter(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.iter().any(is_of_service),
        action => is_of_service(action),
    })
    .collect()
}

#[test]
fn the_gatekeeper_alone_may_change_event_sources_and_only_this_stacks() {
    let template = Template::read();
    for (id, role) in template.of_type("AWS::IAM::Role") {
        let about_lambda = statements(role, "lambda:");
        if id != "GatekeeperRole" {
            assert!(about_lambda.is_empty(), "{id}: {about_lambda:?}");
            continue;
        }
        let actions: Vec<&Value> = about_lambda.iter().map(|one| &one["Action"]).collect();
        assert_eq!(
            actions,
            [
                &json!("lambda:UpdateEventSourceMapping"),
                &json!("lambda:ListEventSourceMappings")
            ]
        );
        let stack = json!({"Ref": "AWS::StackName"});
        let tag = &about_lambda[0]["Condition"]["StringEquals"]["aws:ResourceTag/causeway:stack"];
        assert_eq!(tag, &stack);
        for lane in template.lanes.keys() {
            let tags = &template.properties(&format!("{lane}Source"))["Tags"];
            assert_eq!(tags, &json!([{"Key": "causeway:stack", "Value": stack}]));
        }
    }
}

/// Tokens stand in the table whose changes the gatekeeper is told of.
#[test]
fn the_gatekeeper_sees_keys_of_the_stream_and_reads_no_token() {
    let template = Template::read();
    let stream = &template.properties("LanesTable")["StreamSpecification"];
    assert_eq!(stream, &json!({"StreamViewType": "KEYS_ONLY"}));
    let filters = &template.properties("GatekeeperChanges")["FilterCriteria"]["Filters"];
    let pattern = filters[0]["Pattern"].as_str().expect("one filter");
    let pattern: Value = serde_json::from_str(pattern).expect("the filter is JSON");
    assert_eq!(
        pattern,
        json!({"dynamodb": {"Keys": {"pk": {"S": [{"suffix": "#*#breaker"}, {"suffix": "#credentials"}]}}}})
    );

    let reads = statements(template.properties("GatekeeperRole"), "dynamodb:GetItem");
    let keys: Vec<&Value> = reads
        .iter()
        .map(|read| &read["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
        .collect();
    let own = json!(["*#pauses", "*#letters"]);
    assert_eq!(keys, [&json!(["*#breaker", "*#warning"]), &own]);
    // What it may change are its own notes.
    let writes = statements(template.properties("GatekeeperRole"), "dynamodb:PutItem");
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0]["Sid"], "WhatItRemembers");
}

/// Lambda measures all variables as one JSON object.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const ENVIRONMENT_MAX: usize = 4096;

#[test]
fn the_gatekeeper_knows_every_lane_and_63_with_long_names_fit_into_its_environment() {
    let template = Template::read();
    let variables = &template.properties("GatekeeperFunction")["Environment"]["Variables"];
    for (lane, settings) in &template.lanes {
        let written = &variables[format!("LANE_{lane}")]["Fn::Sub"];
        let parts = json!({
            "Provider": settings["Provider"],
            "Maximum": settings["MaximumConcurrency"],
        });
        assert_eq!(written, &json!(["${Provider}:${Maximum}", parts]));
    }

    // With the event sources' ids, 45 lanes with names of 20 letters were too many. The outputs allow 63.
    let lanes = (0..63).map(|number| {
        let name = format!("LANE_{number:a>20}");
        (name, json!(format!("{number:a>20}:1000")))
    });
    let mut environment: serde_json::Map<String, Value> = lanes.collect();
    environment.insert("LOG_LEVEL".into(), "debug".into());
    environment.insert("METRICS_NAMESPACE".into(), "n".repeat(16).into());
    environment.insert("WARNING_LOWERS".into(), "false".into());
    environment.insert("LANES_TABLE".into(), "t".repeat(48).into());
    environment.insert("QUEUE_PREFIX".into(), "s".repeat(40).into());
    let bytes = Value::Object(environment).to_string().len();
    assert!(bytes <= ENVIRONMENT_MAX, "{bytes} bytes");
}

#[test]
fn the_gatekeeper_runs_every_minute_and_its_silence_alarms() {
    let template = Template::read();
    let schedule = template.properties("GatekeeperSchedule");
    assert_eq!(schedule["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(schedule["State"], "ENABLED");
    let function = json!({"Fn::GetAtt": "GatekeeperFunction.Arn"});
    assert_eq!(schedule["Targets"][0]["Arn"], function);
    let timeout = number(&template.properties("GatekeeperFunction")["Timeout"]);
    assert!(timeout < 60, "a run is over before the next one's minute");

    let alarm = template.properties("GatekeeperAlarm");
    assert_eq!(alarm["MetricName"], "GatekeeperHeartbeat");
    assert_eq!(alarm["TreatMissingData"], "breaching");
}
