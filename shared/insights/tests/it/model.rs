//! A model that answers, refuses, lies, stalls and costs: what comes of each.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway::Timestamp;
use causeway::clock::ManualClock;
use causeway::http_client::ReqwestClient;
use causeway::lanes::{MemoryStates, StateStore, Swap};
use causeway_fakes::model::{ModelServer, Said};
use causeway_insights::model::{
    Allowance, ApiKey, Budget, Code, Endpoint, Fact, FieldName, FieldType, FileStates, Form,
    Keeper, LanguageModel, Misfit, ModelError, Prices, Prose, Question, Window, World, translate,
};
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Subscriber};

const KEY: &str = "sk-very-secret";

pub fn clock() -> Arc<ManualClock> {
    let at = Timestamp::parse_rfc3339("2026-11-30T12:00:00Z").expect("a time");
    Arc::new(ManualClock::at(at))
}

pub fn world(clock: Arc<ManualClock>, states: Arc<dyn StateStore>) -> World {
    World {
        http: Arc::new(ReqwestClient::new().expect("a client")),
        clock,
        spent: Arc::clone(&states),
        answers: states,
        writer: "test".to_owned(),
    }
}

fn endpoint(server: &ModelServer) -> Endpoint {
    Endpoint::new(server.base_url(), "small")
        .expect("an endpoint")
        .with_key(ApiKey::new(KEY).expect("a key"))
        .with_prices(Prices {
            prompt: 1_000_000,
            completion: 2_000_000,
        })
}

fn keeper(server: &ModelServer) -> Keeper {
    let world = world(clock(), Arc::new(MemoryStates::default()));
    Keeper::new(endpoint(server), Budget::default(), world)
}

/// Which of two names is the guest's e-mail address?
fn question() -> Question {
    let name = |text| Fact::from(FieldName::new(text).expect("a name"));
    let kind = FieldType::new("string (email)");
    let facts = Fact::Record(vec![
        ("target", name("guest_email")),
        ("type", kind.into()),
        ("candidates", vec![name("mail"), name("contact")].into()),
    ]);
    Question::new("Pick one.", &facts, vec![("pick", Form::Index(2))], 50).expect("a short one")
}

async fn said(said: Said) -> Result<Value, ModelError> {
    let server = ModelServer::start(move |_| said.clone())
        .await
        .expect("a port");
    let answer = keeper(&server).ask(&question()).await;
    assert_eq!(server.asked().len(), 1, "nothing is asked twice");
    answer.map(|answer| answer.value)
}

#[tokio::test]
async fn a_right_answer_is_given_as_it_is() {
    assert_eq!(
        said(Said::Answer(json!({"pick": 1}))).await,
        Ok(json!({"pick": 1}))
    );
}

#[tokio::test]
async fn whatever_else_is_said_is_an_error_that_says_which() {
    let cases = [
        (Said::Refusal, ModelError::Refused),
        (Said::Filtered, ModelError::Refused),
        (Said::CutOff, ModelError::Cut),
        (Said::Status(429), ModelError::Status(429)),
        (Said::Status(500), ModelError::Status(500)),
        (Said::Garbage, ModelError::Unreadable),
        (
            Said::Text("Surely the first one!".into()),
            Misfit::NoJson.into(),
        ),
        (Said::Answer(json!({"pick": 2})), Misfit::NotListed.into()),
        (
            Said::Answer(json!({"pick": "guest"})),
            Misfit::Shape("a number").into(),
        ),
        (
            Said::Answer(json!({"pick": 1, "email": "ada@example.com"})),
            Misfit::Shape("a field more").into(),
        ),
        (Said::Answer(json!([1])), Misfit::Shape("an object").into()),
    ];
    for (says, error) in cases {
        assert_eq!(said(says.clone()).await, Err(error), "{says:?}");
    }
}

