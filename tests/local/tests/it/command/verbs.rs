//! Verbs that look at what AWS itself keeps: alarms, logs; and what every verb says to programs when it fails.

use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue, Statistic};
use bytes::Bytes;
use causeway_local::stack::BareEmulator;
use http_body_util::Full;
use serde_json::{Value, json};

use super::{TOPIC, json_of, run, tables_and_queues};
use crate::listener::{Came, Listener};

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_keeps_of_a_stack_is_told_and_nothing_of_another() {
    let emulator = tables_and_queues("test-command-verbs", &["Stripe"]).await;
    a_failure_is_json_too(&emulator).await;
    alarms_are_this_stacks_own(&emulator).await;
    a_lane_without_a_function_has_no_log(&emulator).await;
    another_release_is_told_by_status_and_by_dlq(&emulator).await;
}

async fn a_failure_is_json_too(emulator: &BareEmulator) {
    for (arguments, code) in [
        (&["breaker", "show", "strip", "--json"][..], 2),
        (&["breaker", "--json", "shwo"], 2),
        (&["status", "stripe", "never-sent", "--json"], 1),
    ] {
        let failed = run(emulator, arguments, code).await;
        let last = failed.stdout.lines().last().unwrap_or_default();
        let told: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{failed:?}"));
        assert_eq!(told["version"], 1, "{told}");
        assert_eq!(told["error"]["exit_status"], code, "{told}");
        let message = told["error"]["message"].as_str().unwrap_or_default();
        assert!(
            !message.is_empty() && failed.stderr.contains(message),
            "{failed:?}"
        );
    }
    let wrong = run(emulator, &["breaker", "show", "strip"], 2).await;
    assert_eq!(wrong.stdout, "", "people are told on standard error alone");
}

/// As `infra/lane-alarms.yaml` has them; `causeway-prod` is another stack whose names begin alike.
async fn alarms_are_this_stacks_own(emulator: &BareEmulator) {
    let silent = run(emulator, &["alarms"], 0).await;
    assert!(
        silent.stdout.starts_with("This stack has no alarms"),
        "{silent:?}"
    );
    let client = aws_sdk_cloudwatch::Client::new(&emulator.sdk_config());
    for (name, topic) in [
        ("causeway-Stripe-dead-letters", Some(TOPIC)),
        ("causeway-Stripe-latency", None),
        (
            "causeway-prod-Stripe-dead-letters",
            Some("arn:aws:sns:us-east-1:000000000000:other"),
        ),
    ] {
        let put = client
            .put_metric_alarm()
            .alarm_name(name)
            .alarm_description(
                "It ended. First: causeway dlq list Stripe. infra/RUNBOOK.md#deadlettersalarm",
            )
            .namespace("Causeway")
            .metric_name("Rejected")
            .statistic(Statistic::Sum)
            .period(300)
            .evaluation_periods(1)
            .threshold(1.0)
            .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
            .set_alarm_actions(topic.map(|topic| vec![topic.to_owned()]));
        put.send().await.expect("it answers");
        let set = client.set_alarm_state().alarm_name(name);
        let state = match topic {
            Some(_) => StateValue::Alarm,
            None => StateValue::Ok,
        };
        let set = set.state_value(state).state_reason("Threshold Crossed");
        set.send().await.expect("it answers");
    }
    let on = json_of(emulator, &["alarms"], 0).await;
    assert_eq!(on["watched"], 2, "{on}");
    let alarms = on["alarms"].as_array().expect("a list");
    assert_eq!(alarms.len(), 1, "{on}");
    assert_eq!(alarms[0]["lane"], "stripe");
    assert_eq!(alarms[0]["state"], "alarm");
    assert!(alarms[0]["since"].is_string(), "{on}");
    assert_eq!(alarms[0]["runbook"], "infra/RUNBOOK.md#deadlettersalarm");
    let all = json_of(emulator, &["alarms", "--all", "Stripe"], 0).await;
    assert_eq!(all["alarms"].as_array().map(Vec::len), Some(2), "{all}");
    let told = run(emulator, &["alarms"], 0).await;
    let first = told
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("first   "));
    let words: Vec<_> = first.expect("a command").split(' ').skip(1).collect();
    run(emulator, &words, 0).await;
}

async fn a_lane_without_a_function_has_no_log(emulator: &BareEmulator) {
    let none = run(emulator, &["logs", "stripe"], 1).await;
    assert!(
        none.stderr.contains("cannot find where the function logs"),
        "{none:?}"
    );
    let nobody = run(emulator, &["logs", "nobody"], 2).await;
    assert!(nobody.stderr.contains("deployed: stripe"), "{nobody:?}");
}

/// A second stack, whose API says that it is of another release.
async fn another_release_is_told_by_status_and_by_dlq(emulator: &BareEmulator) {
    let api = Listener::start(|came: Came| async move {
        assert_eq!(came.path, "/v1/providers");
        let said = json!({"release": "9.9.9", "providers": []});
        http::Response::new(Full::new(Bytes::from(said.to_string())))
    })
    .await;
    let output = |value: Value| json!({"Value": value});
    let template = json!({
        "Resources": {"Letters": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {
            "RequestsTable": output("RequestsTable".into()),
            "LanesTable": output("LanesTable".into()),
            "IngestUrl": output(format!("http://{}", api.address()).into()),
            "StripeQueueUrl": output(json!({"Ref": "Letters"})),
            "StripeDlqUrl": output(json!({"Ref": "Letters"})),
            "StripeFunctionName": output("another-Stripe".into()),
        },
    });
    let made = emulator.make_stack("another", &template).await;
    made.expect("it is made");
    let another = ["--stack", "another"];
    for (arguments, code) in [
        (&["dlq", "list", "stripe", "--json"][..], 0),
        (&["status", "stripe", "never-sent"], 1),
    ] {
        let said = run(emulator, &[arguments, &another].concat(), code).await;
        assert!(said.stderr.contains("the stack runs 9.9.9"), "{said:?}");
        if code == 0 {
            said.json::<Value>().expect("the result stays one document");
        }
    }
    // A stack that nobody can ask is no reason for a word.
    let silent = run(emulator, &["dlq", "list", "stripe"], 0).await;
    assert!(!silent.stderr.contains("the stack runs"), "{silent:?}");
}
