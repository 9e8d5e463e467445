//! Connections' secrets are made and tried at the vendors' fakes; and what `doctor` says of the deployed stack.

use std::path::PathBuf;

use causeway_local::stack::{Ended, LocalStack};
use serde_json::{Value, json};

use super::deployed::run;
use crate::deployed::Deployed;

/// Somebody with a file for secrets.
struct Somebody {
    stack: &'static LocalStack,
    file: PathBuf,
}

impl Somebody {
    /// `causeway connection add PROVIDER/berlin` of a file that holds `secret`.
    async fn add(&self, provider: &str, secret: &Value, more: &[&str], code: i32) -> Ended {
        std::fs::write(&self.file, secret.to_string()).expect("the stack's folder");
        let target = format!("{provider}/berlin");
        let from = self.file.display().to_string();
        let add = ["connection", "add", &target, "--from", &from];
        run(self.stack, &[&add[..], more].concat(), code).await
    }

    async fn test(&self, target: &str, code: i32) -> Value {
        let test = ["connection", "test", target, "--json"];
        let tested = run(self.stack, &test, code).await;
        tested.json().expect("one document")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_made_of_a_file_and_tested_at_the_vendor() {
    let deployed = Deployed::with(&["hubspot", "pagerduty", "twilio"]).await;
    let stack = deployed.stack();
    let file = stack.paths().stack().join("connection.json");
    let somebody = Somebody { stack, file };
    a_secret_is_tried_by_a_harmless_read(&somebody).await;
    a_token_is_got_as_a_lane_gets_it(&somebody).await;
    // Where nothing harmless is on record, nothing is asked.
    let untold = somebody.test("pagerduty/default", 3).await;
    assert_eq!(untold["works"], Value::Null, "{untold}");
}

async fn a_secret_is_tried_by_a_harmless_read(somebody: &Somebody) {
    let none = somebody.test("twilio/berlin", 3).await;
    assert_eq!(
        (&none["works"], &none["steps"][0]["standing"]),
        (&json!(false), &json!("bad"))
    );

    let mut secret = json!({
        "account_sid": "AC00000000000000000000000000000001",
        "key_sid": "SK00000000000000000000000000000001",
    });
    let refused = somebody.add("twilio", &secret, &[], 2).await;
    assert!(
        refused.stderr.contains("`key_secret` is missing"),
        "{refused:?}"
    );
    // The fake refuses this one.
    secret["key_secret"] = "invalid".into();
    let made = somebody.add("twilio", &secret, &[], 0).await;
    assert!(
        made.stdout
            .ends_with("Next: causeway connection test twilio/berlin\n"),
        "{made:?}"
    );
    let wrong = somebody.test("twilio/berlin", 3).await;
    assert_eq!(wrong["works"], false, "{wrong}");
    assert!(
        wrong["steps"][1]["found"]
            .as_str()
            .is_some_and(|it| it.contains("401")),
        "{wrong}"
    );

    secret["key_secret"] = "good".into();
    let kept = somebody.add("twilio", &secret, &[], 2).await;
    assert!(kept.stderr.contains("--replace"), "{kept:?}");
    let replaced = somebody
        .add("twilio", &secret, &["--replace", "--json"], 0)
        .await;
    let replaced: Value = replaced.json().expect("one document");
    assert_eq!(replaced["replaced"], true, "{replaced}");
    let good = somebody.test("twilio/berlin", 0).await;
    assert_eq!(
        good["steps"][1]["found"], "HTTP 200: the vendor takes them",
        "{good}"
    );
}

/// And kept where lanes find it.
async fn a_token_is_got_as_a_lane_gets_it(somebody: &Somebody) {
    let oauth =
        json!({"client_id": "c", "client_secret": "s", "refresh_token": "local-refresh-token"});
    somebody.add("hubspot", &oauth, &[], 0).await;
    let granted = somebody.test("hubspot/berlin", 0).await;
    assert_eq!(
        (&granted["works"], &granted["steps"][1]["step"]),
        (&json!(true), &json!("token"))
    );
    let show = ["connection", "show", "hubspot/berlin", "--json"];
    let shown = run(somebody.stack, &show, 0).await;
    let shown: Value = shown.json().expect("one document");
    assert!(shown["token_expires_at"].is_string(), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_well_but_heard_by_nobody_is_told_so() {
    let deployed = Deployed::with(&[]).await;
    let examined = run(deployed.stack(), &["doctor", "--json"], 3).await;
    let findings: Vec<Value> = examined.json().expect("one document");
    let standing = |check: &str| {
        let of = findings.iter().filter(|one| one["check"] == check);
        of.map(|one| one["standing"].as_str().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    for check in ["lanes", "release", "functions", "secrets", "clock"] {
        assert_eq!(standing(check), ["good"], "{check}: {findings:#?}");
    }
    assert_eq!(standing("alarms"), ["bad"], "{findings:#?}");
    let told = run(deployed.stack(), &["doctor"], 3).await;
    assert!(told.stdout.contains("nobody hears them"), "{told:?}");
}
