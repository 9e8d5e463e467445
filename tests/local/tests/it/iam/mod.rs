//! Each function's policy is minimal: what the code calls and what Lambda does in the role's name is allowed, and
//! nothing else is.

mod functions;
mod people;
mod policy;
mod recorded;
mod source;

use std::collections::BTreeSet;

pub use self::recorded::assert_allowed;

use self::functions::{ALL, EVERY_FUNCTION, Function, GATEKEEPER, INGEST, LANE, Target, WARNING};
use self::policy::{ACCOUNT, Call, Policy, REGION, STACK};
use self::source::{Method, methods, reached, sends, shared_sends};
use crate::cloudformation::Template;
use causeway_insights::explain::LANE_FIELDS;

const KEYS: &str = "dynamodb:LeadingKeys";

/// The resource as the policy names it, for the function of this name.
fn resource(target: Target, name: &str) -> String {
    let of = |service: &str, what: String| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{what}");
    let table = |id: &str| of("dynamodb", format!("table/{STACK}-{id}"));
    match target {
        Target::Queue => of("sqs", format!("{STACK}-{name}")),
        Target::DeadLetters => of("sqs", format!("{STACK}-{name}-dlq")),
        Target::Requests => table("RequestsTable"),
        Target::RequestsIndex => table("RequestsTable/index/Open"),
        Target::Lanes => table("LanesTable"),
        Target::LanesStream => table("LanesTable/stream/2026-11-22"),
        Target::Mappings => table("MappingsTable"),
        Target::Secrets => {
            let provider = name.to_ascii_lowercase();
            of("secretsmanager", format!("secret:causeway/{provider}/*"))
        }
        Target::TaggedQueues => of("sqs", format!("{STACK}-*")),
        Target::TaggedSources => of("lambda", "event-source-mapping:*".to_owned()),
        Target::Topic => of("sns", format!("{STACK}-AlertsTopic")),
        Target::LogGroup => of("logs", format!("log-group:{STACK}-{name}LogGroup:*")),
        Target::Anything => "*".to_owned(),
    }
}

/// Everything that the deployed functions are made of, but the providers: these know no AWS (`layers.rs`).
fn sources() -> Vec<Method> {
    let folders = [
        "shared/src",
        "shared/insights/src",
        "functions/gatekeeper/src",
        "functions/ingest/src",
        "functions/warning/src",
    ];
    folders.into_iter().flat_map(methods).collect()
}

fn has_call(all: &[Method], folder: &str, call: &str) -> bool {
    let inside = all.iter().filter(|one| one.file.starts_with(folder));
    inside.into_iter().any(|one| one.code.contains(call))
}

/// What `function` needs, by its source.
fn needs(function: &Function, all: &[Method]) -> BTreeSet<(String, String)> {
    let mut needs = BTreeSet::new();
    for one in function.uses {
        assert!(
            has_call(all, one.story, one.call),
            "{}: {} no longer says `{}`",
            function.name,
            one.story,
            one.call
        );
        let method = all.iter().find(|method| {
            let is_own = function
                .adapters
                .iter()
                .any(|(owner, _)| method.owner == *owner);
            is_own && method.file == one.file && method.name == one.method
        });
        let method = method.unwrap_or_else(|| panic!("no {} in {}", one.method, one.file));
        let actions = reached(method, all);
        assert!(!actions.is_empty(), "{} calls nothing", one.method);
        let target = resource(one.target, function.name);
        needs.extend(actions.into_iter().map(|action| (action, target.clone())));
    }
    let by_lambda = function.lambda.iter().chain(&EVERY_FUNCTION);
    needs.extend(
        by_lambda.map(|(action, target)| ((*action).to_owned(), resource(*target, function.name))),
    );
    needs
}

#[test]
fn a_functions_policy_allows_what_its_source_calls_and_nothing_more() {
    let (template, all) = (Template::read(), sources());
    for function in ALL {
        let policy = Policy::of_role(&template, &format!("{}Role", function.name));
        let (needs, grants) = (needs(function, &all), policy.grants());
        let missing: Vec<_> = needs.difference(&grants).collect();
        let excess: Vec<_> = grants.difference(&needs).collect();
        assert!(
            missing.is_empty() && excess.is_empty(),
            "{}: missing {missing:#?}, more than it needs {excess:#?}",
            function.name
        );
    }
}

