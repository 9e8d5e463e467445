//! Alarms and dashboard: what somebody is woken by at night, and what they see then.

mod bill;
mod calls;
mod evaluator;
mod failure_rate;
mod incidents;
mod metric_math;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use causeway::telemetry::METRICS;
use causeway_local::stack::{Processes, Tools, root};
use serde_json::{Map, Value};

use crate::template::LANES_PLANNED;

/// CloudFormation's quota of resources in a stack.
const RESOURCES_MAX: usize = 500;

/// Metrics that are not of a lane's own lines: the gatekeeper's.
const GATEKEEPERS: [&str; 3] = ["BreakerOpen", "BreakerIdle", "GatekeeperHeartbeat"];

/// A topic `alerts` of the account that an emulator has.
const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:alerts";

/// The SAM CLI, installed where no test before has done it.
static TOOLS: LazyLock<Tools> = LazyLock::new(|| {
    // Whoever is first may be within a runtime, which may not wait for another one.
    let install = std::thread::spawn(|| {
        let processes = Processes::owned_by(&root().join("target/local/transforms"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let tools = runtime.block_on(Tools::install_sets(&processes, &["sam"], |_| {}));
        tools.unwrap_or_else(|error| panic!("{}", error.report()))
    });
    install.join().expect("the SAM CLI is installed")
});

/// A template as CloudFormation sees it, by the SAM CLI's own transforms.
pub struct Transformed {
    resources: BTreeMap<String, Value>,
}

impl Transformed {
    /// The root template with these lanes.
    pub fn root(template: &str, lanes: &[String]) -> Self {
        Self::of(template, &[("Lanes", lanes.join(","))])
    }

    /// The lanes' alarms.
    pub fn lane_alarms(template: &str, lanes: &[String]) -> Self {
        let settings = [
            ("Stack", "causeway".to_owned()),
            ("Lanes", lanes.join(",")),
            ("AlertsTopicArn", TOPIC.to_owned()),
        ];
        Self::of(template, &settings)
    }

    pub fn of(template: &str, parameters: &[(&str, String)]) -> Self {
        let folder = root().join("target/local/transforms");
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join(format!("{}.yaml", blake(template, parameters)));
        fs::write(&file, template).expect("the template's copy");
        let run = std::process::Command::new(TOOLS.program("sam", "python"))
            .arg(root().join("infra/tools/transform.py"))
            .arg(&file)
            .args(
                parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            )
            .output()
            .expect("the SAM CLI's Python");
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{errors}");
        let document: Value = serde_json::from_slice(&run.stdout).expect("JSON");
        let resources = document["Resources"].as_object().expect("resources");
        Self {
            resources: resources.clone().into_iter().collect(),
        }
    }

    /// How many resources there are.
    pub fn count(&self) -> usize {
        self.resources.len()
    }

    pub fn of_type<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Map<String, Value>)> {
        let of_kind = move |(id, resource): (&'a String, &'a Value)| {
            let properties = resource["Properties"].as_object()?;
            (resource["Type"] == kind).then_some((id.as_str(), properties))
        };
        self.resources.iter().filter_map(of_kind)
    }

    /// Every alarm, the composite ones last.
    pub fn alarms(&self) -> Vec<(&str, &Map<String, Value>)> {
        let composite = self.of_type("AWS::CloudWatch::CompositeAlarm");
        self.of_type("AWS::CloudWatch::Alarm")
            .chain(composite)
            .collect()
    }
}

/// A name for what is asked: runs side by side must not write one file.
fn blake(template: &str, parameters: &[(&str, String)]) -> String {
    let text = format!("{template}{parameters:?}");
    causeway::request::Hash::of(text.as_bytes()).as_str()[..16].to_owned()
}

pub fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).expect(file)
}

/// The lanes of the template's default.
fn lanes() -> Vec<String> {
    crate::cloudformation::Template::read()
        .lanes
        .into_keys()
        .collect()
}

/// Both templates with the lanes that there are.
fn both() -> &'static [Transformed; 2] {
    static BOTH: LazyLock<[Transformed; 2]> = LazyLock::new(|| {
        let lanes = lanes();
        [
            Transformed::root(&read("template.yaml"), &lanes),
            Transformed::lane_alarms(&read("infra/lane-alarms.yaml"), &lanes),
        ]
    });
    &BOTH
}

