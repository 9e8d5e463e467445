//! The example policies of `infra/policies/`, for producers and for people with the operators' command.

use std::collections::BTreeSet;
use std::fs;

use causeway_insights::explain::LANE_FIELDS;
use causeway_local::stack::root;
use serde_json::Value;

use super::policy::{ACCOUNT, Call, Policy, REGION, STACK};
use super::source::{methods, reached};

/// Adapters of the shared crate that the command makes; it uses all that they can do.
const ADAPTERS: [&str; 4] = ["DynamoStates", "DynamoLedger", "DynamoIndex", "SqsProducer"];

/// `send` and `status` by HTTP: the one action of API Gateway.
const BY_HTTP: &str = "execute-api:Invoke";

fn document(name: &str) -> Value {
    let path = root().join(format!("infra/policies/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn policy(name: &str) -> Policy {
    Policy::of_document(&document(name))
}

/// Every permission that the command's source has a use for.
fn needs() -> BTreeSet<String> {
    let own = methods("infra/causeway/src");
    let shared = methods("shared/src");
    let makes = |adapter: &str| {
        let call = format!("{adapter}::new(");
        own.iter().any(|one| one.code.contains(&call))
    };
    assert!(ADAPTERS.into_iter().all(makes));
    // Another one would bring calls that are not counted here.
    assert!(!["SqsQueue", "AwsSecrets"].into_iter().any(makes));
    let by_adapters = shared
        .iter()
        .filter(|one| ADAPTERS.contains(&one.owner.as_str()));
    let mut needs = BTreeSet::from([BY_HTTP.to_owned()]);
    needs.extend(own.iter().flat_map(|one| one.actions.iter().cloned()));
    needs.extend(by_adapters.flat_map(|one| reached(one, &shared)));
    needs
}

#[test]
fn the_commands_calls_are_what_the_policies_allow_together() {
    let grants = ["producer", "viewer", "operator"].map(|name| policy(name).grants());
    let actions = grants.into_iter().flatten().map(|(action, _)| action);
    let (needs, actions) = (needs(), actions.collect::<BTreeSet<_>>());
    let missing: Vec<_> = needs.difference(&actions).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let excess: Vec<_> = actions.difference(&needs).collect();
    assert!(excess.is_empty(), "{excess:?}");
}

fn queue(name: &str, action: &str) -> Call {
    Call::new(action, format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"))
}

fn table(name: &str, action: &str) -> Call {
    let table = format!("table/{STACK}-{name}-1ABC2DEF");
    Call::new(
        action,
        format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:{table}"),
    )
}

/// Deletes it, or a version of it.
fn function(name: &str) -> Call {
    let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
    Call::new("lambda:DeleteFunction", arn)
}

const KEYS: &str = "dynamodb:LeadingKeys";

#[test]
fn a_viewer_changes_nothing_and_sees_neither_letters_nor_refresh_tokens() {
    let viewer = policy("viewer");
    for (action, _) in viewer.grants() {
        let verb = action.split(':').nth(1).expect("an action");
        let reads = ["Get", "List", "Describe", "BatchGet", "Scan", "Query"];
        assert!(reads.iter().any(|read| verb.starts_with(read)), "{action}");
    }
    let scan = |attributes: &[&str]| {
        table("LanesTable", "dynamodb:Scan")
            .with("dynamodb:Attributes", attributes)
            .with("dynamodb:Select", &["SPECIFIC_ATTRIBUTES"])
    };
    assert!(viewer.allows(&scan(&["pk", "state"])));
    assert!(viewer.allows(&table("LanesTable", "dynamodb:GetItem").with(KEYS, &["a#*#breaker"])));
    let mut list = table("RequestsTable", "dynamodb:Query");
    assert!(!viewer.allows(&list), "the index alone");
    list.resource += "/index/Open";
    assert!(viewer.allows(&list));
    for call in [
        scan(&["pk", "refresh_token"]),
        scan(&["spare"]),
        scan(&[]),
        table("LanesTable", "dynamodb:Scan").with("dynamodb:Select", &["ALL_ATTRIBUTES"]),
        table("LanesTable", "dynamodb:GetItem").with(KEYS, &["a#default#credentials"]),
        table("RequestsTable", "dynamodb:Scan"),
        queue("causeway-Stripe-dlq", "sqs:ReceiveMessage"),
    ] {
        assert!(!viewer.allows(&call), "{call:?}");
    }
}

/// Why a request waits: the same look as ingest's.
#[test]
fn a_viewer_may_ask_why_a_request_waits() {
    let viewer = policy("viewer");
    let asked: Vec<&str> = std::iter::once("pk").chain(LANE_FIELDS).collect();
    let look = table("LanesTable", "dynamodb:BatchGetItem");
    assert!(viewer.allows(&look.clone().with("dynamodb:Attributes", &asked)));
    for attribute in ["token", "refresh_token", "spare"] {
        let call = look.clone().with("dynamodb:Attributes", &["pk", attribute]);
        assert!(!viewer.allows(&call), "{attribute}");
    }
    assert!(!viewer.allows(&look), "all attributes");
}

/// What the command asks of the table is what the policy names: a new attribute would deny the whole look.
#[test]
fn a_viewer_may_ask_for_the_attributes_that_the_command_asks_for() {
    let text = fs::read_to_string(root().join("infra/causeway/src/items.rs")).expect("the source");
    let list = text.split("const ATTRIBUTES").nth(1).expect("the list");
    let list = list.split("];").next().expect("its end");
    let asked: BTreeSet<&str> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        // The permission knows whole attributes only.
        .map(|path| path.split('.').next().unwrap_or(path))
        .collect();
    let viewer = document("viewer");
    let statements = viewer["Statement"].as_array().expect("statements");
    let scan = statements
        .iter()
        .find(|one| one["Action"] == "dynamodb:Scan");
    let named = &scan.expect("a scan")["Condition"]["ForAllValues:StringEquals"];
    let named = named["dynamodb:Attributes"].as_array().expect("names");
    let named: BTreeSet<&str> = named.iter().filter_map(Value::as_str).collect();
    assert!(asked.len() > 10, "{asked:?}");
    assert_eq!(named, asked);
}

#[test]
fn an_operator_reaches_letters_and_switches_of_this_stack_only() {
    let operator = policy("operator");
    let tag = "aws:ResourceTag/causeway:ingest";
    let send = |name: &str| queue(name, "sqs:SendMessage");
    for call in [
        queue("causeway-Stripe-dlq", "sqs:ReceiveMessage"),
        queue("causeway-Stripe-dlq", "sqs:DeleteMessage"),
        send("causeway-Stripe").with(tag, &[STACK]),
        table("LanesTable", "dynamodb:PutItem").with(KEYS, &["stripe#*#breaker"]),
        table("LanesTable", "dynamodb:PutItem").with(KEYS, &["xero#default#credentials"]),
        function("causeway-Stripe:12"),
    ] {
        assert!(operator.allows(&call), "{call:?}");
    }
    for call in [
        queue("causeway-Stripe", "sqs:ReceiveMessage"),
        queue("causeway-Stripe", "sqs:DeleteMessage"),
        queue("another-Stripe-dlq", "sqs:ReceiveMessage"),
        queue("causeway-Stripe-dlq", "sqs:PurgeQueue"),
        send("causeway-Stripe-dlq"),
        send("causeway-Stripe"),
        table("LanesTable", "dynamodb:PutItem").with(KEYS, &["stripe#default#limit#account"]),
        table("RequestsTable", "dynamodb:DeleteItem"),
        table("MappingsTable", "dynamodb:PutItem").with(KEYS, &["stripe#default#guest"]),
        function("causeway-Stripe"),
        function("another-Stripe:12"),
    ] {
        assert!(!operator.allows(&call), "{call:?}");
    }
}

/// A call of the HTTP API, as API Gateway asks IAM about it: the stage, the verb, the path.
fn call(stage: &str, verb_and_path: &str) -> Call {
    let api = format!("API_ID/{stage}/{verb_and_path}");
    Call::new(
        BY_HTTP,
        format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}"),
    )
}

#[test]
fn a_producer_of_one_connection_sends_to_it_and_follows_it_alone() {
    let (bound, any) = (policy("producer-connection"), policy("producer"));
    for path in [
        "POST/v1/requests/stripe/berlin",
        "GET/v1/requests/stripe/berlin",
        "GET/v1/requests/stripe/berlin/order-1",
        "GET/v1/requests/stripe/berlin/a/b",
        "GET/v1/providers",
        "GET/v1/providers/stripe/operations/customers.create",
    ] {
        assert!(bound.allows(&call("$default", path)), "{path}");
        assert!(any.allows(&call("$default", path)), "{path}");
    }
    for path in [
        "POST/v1/requests",
        "GET/v1/requests",
        "POST/v1/requests/stripe/paris",
        "POST/v1/requests/stripe/berlin2",
        "POST/v1/requests/stripe/berlin/x",
        "POST/v1/requests/slack/berlin",
        "GET/v1/requests/stripe/paris/order-1",
        "GET/v1/requests/stripe/paris",
        "GET/v1/requests/stripe/berlin2/order-1",
        // A key that looks like the path that is allowed.
        "GET/v1/requests/stripe/paris/POST/v1/requests/stripe/berlin",
        "GET/v1/requests/stripe/paris/GET/v1/requests/stripe/berlin/k",
        "POST/v1/mappings/propose",
        "POST/v1/webhooks/stripe/berlin",
    ] {
        assert!(!bound.allows(&call("$default", path)), "{path}");
    }
    // Nor any other stage of the API, or any other API.
    assert!(!bound.allows(&call("$default/POST/v1/requests/stripe/berlin", "x")));
    assert!(!bound.allows(&call("test", "POST/v1/requests/stripe/berlin")));
    let other = call("$default", "POST/v1/requests/stripe/berlin");
    let other = Call::new(BY_HTTP, other.resource.replace("API_ID", "another"));
    assert!(!bound.allows(&other) && !any.allows(&other));
}
