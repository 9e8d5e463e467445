//! What IAM makes of a policy: as much of its rules as this project's policies use, and a panic at anything else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cloudformation::Template;

/// The stack, account and region of all these tests; the account is AWS's own example.
pub const STACK: &str = "causeway";
pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "us-east-1";

/// A call as IAM sees it.
#[derive(Clone, Debug)]
pub struct Call {
    pub action: String,
    pub resource: String,
    /// Condition keys and their values; a key that the service does not give is absent.
    pub context: BTreeMap<String, Vec<String>>,
}

impl Call {
    pub fn new(action: &str, resource: impl Into<String>) -> Self {
        Self {
            action: action.to_owned(),
            resource: resource.into(),
            context: BTreeMap::new(),
        }
    }

    pub fn with(mut self, key: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.context.insert(key.to_owned(), values);
        self
    }
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

/// Statements that all allow.
#[derive(Clone, Debug)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

impl Policy {
    /// The only policy of a role of the template.
    pub fn of_role(template: &Template, role: &str) -> Self {
        let role = template.properties(role);
        assert_eq!(role["ManagedPolicyArns"], Value::Null, "{role}");
        assert_eq!(role["PermissionsBoundary"], Value::Null, "{role}");
        let policies = role["Policies"].as_array().expect("it has policies");
        assert_eq!(policies.len(), 1, "{role}");
        Self::read(&policies[0]["PolicyDocument"], &|value| {
            resolve(template, value)
        })
    }

    /// A policy of plain text, as the examples for people and producers are.
    pub fn of_document(document: &Value) -> Self {
        let plain = |value: &Value| value.as_str().expect("plain text").to_owned();
        Self::read(document, &plain)
    }

    fn read(document: &Value, text: &dyn Fn(&Value) -> String) -> Self {
        assert_eq!(document["Version"], "2012-10-17", "{document}");
        let statements = document["Statement"].as_array().expect("it has statements");
        let statements = statements.iter().map(|one| Statement::read(one, text));
        Self {
            statements: statements.collect(),
        }
    }

    /// Whether a statement allows `call`; what none allows is denied.
    pub fn allows(&self, call: &Call) -> bool {
        self.statements.iter().any(|one| one.matches(call))
    }

    /// Every action with every resource it is allowed on.
    pub fn grants(&self) -> BTreeSet<(String, String)> {
        let pairs = self.statements.iter().flat_map(|one| {
            let of_action = |action: &String| {
                let pair = |resource: &String| (action.clone(), resource.clone());
                one.resources.iter().map(pair).collect::<Vec<_>>()
            };
            one.actions.iter().flat_map(of_action)
        });
        pairs.collect()
    }
}

impl Statement {
    fn read(statement: &Value, text: &dyn Fn(&Value) -> String) -> Self {
        let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
        for element in statement.as_object().expect("a statement").keys() {
            assert!(known.contains(&element.as_str()), "{element}");
        }
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        let conditions = statement["Condition"].as_object();
        Self {
            actions: texts(&statement["Action"], text),
            resources: texts(&statement["Resource"], text),
            conditions: conditions
                .into_iter()
                .flatten()
                .flat_map(|(operator, keys)| {
                    let keys = keys.as_object().expect("an operator has keys");
                    keys.iter().map(|(key, values)| Condition {
                        operator: operator.clone(),
                        key: key.clone(),
                        values: texts(values, text),
                    })
                })
                .collect(),
        }
    }

    fn matches(&self, call: &Call) -> bool {
        // Actions know no case: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
        let action = call.action.to_ascii_lowercase();
        let has_action = |one: &String| like(&one.to_ascii_lowercase(), &action);
        self.actions.iter().any(has_action)
            && self.resources.iter().any(|one| like(one, &call.resource))
            && self.conditions.iter().all(|one| one.holds(call))
    }
}

impl Condition {
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
    fn holds(&self, call: &Call) -> bool {
        let given = call.context.get(&self.key).filter(|all| !all.is_empty());
        let any_like = |value: &String| self.values.iter().any(|pattern| like(pattern, value));
        match self.operator.as_str() {
            // A key that is absent fails a plain operator.
            "StringEquals" => match given.map(Vec::as_slice) {
                Some([value]) => self.values.contains(value),
                Some(_) => panic!("{} has many values: it needs a set operator", self.key),
                None => false,
            },
            // True of an absent key as well: every one of no values matches.
            // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html
            // Of a key that is absent it is true.
            "StringEqualsIfExists" => match given.map(Vec::as_slice) {
                Some([value]) => self.values.contains(value),
                Some(_) => panic!("{} has many values: it needs a set operator", self.key),
                None => true,
            },
            "ForAllValues:StringLike" => given.is_none_or(|values| values.iter().all(any_like)),
            "ForAllValues:StringEquals" => {
                given.is_none_or(|values| values.iter().all(|value| self.values.contains(value)))
            }
            // "true": the key must be absent; "false": it must be there.
            "Null" => (self.values == ["true"]) == given.is_none(),
            other => panic!("an operator that this test does not know: {other}"),
        }
    }
}

fn texts(value: &Value, text: &dyn Fn(&Value) -> String) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// Whether `text` is what `pattern` says: `*` stands for any characters, `?` for one.
pub fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // Where the last `*` stands, and the first byte that it may not have swallowed yet.
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(&one) if one == b'?' || one == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((place, swallowed)) => {
                    star = Some((place, swallowed + 1));
                    at = place + 1;
                    seen = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&one| one == b'*')
}

