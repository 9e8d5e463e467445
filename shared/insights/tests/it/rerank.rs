//! What a model's word does to a proposal: right, wrong or none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use causeway::lanes::MemoryStates;
use causeway_fakes::model::{ModelServer, Said};
use causeway_insights::model::{Allowance, Budget, Endpoint, Keeper, rerank};
use causeway_insights::propose::{Proposal, Reason, Source, Target, propose, questions};
use serde_json::{Value, json};

use crate::model::{clock, world};

fn sample() -> Value {
    json!({
        "main_contact": "Ada Lovelace", "reach_at": "ada@shop.example", "second_mail": "zoe@shop.example",
        "tel": "+49 151 23456789", "home": {"road": "Musterweg 7", "plz": "10115"},
        "zoe@shop.example": "keyed by data",
        // Nobody can know which.
        "chair": {"colour": "red"}, "table": {"colour": "blue"},
    })
}

fn proposal() -> Proposal {
    let schema = json!({
        "type": "object",
        "properties": {
            "email": {"type": "string", "format": "email"},
            "contact_name": {"type": "string"},
            "phone_number": {"type": "string"},
            "street": {"type": "string"},
            "postal_code": {"type": "string"},
            "colour": {"type": "string"},
        },
        "required": ["email"],
    });
    let source = Source::new(None, vec![sample()]).expect("a source");
    let target = Target::new("acme", "contacts.create", schema).expect("a target");
    propose(&source, &target).expect("a proposal")
}

fn keeper(server: &ModelServer, budget: Budget) -> Keeper {
    let endpoint = Endpoint::new(server.base_url(), "small").expect("an endpoint");
    let endpoint = endpoint
        .with_timeout(Duration::from_millis(300))
        .expect("a time");
    Keeper::new(
        endpoint,
        budget,
        world(clock(), Arc::new(MemoryStates::default())),
    )
}

/// The fields of a question, as they were sent.
fn fields(body: &Value) -> Vec<Value> {
    let content = body["messages"][1]["content"].as_str().expect("a text");
    serde_json::from_str(content).expect("a list")
}

#[tokio::test]
async fn all_unsure_fields_are_asked_about_at_once_and_the_answer_is_taken() {
    let before = proposal();
    let unsure = questions(&before).len();
    assert!(unsure > 1, "{}", json!(before));
    let mut changed = 0;
    // None for all, and the first candidate for all: each field is filled otherwise by one of them.
    for candidate in [0, 1] {
        let server = ModelServer::start(move |body| {
            let choice = |field: &Value| json!({"field": field["field"], "candidate": candidate});
            let choices: Vec<Value> = fields(body).iter().map(choice).collect();
            Said::Answer(json!({"choices": choices}))
        })
        .await
        .expect("a port");
        let mut after = before.clone();
        let done = rerank(&keeper(&server, Budget::default()), &mut after).await;
        let done = done.expect("an answer");
        assert_eq!(server.asked().len(), 1, "one call");
        assert_eq!(done.asked, unsure, "all of them have names");
        changed += done.changed;
        let taken = after.fields.iter().filter_map(|field| field.chosen());
        let by_model = taken.filter(|taken| taken.reasons.contains(&Reason::Model));
        assert_eq!(by_model.count(), done.asked * candidate);
    }
    assert!(changed >= unsure, "{changed} of {unsure}");
}

#[tokio::test]
async fn nothing_but_names_and_types_is_on_the_wire() {
    let server = ModelServer::start(|_| Said::Answer(json!({"choices": []})))
        .await
        .expect("a port");
    rerank(&keeper(&server, Budget::default()), &mut proposal())
        .await
        .expect("an answer");
    let asked = server.asked().pop().expect("a question");
    let sent = asked.body.to_string();
    for value in [
        "Ada",
        "ada@",
        "zoe",
        "151",
        "23456789",
        "Musterweg",
        "10115",
        "keyed",
    ] {
        assert!(!sent.contains(value), "{value}: {sent}");
    }
    let mut keys = BTreeSet::new();
    collect(&fields(&asked.body).into(), &mut keys);
    let known = [
        "candidates",
        "field",
        "from",
        "name",
        "number",
        "of",
        "type",
    ];
    assert_eq!(keys, known.map(str::to_owned).into());
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            keys.insert(key.clone());
            collect(value, keys);
        }),
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}

/// Refusal, garbage, an added fact, a target or candidate that is not on the list, a timeout, a failure, an answer that is
/// too long, a spent budget: the deterministic result stands each time, to the byte.
#[tokio::test]
async fn whatever_goes_wrong_the_deterministic_result_stands() {
    let good = json!({"field": 0, "candidate": 1});
    let choices = |choices: Value| Said::Answer(json!({"choices": choices}));
    let cases = [
        (Said::Refusal, "refused"),
        (Said::Filtered, "refused"),
        (Said::CutOff, "cut_off"),
        (Said::Garbage, "unreadable"),
        (
            Said::Text("The first one is the e-mail address.".into()),
            "misfit",
        ),
        (Said::Status(500), "status"),
        (Said::Silence, "no_answer"),
        (Said::Long(2 << 20), "no_answer"),
        (
            choices(json!([good, {"field": 1, "candidate": 5000}])),
            "misfit",
        ),
        (
            choices(json!([good, {"field": 5000, "candidate": 1}])),
            "misfit",
        ),
        (choices(json!([good, good])), "misfit"),
        (
            choices(json!([good, {"field": "email", "candidate": "iban"}])),
            "misfit",
        ),
        (
            choices(json!([{"field": 0, "candidate": 1, "value": "ada@shop.example"}])),
            "misfit",
        ),
        (
            Said::Answer(json!({"choices": [good], "iban": "DE89"})),
            "misfit",
        ),
        (
            Said::Answer(json!({"mapping": {"iban": "reach_at"}})),
            "misfit",
        ),
    ];
    for (says, code) in cases {
        let told = format!("{says:?}");
        let server = ModelServer::start(move |_| says.clone())
            .await
            .expect("a port");
        stands(&keeper(&server, Budget::default()), code, &told).await;
        assert_eq!(server.asked().len(), 1, "{told}");
    }
    let server = ModelServer::start(|_| Said::Refusal).await.expect("a port");
    let spent = Budget {
        hour: Allowance {
            calls: 0,
            tokens: 0,
        },
        ..Budget::default()
    };
    stands(&keeper(&server, spent), "over_budget", "no budget").await;
    assert_eq!(server.asked().len(), 0);
}

async fn stands(keeper: &Keeper, code: &str, told: &str) {
    let mut after = proposal();
    let before = json!(after);
    let error = rerank(keeper, &mut after).await.expect_err(told);
    assert_eq!(error.code(), code, "{told}");
    assert_eq!(json!(after), before, "{told}");
}

/// A candidate of a field that it was not offered for: each index is on the form's list, the pair is not.
#[tokio::test]
async fn a_candidate_that_this_field_does_not_have_is_refused() {
    let fewest = |body: &Value| {
        let fields = fields(body);
        let count = |field: &Value| field["of"]["candidates"].as_array().expect("a list").len();
        let least = fields
            .iter()
            .min_by_key(|field| count(field))
            .expect("a field");
        json!({"choices": [{"field": least["field"], "candidate": count(least) + 1}]})
    };
    let server = ModelServer::start(move |body| Said::Answer(fewest(body)))
        .await
        .expect("a port");
    stands(
        &keeper(&server, Budget::default()),
        "misfit",
        "one more than it has",
    )
    .await;
}
