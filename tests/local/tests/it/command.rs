//! The operators' command, run as a process. Most of it needs no lane's function: an emulator with a stack of tables
//! and queues will do, and is up in seconds.

use causeway_local::stack::{BareEmulator, Ended, report};
use serde_json::{Value, json};

/// An emulator with a stack `causeway` whose outputs name three tables and the queues of these lanes, and no function.
async fn tables_and_queues(name: &str, lanes: &[&str]) -> BareEmulator {
    let table = json!({"Type": "AWS::DynamoDB::Table", "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }});
    let queue = json!({"Type": "AWS::SQS::Queue"});
    let mut template = json!({"Resources": {}, "Outputs": {}});
    for id in ["RequestsTable", "LanesTable", "MappingsTable"] {
        template["Resources"][id] = table.clone();
        template["Outputs"][id] = json!({"Value": {"Ref": id}});
    }
    for lane in lanes {
        for kind in ["Queue", "Dlq"] {
            let id = format!("{lane}{kind}");
            template["Resources"][&id] = queue.clone();
            template["Outputs"][format!("{id}Url")] = json!({"Value": {"Ref": id}});
        }
        let function = format!("causeway-{lane}");
        template["Outputs"][format!("{lane}FunctionName")] = json!({"Value": function});
    }
    let emulator = BareEmulator::up(name)
        .await
        .unwrap_or_else(|error| panic!("{}", report(&error)));
    emulator
        .make_stack("causeway", &template)
        .await
        .unwrap_or_else(|error| panic!("{}", report(&error)));
    emulator
}

/// Runs the command; it must end with this exit status.
async fn run(emulator: &BareEmulator, arguments: &[&str], code: i32) -> Ended {
    let ended = emulator.operator().run(arguments).await;
    let ended = ended.unwrap_or_else(|error| panic!("{}", report(&error)));
    assert_eq!(ended.code, code, "{arguments:?}: {ended:#?}");
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_stack_asks_no_aws_and_bad_usage_is_its_own_status() {
    let emulator = tables_and_queues("test-command", &["Stripe"]).await;
    let listed: Value = run(&emulator, &["providers", "--json"], 0)
        .await
        .json()
        .expect("one document");
    assert_eq!(listed.as_array().map(Vec::len), Some(9), "{listed}");
    let wrong = run(&emulator, &["provider"], 2).await;
    assert!(wrong.stderr.contains("providers"), "{}", wrong.stderr);
}