/// The table of functions cannot fall behind the source: each adapter that a function makes is listed, and each of the
/// adapter's methods is either used or shown to be of no use.
#[test]
fn every_call_of_every_adapter_is_accounted_for() {
    let all = sources();
    let adapters: BTreeSet<(&str, &str)> = ALL
        .iter()
        .flat_map(|function| function.adapters.iter().copied())
        .collect();
    for function in ALL {
        for (adapter, file) in &adapters {
            let is_made = has_call(&all, function.makes, &format!("{adapter}::new("));
            let is_listed = function.adapters.contains(&(*adapter, *file));
            assert_eq!(is_made, is_listed, "{} and {adapter}", function.name);
        }
        for (adapter, file) in function.adapters {
            let own = all
                .iter()
                .filter(|one| one.owner == *adapter && one.file == *file);
            let calling = own.filter(|one| is_of_a_seam(one) && !reached(one, &all).is_empty());
            for method in calling {
                let is_used = function.uses.iter().any(|one| one.method == method.name);
                let never = function
                    .never
                    .iter()
                    .find(|one| one.file == *file && one.method == method.name);
                assert!(
                    is_used != never.is_some(),
                    "{}: {}",
                    function.name,
                    method.name
                );
                for call in never.iter().flat_map(|one| one.calls) {
                    let found = never.is_some_and(|one| has_call(&all, one.folder, call));
                    assert!(!found, "{} has `{call}` after all", function.name);
                }
            }
        }
    }
}

/// Others than a type's own helpers.
fn is_of_a_seam(method: &Method) -> bool {
    !["change_visibility", "held"].contains(&method.name.as_str())
}

/// A call to AWS that stands anywhere else, or names an operation in a way that the scan does not see, is not
/// accounted for.
#[test]
fn nothing_but_the_adapters_calls_aws() {
    let all = sources();
    let adapters: BTreeSet<&str> = ALL
        .iter()
        .flat_map(|function| function.adapters.iter().map(|(_, file)| *file))
        .collect();
    for one in &all {
        // Metrics are read in one place, for an adapter and for the operators' command.
        let of_an_adapter = adapters.contains(one.file.as_str()) || one.file == people::SHARED.1;
        // The way that adapters share: who begins a call is counted.
        let is_shared = one.file.starts_with("shared/src/dynamodb/");
        if !of_an_adapter && !is_shared {
            assert_eq!(sends(&one.code), 0, "{} {}", one.file, one.name);
            assert_eq!(one.actions, BTreeSet::new(), "{} {}", one.file, one.name);
        }
        if of_an_adapter {
            let sent = sends(&one.code) + shared_sends(&one.code);
            assert_eq!(sent, one.actions.len(), "{} {}", one.file, one.name);
        }
    }
}

/// All lanes are written once, but what each may do is compared all the same.
#[test]
fn every_lane_may_do_what_the_first_may_on_its_own_things() {
    let template = Template::read();
    let first = Policy::of_role(&template, "StripeRole").grants();
    for lane in template.lanes.keys() {
        let own = Policy::of_role(&template, &format!("{lane}Role")).grants();
        let renamed: BTreeSet<_> = first
            .iter()
            .map(|(action, resource)| {
                let resource = resource.replace("Stripe", lane);
                let resource = resource.replace("/stripe/", &format!("/{}/", lane.to_lowercase()));
                (action.clone(), resource)
            })
            .collect();
        assert_eq!(own, renamed, "{lane}");
    }
}

#[test]
fn every_function_runs_as_its_own_role() {
    let template = Template::read();
    let functions = template.of_type("AWS::Serverless::Function");
    assert_eq!(functions.len(), template.lanes.len() + 3);
    for (id, function) in functions {
        let name = id.strip_suffix("Function").expect("its name");
        assert_eq!(function.get("Policies"), None, "{id}: SAM would add a role");
        let role = format!("{name}Role");
        let by_text = serde_json::json!({"Fn::GetAtt": format!("{role}.Arn")});
        let by_parts = serde_json::json!({"Fn::GetAtt": [{"Fn::Sub": role}, "Arn"]});
        assert!([by_text, by_parts].contains(&function["Role"]), "{id}");
        let trust = &template.properties(&role)["AssumeRolePolicyDocument"]["Statement"];
        let lambda = serde_json::json!([{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole"
        }]);
        assert_eq!(trust, &lambda, "{role}");
    }
}

