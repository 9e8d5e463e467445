//! The adapters, and what their calls need to stand on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::SharedHttpClient;
use causeway::StoreError;
use causeway::dynamodb::DynamoDb;
use causeway::lane_control::{EventSource, LaneControl, Setting};
use causeway::lanes::{Added, Addition, Additions, DynamoStates, StateStore, Swap, Versioned};
use causeway::ledger::index::{Ask, DynamoIndex, LedgerIndex, Slice};
use causeway::ledger::{DynamoLedger, Expected, LedgerStore, Record, Status, Write};
use causeway::queue::{Queue, SqsQueue};
use causeway::secrets::{AwsSecrets, Secrets};
use causeway_gatekeeper::AwsLaneControl;
use causeway_local::stack::BareEmulator;
use serde_json::json;

use super::Subject;
use crate::conformance::samples::{NOON, again, claim, letter};
use crate::faults::{Canned, Fault, Faults};

/// What Lambda says of its event source mappings; to a change of one it answers with that one, of which the adapter
/// reads nothing.
const EVENT_SOURCES: &str = r#"{"EventSourceMappings": [
    {"UUID": "a-mapping", "State": "Enabled", "ScalingConfig": {"MaximumConcurrency": 5},
     "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:Waiting-queue:live",
     "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:Waiting-queue"}]}"#;

/// What came of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The answer that it has when nothing goes wrong.
    Healthy,
    /// Of several entries the first failed and the others did not.
    FirstFailed,
    /// An error, in its words.
    Error(String),
    /// Something else.
    Other(String),
}

impl End {
    fn of<T: PartialEq + std::fmt::Debug, E: std::fmt::Display>(
        answer: Result<T, E>,
        healthy: &T,
    ) -> Self {
        match answer {
            Ok(answer) if answer == *healthy => Self::Healthy,
            Ok(other) => Self::Other(format!("{other:?}")),
            Err(error) => Self::Error(error.to_string()),
        }
    }

    fn of_batch(results: &[Result<(), StoreError>]) -> Self {
        match results {
            [Err(_), rest @ ..] if !rest.is_empty() && rest.iter().all(Result::is_ok) => {
                Self::FirstFailed
            }
            results if results.iter().all(Result::is_ok) => Self::Healthy,
            results if results.iter().all(Result::is_err) => Self::Error(format!("{results:?}")),
            results => Self::Other(format!("{results:?}")),
        }
    }
}

/// The adapters on a network that fails on command, and clients of the same services that do not.
pub struct World {
    pub faults: Faults,
    ledger: DynamoLedger,
    index: DynamoIndex,
    states: DynamoStates,
    queue: SqsQueue,
    secrets: AwsSecrets,
    control: AwsLaneControl,
    sqs: aws_sdk_sqs::Client,
    queue_url: String,
    dlq_url: String,
    /// Each run has names of its own.
    runs: Cell<usize>,
}

impl World {
    pub async fn new(emulator: &BareEmulator, name: &str) -> Self {
        let config = emulator.sdk_config();
        let (faults, failing) = Faults::around(&config);
        let canned = failing
            .to_builder()
            .http_client(SharedHttpClient::new(faults.before(Canned(EVENT_SOURCES))))
            .build();
        let (requests, lanes) = (format!("{name}-requests"), format!("{name}-lanes"));
        emulator.make_ledger(&requests).await.expect("a new table");
        emulator.make_table(&lanes).await.expect("a new table");
        let queue_url = emulator
            .make_queue(&format!("{name}-queue"))
            .await
            .expect("a queue");
        let dlq_url = emulator
            .make_queue(&format!("{name}-dlq"))
            .await
            .expect("a queue");
        let secrets = aws_sdk_secretsmanager::Client::new(&config);
        secrets
            .create_secret()
            .name(format!("causeway/{name}/default"))
            .secret_string(json!({"token": "t0ken"}).to_string())
            .send()
            .await
            .expect("a new secret");
        let dynamodb = DynamoDb::new(&failing);
        let client = aws_sdk_secretsmanager::Client::new(&failing);
        Self {
            faults,
            index: DynamoIndex::new(aws_sdk_dynamodb::Client::new(&failing), requests.clone()),
            ledger: DynamoLedger::new(dynamodb.clone(), requests),
            states: DynamoStates::new(dynamodb, lanes),
            queue: SqsQueue::new(&failing, &queue_url, &dlq_url),
            control: AwsLaneControl::new(
                aws_sdk_lambda::Client::new(&canned),
                aws_sdk_sqs::Client::new(&failing),
            ),
            secrets: AwsSecrets::new(client, "causeway"),
            sqs: aws_sdk_sqs::Client::new(&config),
            queue_url,
            dlq_url,
            runs: Cell::new(0),
        }
    }

