//! Calls that a lane put on the wire, held against its role: what no reading of the source shows are the keys.

use serde_json::Value;

use super::KEYS;
use super::policy::{ACCOUNT, Call, Policy, REGION, STACK};
use crate::cloudformation::Template;
use crate::recorder::Recorded;

/// Every call is one that the Stripe lane's role allows, and denies with another provider's keys. `provider` is the
/// test's own, whose tables are `<provider>-Requests` and `<provider>-Lanes`.
pub fn assert_allowed(provider: &str, requests: &[Recorded]) {
    let policy = Policy::of_role(&Template::read(), "StripeRole");
    for request in requests {
        let own = call(provider, "stripe", request);
        assert!(policy.allows(&own), "{own:?}");
        let others = call(provider, "twilio", request);
        assert!(!policy.allows(&others), "{others:?}");
    }
}

/// What IAM sees of a request to DynamoDB, with `acting` in the place of the test's provider.
fn call(provider: &str, acting: &str, request: &Recorded) -> Call {
    let (service, operation) = request.target.split_once('.').expect("a target");
    assert_eq!(service, "DynamoDB_20120810", "{}", request.target);
    let body = &request.body;
    let (table, items): (&str, Vec<&Value>) = match operation {
        "GetItem" | "UpdateItem" => (name(&body["TableName"]), vec![&body["Key"]]),
        "PutItem" => (name(&body["TableName"]), vec![&body["Item"]]),
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().expect("tables");
            assert_eq!(tables.len(), 1, "{tables:?}");
            let (table, asked) = tables.iter().next().expect("a table");
            (
                table,
                asked["Keys"].as_array().expect("keys").iter().collect(),
            )
        }
        other => panic!("{other} is in no role"),
    };
    let table = table
        .strip_prefix(&format!("{provider}-"))
        .expect("its own");
    let keys = items.into_iter().map(|item| {
        let key = item["pk"]["S"].as_str().expect("a key");
        let rest = key.strip_prefix(provider).expect("its own key");
        format!("{acting}{rest}")
    });
    let keys: Vec<String> = keys.collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let table = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{STACK}-{table}Table");
    Call::new(&format!("dynamodb:{operation}"), table).with(KEYS, &keys)
}

fn name(value: &Value) -> &str {
    value.as_str().expect("a name")
}
