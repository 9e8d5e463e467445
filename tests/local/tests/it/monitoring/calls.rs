//! Who is called when: the templates' alarms in an emulator, their states set by hand.
//!
//! CloudFormation there knows neither metric math nor composite alarms. Its CloudWatch knows the latter: they are put
//! there with the template's own rule and actions. For metric math an alarm of the name stands in.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue};
use causeway_local::stack::{BareEmulator, report};
use serde_json::{Map, Value, json};

use super::{TOPIC, Transformed, read};

/// Waits for a message, of a second each.
const WAITS_MAX: usize = 20;

/// An emulator with the alarms of two lanes and the gatekeeper's, and a queue that gets what the topic gets.
struct Alarms {
    emulator: BareEmulator,
    calls: String,
}

impl Alarms {
    async fn up() -> Self {
        let emulator = BareEmulator::up("test-alarms").await;
        let emulator = emulator.unwrap_or_else(|error| panic!("{}", report(&error)));
        let lanes = ["Stripe", "Slack"].map(str::to_owned);
        let own = Transformed::lane_alarms(&read("infra/lane-alarms.yaml"), &lanes);
        let root = Transformed::root(&read("template.yaml"), &lanes);
        let calls = emulator.make_queue("calls").await;
        let calls = calls.unwrap_or_else(|error| panic!("{}", report(&error)));
        let queue = "arn:aws:sqs:us-east-1:000000000000:calls";
        let mut stack = json!({
            "AlertsTopic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}},
            "Calls": {"Type": "AWS::SNS::Subscription", "Properties": {
                "TopicArn": {"Ref": "AlertsTopic"}, "Protocol": "sqs", "Endpoint": queue, "RawMessageDelivery": true,
            }},
            "GatekeeperAlarm": root.resources["GatekeeperAlarm"],
        });
        stack["GatekeeperAlarm"]["Properties"]["AlarmName"] = json!("gatekeeper");
        let this = Self { emulator, calls };
        for (id, resource) in &own.resources {
            let properties = &resource["Properties"];
            if properties.get("AlarmRule").is_some() {
                continue;
            }
            if properties.get("Metrics").is_some() {
                this.stand_in(properties).await;
            } else {
                stack[id] = resource.clone();
            }
        }
        let stack = json!({"Resources": stack});
        let made = this.emulator.make_stack("causeway", &stack).await;
        made.unwrap_or_else(|error| panic!("{}", report(&error)));
        for (_, composite) in own.of_type("AWS::CloudWatch::CompositeAlarm") {
            this.put_composite(composite).await;
        }
        this
    }

    fn client(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&self.emulator.sdk_config())
    }

    async fn stand_in(&self, properties: &Value) {
        let name = text(properties, "AlarmName");
        let put = self.client().put_metric_alarm().alarm_name(name);
        let calls = properties
            .get("AlarmActions")
            .map(|_| vec![TOPIC.to_owned()]);
        put.namespace("Causeway")
            .alarm_description(text(properties, "AlarmDescription"))
            .set_alarm_actions(calls.clone())
            .set_ok_actions(calls)
            .metric_name(name)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold)
            .evaluation_periods(1)
            .threshold(0.0)
            .send()
            .await
            .expect("an alarm on one metric");
    }

    async fn put_composite(&self, composite: &Map<String, Value>) {
        let composite = Value::Object(composite.clone());
        let put = self.client().put_composite_alarm();
        put.alarm_name(text(&composite, "AlarmName"))
            .alarm_description(text(&composite, "AlarmDescription"))
            .alarm_rule(text(&composite, "AlarmRule"))
            .alarm_actions(text(&composite["AlarmActions"], 0))
            .ok_actions(text(&composite["OKActions"], 0))
            .send()
            .await
            .expect("a rule that CloudWatch can read, over alarms that there are");
    }

    /// Puts an alarm into a state, as its metric would.
    async fn set(&self, alarm: &str, state: &StateValue) {
        let set = self.client().set_alarm_state().alarm_name(alarm);
        set.state_value(state.clone())
            .state_reason("test")
            .send()
            .await
            .expect("the alarm is there");
    }

    /// The next `count` calls: each alarm's name with its new state and its description.
    async fn calls(&self, count: usize) -> BTreeMap<(String, String), String> {
        let client = aws_sdk_sqs::Client::new(&self.emulator.sdk_config());
        let mut calls = BTreeMap::new();
        for _ in 0..WAITS_MAX {
            let receive = client.receive_message().queue_url(&self.calls);
            let received = receive.max_number_of_messages(1).wait_time_seconds(1);
            let received = received.send().await.expect("messages");
            for message in received.messages.unwrap_or_default() {
                let call = message.body.as_deref().map(serde_json::from_str::<Value>);
                let call = call.expect("a body").expect("the alarm as JSON");
                let [name, state, description] = ["AlarmName", "NewStateValue", "AlarmDescription"]
                    .map(|field| text(&call, field).to_owned());
                let before = calls.insert((name, state), description);
                assert!(before.is_none(), "called twice: {call}");
                let delete = client.delete_message().queue_url(&self.calls);
                let handle = message.receipt_handle.unwrap_or_default();
                let deleted = delete.receipt_handle(handle).send();
                deleted.await.expect("the message is deleted");
            }
            if calls.len() >= count {
                return calls;
            }
        }
        panic!("{count} calls expected: {calls:#?}");
    }
}