    /// Prepares what `subject` needs, then makes its call while `faults` go wrong.
    pub async fn run(&self, subject: Subject, faults: &[Fault]) -> End {
        self.runs.set(self.runs.get() + 1);
        self.faults.next([]);
        let receipts = self.prepare(subject).await;
        self.faults.next(faults.iter().copied());
        self.call(subject, &receipts).await
    }

    /// The last run's call once more.
    pub async fn again(&self, subject: Subject) -> End {
        self.faults.next([]);
        self.call(subject, &[]).await
    }

    /// Letters of the last run that stand in the dead-letter queue.
    pub async fn letters_of_last_run(&self) -> usize {
        let mut bodies = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let messages = self.receive(&self.dlq_url).await;
            bodies.extend(messages.into_iter().filter_map(|message| message.body));
        }
        let ours = bodies.iter().filter(|body| body.starts_with(&self.name()));
        ours.count()
    }

    fn name(&self) -> String {
        format!("run-{}", self.runs.get())
    }

    fn provider(&self) -> &str {
        self.queue_url
            .rsplit('/')
            .next()
            .and_then(|queue| queue.strip_suffix("-queue"))
            .expect("its name")
    }

    fn claim(&self) -> Record {
        claim(&format!("acme#default#{}", self.name()), &self.name())
    }

    fn rejected(&self) -> Record {
        Record {
            status: Status::Rejected,
            claimed_at: Some(NOON),
            ..self.claim()
        }
    }

    fn settled(&self) -> Record {
        Record {
            status: Status::Completed,
            lease_until: None,
            ..self.claim()
        }
    }

    /// What the call finds; receipt handles for those that need some.
    async fn prepare(&self, subject: Subject) -> Vec<(String, Duration)> {
        match subject {
            Subject::Read | Subject::Settle => {
                let absent = Expected::AbsentOrExpired { now: NOON };
                let write = self.ledger.write(&self.claim(), &absent).await;
                assert_eq!(write, Ok(Write::Written));
            }
            Subject::Load | Subject::Glance => {
                let swap = self
                    .states
                    .swap(&self.name(), None, &json!({"n": 1}), "mark")
                    .await;
                assert_eq!(swap, Ok(Swap::Swapped { version: 1 }));
            }
            Subject::Add => {
                let counted = json!({"turn": 1, "sums": {"n": 0}});
                let swap = self.states.swap(&self.name(), None, &counted, "mark").await;
                assert_eq!(swap, Ok(Swap::Swapped { version: 1 }));
            }
            Subject::List => {
                let absent = Expected::AbsentOrExpired { now: NOON };
                let write = self.ledger.write(&self.rejected(), &absent).await;
                assert_eq!(write, Ok(Write::Written));
            }
            Subject::Hide => return self.received().await,
            Subject::Waiting | Subject::SetSource => {
                let sources = self.control.read(&["Waiting-queue".to_owned()]).await;
                assert_eq!(sources.map(|found| found.len()), Ok(1));
            }
            Subject::Claim
            | Subject::Swap
            | Subject::Bury
            | Subject::SendAgain
            | Subject::InFlight
            | Subject::Secret
            | Subject::ListSources => {}
        }
        Vec::new()
    }

    async fn call(&self, subject: Subject, receipts: &[(String, Duration)]) -> End {
        let (claim, settled, name) = (self.claim(), self.settled(), self.name());
        match subject {
            Subject::Read => {
                let keys = [claim.pk.clone(), format!("{}-absent", claim.pk)];
                End::of(self.ledger.read(&keys).await, &vec![Some(claim), None])
            }
            Subject::Claim => {
                let absent = Expected::AbsentOrExpired { now: NOON };
                End::of(self.ledger.write(&claim, &absent).await, &Write::Written)
            }
            Subject::Settle => {
                let ours = Expected::unchanged(&claim);
                End::of(self.ledger.write(&settled, &ours).await, &Write::Written)
            }
            Subject::Load => {
                let value = json!({"n": 1});
                End::of(
                    self.states.load(&name).await,
                    &Some(Versioned { version: 1, value }),
                )
            }
            Subject::Glance => {
                let keys = [name.clone(), format!("{name}-absent")];
                let seen = self.states.glance(&keys, &["n"]).await;
                End::of(seen, &vec![Some(json!({"n": 1})), None])
            }
            Subject::Swap => {
                let swap = self.states.swap(&name, None, &json!({"n": 1}), &name).await;
                End::of(swap, &Swap::Swapped { version: 1 })
            }
            Subject::Add => {
                let all = [Addition {
                    name: "n",
                    amount: 1,
                    at_most: 100,
                }];
                let additions = Additions {
                    guard: ("turn", 1),
                    field: "sums",
                    all: &all,
                };
                let added = self.states.add(&name, &additions, &name).await;
                // Repeated, it may count twice.
                End::of(added.map(|added| matches!(added, Added::Added(_))), &true)
            }
            Subject::List => {
                let ask = Ask {
                    provider: "acme",
                    status: Status::Rejected,
                    since: NOON,
                    after: None,
                    limit: 100,
                };
                let pk = self.rejected().pk;
                let is_listed = |slice: Slice| slice.entries.iter().any(|entry| entry.pk == pk);
                End::of(self.index.slice(&ask).await.map(is_listed), &true)
            }
            Subject::Bury => {
                let letters = [
                    letter(&format!("{name}, one")),
                    letter(&format!("{name}, two")),
                ];
                End::of_batch(&self.queue.bury(&letters).await)
            }
            Subject::Hide => End::of_batch(&self.queue.hide(receipts).await),
            Subject::SendAgain => {
                let messages = [
                    again(&format!("{name}, one")),
                    again(&format!("{name}, two")),
                ];
                End::of_batch(&self.queue.send_again(&messages).await)
            }
            Subject::ListSources => {
                let source = EventSource {
                    enabled: true,
                    maximum_concurrency: Some(5),
                    is_changing: false,
                };
                let ids = ["Waiting-queue".to_owned()];
                let healthy = BTreeMap::from([(ids[0].clone(), source)]);
                End::of(self.control.read(&ids).await, &healthy)
            }
            Subject::SetSource => {
                let set = self.control.set("Waiting-queue", Setting::Disabled).await;
                End::of(set, &())
            }
            Subject::Waiting => End::of(self.control.waiting("Waiting-queue").await, &0),
            Subject::InFlight => End::of(self.queue.in_flight().await, &0),
            Subject::Secret => {
                let secret = self.secrets.get(self.provider(), "default").await;
                End::of(secret.map(|_| ()), &())
            }
        }
    }

    /// Two messages in hand.
    async fn received(&self) -> Vec<(String, Duration)> {
        for body in ["one", "two"] {
            let send = self
                .sqs
                .send_message()
                .queue_url(&self.queue_url)
                .message_body(body);
            send.send().await.expect("sent");
        }
        let messages = self.receive(&self.queue_url).await;
        let handles = messages
            .into_iter()
            .filter_map(|message| message.receipt_handle);
        let handles: Vec<_> = handles
            .map(|handle| (handle, Duration::from_secs(3600)))
            .collect();
        assert_eq!(handles.len(), 2, "two messages are there");
        handles
    }

    async fn receive(&self, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let receive = self
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10);
        let answer = receive.visibility_timeout(3600).send().await;
        answer.expect("received").messages.unwrap_or_default()
    }
}
