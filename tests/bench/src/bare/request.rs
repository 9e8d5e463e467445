//! A request, and the vendor's call that it becomes.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::aws::hex;
use super::variable;
use crate::Result;

/// What a producer asks for: the keyed operation alone, `customers.create`.
#[derive(Debug, Deserialize)]
pub struct Request {
    provider: String,
    operation: String,
    connection: String,
    idempotency_key: String,
    payload: Payload,
}

#[derive(Debug, Deserialize)]
struct Payload {
    email: String,
    name: String,
    metadata: BTreeMap<String, String>,
}

impl Request {
    /// Reads one.
    ///
    /// # Errors
    /// When a field is missing or of another type.
    pub fn parse(body: &str) -> Result<Self> {
        Ok(serde_json::from_str(body)?)
    }

    /// The account's secret.
    pub fn secret(&self) -> String {
        format!("causeway/{}/{}", self.provider, self.connection)
    }

    /// The record's key.
    pub fn key(&self) -> String {
        format!(
            "{}#{}#{}",
            self.provider, self.connection, self.idempotency_key
        )
    }

    /// The record as it stands in the table, about as large as a lane's.
    pub fn record(&self, status: &str, body: &str, object: Option<&str>) -> Value {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let mut record = json!({
            "pk": {"S": self.key()},
            "operation": {"S": self.operation},
            "status": {"S": status},
            "payload_hash": {"S": hex(&Sha256::digest(body))},
            "owner": {"S": format!("bench-{}", self.idempotency_key)},
            "generation": {"N": "1"},
            "attempts": {"N": "1"},
            "first_seen": {"N": now.to_string()},
            "lease_until": {"N": (now + 60).to_string()},
            "expires_at": {"N": (now + 30 * 86_400).to_string()},
        });
        if let Some(object) = object {
            record["response"] = json!({"M": {"status": {"N": "200"}, "object_id": {"S": object}}});
        }
        record
    }

    /// The form that Stripe takes.
    fn form(&self) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("email", &self.payload.email);
        form.append_pair("name", &self.payload.name);
        for (name, value) in &self.payload.metadata {
            form.append_pair(&format!("metadata[{name}]"), value);
        }
        form.finish()
    }
}

/// Where the vendor is called.
#[derive(Debug)]
pub struct Vendor {
    url: String,
}

#[derive(Deserialize)]
struct Customer {
    id: String,
}

impl Vendor {
    /// As the environment says.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn from_env() -> Result<Self> {
        let base = variable("PROVIDER_BASE_URL")?;
        Ok(Self {
            url: format!("{base}/stripe/v1/customers"),
        })
    }

    /// Makes the customer, and tells its id.
    ///
    /// # Errors
    /// When the vendor refuses, or does not answer.
    pub async fn call(&self, client: &Client, request: &Request, key: &str) -> Result<String> {
        let answer = client
            .post(&self.url)
            .bearer_auth(key)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("stripe-version", "2026-10-28.endive")
            .header("idempotency-key", hex(&Sha256::digest(request.key())))
            .body(request.form())
            .send()
            .await?
            .error_for_status()?;
        let customer: Customer = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(customer.id)
    }
}