/// Both templates' texts, and as many lanes as a stack should carry: they need no line of their own.
pub fn planned() -> ([String; 2], Vec<String>) {
    let names: Vec<String> = (0..LANES_PLANNED).map(|n| format!("Lane{n}")).collect();
    let texts = [read("template.yaml"), read("infra/lane-alarms.yaml")];
    (texts, names)
}

#[test]
fn fifty_four_lanes_fit_into_the_stack_and_the_one_of_their_alarms() {
    let ([root, alarms], names) = planned();
    let counts = [
        Transformed::root(&root, &names).resources.len(),
        Transformed::lane_alarms(&alarms, &names).resources.len(),
    ];
    assert!(
        counts.iter().all(|count| *count < RESOURCES_MAX),
        "{counts:?}"
    );
    // Each lane is there, or the counts mean nothing.
    assert!(
        counts[0] > 6 * LANES_PLANNED && counts[1] == 8 * LANES_PLANNED,
        "{counts:?}"
    );
}

#[test]
fn every_alarm_has_a_heading_in_the_runbook_and_a_first_command() {
    let headings: BTreeSet<String> = read("infra/RUNBOOK.md")
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.trim().to_lowercase())
        .collect();
    for template in both() {
        for (id, alarm) in template.alarms() {
            let text = alarm["AlarmDescription"].as_str().unwrap_or_default();
            let (_, anchor) = text.split_once("infra/RUNBOOK.md#").unwrap_or_default();
            assert!(
                headings.contains(anchor.trim()),
                "{id}: `{anchor}` is no heading of the runbook"
            );
            // The composite is called after its lane alone.
            let kind = if alarm.contains_key("AlarmRule") {
                "LaneAlarm"
            } else {
                id
            };
            assert!(
                kind.to_lowercase().ends_with(anchor.trim()),
                "{id}: {anchor}"
            );
            assert!(
                text.contains("First: causeway ") || text.contains("First: sam logs "),
                "{id}: {text}"
            );
        }
    }
}