fn text(value: &Value, index: impl serde_json::value::Index) -> &str {
    let text = value.get(index).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no text in {value}"))
}

fn call(name: &str, state: &str) -> (String, String) {
    (name.to_owned(), state.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_hides_nothing_that_is_worse() {
    let alarms = Alarms::up().await;
    let on = async |kind: &str| {
        let name = format!("causeway-Stripe{kind}");
        alarms.set(&name, &StateValue::Alarm).await;
        name
    };
    let off = async |kind: &str| {
        let name = format!("causeway-Stripe{kind}");
        alarms.set(&name, &StateValue::Ok).await;
        name
    };
    // A composite is evaluated as soon as it is there.
    let first = alarms.calls(2).await;
    let fine = ["causeway-Slack", "causeway-Stripe"].map(|name| call(name, "OK"));
    assert!(first.keys().eq(&fine), "{first:#?}");

    // New letters call, and say what to do first; an unknown end calls while they do.
    let name = on("-dead-letters").await;
    let letter = alarms.calls(1).await;
    let said = &letter[&call(&name, "ALARM")];
    assert!(said.contains("causeway dlq list Stripe"), "{letter:#?}");
    let name = on("-unknown-outcome").await;
    let unknown = alarms.calls(1).await;
    let said = &unknown[&call(&name, "ALARM")];
    assert!(
        said.contains("RUNBOOK.md#unknownoutcomealarm"),
        "{unknown:#?}"
    );

    // A slow vendor is one call; more of the same is silent.
    on("-latency").await;
    let lane = alarms.calls(1).await;
    let said = &lane[&call("causeway-Stripe", "ALARM")];
    assert!(said.contains("infra/RUNBOOK.md#lanealarm"), "{lane:#?}");
    on("-failure-rate").await;
    on("-function-throttles").await;

    // What is worse calls all the same.
    for kind in ["-function-errors", "-oldest-message"] {
        let name = on(kind).await;
        let worse = alarms.calls(1).await;
        assert!(worse.keys().eq(&[call(&name, "ALARM")]), "{worse:#?}");
    }

    // Events end without a word: the letters are still there. The next call is another alarm's.
    off("-dead-letters").await;
    off("-unknown-outcome").await;
    let name = off("-function-errors").await;
    let over = alarms.calls(1).await;
    assert!(over.keys().eq(&[call(&name, "OK")]), "{over:#?}");

    // The lane goes as usual again when the last of the slow ones is over, not before.
    for kind in ["-latency", "-failure-rate"] {
        off(kind).await;
    }
    alarms.set("gatekeeper", &StateValue::Alarm).await;
    let other = alarms.calls(1).await;
    assert!(
        other.keys().eq(&[call("gatekeeper", "ALARM")]),
        "{other:#?}"
    );
    off("-function-throttles").await;
    let well = alarms.calls(1).await;
    assert!(
        well.keys().eq(&[call("causeway-Stripe", "OK")]),
        "{well:#?}"
    );
}
