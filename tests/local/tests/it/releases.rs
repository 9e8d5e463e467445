//! Releases of single lanes: versions and aliases, by the real transform and on the emulator.

use serde_json::Value;

use crate::monitoring::{Transformed, planned, read};

fn version(parameters: &[(&str, &str)]) -> String {
    let owned = parameters
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let all: Vec<_> = owned.chain([("Lanes", "Stripe".to_owned())]).collect();
    let template = Transformed::of(&read("template.yaml"), &all);
    let mut versions = template
        .of_type("AWS::Lambda::Version")
        .map(|(id, _)| id.to_owned());
    versions.next().expect("a version")
}

/// SAM publishes a version where the text of a function's properties changes, and a parameter's name does not change when
/// its value does: the alias went on with the old settings.
#[test]
fn a_setting_that_changes_is_a_release_of_its_own() {
    let before = version(&[]);
    assert_eq!(before, version(&[]));
    for (name, value) in [
        ("LogLevel", "debug"),
        ("ProviderBaseUrl", "http://127.0.0.1:9"),
        ("AllowInferred", "true"),
        ("FunctionTimeout", "30"),
        ("OtlpEndpoint", "https://otlp.example.com"),
    ] {
        assert_ne!(version(&[(name, value)]), before, "{name}");
    }
    // Not the lane's.
    assert_eq!(version(&[("WarningLowers", "true")]), before);
}

/// What SAM is told by text alone: CloudFormation leaves references to parameters as they are, but not within JSON texts.
#[test]
fn every_parameter_of_a_lanes_function_stands_among_its_settings() {
    let text = read("template.yaml");
    let (_, function) = text.split_once("      ${Lane}Function:\n").expect("it");
    let (function, _) = function
        .split_once("      ${Lane}Source:\n")
        .expect("its end");
    let (before, settings) = function.split_once("SETTINGS:\n").expect("the list");
    let (settings, after) = settings.split_once("QUEUE_URL").expect("its end");
    let references = |text: &str| -> Vec<String> {
        let parts = text.split("!Ref ").skip(1);
        let names = parts.map(|part| part.split([',', '\n', ']']).next().unwrap_or_default());
        let names = names.filter(|name| !name.starts_with("AWS::") && !name.starts_with('{'));
        names.map(str::to_owned).collect()
    };
    let listed = references(settings);
    assert!(listed.len() > 5, "{listed:?}");
    let others = [
        "Lane",
        "RequestsTable",
        "LanesTable",
        "MappingsTable",
        "ReleaseShift",
    ];
    for name in references(before).into_iter().chain(references(after)) {
        assert!(listed.contains(&name) || others.contains(&&*name), "{name}");
    }
}

#[test]
fn a_gradual_release_goes_back_on_the_lanes_own_alarms() {
    let settings = [
        ("Lanes", "Stripe,Slack".to_owned()),
        ("ReleaseShift", "Canary10Percent5Minutes".to_owned()),
    ];
    let template = Transformed::of(&read("template.yaml"), &settings);
    let alarms = Transformed::lane_alarms(
        &read("infra/lane-alarms.yaml"),
        &["Stripe", "Slack"].map(str::to_owned),
    );
    let there: Vec<_> = alarms
        .alarms()
        .iter()
        .filter_map(|(_, alarm)| alarm["AlarmName"].as_str())
        .map(|name| name.replace("causeway-", "local-"))
        .collect();
    let mut seen = 0;
    for (id, group) in template.of_type("AWS::CodeDeploy::DeploymentGroup") {
        let lane = id
            .strip_suffix("FunctionDeploymentGroup")
            .expect("a lane's");
        let watched = group["AlarmConfiguration"]["Alarms"]
            .as_array()
            .expect("alarms");
        for alarm in watched {
            let name = alarm["Name"].as_str().expect("a name").to_owned();
            assert!(there.contains(&name) && name.contains(lane), "{id}: {name}");
        }
        assert_eq!(watched.len(), 2);
        assert_eq!(group["AutoRollbackConfiguration"]["Enabled"], true);
        seen += 1;
    }
    assert_eq!(seen, 2);
    let aliases = template.of_type("AWS::Lambda::Alias").count();
    assert_eq!(aliases, 2);
    // At once: nothing of CodeDeploy.
    let plain = Transformed::root(&read("template.yaml"), &["Stripe".to_owned()]);
    assert_eq!(plain.of_type("AWS::CodeDeploy::DeploymentGroup").count(), 0);
}

/// What `causeway deploy check` counts is what the transform makes.
#[test]
fn lanes_are_counted_as_they_are_transformed() {
    let ([root, _], names) = planned();
    let declared = causeway_command::deploy::template::Declared::read(&root).expect("the template");
    for (count, shift) in [
        (9, "AllAtOnce"),
        (45, "AllAtOnce"),
        (54, "AllAtOnce"),
        (45, "Canary10Percent5Minutes"),
    ] {
        let lanes = names[..count].join(",");
        let settings = [("Lanes", lanes), ("ReleaseShift", shift.to_owned())];
        let made = Transformed::of(&root, &settings).count();
        let gradual = shift != "AllAtOnce";
        // One that is left out by its condition, and its dead letters', stand for no kept lane.
        assert_eq!(
            made,
            declared.resources(count, 1, gradual),
            "{count} {shift}"
        );
        assert!(made <= 500, "{made}");
    }
}

#[test]
fn forty_five_lanes_with_names_of_twenty_letters_are_transformed() {
    let names: Vec<_> = (0..45).map(|number| format!("L{number:a>19}")).collect();
    let template = Transformed::root(&read("template.yaml"), &names);
    assert_eq!(template.of_type("AWS::Lambda::Alias").count(), 45);
    let gatekeeper = template.of_type("AWS::Lambda::Function");
    let (_, gatekeeper) = gatekeeper
        .into_iter()
        .find(|(id, _)| *id == "GatekeeperFunction")
        .expect("it");
    let variables = &gatekeeper["Environment"]["Variables"];
    // The SAM CLI leaves this loop to CloudFormation; unrolled, it is what each turn writes.
    let of_the_loop: usize = names
        .iter()
        .map(|name| format!("\"LANE_{name}\":\"{name}:5\",").len())
        .sum();
    let others = variables.as_object().expect("variables").iter();
    let others = others.filter(|(name, _)| !name.starts_with("Fn::"));
    let others: usize = others
        .map(|(name, value): (_, &Value)| name.len() + value.to_string().len())
        .sum();
    assert!(of_the_loop + others < 4096, "{}", of_the_loop + others);
}