#[tokio::test]
async fn an_answer_longer_than_is_read_is_none() {
    let error = said(Said::Long(2 << 20)).await.expect_err("2 MiB");
    assert_eq!(error.code(), "no_answer");
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn a_model_that_says_nothing_is_left_in_time() {
    let server = ModelServer::start(|_| Said::Silence).await.expect("a port");
    let endpoint = endpoint(&server).with_timeout(Duration::from_millis(200));
    let world = world(clock(), Arc::new(MemoryStates::default()));
    let keeper = Keeper::new(endpoint.expect("a time"), Budget::default(), world);
    let error = keeper.ask(&question()).await.expect_err("no answer");
    assert!(error.to_string().contains("timed out"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_and_one_that_is_not_private_get_nothing() {
    for base_url in ["http://127.0.0.1:1/v1", "http://model.example/v1"] {
        let endpoint = Endpoint::new(base_url, "small").expect("an endpoint");
        let world = world(clock(), Arc::new(MemoryStates::default()));
        let keeper = Keeper::new(endpoint, Budget::default(), world);
        let error = keeper.ask(&question()).await.expect_err("no endpoint");
        assert!(error.to_string().contains("nothing was sent"), "{error}");
    }
}

#[tokio::test]
async fn what_leaves_is_the_protocol_with_the_programs_words_and_the_facts() {
    let server = ModelServer::start(|_| Said::Answer(json!({"pick": 0})))
        .await
        .expect("a port");
    keeper(&server).ask(&question()).await.expect("an answer");
    let asked = server.asked().pop().expect("a question");
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(
        asked.authorization.as_deref(),
        Some("Bearer sk-very-secret")
    );
    let mut fields: Vec<&String> = asked.body.as_object().expect("an object").keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "max_completion_tokens",
            "messages",
            "model",
            "response_format"
        ]
    );
    let content = asked.body["messages"][1]["content"].as_str();
    let facts: Value = serde_json::from_str(content.expect("a text")).expect("JSON");
    assert_eq!(
        facts,
        json!({"target": "guest_email", "type": "string (email)", "candidates": ["mail", "contact"]})
    );
    let format = &asked.body["response_format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["json_schema"]["strict"], true);
    assert_eq!(
        format["json_schema"]["schema"],
        json!({
            "type": "object",
            "properties": {"pick": {"type": "integer"}},
            "required": ["pick"],
            "additionalProperties": false,
        })
    );
}

#[tokio::test]
async fn a_question_over_budget_is_not_sent_and_the_next_hour_has_room() {
    let server = ModelServer::start(|_| Said::Status(503))
        .await
        .expect("a port");
    let clock = clock();
    let states = Arc::new(MemoryStates::default());
    let budget = Budget {
        hour: Allowance {
            calls: 2,
            tokens: 1_000_000,
        },
        ..Budget::default()
    };
    // Another environment, which shares the count.
    let keepers = [(); 2].map(|()| {
        let world = world(clock.clone(), states.clone());
        Keeper::new(endpoint(&server), budget, world)
    });
    for keeper in &keepers {
        let error = keeper.ask(&question()).await;
        assert_eq!(error, Err(ModelError::Status(503)));
    }
    let error = keepers[0].ask(&question()).await.expect_err("a third one");
    let ModelError::OverBudget(over) = &error else {
        panic!("{error}");
    };
    assert_eq!(over.window, Window::Hour);
    assert_eq!(over.until.to_string(), "2026-11-30T13:00:00Z");
    assert_eq!(server.asked().len(), 2, "the third was not sent");
    clock.advance(Duration::from_secs(3600));
    assert_eq!(
        keepers[1].ask(&question()).await,
        Err(ModelError::Status(503))
    );
}

#[tokio::test]
async fn what_a_question_can_take_is_spent_before_and_corrected_after() {
    let server = ModelServer::start(|body| {
        let is_first = body["messages"][0]["content"]
            .as_str()
            .is_some_and(|text| text.starts_with("Pick"));
        if is_first {
            Said::Answer(json!({"pick": 0}))
        } else {
            Said::Silence
        }
    })
    .await
    .expect("a port");
    let states = Arc::new(MemoryStates::default());
    let endpoint = endpoint(&server)
        .with_timeout(Duration::from_millis(200))
        .expect("a time");
    let keeper = Keeper::new(endpoint, Budget::default(), world(clock(), states.clone()));
    keeper.ask(&question()).await.expect("an answer");
    let spent = || states.values()["#model#budget"].value["day"].clone();
    assert_eq!(spent()["calls"], 1);
    assert_eq!(spent()["tokens"], 120, "what the endpoint said: 100 and 20");
    let facts = Fact::List(Vec::new());
    let lost = Question::new("Lost.", &facts, vec![("ok", Form::Flag)], 50).expect("short");
    keeper.ask(&lost).await.expect_err("no answer");
    assert_eq!(spent()["calls"], 2);
    let tokens = spent()["tokens"].as_u64().expect("a number");
    assert!(
        tokens > 120 + 50,
        "nobody knows what it took, so the most counts: {tokens}"
    );
}

#[tokio::test]
async fn the_same_question_is_paid_for_once_a_week_and_another_model_is_another_question() {
    let server = ModelServer::start(|_| Said::Answer(json!({"pick": 0})))
        .await
        .expect("a port");
    let clock = clock();
    let states = Arc::new(MemoryStates::default());
    let of = |model: &str| {
        let endpoint = Endpoint::new(server.base_url(), model).expect("an endpoint");
        Keeper::new(
            endpoint,
            Budget::default(),
            world(clock.clone(), states.clone()),
        )
    };
    let first = of("small").ask(&question()).await.expect("an answer");
    let again = of("small").ask(&question()).await.expect("known");
    assert_eq!(first.value, again.value);
    assert_eq!((first.usage.is_some(), again.usage), (true, None));
    assert_eq!(server.asked().len(), 1);
    of("large").ask(&question()).await.expect("an answer");
    clock.advance(Duration::from_secs(7 * 24 * 3600));
    of("small").ask(&question()).await.expect("an answer");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn commands_share_budget_and_answers_in_a_folder() {
    let server = ModelServer::start(|_| Said::Answer(json!({"pick": 0})))
        .await
        .expect("a port");
    let folder = Folder::new("share");
    for _ in 0..2 {
        let states = Arc::new(FileStates::new(&folder.0));
        let keeper = Keeper::new(endpoint(&server), Budget::default(), world(clock(), states));
        keeper.ask(&question()).await.expect("an answer");
    }
    assert_eq!(server.asked().len(), 1, "the second command knew it");
    let states = FileStates::new(&folder.0);
    let spent = states.load("#model#budget").await.expect("a file");
    assert_eq!(spent.expect("stored").value["hour"]["calls"], 1);
}

#[tokio::test]
async fn a_folders_write_is_lost_to_whoever_wrote_in_between() {
    let folder = Folder::new("swap");
    let states = FileStates::new(&folder.0);
    let value = json!({"n": 1});
    let won = states.swap("#a", None, &value, "me/1").await;
    assert_eq!(won, Ok(Swap::Swapped { version: 1 }));
    let again = states.swap("#a", None, &value, "me/1").await;
    assert_eq!(again, Ok(Swap::Swapped { version: 1 }), "its own write");
    let lost = states.swap("#a", None, &json!({"n": 2}), "me/2").await;
    assert!(matches!(lost, Ok(Swap::Lost(Some(_)))), "{lost:?}");
    let next = states.swap("#a", Some(1), &json!({"n": 2}), "me/3").await;
    assert_eq!(next, Ok(Swap::Swapped { version: 2 }));
}

#[tokio::test]
async fn where_the_count_cannot_be_kept_nothing_is_sent() {
    let server = ModelServer::start(|_| Said::Answer(json!({"pick": 0})))
        .await
        .expect("a port");
    // A file stands where the folder would be.
    let folder = Folder::new("file");
    std::fs::write(&folder.0, "").expect("a file");
    let states = Arc::new(FileStates::new(&folder.0));
    let keeper = Keeper::new(endpoint(&server), Budget::default(), world(clock(), states));
    let error = keeper.ask(&question()).await.expect_err("no budget");
    assert_eq!(error.code(), "budget_unknown", "{error}");
    assert_eq!(server.asked().len(), 0);
    std::fs::remove_file(&folder.0).expect("the file");
}

#[tokio::test]
async fn the_log_tells_sizes_tokens_time_and_cost_and_nothing_that_was_said() {
    let server = ModelServer::start(|_| Said::Answer(json!({"pick": 0})))
        .await
        .expect("a port");
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = listen(subscriber);
    keeper(&server).ask(&question()).await.expect("an answer");
    let text = log.text();
    let line: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    let mut fields: Vec<&String> = line["fields"].as_object().expect("fields").keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "bytes_in",
            "bytes_out",
            "code",
            "completion_tokens",
            "cost_micros",
            "duration_ms",
            "message",
            "prompt_tokens"
        ]
    );
    assert_eq!(
        line["fields"]["cost_micros"], 140,
        "100 at $1 and 20 at $2 a million"
    );
    for secret in [KEY, "guest_email", "mail", "Pick"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn a_translation_keeps_every_fact_here_and_one_that_loses_or_adds_a_blank_is_none() {
    let text = "The request “order-1712” is tried again at 12:05.";
    let prose = Prose::new(text, &["order-1712", "12:05"]).expect("all facts are named");
    let tag = Code::new("de").expect("a tag");
    for (says, translated) in [
        (
            "Um {2} wird „{1}“ wieder versucht.",
            Some("Um 12:05 wird „order-1712“ wieder versucht."),
        ),
        ("Um {2} wird es wieder versucht.", None),
        ("Um {2} wird „{1}“ wieder versucht, danach um {3}.", None),
    ] {
        let answer = json!({"text": says});
        let server = ModelServer::start(move |_| Said::Answer(answer.clone()))
            .await
            .expect("a port");
        let done = translate(&keeper(&server), &prose, &tag).await;
        assert_eq!(done.ok().as_deref(), translated, "{says}");
        let sent = server.asked().pop().expect("a question").body.to_string();
        assert!(
            sent.contains("The request “{1}” is tried again at {2}."),
            "{sent}"
        );
        assert!(!sent.contains("1712") && !sent.contains("12:05"), "{sent}");
    }
}

/// A folder for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("causeway-model-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// This thread's lines go to `subscriber` for as long as the guards live.
///
/// The second subscriber hears nothing. While there is one alone, whether a line is of interest to anybody is asked of
/// the thread that comes to it first, which may be another test's, and is then remembered for all threads.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
fn listen(subscriber: impl Subscriber + Send + Sync + 'static) -> (Dispatch, DefaultGuard) {
    let second = Dispatch::new(tracing_subscriber::registry());
    (second, tracing::subscriber::set_default(subscriber))
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