fn on(target: Target, name: &str, action: &str) -> Call {
    Call::new(action, resource(target, name))
}

/// Calls that are allowed, and the same calls with another provider's things.
#[test]
fn a_lane_is_denied_the_things_of_another() {
    let policy = Policy::of_role(&Template::read(), "StripeRole");
    let keys = |target, action, keys: &[&str]| on(target, LANE.name, action).with(KEYS, keys);
    let (get, batch, put) = (
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
    );
    let own = ["stripe#default#order-1", "stripe#a#b#c"];
    for call in [
        keys(Target::Requests, put, &own[..1]),
        keys(Target::Requests, batch, &own),
        keys(Target::Lanes, get, &["stripe#*#breaker"]),
        keys(Target::Lanes, put, &["stripe#default#credentials"]),
        keys(Target::Mappings, get, &["stripe#default#guest"]),
        secret("stripe/default-AbCdEf", "secretsmanager:GetSecretValue"),
        on(Target::DeadLetters, LANE.name, "sqs:SendMessage"),
    ] {
        assert!(policy.allows(&call), "{call:?}");
    }
    for call in [
        keys(Target::Requests, put, &["twilio#default#order-1"]),
        keys(Target::Requests, put, &["stripe-eu#default#order-1"]),
        keys(Target::Requests, put, &["stripe"]),
        keys(Target::Requests, put, &["Stripe#default#order-1"]),
        keys(
            Target::Requests,
            batch,
            &["stripe#default#1", "twilio#default#1"],
        ),
        keys(Target::Requests, batch, &[]),
        on(Target::Requests, LANE.name, batch),
        on(Target::Requests, LANE.name, "dynamodb:Scan"),
        keys(Target::Requests, "dynamodb:Query", &own),
        keys(Target::Requests, "dynamodb:DeleteItem", &own),
        keys(Target::Requests, "dynamodb:PartiQLInsert", &own),
        keys(Target::Lanes, get, &["twilio#default#credentials"]),
        keys(Target::Lanes, batch, &["stripe#default#credentials"]),
        on(Target::Lanes, LANE.name, get),
        keys(Target::Mappings, put, &["stripe#default#guest"]),
        keys(Target::Mappings, get, &["twilio#default#guest"]),
        secret("twilio/default-AbCdEf", "secretsmanager:GetSecretValue"),
        secret("stripe-eu/default-AbCdEf", "secretsmanager:GetSecretValue"),
        secret("stripe/default-AbCdEf", "secretsmanager:PutSecretValue"),
        on(Target::DeadLetters, LANE.name, "sqs:ReceiveMessage"),
        on(Target::Queue, "Twilio", "sqs:SendMessage"),
        on(Target::Queue, "Twilio", "sqs:ReceiveMessage"),
        on(Target::DeadLetters, "Twilio", "sqs:SendMessage"),
        on(Target::LogGroup, "Twilio", "logs:PutLogEvents"),
        on(Target::Queue, LANE.name, "sqs:PurgeQueue"),
    ] {
        assert!(!policy.allows(&call), "{call:?}");
    }
}

fn secret(name: &str, action: &str) -> Call {
    let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:causeway/{name}");
    Call::new(action, arn)
}

