//! The bare loop: parse, hash, sign, send. It makes the same calls as a keyed lane with one limit, and nothing else: a
//! write for the batch and one a record before the vendor's calls, one a record after them. No conditions, no breaker, no
//! limits, no retries, no log.

use causeway_bench::Result;
use causeway_bench::bare::{self, Answer, Aws, Event, Failure, Record, Request, Vendor};
use futures_util::future::{join, join_all};
use reqwest::Client;
use serde_json::{Value, json};

fn main() -> Result<()> {
    let (aws, vendor, client) = (Aws::from_env()?, Vendor::from_env()?, bare::client()?);
    bare::run(|event| handle(&aws, &vendor, &client, event))
}

async fn handle(aws: &Aws, vendor: &Vendor, client: &Client, event: Event) -> Answer {
    let records = event
        .records
        .iter()
        .map(|record| carry(aws, vendor, client, record));
    let limit = json!({"TableName": "Lanes", "Item": {
        "pk": {"S": "stripe#limits"}, "version": {"N": "1"}, "mark": {"S": "bench"}, "tokens": {"N": "10"},
    }});
    let (_, done) = join(aws.dynamodb(client, "PutItem", &limit), join_all(records)).await;
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

async fn carry(aws: &Aws, vendor: &Vendor, client: &Client, record: &Record) -> Result<()> {
    let request = Request::parse(&record.body)?;
    let claim = request.record("IN_PROGRESS", &record.body, None);
    aws.dynamodb(client, "PutItem", &put(claim)).await?;
    let object = vendor.call(client, &request, "sk_test_bench").await?;
    let settled = request.record("COMPLETED", &record.body, Some(&object));
    aws.dynamodb(client, "PutItem", &put(settled)).await?;
    Ok(())
}

fn put(item: Value) -> Value {
    json!({"TableName": "Requests", "Item": item})
}
