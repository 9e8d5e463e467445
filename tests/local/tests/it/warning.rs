//! What `template.yaml` gives to early warning.

use serde_json::{Value, json};

use crate::cloudformation::Template;
use crate::template::{LANES_PLANNED, number};

/// Lambda measures all variables as one JSON object.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const ENVIRONMENT_MAX: usize = 4096;

#[test]
fn early_warning_knows_every_lane_and_54_fit_into_its_environment() {
    let template = Template::read();
    let variables = &template.properties("WarningFunction")["Environment"]["Variables"];
    for (lane, settings) in &template.lanes {
        let written = &variables[format!("LANE_{lane}")]["Fn::Sub"];
        let parts = json!({"Provider": settings["Provider"]});
        assert_eq!(written, &json!(["${Provider}", parts]));
    }

    // Providers' names have eight letters on average; ten are planned with.
    let lanes = (0..LANES_PLANNED).map(|number| {
        let name = format!("LANE_Provider{number:02}");
        (name, json!(format!("provider{number:02}")))
    });
    let mut environment: serde_json::Map<String, Value> = lanes.collect();
    let others = [
        ("LOG_LEVEL", 5),
        ("LANES_TABLE", 48),
        ("ALERTS_TOPIC", 120),
        ("QUEUE_URL_PREFIX", 120),
        ("WARNING_LOWERS", 5),
    ];
    environment.extend(others.map(|(name, length)| (name.to_owned(), "t".repeat(length).into())));
    let bytes = Value::Object(environment).to_string().len();
    assert!(bytes <= ENVIRONMENT_MAX, "{bytes} bytes");
}

#[test]
fn early_warning_runs_every_minute_and_lowers_nothing_unasked() {
    let template = Template::read();
    let schedule = template.properties("WarningSchedule");
    assert_eq!(schedule["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(schedule["State"], "ENABLED");
    let function = json!({"Fn::GetAtt": "WarningFunction.Arn"});
    assert_eq!(schedule["Targets"][0]["Arn"], function);
    let timeout = number(&template.properties("WarningFunction")["Timeout"]);
    assert!(timeout < 60, "a run is over before the next one's minute");

    assert_eq!(template.parameters["WarningLowers"]["Default"], "false");
    for asked in ["WarningFunction", "GatekeeperFunction"] {
        let variables = &template.properties(asked)["Environment"]["Variables"];
        assert_eq!(variables["WARNING_LOWERS"], json!({"Ref": "WarningLowers"}));
    }
}
