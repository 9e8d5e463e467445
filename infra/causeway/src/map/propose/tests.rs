use causeway_fakes::model::{ModelServer, Said};
use clap::Parser;
use time::UtcOffset;

use super::*;
use crate::context::Global;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    propose: Propose,
    #[command(flatten)]
    global: Global,
}

/// A folder for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("causeway-propose-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder for tests");
        Self(folder)
    }

    fn file(&self, name: &str, content: &Value) -> String {
        let path = self.0.join(name);
        fs::write(&path, content.to_string()).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn parsed(arguments: &[&str]) -> (Propose, Context) {
    let line = Line::parse_from([&["propose"], arguments].concat());
    let context = Context {
        global: line.global,
        offset: UtcOffset::UTC,
    };
    (line.propose, context)
}

fn samples() -> Value {
    json!([
        {"email": "ada@shop.example", "name": "Ada Lovelace", "loyalty_tier": "gold"},
        {"email": "zoe@shop.example", "name": "Zoë Quinn", "loyalty_tier": "silver"},
    ])
}

#[tokio::test]
async fn the_document_of_a_proposal_is_a_mapping_on_which_map_test_is_green() {
    let folder = Folder::new("green");
    let sample = folder.file("samples.json", &samples());
    let out = folder.0.join("shop-customer.json");
    let out = out.display().to_string();
    let (arguments, context) = parsed(&[
        "stripe",
        "customers.create",
        "--sample",
        &sample,
        "--name",
        "shop-customer",
        "--yes",
        "--out",
        &out,
    ]);
    let done = run(&arguments, &context).await;
    assert!(matches!(done, Ok(Done::All)), "{done:?}");
    let test = super::super::Test {
        document: out.into(),
        sample: None,
        created_at: causeway::Timestamp::from_millis(1_795_348_800_000),
        samples: None,
    };
    let (mapping, trials) = super::super::trials(&test).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(mapping.to_string(), "shop-customer@1");
    assert_eq!(trials.len(), 2);
    for (name, trial) in &trials {
        assert!(trial.is_good(), "{name}: {trial:?}");
        assert!(
            trial
                .output
                .as_ref()
                .is_ok_and(|output| output["email"].is_string())
        );
    }
}

#[tokio::test]
async fn a_required_field_that_nothing_fills_is_done_in_part() {
    let folder = Folder::new("part");
    let sample = folder.file("sample.json", &json!({"colour": "red"}));
    let schema = folder.file(
        "schema.json",
        &json!({"type": "object", "required": ["iban"], "properties": {"iban": {"type": "integer"}}}),
    );
    let (arguments, context) = parsed(&[
        "acme", "x", "--sample", &sample, "--schema", &schema, "--json",
    ]);
    let done = run(&arguments, &context).await;
    assert!(matches!(done, Ok(Done::InPart)), "{done:?}");
}

#[test]
fn what_is_less_sure_than_was_said_stays_unmapped() {
    let folder = Folder::new("sure");
    let sample = folder.file("samples.json", &samples());
    let (arguments, _) = parsed(&["stripe", "customers.create", "--sample", &sample]);
    let mut proposal = proposed(&arguments).unwrap_or_else(|error| panic!("{error}"));
    let taken = |proposal: &Proposal| {
        proposal
            .fields
            .iter()
            .filter(|field| field.choice.is_some())
            .count()
    };
    let before = taken(&proposal);
    take(&mut proposal, 0.0);
    assert_eq!(taken(&proposal), before);
    let unsure = proposal
        .fields
        .iter()
        .filter(|field| field.choice.is_some() && field.confidence < 0.9);
    let unsure = unsure.count();
    take(&mut proposal, 0.9);
    assert_eq!(taken(&proposal), before - unsure);
}

#[tokio::test]
async fn what_cannot_be_proposed_is_wrong_usage_and_says_why() {
    let folder = Folder::new("wrong");
    let sample = folder.file("samples.json", &json!(["no object"]));
    for (arguments, told) in [
        (vec!["nobody", "x", "--sample", &sample], "nobody"),
        (vec!["stripe", "nothing", "--sample", &sample], "nothing"),
        (
            vec!["stripe", "customers.create", "--sample", &sample],
            "sample 1",
        ),
        (
            vec!["stripe", "customers.create", "--source", "nowhere.json"],
            "cannot read",
        ),
    ] {
        let (arguments, context) = parsed(&arguments);
        let error = run(&arguments, &context).await.expect_err(told);
        assert!(
            error.is_usage() && error.to_string().contains(told),
            "{error}"
        );
    }
}

/// A model may reorder candidates, and nothing else: with whatever it says, the proposal is the matcher's or one of its
/// alternatives. No value of a sample is on the wire.
#[tokio::test]
async fn a_model_is_heard_on_names_and_types_and_whatever_it_says_harms_nothing() {
    let folder = Folder::new("model");
    // Nobody can know which phone.
    let source = json!({"e_mail_1": "ada@shop.example", "contact": "Ada Lovelace",
        "chair": {"phone": "+4915123456701"}, "table": {"phone": "+4915123456702"}});
    let sample = folder.file("sample.json", &source);
    let second = json!({"choices": [{"field": 0, "candidate": 2}]});
    for (number, (says, is_heard)) in [
        (Said::Answer(second), true),
        (Said::Refusal, false),
        (
            Said::Answer(json!({"choices": [{"field": 0, "candidate": 9}]})),
            false,
        ),
        (Said::Text("e_mail_1".into()), false),
        (Said::Status(500), false),
    ]
    .into_iter()
    .enumerate()
    {
        let server = ModelServer::start(move |_| says.clone())
            .await
            .expect("a port");
        let (arguments, _) = parsed(&[
            "stripe",
            "customers.create",
            "--sample",
            &sample,
            "--model",
            "--model-url",
            server.base_url(),
            "--model-name",
            "small",
        ]);
        let mut proposal = proposed(&arguments).unwrap_or_else(|error| panic!("{error}"));
        let before = json!(proposal);
        let state = folder.0.join(number.to_string());
        heard(&arguments, &mut proposal, Some("sk-test"), state)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(json!(proposal) != before, is_heard, "{number}");
        let asked = server.asked().pop().expect("it was asked");
        assert_eq!(asked.authorization.as_deref(), Some("Bearer sk-test"));
        let sent = asked.body.to_string();
        assert!(sent.contains("chair"), "{sent}");
        for value in ["ada@", "Ada Lovelace", "4915123"] {
            assert!(!sent.contains(value), "{value}: {sent}");
        }
    }
}

#[test]
fn a_model_needs_an_address_and_a_name() {
    let folder = Folder::new("nameless");
    let sample = folder.file("samples.json", &samples());
    let base = ["stripe", "customers.create", "--sample", &sample, "--model"];
    for more in [
        &["--model-name", "small"][..],
        &["--model-url", "ftp://a.example", "--model-name", "small"],
        &["--model-url", "https://a.example", "--model-name", ""],
    ] {
        let (arguments, _) = parsed(&[&base[..], more].concat());
        let error = arguments
            .model
            .keeper(None, folder.0.clone())
            .expect_err("no model");
        assert!(
            error.is_usage() && error.to_string().starts_with("--model"),
            "{error}"
        );
    }
}