#[test]
fn the_gatekeeper_reads_breakers_and_switches_this_stacks_sources_only() {
    let policy = Policy::of_role(&Template::read(), "GatekeeperRole");
    let name = GATEKEEPER.name;
    let get = |key| on(Target::Lanes, name, "dynamodb:GetItem").with(KEYS, &[key]);
    let source = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:1-2-3");
    let update = Call::new("lambda:UpdateEventSourceMapping", source);
    let tagged = |stack| {
        update
            .clone()
            .with("aws:ResourceTag/causeway:stack", &[stack])
    };

    let tag = "aws:ResourceTag/causeway:ingest";
    let look = |target| on(target, "Stripe", "sqs:GetQueueAttributes");

    assert!(policy.allows(&get("stripe#*#breaker")));
    assert!(policy.allows(&get("stripe#*#warning")));
    assert!(policy.allows(&tagged(STACK)));
    assert!(policy.allows(&look(Target::Queue).with(tag, &[STACK])));
    let letters = "aws:ResourceTag/causeway:letters";
    assert!(policy.allows(&look(Target::DeadLetters).with(letters, &[STACK])));
    let paused = |keys: &[&str], attributes: &[&str]| {
        on(Target::Lanes, name, "dynamodb:BatchGetItem")
            .with(KEYS, keys)
            .with("dynamodb:Attributes", attributes)
    };
    assert!(policy.allows(&paused(
        &["stripe#a#credentials"],
        &["pk", "pause", "rights"]
    )));
    for own in ["stripe#*#pauses", "stripe#*#letters"] {
        assert!(policy.allows(&get(own)), "{own}");
        assert!(policy.allows(&on(Target::Lanes, name, "dynamodb:PutItem").with(KEYS, &[own])));
    }

    for call in [
        look(Target::Queue).with(tag, &["another-stack"]),
        look(Target::DeadLetters),
        look(Target::DeadLetters).with(letters, &["another-stack"]),
        on(Target::DeadLetters, "Stripe", "sqs:ReceiveMessage").with(letters, &[STACK]),
        on(Target::Queue, "Stripe", "sqs:ReceiveMessage").with(tag, &[STACK]),
        paused(&["stripe#a#credentials"], &["pk", "token"]),
        paused(&["stripe#a#credentials"], &["pk", "refresh_token"]),
        paused(&["stripe#a#credentials"], &[]),
        paused(&["stripe#*#breaker"], &["pk", "pause"]),
        get("stripe#default#credentials"),
        on(Target::Lanes, name, "dynamodb:GetItem"),
        on(Target::Lanes, name, "dynamodb:PutItem").with(KEYS, &["stripe#*#breaker"]),
        on(Target::Requests, name, "dynamodb:GetItem").with(KEYS, &["stripe#*#breaker"]),
        update.clone(),
        tagged("another-stack"),
        Call::new("lambda:DeleteEventSourceMapping", update.resource.clone())
            .with("aws:ResourceTag/causeway:stack", &[STACK]),
    ] {
        assert!(!policy.allows(&call), "{call:?}");
    }
}

#[test]
fn early_warning_writes_its_own_items_and_reads_no_token_and_no_message() {
    let policy = Policy::of_role(&Template::read(), "WarningRole");
    let name = WARNING.name;
    let keys = |action, key| on(Target::Lanes, name, action).with(KEYS, &[key]);
    let tag = "aws:ResourceTag/causeway:ingest";
    let depth = |target| on(target, "Stripe", "sqs:GetQueueAttributes");

    for call in [
        keys("dynamodb:GetItem", "stripe#*#warning"),
        keys("dynamodb:PutItem", "stripe#*#warning"),
        depth(Target::Queue).with(tag, &[STACK]),
        on(Target::Topic, name, "sns:Publish"),
    ] {
        assert!(policy.allows(&call), "{call:?}");
    }
    for call in [
        keys("dynamodb:GetItem", "stripe#*#breaker"),
        keys("dynamodb:GetItem", "stripe#default#credentials"),
        keys("dynamodb:PutItem", "stripe#*#breaker"),
        on(Target::Lanes, name, "dynamodb:Scan"),
        depth(Target::Queue).with(tag, &["another-stack"]),
        depth(Target::DeadLetters),
        on(Target::Queue, "Stripe", "sqs:ReceiveMessage").with(tag, &[STACK]),
        on(Target::Topic, name, "sns:Subscribe"),
    ] {
        assert!(!policy.allows(&call), "{call:?}");
    }
}

