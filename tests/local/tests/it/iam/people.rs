//! The example policies of `infra/policies/`, for producers and for people with the operators' command.

use std::collections::BTreeSet;
use std::fs;

use causeway_insights::explain::LANE_FIELDS;
use causeway_local::stack::root;
use serde_json::Value;

use super::policy::{ACCOUNT, Call, Policy, REGION, STACK};
use super::source::{Method, methods, reached};

/// Adapters of the shared crate that the command makes; it uses all that they can do.
const ADAPTERS: [&str; 5] = [
    "AwsSecrets",
    "DynamoIndex",
    "DynamoLedger",
    "DynamoStates",
    "SqsProducer",
];

/// What the command shares with a function that asks the same.
pub const SHARED: (&str, &str) = (
    "functions/warning/src",
    "functions/warning/src/cloudwatch.rs",
);

/// Every policy that the command's people may have.
const POLICIES: [&str; 5] = ["producer", "viewer", "operator", "connections", "admin"];

/// `send` and `status` by HTTP: the one action of API Gateway.
const BY_HTTP: &str = "execute-api:Invoke";

/// What programs of others call that the runbook, or the README, says to run.
pub const TOOLS: [(&str, Role, &[&str]); 2] = [
    // samcli/commands/logs, lib/utils/cloudformation.py, lib/observability/cw_logs
    (
        "sam logs",
        Role::Operator,
        &[
            "cloudformation:ListStackResources",
            "lambda:GetFunctionConfiguration",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
        ],
    ),
    // samcli/lib/deploy/deployer.py, lib/package/s3_uploader.py, lib/utils/managed_cloudformation_stack.py
    (
        "sam deploy",
        Role::Admin,
        &[
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStacks",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:GetTemplateSummary",
            "iam:PassRole",
            "s3:GetObject",
            "s3:PutObject",
        ],
    ),
];

/// Who may run which of the command's verbs, by the words that it begins with.
const VERBS: [(&str, Role); 32] = [
    ("causeway deploy", Role::Admin),
    ("causeway lanes drain", Role::Admin),
    ("causeway lanes retire", Role::Admin),
    ("causeway lanes releases", Role::Admin),
    ("causeway lanes release", Role::Admin),
    ("causeway lanes rollback", Role::Admin),
    ("causeway lanes enable", Role::Operator),
    ("causeway lanes prune", Role::Operator),
    ("causeway lanes", Role::Viewer),
    ("causeway status", Role::Viewer),
    ("causeway requests", Role::Viewer),
    ("causeway unknown", Role::Viewer),
    ("causeway top", Role::Viewer),
    ("causeway providers", Role::Viewer),
    ("causeway breaker show", Role::Viewer),
    ("causeway breaker open", Role::Operator),
    ("causeway breaker close", Role::Operator),
    ("causeway connection list", Role::Viewer),
    ("causeway connection show", Role::Viewer),
    ("causeway connection resume", Role::Operator),
    ("causeway connection add", Role::Admin),
    ("causeway connection test", Role::Connector),
    ("causeway alarms", Role::Viewer),
    ("causeway logs", Role::Operator),
    ("causeway dlq", Role::Operator),
    ("causeway send", Role::Producer),
    ("causeway doctor", Role::Operator),
    ("causeway map put", Role::Admin),
    ("causeway map diff", Role::Admin),
    ("causeway map rollback", Role::Admin),
    ("causeway map", Role::Producer),
    ("export ", Role::Viewer),
];

/// Who needs what a file of the command's calls: the least of those who run it.
const FILES: [(&str, Role); 16] = [
    ("infra/causeway/src/stack.rs", Role::Viewer),
    ("infra/causeway/src/items.rs", Role::Viewer),
    (SHARED.1, Role::Viewer),
    ("infra/causeway/src/alarms.rs", Role::Viewer),
    ("infra/causeway/src/logs/mod.rs", Role::Operator),
    ("infra/causeway/src/connection/add.rs", Role::Admin),
    ("infra/causeway/src/lanes/look.rs", Role::Viewer),
    // Listing is for anybody who looks; switching is not.
    ("infra/causeway/src/lanes/source.rs", Role::Operator),
    ("infra/causeway/src/lanes/prune.rs", Role::Operator),
    ("infra/causeway/src/lanes/drain.rs", Role::Admin),
    ("infra/causeway/src/lanes/held.rs", Role::Admin),
    ("infra/causeway/src/lanes/release.rs", Role::Admin),
    ("infra/causeway/src/deploy/look.rs", Role::Admin),
    ("infra/causeway/src/connection/resume.rs", Role::Operator),
    ("infra/causeway/src/dlq/queue.rs", Role::Operator),
    ("infra/causeway/src/doctor/checks.rs", Role::Operator),
];

