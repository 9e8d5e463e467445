//! checkov over the templates: what it finds is exactly what `infra/checkov.yaml` gives a reason for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_local::stack::{Processes, Tools, root};
use serde_json::Value;
use tokio::process::Command;

/// The templates with what the transform needs to know, every condition that adds resources on.
const TEMPLATES: [(&str, &[&str]); 2] = [
    (
        "template.yaml",
        &[
            "AlertEmail=oncall@example.com",
            "IngestAuthorization=jwt",
            "OtlpEndpoint=https://otlp.example.com",
        ],
    ),
    (
        "infra/lane-alarms.yaml",
        &[
            "Stack=causeway",
            "Lanes=Stripe,Slack",
            "AlertsTopicArn=arn:aws:sns:us-east-1:123456789012:t",
        ],
    ),
];

#[tokio::test]
async fn what_checkov_finds_has_a_written_reason_and_every_reason_is_needed() {
    let processes = Processes::owned_by(&root().join(".tools"));
    let tools = Tools::install_sets(&processes, &["sam", "checkov"], |_| {}).await;
    let tools = tools.unwrap_or_else(|error| panic!("{}", error.report()));
    let (mut found, mut looked_at) = (BTreeSet::new(), 0);
    for (template, parameters) in TEMPLATES {
        let file = transformed(&tools, template, parameters).await;
        let result = checkov(&tools, &file).await;
        // Where no check fits any resource, the summary is all there is.
        let summary = result.get("summary").unwrap_or(&result);
        assert_eq!(summary["parsing_errors"], 0, "{template}");
        looked_at += summary["resource_count"].as_u64().unwrap_or(0);
        let failed = result["results"]["failed_checks"].as_array();
        let failed = failed.map(Vec::as_slice).unwrap_or_default();
        assert_eq!(summary["failed"], failed.len(), "{template}");
        for check in failed {
            found.insert(check["check_id"].as_str().expect("an id").to_owned());
        }
    }
    assert!(looked_at > 80, "{looked_at} resources");
    assert_eq!(found, exceptions());
}

/// The template as CloudFormation sees it: checkov knows no loops.
async fn transformed(tools: &Tools, template: &str, parameters: &[&str]) -> PathBuf {
    let folder = root().join("target/local/checkov");
    fs::create_dir_all(&folder).expect("a folder");
    let run = Command::new(tools.program("sam", "python"))
        .arg(root().join("infra/tools/transform.py"))
        .arg(root().join(template))
        .args(parameters)
        .output();
    let run = run.await.expect("the SAM CLI's Python");
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
    let name = template.replace(['/', '.'], "-");
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, run.stdout).expect("the transformed template");
    file
}

async fn checkov(tools: &Tools, file: &Path) -> Value {
    let run = Command::new(tools.program("checkov", "checkov"))
        .args(["--framework", "cloudformation", "--skip-download"])
        .args(["--soft-fail", "--output", "json", "--file"])
        // By its bare name: checkov takes a long path for a secret in every function's environment.
        .arg(file.file_name().expect("a file"))
        .current_dir(file.parent().expect("a folder"))
        .output();
    let run = run.await.expect("checkov");
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
    serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// The checks that `infra/checkov.yaml` leaves out; each must have its reason in the lines above it.
fn exceptions() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("infra/checkov.yaml")).expect("the exceptions");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut ids = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(id) = line.strip_prefix("- CKV") {
            let reason = index
                .checked_sub(1)
                .is_some_and(|at| lines[at].starts_with("# "));
            assert!(reason, "no reason above {line}");
            ids.insert(format!("CKV{id}"));
        }
    }
    ids
}
