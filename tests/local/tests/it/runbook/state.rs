//! The states that the runbook's sections are about.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use causeway::breaker::{Breaker, State as BreakerState};
use causeway::clock::{Clock, SystemClock};
use causeway::credentials::{CredentialState, Pause, Reason};
use causeway::lanes::{DynamoStates, StateStore};
use causeway::ledger::{DynamoLedger, Expected, LedgerStore, Record};
use causeway_fakes::faults::{Fault, Mode, Outage};

use crate::deployed::Deployed;

/// What is wrong with the lane `stripe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Healthy,
    /// Its breaker is open.
    Tripped,
    /// Five letters: two unknown (`order-1712`, `order-1713`), three that the vendor refused without reason.
    Letters,
    /// Its one connection is paused.
    Paused,
}

/// An answer and its letter arrive in seconds; one retry with a backoff is among them.
const LETTERS_MAX: Duration = Duration::from_secs(90);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The lane and how it stands.
pub struct Scene<'a> {
    deployed: &'a Deployed,
    state: State,
    has_letters: bool,
}

impl<'a> Scene<'a> {
    /// A healthy lane.
    pub fn new(deployed: &'a Deployed) -> Self {
        Self {
            deployed,
            state: State::Healthy,
            has_letters: false,
        }
    }

    /// Makes it so. Letters stay once they are there: sections about them follow on each other.
    pub async fn set(&mut self, state: State) {
        if state == self.state {
            return;
        }
        match self.state {
            State::Tripped => self.forget("stripe#*#breaker").await,
            State::Paused => self.forget("stripe#default#credentials").await,
            State::Healthy | State::Letters => {}
        }
        self.state = state;
        match state {
            State::Healthy => {}
            State::Tripped => self.trip().await,
            State::Letters if self.has_letters => {}
            State::Letters => self.send_letters().await,
            State::Paused => self.pause().await,
        }
    }

    async fn trip(&self) {
        let now = SystemClock.now();
        let open = Breaker {
            state: BreakerState::Open,
            opened_at: Some(now),
            open_until: Some(now + Duration::from_secs(600)),
            ..Breaker::default()
        };
        let value = serde_json::to_value(&open).expect("JSON");
        self.store("stripe#*#breaker", &value).await;
    }

    async fn pause(&self) {
        let now = SystemClock.now();
        let paused = CredentialState {
            pause: Some(Pause {
                reason: Reason::Unauthorised,
                since: now,
                next_trial: now + Duration::from_secs(900),
            }),
            ..CredentialState::default()
        };
        let value = serde_json::to_value(&paused).expect("JSON");
        self.store("stripe#default#credentials", &value).await;
    }

    async fn store(&self, key: &str, value: &serde_json::Value) {
        let stack = self.deployed.stack();
        let dynamodb = aws_sdk_dynamodb::Client::new(&stack.sdk_config());
        let table = stack.output("LanesTable").expect("an output");
        let states = DynamoStates::new(dynamodb, table);
        let stored = states.load(key).await.expect("the table answers");
        let version = stored.map(|stored| stored.version);
        let swapped = states.swap(key, version, value, "runbook").await;
        swapped.expect("the table answers");
    }

    async fn forget(&self, key: &str) {
        let stack = self.deployed.stack();
        let table = stack.output("LanesTable").expect("an output");
        let key = AttributeValue::S(key.to_owned());
        let deleted = aws_sdk_dynamodb::Client::new(&stack.sdk_config()).delete_item();
        let deleted = deleted.table_name(table).key("pk", key).send().await;
        deleted.expect("the table answers");
    }

    async fn send_letters(&mut self) {
        // Stripe keeps such an answer under the key: nobody can tell what became of the request.
        let unknown = Fault {
            stored: true,
            ..Fault::new(Mode::Error500, 1.0)
        };
        let keys = ["order-1712", "order-1713"];
        self.send_into(unknown, &keys, 2).await;
        self.make_old(&keys).await;
        let refused = Fault::new(Mode::Error400, 1.0);
        let keys = ["refused-1", "refused-2", "refused-3"];
        self.send_into(refused, &keys, 5).await;
        self.has_letters = true;
    }

    /// Nobody has looked for two days: the vendor has forgotten the keys, and a redrive would settle nothing.
    async fn make_old(&self, keys: &[&str]) {
        const AGE: Duration = Duration::from_secs(2 * 24 * 60 * 60);
        let stack = self.deployed.stack();
        let table = stack.output("RequestsTable").expect("an output");
        let ledger = DynamoLedger::new(aws_sdk_dynamodb::Client::new(&stack.sdk_config()), table);
        let pks: Vec<String> = keys
            .iter()
            .map(|key| format!("stripe#default#{key}"))
            .collect();
        for record in ledger.read(&pks).await.expect("an answer") {
            let record = record.expect("it ended");
            let old = Record {
                first_sent_at: record.first_sent_at.map(|at| at - AGE),
                ..record.clone()
            };
            let expected = Expected::unchanged(&record);
            ledger.write(&old, &expected).await.expect("written");
        }
    }

    /// Sends requests with these keys into a vendor with that fault; there are so many letters after it.
    async fn send_into(&self, fault: Fault, keys: &[&str], letters: usize) {
        let outage = Outage {
            provider: "stripe".to_owned(),
            faults: vec![fault],
            for_ms: None,
            seed: 0,
        };
        self.deployed.fakes().put_outage(outage).expect("known");
        let stack = self.deployed.stack();
        let url = stack.output("StripeQueueUrl").expect("an output");
        let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
        for key in keys {
            let sent = sqs.send_message().queue_url(url).message_body(request(key));
            sent.send().await.expect("the queue answers");
        }
        let end = Instant::now() + LETTERS_MAX;
        while self.letters().await < letters {
            assert!(Instant::now() < end, "{} letters", self.letters().await);
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.deployed.fakes().clear_outages_of("stripe");
    }

    async fn letters(&self) -> usize {
        let stack = self.deployed.stack();
        let url = stack.output("StripeDlqUrl").expect("an output");
        let answer = aws_sdk_sqs::Client::new(&stack.sdk_config())
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .send()
            .await
            .expect("the queue answers");
        let count = answer
            .attributes()
            .and_then(|all| all.get(&QueueAttributeName::ApproximateNumberOfMessages));
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

fn request(key: &str) -> String {
    let payload = serde_json::json!({"email": format!("{key}@example.com")});
    serde_json::json!({
        "provider": "stripe",
        "operation": "customers.create",
        "idempotency_key": key,
        "created_at": "2026-11-22T10:00:00Z",
        "payload": payload,
    })
    .to_string()
}