/// What an intrinsic function of CloudFormation gives in this stack.
pub fn resolve(template: &Template, value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if let Some(name) = value["Ref"].as_str() {
        return match name {
            "AWS::StackName" => STACK.to_owned(),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            name if template.parameters.get(name).is_some() => {
                let default = template.parameters[name]["Default"].as_str();
                default.expect("a default").to_owned()
            }
            id => {
                let resource = template.resources.get(id);
                let resource = resource.unwrap_or_else(|| panic!("{id} is no resource"));
                match resource["Type"].as_str() {
                    Some("AWS::SNS::Topic") => {
                        format!("arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-{id}")
                    }
                    _ => format!("{STACK}-{id}"),
                }
            }
        };
    }
    if let Some(sub) = value.get("Fn::Sub") {
        let text = sub.as_str().or(sub[0].as_str()).expect("a text");
        return substitute(template, text, &sub[1]);
    }
    let attribute = &value["Fn::GetAtt"];
    let (id, name) = match attribute.as_str() {
        Some(text) => text.split_once('.').expect("an attribute"),
        None => {
            let id = attribute[0]["Fn::Sub"].as_str().or(attribute[0].as_str());
            let name = attribute[1].as_str().expect("an attribute's name");
            (id.unwrap_or_else(|| panic!("what is {value}?")), name)
        }
    };
    arn(template, id, name)
}

fn substitute(template: &Template, text: &str, variables: &Value) -> String {
    let mut parts = text.split("${");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').expect("a variable ends");
        let value = match variables.get(name) {
            Some(value) => resolve(template, value),
            None => match name.split_once('.') {
                Some((id, attribute)) => arn(template, id, attribute),
                None => resolve(template, &serde_json::json!({ "Ref": name })),
            },
        };
        whole.push_str(&value);
        whole.push_str(rest);
    }
    whole
}

/// ARNs as the services make them: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html>.
fn arn(template: &Template, id: &str, attribute: &str) -> String {
    let resource = template.resources.get(id);
    let kind = resource.unwrap_or_else(|| panic!("the template has no {id}"))["Type"].as_str();
    let name = format!("{STACK}-{id}");
    let of = |service: &str, what: String| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{what}");
    match (kind.unwrap_or_default(), attribute) {
        ("AWS::SQS::Queue", "Arn") => of(
            "sqs",
            resolve(template, &template.properties(id)["QueueName"]),
        ),
        ("AWS::DynamoDB::Table", "Arn") => of("dynamodb", format!("table/{name}")),
        ("AWS::DynamoDB::Table", "StreamArn") => {
            of("dynamodb", format!("table/{name}/stream/2026-11-22"))
        }
        ("AWS::Logs::LogGroup", "Arn") => of("logs", format!("log-group:{name}:*")),
        (kind, attribute) => panic!("{id}.{attribute} of {kind} in a policy"),
    }
}

#[test]
fn patterns_match_as_iam_says() {
    for (pattern, text) in [
        ("stripe#*", "stripe#default#order-1"),
        ("*#breaker", "stripe#*#breaker"),
        ("*", ""),
        ("a?c*", "abc"),
        ("a*b*c", "a-b-b-c"),
    ] {
        assert!(like(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("stripe#*", "stripe-eu#default#order-1"),
        ("stripe#*", "Stripe#default#order-1"),
        ("*#breaker", "stripe#default#credentials"),
        ("a?c", "ac"),
        ("a*b*c", "a-b-b-d"),
        ("", "a"),
    ] {
        assert!(!like(pattern, text), "{pattern} {text}");
    }
}

/// The reason why each such condition stands beside a `Null`: a call without keys would pass it.
#[test]
fn a_condition_on_all_values_is_true_of_none() {
    let statement = |condition: Value| {
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*", "Condition": condition}
        ]});
        Policy::of_document(&document)
    };
    let keys = serde_json::json!({"dynamodb:LeadingKeys": ["a#*"]});
    let alone = statement(serde_json::json!({"ForAllValues:StringLike": keys}));
    let both = statement(serde_json::json!({
        "ForAllValues:StringLike": keys, "Null": {"dynamodb:LeadingKeys": "false"}
    }));
    let call = Call::new("dynamodb:GetItem", "table");
    assert!(alone.allows(&call));
    assert!(!both.allows(&call));
    let empty = call.clone().with("dynamodb:LeadingKeys", &[]);
    assert!(!both.allows(&empty));
    let own = call.clone().with("dynamodb:LeadingKeys", &["a#1", "a#2"]);
    assert!(both.allows(&own));
    let mixed = call.with("dynamodb:LeadingKeys", &["a#1", "b#1"]);
    assert!(!both.allows(&mixed) && !alone.allows(&mixed));
}