#[test]
fn ingest_sends_to_lanes_and_reads_no_token_no_secret_and_no_letter() {
    let template = Template::read();
    let policy = Policy::of_role(&template, "IngestRole");
    let tag = "aws:ResourceTag/causeway:ingest";
    let send = |target| on(target, "Stripe", "sqs:SendMessage");

    assert!(policy.allows(&send(Target::Queue).with(tag, &[STACK])));
    for action in ["dynamodb:GetItem", "dynamodb:PutItem"] {
        let quota = |key| on(Target::Lanes, INGEST.name, action).with(KEYS, &[key]);
        assert!(policy.allows(&quota("~#0123456789abcdef#quota")));
        for other in ["stripe#*#breaker", "stripe#a#credentials", "stripe#~#quota"] {
            assert!(!policy.allows(&quota(other)), "{other}");
        }
    }
    let list = on(Target::RequestsIndex, INGEST.name, "dynamodb:Query");
    assert!(policy.allows(&list.with(KEYS, &["stripe#UNKNOWN"])));

    let keys = [
        "stripe#*#breaker",
        "stripe#berlin#credentials",
        "stripe#berlin#limit#account",
    ];
    let look = on(Target::Lanes, INGEST.name, "dynamodb:BatchGetItem");
    let attributes = "dynamodb:Attributes";
    let asked: Vec<&str> = std::iter::once("pk").chain(LANE_FIELDS).collect();
    assert!(policy.allows(&look.clone().with(KEYS, &keys).with(attributes, &asked)));
    for call in [
        look.clone().with(KEYS, &keys),
        look.clone().with(attributes, &asked),
        look.clone()
            .with(KEYS, &["stripe#berlin#limit#channel=C1"])
            .with(attributes, &asked),
        look.clone()
            .with(KEYS, &keys)
            .with(attributes, &asked)
            .with("dynamodb:Select", &["ALL_ATTRIBUTES"]),
    ] {
        assert!(!policy.allows(&call), "{call:?}");
    }
    for secret in ["token", "refresh_token", "spare", "prints", "lease"] {
        let call = look.clone().with(KEYS, &keys);
        assert!(
            !policy.allows(&call.with(attributes, &["pk", secret])),
            "{secret}"
        );
    }

    for call in [
        send(Target::Queue),
        send(Target::Queue).with(tag, &["another-stack"]),
        send(Target::DeadLetters),
        on(Target::Queue, "Stripe", "sqs:ReceiveMessage").with(tag, &[STACK]),
        on(Target::Lanes, INGEST.name, "dynamodb:GetItem").with(KEYS, &["stripe#*#breaker"]),
        on(Target::Lanes, INGEST.name, "dynamodb:BatchGetItem").with(KEYS, &["stripe#*#breaker"]),
        on(Target::Requests, INGEST.name, "dynamodb:PutItem").with(KEYS, &["stripe#a#b"]),
        on(Target::Requests, INGEST.name, "dynamodb:Query").with(KEYS, &["stripe#a#b"]),
        on(Target::RequestsIndex, INGEST.name, "dynamodb:Scan"),
        on(Target::Mappings, INGEST.name, "dynamodb:PutItem").with(KEYS, &["stripe#a#b"]),
        secret("stripe/default-AbCdEf", "secretsmanager:GetSecretValue"),
    ] {
        assert!(!policy.allows(&call), "{call:?}");
    }
    // The tag stands on what it sends to, and on nothing else.
    for (id, queue) in template.of_type("AWS::SQS::Queue") {
        let tags = queue["Tags"].to_string();
        assert_eq!(
            tags.contains("causeway:ingest"),
            id.ends_with("Queue"),
            "{id}"
        );
    }
}

#[test]
fn nobody_but_the_gatekeeper_may_switch_lanes() {
    let template = Template::read();
    let mut may = Vec::new();
    for (id, role) in template.of_type("AWS::IAM::Role") {
        if role["Policies"]
            .to_string()
            .contains("UpdateEventSourceMapping")
        {
            may.push(id);
        }
    }
    assert_eq!(may, ["GatekeeperRole"]);
}

/// A route without authorisation would let anybody send.
#[test]
fn every_route_of_the_api_asks_who_calls() {
    let template = Template::read();
    let routes = template.of_type("AWS::ApiGatewayV2::Route");
    assert!(routes.len() >= 3, "{routes:?}");
    for (id, route) in routes {
        assert_eq!(route["AuthorizationType"], "AWS_IAM", "{id}");
    }
    // With the other choice of the parameter it is JWT, for each of them.
    let choice = "AuthorizationType: !If [HasJwt, JWT, AWS_IAM]";
    let routes = template
        .text
        .matches("Type: AWS::ApiGatewayV2::Route")
        .count();
    assert_eq!(template.text.matches(choice).count(), routes);
}