/// A sentence that says for whom it means what, the first command, the heading; and the heading's first commands are the
/// alarm's, so that who reads either does the same.
#[test]
fn what_an_alarm_says_is_plain_and_what_the_runbook_says() {
    const TRADE: [&str; 9] = [
        "breaker is",
        "idempotency",
        "5xx",
        "4xx",
        "DLQ",
        "ledger",
        "event source",
        "concurrency",
        "payload",
    ];
    let runbook = read("infra/RUNBOOK.md");
    let mut seen = 0;
    for template in both() {
        for (id, alarm) in template.alarms() {
            let text = alarm["AlarmDescription"].as_str().unwrap_or_default();
            let (means, rest) = text.split_once(" First: ").expect(id);
            let (first, anchor) = rest.split_once(". infra/RUNBOOK.md#").expect(id);
            assert!(means.ends_with('.') && means.len() > 40, "{id}: {means}");
            let people = ["request", "account", "sends"];
            assert!(
                people
                    .iter()
                    .any(|word| means.to_lowercase().contains(word)),
                "{id}: for whom? {means}"
            );
            for word in TRADE {
                assert!(!means.contains(word), "{id} says `{word}`: {means}");
            }
            let mut sections = runbook.split("\n## ");
            let section = sections.find(|section| {
                let heading = section.lines().next().unwrap_or_default();
                heading.trim().to_lowercase() == anchor.trim()
            });
            let section = section.expect(id);
            let console = section.split("```console\n").nth(1).expect(id);
            let console = console.split("```").next().unwrap_or_default();
            let words: Vec<&str> = first
                .split_whitespace()
                .take_while(|word| !word.starts_with("--"))
                .collect();
            let command = words[..words.len().min(3)]
                .iter()
                .filter(|word| word.chars().all(char::is_lowercase));
            let command: Vec<&str> = command.copied().collect();
            assert!(
                console.contains(&command.join(" ")),
                "{id}: `{first}` is not among\n{console}"
            );
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn every_alarm_reaches_somebody_and_says_what_silence_means() {
    for template in both() {
        let rules: String = template
            .of_type("AWS::CloudWatch::CompositeAlarm")
            .map(|(_, alarm)| alarm["AlarmRule"].to_string())
            .collect();
        for (id, alarm) in template.alarms() {
            let told = ["AlarmActions", "OKActions"].map(|kind| alarm.get(kind).is_some());
            let under = rules.contains(&format!("\"{id}\""))
                || alarm
                    .get("AlarmName")
                    .and_then(Value::as_str)
                    .is_some_and(|name| rules.contains(name));
            // Who is told of an event is not told that it is over: it is not.
            let is_event = matches!(
                alarm.get("MetricName").and_then(Value::as_str),
                Some("Rejected" | "Unknown")
            );
            match told {
                [true, over] if over != is_event => {}
                [false, false] => assert!(under, "{id} calls nobody and stands under no other"),
                _ => panic!("{id}: {told:?}"),
            }
            if alarm.get("AlarmRule").is_none() {
                let silence = alarm.get("TreatMissingData").and_then(Value::as_str);
                assert!(
                    matches!(silence, Some("breaching" | "notBreaching")),
                    "{id}: {silence:?}"
                );
            }
        }
    }
}

/// Without ORDER BY an alarm on several series is not to be relied on:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-data-queries.html>.
#[test]
fn an_alarm_on_a_query_has_a_series_for_each_provider_and_an_order() {
    let [root, _] = both();
    let mut queries = 0;
    for (id, alarm) in root.alarms() {
        let metrics = alarm.get("Metrics").and_then(Value::as_array);
        for metric in metrics.into_iter().flatten() {
            let query = metric["Expression"].as_str().expect("a query, whole");
            let words = query.strip_prefix("SELECT ").expect("a query");
            let (function, _) = words.split_once('(').expect("a function");
            let by = if id == "UnauthorizedAlarm" {
                "Provider, Connection"
            } else {
                "Provider"
            };
            let end = format!("GROUP BY {by} ORDER BY {function}() DESC");
            assert!(query.ends_with(&end), "{id}: {query}");
            queries += 1;
        }
    }
    assert!(queries >= 3, "{queries}");
}

/// Somebody types it at 3 a.m.: the command must know its words.
#[test]
fn the_first_command_of_each_alarm_is_one_that_there_is() {
    let mut seen = BTreeSet::new();
    for template in both() {
        for (id, alarm) in template.alarms() {
            let text = alarm["AlarmDescription"].as_str().unwrap_or_default();
            let Some((_, first)) = text.split_once("First: causeway ") else {
                continue;
            };
            let (words, _) = first.split_once(". ").expect("the command ends");
            if !seen.insert(words.to_owned()) {
                continue;
            }
            let run = std::process::Command::new(env!("CARGO_BIN_EXE_operators-command"))
                .args(words.split_whitespace())
                .arg("--help")
                .output()
                .expect("the command runs");
            let help = String::from_utf8_lossy(&run.stdout);
            let last = words.split_whitespace().find(|word| *word != "causeway");
            assert!(
                run.status.success() && help.contains(last.unwrap_or_default()),
                "{id}: {words}"
            );
        }
    }
    assert!(seen.len() >= 3, "{seen:?}");
}

/// What an alarm looks at is what somebody emits: a name with a slip would be silent for ever.
#[test]
fn alarms_and_dashboard_look_at_metrics_that_there_are() {
    let known: BTreeSet<&str> = METRICS
        .iter()
        .map(|(name, _, _)| *name)
        .chain(GATEKEEPERS)
        .collect();
    let [root, alarms] = both();
    let dashboard = dashboard(root);
    let mut texts: Vec<String> = [&root, &alarms]
        .iter()
        .flat_map(|template| template.alarms())
        .map(|(_, alarm)| Value::Object(alarm.clone()).to_string())
        .collect();
    texts.push(dashboard.to_string());
    let mut seen = BTreeSet::new();
    for text in &texts {
        for (before, after) in [
            ("\"Namespace\":\"Causeway\",\"MetricName\":\"", "\""),
            ("\"MetricName\":\"", "\",\"Namespace\":\"Causeway\""),
            ("{Causeway,Provider} MetricName=\\\"", "\\\""),
            ("{Causeway,Connection,Provider} MetricName=\\\"", "\\\""),
            ("SELECT MAX(", ") FROM SCHEMA(\\\"Causeway"),
            ("SELECT SUM(", ") FROM SCHEMA(\\\"Causeway"),
            ("SELECT AVG(", ") FROM SCHEMA(\\\"Causeway"),
        ] {
            for part in text.split(before).skip(1) {
                let Some(name) = part.split(after).next() else {
                    continue;
                };
                if part.contains(after) && name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                    assert!(known.contains(name), "nobody emits {name}");
                    seen.insert(name.to_owned());
                }
            }
        }
    }
    for name in [
        "BreakerOpen",
        "RateLimitUsed",
        "ConnectionPaused",
        "MessageAge",
        "OldestLetterAge",
        "Delivered",
        "ProviderLatency",
    ] {
        assert!(
            seen.contains(name),
            "{name} is looked at by nobody: {seen:?}"
        );
    }
}

/// The dashboard's body, its few references filled in.
fn dashboard(template: &Transformed) -> Value {
    let (_, dashboard) = template
        .of_type("AWS::CloudWatch::Dashboard")
        .next()
        .expect("a dashboard");
    let body = &dashboard["DashboardBody"];
    let text = body["Fn::Sub"].as_str().or(body.as_str()).expect("a text");
    let mut text = text.to_owned();
    for (name, value) in [
        ("AWS::Region", "us-east-1"),
        ("AWS::StackName", "causeway"),
        ("IngestApi", "abc"),
        ("MetricsNamespace", "Causeway"),
    ] {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    let text = text.replace("${!", "${");
    serde_json::from_str(&text).expect("the dashboard's body is JSON")
}

#[test]
fn the_dashboard_is_what_cloudwatch_reads_and_nothing_overlaps() {
    let [root, _] = both();
    let dashboard = dashboard(root);
    let widgets = dashboard["widgets"].as_array().expect("widgets");
    assert!(widgets.len() > 10);
    let mut taken = BTreeSet::new();
    for widget in widgets {
        let number = |field: &str| {
            widget[field]
                .as_u64()
                .unwrap_or_else(|| panic!("{field}: {widget}"))
        };
        let (x, y, width, height) = (number("x"), number("y"), number("width"), number("height"));
        assert!(x + width <= 24, "the grid has 24 columns: {widget}");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "two widgets at {cell:?}: {widget}");
        }
        match widget["type"].as_str() {
            Some("text") => assert!(
                widget["properties"]["markdown"]
                    .as_str()
                    .is_some_and(|text| text.contains("RUNBOOK.md"))
            ),
            Some("metric") => assert!(
                widget["properties"]["title"].is_string()
                    && widget["properties"]["metrics"].is_array()
            ),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_alarms_know_the_lanes_providers() {
    let alarms: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&read("infra/lane-alarms.yaml")).expect("YAML");
    for (lane, settings) in crate::cloudformation::Template::read().shipped {
        let named = &alarms["Mappings"]["Lane"]["Provider"][lane.as_str()];
        assert_eq!(
            named.as_str(),
            settings["Provider"].as_str(),
            "infra/lane-alarms.yaml: {lane}"
        );
    }
}

/// Two stacks with one heartbeat between them, and one's secrets under the other's lanes. Names of exports are unique in an
/// account and region, so CloudFormation refuses the second; nothing names the namespace by itself.
#[test]
fn a_second_stack_with_the_same_metrics_or_secrets_is_refused() {
    let template = crate::cloudformation::Template::read();
    for (parameter, export) in [
        ("MetricsNamespace", "causeway-metrics-${MetricsNamespace}"),
        ("SecretsPrefix", "causeway-secrets-${SecretsPrefix}"),
    ] {
        let output = &template.outputs[parameter];
        assert_eq!(output["Export"]["Name"]["Fn::Sub"], export);
        assert_eq!(output["Value"]["Ref"], parameter);
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html
        let pattern = template.parameters[parameter]["AllowedPattern"].as_str();
        assert_eq!(pattern, Some("^[A-Za-z0-9][A-Za-z0-9-]{0,63}$"));
    }
    let other = [
        ("Stack", "causeway".to_owned()),
        ("Lanes", "Stripe".to_owned()),
        ("AlertsTopicArn", TOPIC.to_owned()),
        ("MetricsNamespace", "Elsewhere".to_owned()),
        ("SecretsPrefix", "elsewhere".to_owned()),
    ];
    let root = Transformed::of(&read("template.yaml"), &other[1..]);
    let alarms = Transformed::of(&read("infra/lane-alarms.yaml"), &other[..4]);
    for (id, resource) in root.resources.iter().chain(&alarms.resources) {
        let text = resource.to_string();
        for ours in ["\"Causeway\"", "{Causeway,", "secret:causeway/"] {
            assert!(!text.contains(ours), "{id} says {ours}");
        }
        if id.ends_with("Function") && id != "IngestFunction" {
            assert!(text.contains("\"METRICS_NAMESPACE\":\"Elsewhere\""), "{id}");
        }
    }
    let lane = root.resources["StripeFunction"].to_string();
    assert!(lane.contains("\"SECRETS_PREFIX\":\"elsewhere\""), "{lane}");
}