/// A kind of person, and the policies that they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Producer,
    Viewer,
    Operator,
    /// Who connects accounts: sees their credentials.
    Connector,
    Admin,
}

impl Role {
    const fn policies(self) -> &'static [&'static str] {
        match self {
            Self::Producer => &["producer", "viewer"],
            Self::Viewer => &["viewer"],
            Self::Operator => &["viewer", "operator"],
            Self::Connector => &["viewer", "connections"],
            Self::Admin => &["viewer", "operator", "admin"],
        }
    }

    fn actions(self) -> BTreeSet<String> {
        let grants = self.policies().iter().map(|name| policy(name).grants());
        grants.flatten().map(|(action, _)| action).collect()
    }
}

fn document(name: &str) -> Value {
    let path = root().join(format!("infra/policies/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn policy(name: &str) -> Policy {
    Policy::of_document(&document(name))
}

/// The functions of the command's source, and those that it shares with a function.
fn own() -> Vec<Method> {
    let shared = methods(SHARED.0).into_iter();
    let shared = shared.filter(|one| one.file == SHARED.1);
    shared.chain(methods("infra/causeway/src")).collect()
}

/// Every permission that the command's source has a use for.
fn needs() -> BTreeSet<String> {
    let own = own();
    let shared = methods("shared/src");
    let makes = |adapter: &str| {
        let call = format!("{adapter}::new(");
        own.iter().any(|one| one.code.contains(&call))
    };
    assert!(ADAPTERS.into_iter().all(makes));
    // Another one would bring calls that are not counted here.
    assert!(!makes("SqsQueue"));
    let by_adapters = shared
        .iter()
        .filter(|one| ADAPTERS.contains(&one.owner.as_str()));
    let mut needs = BTreeSet::from([BY_HTTP.to_owned()]);
    needs.extend(own.iter().flat_map(|one| one.actions.iter().cloned()));
    needs.extend(by_adapters.flat_map(|one| reached(one, &shared)));
    let tools = TOOLS.iter().flat_map(|(_, _, actions)| actions.iter());
    needs.extend(tools.map(|action| (*action).to_owned()));
    needs
}

#[test]
fn the_commands_calls_are_what_the_policies_allow_together() {
    let grants = POLICIES.map(|name| policy(name).grants());
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
    for (action, resource) in viewer.grants() {
        if action == BY_HTTP {
            assert!(resource.ends_with("/GET/v1/providers"), "{resource}");
            continue;
        }
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
        queue("causeway-Stripe-dlq", "sqs:ReceiveMessage").with(LETTERS, &[STACK]),
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

/// Tests of connections are for who sees their credentials anyhow, and for nobody else.
#[test]
fn who_tests_connections_reads_secrets_and_keeps_tokens_and_does_nothing_else() {
    let connections = policy("connections");
    let secret = |name: &str| {
        let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf");
        Call::new("secretsmanager:GetSecretValue", arn)
    };
    let lanes = |action, key| table("LanesTable", action).with(KEYS, &[key]);
    assert!(connections.allows(&secret("causeway/xero/default")));
    assert!(connections.allows(&lanes("dynamodb:PutItem", "xero#default#credentials")));
    for call in [
        secret("causeway-prod/xero/default"),
        lanes("dynamodb:PutItem", "xero#*#breaker"),
        table("RequestsTable", "dynamodb:GetItem"),
    ] {
        assert!(!connections.allows(&call), "{call:?}");
    }
    for name in ["producer", "viewer", "operator", "admin"] {
        assert!(
            !policy(name).allows(&secret("causeway/xero/default")),
            "{name}"
        );
    }
}

const LETTERS: &str = "aws:ResourceTag/causeway:letters";
const OWN: &str = "aws:ResourceTag/causeway:stack";

#[test]
fn an_operator_settles_letters_and_forces_breakers_and_reads_no_token() {
    let operator = policy("operator");
    let tag = "aws:ResourceTag/causeway:ingest";
    let send = |name: &str| queue(name, "sqs:SendMessage");
    let resume = |attributes: &[&str]| {
        table("LanesTable", "dynamodb:UpdateItem")
            .with(KEYS, &["xero#default#credentials"])
            .with("dynamodb:Attributes", attributes)
    };
    let lanes = |action, key| table("LanesTable", action).with(KEYS, &[key]);
    for call in [
        queue("causeway-Stripe-dlq", "sqs:ReceiveMessage").with(LETTERS, &[STACK]),
        queue("causeway-Stripe-dlq", "sqs:DeleteMessage").with(LETTERS, &[STACK]),
        send("causeway-Stripe").with(tag, &[STACK]),
        lanes("dynamodb:PutItem", "stripe#*#breaker"),
        lanes("dynamodb:PutItem", "stripe#*#letters"),
        resume(&["pk", "pause", "rights", "token", "version"]),
        function("causeway-Stripe:12").with(OWN, &[STACK]),
    ] {
        assert!(operator.allows(&call), "{call:?}");
    }
    for call in [
        queue("causeway-Stripe", "sqs:ReceiveMessage").with(tag, &[STACK]),
        queue("causeway-Stripe", "sqs:DeleteMessage").with(tag, &[STACK]),
        queue("causeway-Stripe-dlq", "sqs:PurgeQueue").with(LETTERS, &[STACK]),
        send("causeway-Stripe-dlq").with(LETTERS, &[STACK]),
        send("causeway-Stripe"),
        // Every credential item was there to be read, and to be written, tokens and all.
        lanes("dynamodb:GetItem", "xero#default#credentials"),
        lanes("dynamodb:PutItem", "xero#default#credentials"),
        resume(&["pk", "refresh_token"]),
        resume(&["pk", "pause"]).with("dynamodb:ReturnValues", &["ALL_OLD"]),
        resume(&[]),
        lanes("dynamodb:PutItem", "stripe#default#limit#account"),
        table("RequestsTable", "dynamodb:DeleteItem"),
        table("MappingsTable", "dynamodb:PutItem").with(KEYS, &["stripe#default#guest"]),
        function("causeway-Stripe").with(OWN, &[STACK]),
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

#[test]
fn who_deploys_reaches_lanes_of_this_stack_and_reads_no_letter_and_no_record() {
    let admin = policy("admin");
    let tag = "aws:ResourceTag/causeway:ingest";
    let alias = |name: &str| {
        let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
        let tag = "aws:ResourceTag/causeway:stack";
        Call::new("lambda:UpdateAlias", arn)
            .with(tag, &[name.split('-').next().unwrap_or_default()])
    };
    let scan = table("RequestsTable", "dynamodb:Scan");
    for call in [
        queue("causeway-Stripe", "sqs:SetQueueAttributes").with(tag, &[STACK]),
        alias("causeway-Stripe"),
        scan.clone().with("dynamodb:Select", &["COUNT"]),
    ] {
        assert!(admin.allows(&call), "{call:?}");
    }
    for call in [
        queue("causeway-Stripe-dlq", "sqs:SetQueueAttributes"),
        queue("causeway-Stripe-dlq", "sqs:ReceiveMessage"),
        queue("another-Stripe", "sqs:SetQueueAttributes").with(tag, &[STACK]),
        alias("another-Stripe"),
        scan.with("dynamodb:Select", &["ALL_ATTRIBUTES"]),
        function("causeway-Stripe:12"),
    ] {
        assert!(!admin.allows(&call), "{call:?}");
    }
}

/// What the command's source calls is for the role that runs it, or somebody is denied at 3 a.m.
#[test]
fn every_file_that_calls_aws_is_for_a_role_that_may() {
    for one in own() {
        if one.actions.is_empty() {
            continue;
        }
        let role = FILES.iter().find(|(file, _)| *file == one.file);
        let (_, role) = role.unwrap_or_else(|| panic!("who runs {}?", one.file));
        let lacks: Vec<_> = one.actions.difference(&role.actions()).cloned().collect();
        assert!(
            lacks.is_empty(),
            "{} {}: {role:?} lacks {lacks:?}",
            one.file,
            one.name
        );
    }
}

#[test]
fn every_command_of_the_runbook_is_for_a_role_that_may() {
    let mut seen = 0;
    for section in crate::documents::sections("infra/RUNBOOK.md") {
        for command in &section.commands {
            seen += 1;
            let tool = TOOLS.iter().find(|(words, ..)| command.starts_with(words));
            let verb = VERBS.iter().find(|(words, _)| command.starts_with(words));
            match (tool, verb) {
                (Some((_, role, needs)), _) => {
                    let may = role.actions();
                    let lacks: Vec<_> = needs.iter().filter(|one| !may.contains(**one)).collect();
                    assert!(lacks.is_empty(), "{command}: {role:?} lacks {lacks:?}");
                }
                (None, Some(_)) => {}
                (None, None) => panic!("{}: who runs `{command}`?", section.heading),
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

/// A thing of a stack as IAM sees it, with the tags that the template gives it.
fn things(stack: &str, prefix: &str) -> Vec<Call> {
    let of = |service: &str, what: String| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{what}");
    let sqs = |name: &str| of("sqs", format!("{stack}-{name}"));
    let function = |name: &str| of("lambda", format!("function:{stack}-{name}"));
    let thing = |resource: String, tag: Option<&str>| {
        let call = Call::new("", resource);
        match tag {
            Some(tag) => call.with(&format!("aws:ResourceTag/causeway:{tag}"), &[stack]),
            None => call,
        }
    };
    vec![
        thing(sqs("Stripe"), Some("ingest")),
        thing(sqs("Stripe-dlq"), Some("letters")),
        thing(function("Stripe"), Some("stack")),
        thing(function("Stripe:12"), Some("stack")),
        thing(function("GatekeeperFunction-1ABC"), Some("stack")),
        thing(
            of("lambda", "event-source-mapping:1-2-3".to_owned()),
            Some("stack"),
        ),
        thing(
            of("logs", format!("log-group:{stack}-StripeLogGroup-1ABC")),
            Some("stack"),
        ),
        thing(
            of("logs", format!("log-group:{stack}-StripeLogGroup-1ABC:*")),
            Some("stack"),
        ),
        thing(
            of(
                "dynamodb",
                format!("table/{stack}-RequestsTable-1ABC/index/Open"),
            ),
            None,
        ),
        thing(
            of("dynamodb", format!("table/{stack}-RequestsTable-1ABC")),
            None,
        ),
        thing(
            of("dynamodb", format!("table/{stack}-LanesTable-1ABC")),
            None,
        ),
        thing(
            of("dynamodb", format!("table/{stack}-MappingsTable-1ABC")),
            None,
        ),
        thing(of("sns", format!("{stack}-AlertsTopic-1ABC")), None),
        thing(of("cloudformation", format!("stack/{stack}/1-2-3")), None),
        thing(
            of(
                "cloudformation",
                format!("stack/{stack}-LaneAlarms-1ABC/1-2-3"),
            ),
            None,
        ),
        thing(
            of(
                "secretsmanager",
                format!("secret:{prefix}/stripe/default-AbCdEf"),
            ),
            None,
        ),
    ]
}

/// An example as somebody copies it for another stack.
fn copied(name: &str, stack: &str) -> Policy {
    let text = document(name).to_string();
    let text = text
        .replace(":causeway-", &format!(":{stack}-"))
        .replace("/causeway-", &format!("/{stack}-"))
        .replace("stack/causeway/", &format!("stack/{stack}/"))
        .replace("secret:causeway/", &format!("secret:{stack}/"))
        .replace(":\"causeway\"", &format!(":\"{stack}\""));
    Policy::of_document(&serde_json::from_str(&text).expect("JSON"))
}

/// The operator's `causeway-*-dlq` matched `causeway-prod-Stripe-dlq`.
#[test]
fn nobody_reaches_a_thing_of_another_stack_that_is_called_alike() {
    const STACKS: [&str; 3] = ["causeway", "causeway-prod", "prod-causeway"];
    // Any of these is allowed to somebody, on whatever it is allowed.
    let contexts: [&[(&str, &[&str])]; 7] = [
        &[],
        &[(KEYS, &["stripe#a#credentials"])],
        &[(KEYS, &["stripe#*#breaker"])],
        &[(KEYS, &["stripe#*#letters"])],
        &[("dynamodb:Select", &["COUNT"])],
        &[
            (KEYS, &["stripe#a#credentials"]),
            ("dynamodb:Attributes", &["pk", "pause"]),
        ],
        &[
            ("dynamodb:Attributes", &["pk", "pause"]),
            ("dynamodb:Select", &["SPECIFIC_ATTRIBUTES"]),
        ],
    ];
    for own in STACKS {
        for name in ["viewer", "operator", "connections", "admin"] {
            let policy = copied(name, own);
            for (action, resource) in policy.grants() {
                // Listings, which know no resource, and what belongs to no stack.
                let is_shared = [
                    ":execute-api:",
                    "transform/",
                    "aws-sam-cli-managed",
                    ":role/",
                    ":::",
                ];
                if resource == "*" || is_shared.iter().any(|part| resource.contains(part)) {
                    continue;
                }
                let mut reaches = Vec::new();
                for stack in STACKS {
                    for thing in things(stack, stack) {
                        let allowed = contexts.iter().any(|context| {
                            let mut call = Call {
                                action: action.clone(),
                                ..thing.clone()
                            };
                            for (key, values) in *context {
                                call = call.with(key, values);
                            }
                            policy.allows(&call)
                        });
                        if allowed {
                            reaches.push((stack, thing.resource));
                        }
                    }
                }
                let (ours, others): (Vec<_>, Vec<_>) =
                    reaches.into_iter().partition(|(stack, _)| *stack == own);
                assert!(others.is_empty(), "{own}, {name}, {action}: {others:?}");
                assert!(!ours.is_empty(), "{own}, {name}: {action} reaches nothing");
            }
        }
    }
}
