//! The handler that everybody writes first: one record after the other, a new client for each call, the secret and the
//! breaker's state read each time, then get, call, put. Flags add what makes it faster, one step each: `--reuse` one
//! client, `--parallel` the batch at once, `--cached` what was read stays for a minute, `--claims` one conditional write in
//! place of the read.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use causeway_bench::Result;
use causeway_bench::bare::{self, Answer, Aws, Event, Failure, Record, Request, Vendor};
use clap::Parser;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

/// How long what was read is believed.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// Which steps are taken.
#[derive(Debug, Parser)]
struct Steps {
    /// One client, its connections kept.
    #[arg(long)]
    reuse: bool,
    /// All records of a batch at once.
    #[arg(long)]
    parallel: bool,
    /// Secret and breaker remembered.
    #[arg(long)]
    cached: bool,
    /// A conditional write in place of the read.
    #[arg(long)]
    claims: bool,
}

struct Handler {
    steps: Steps,
    aws: Aws,
    vendor: Vendor,
    client: Client,
    /// By name of what was read.
    kept: Mutex<HashMap<String, (Instant, Value)>>,
}

fn main() -> Result<()> {
    let handler = Handler {
        steps: Steps::parse(),
        aws: Aws::from_env()?,
        vendor: Vendor::from_env()?,
        client: bare::client()?,
        kept: Mutex::default(),
    };
    bare::run(|event| handler.handle(event))
}

impl Handler {
    async fn handle(&self, event: Event) -> Answer {
        let mut done = Vec::with_capacity(event.records.len());
        if self.steps.parallel {
            done = join_all(event.records.iter().map(|record| self.carry(record))).await;
        } else {
            for record in &event.records {
                done.push(self.carry(record).await);
            }
        }
        let failed = event
            .records
            .iter()
            .zip(done)
            .filter(|(_, done)| done.is_err());
        Answer {
            batch_item_failures: failed
                .map(|(record, _)| Failure {
                    item_identifier: record.message_id.clone(),
                })
                .collect(),
        }
    }

    async fn carry(&self, record: &Record) -> Result<()> {
        let request = Request::parse(&record.body)?;
        let secret = self.secret(&request.secret()).await?;
        let key = secret["api_key"].as_str().ok_or("no key")?;
        if self.breaker().await?["Item"]["state"]["S"] == "Open" {
            return Err("the breaker is open".into());
        }
        if self.steps.claims {
            let mut claim = put(request.record("IN_PROGRESS", &record.body, None));
            claim["ConditionExpression"] = "attribute_not_exists(pk)".into();
            self.aws
                .dynamodb(&self.client()?, "PutItem", &claim)
                .await?;
        } else {
            let get = json!({"TableName": "Requests", "Key": {"pk": {"S": request.key()}}, "ConsistentRead": true});
            let known = self.aws.dynamodb(&self.client()?, "GetItem", &get).await?;
            if known["Item"]["status"]["S"] == "COMPLETED" {
                return Ok(());
            }
        }
        let object = self.vendor.call(&self.client()?, &request, key).await?;
        let settled = put(request.record("COMPLETED", &record.body, Some(&object)));
        self.aws
            .dynamodb(&self.client()?, "PutItem", &settled)
            .await?;
        Ok(())
    }

    /// A client: the one, or a new one.
    fn client(&self) -> Result<Client> {
        if self.steps.reuse {
            return Ok(self.client.clone());
        }
        bare::client()
    }

    async fn secret(&self, name: &str) -> Result<Value> {
        if let Some(kept) = self.kept(name) {
            return Ok(kept);
        }
        let secret = self.aws.secret(&self.client()?, name).await?;
        self.keep(name, &secret);
        Ok(secret)
    }

    async fn breaker(&self) -> Result<Value> {
        const KEY: &str = "stripe#breaker";
        if let Some(kept) = self.kept(KEY) {
            return Ok(kept);
        }
        let get = json!({"TableName": "Lanes", "Key": {"pk": {"S": KEY}}});
        let state = self.aws.dynamodb(&self.client()?, "GetItem", &get).await?;
        self.keep(KEY, &state);
        Ok(state)
    }

    fn kept(&self, name: &str) -> Option<Value> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, value) = kept.get(name)?;
        (self.steps.cached && since.elapsed() < KEPT_FOR).then(|| value.clone())
    }

    /// The benchmark's connections are the bound: twenty names and the breaker.
    fn keep(&self, name: &str, value: &Value) {
        if self.steps.cached {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(name.to_owned(), (Instant::now(), value.clone()));
        }
    }
}

fn put(item: Value) -> Value {
    json!({"TableName": "Requests", "Item": item})
}
