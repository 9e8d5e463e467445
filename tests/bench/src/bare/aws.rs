//! Calls of AWS, signed: Signature Version 4 with a key that is derived once a day and service.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::variable;
use crate::Result;

/// Who signs.
#[derive(Debug)]
pub struct Aws {
    endpoint: String,
    host: String,
    region: String,
    access_key: String,
    secret_key: String,
    token: String,
    /// By day and service.
    keys: Mutex<HashMap<(String, &'static str), [u8; 32]>>,
}

impl Aws {
    /// As the environment says.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn from_env() -> Result<Self> {
        let endpoint = variable("AWS_ENDPOINT_URL")?;
        let host = endpoint.trim_start_matches("http://").to_owned();
        Ok(Self {
            endpoint,
            host,
            region: variable("AWS_REGION")?,
            access_key: variable("AWS_ACCESS_KEY_ID")?,
            secret_key: variable("AWS_SECRET_ACCESS_KEY")?,
            token: variable("AWS_SESSION_TOKEN")?,
            keys: Mutex::default(),
        })
    }

    /// DynamoDB's `operation`. A condition that does not hold is an error like any other.
    ///
    /// # Errors
    /// When it is refused, or there is no answer.
    pub async fn dynamodb(&self, client: &Client, operation: &str, input: &Value) -> Result<Value> {
        let target = format!("DynamoDB_20120810.{operation}");
        self.call(client, "dynamodb", &target, input).await
    }

    /// A secret's text.
    ///
    /// # Errors
    /// When it is refused, or there is no answer.
    pub async fn secret(&self, client: &Client, name: &str) -> Result<Value> {
        let input = serde_json::json!({"SecretId": name});
        let target = "secretsmanager.GetSecretValue";
        let mut output = self.call(client, "secretsmanager", target, &input).await?;
        let text = output["SecretString"].take();
        Ok(serde_json::from_str(text.as_str().ok_or("no text")?)?)
    }

    async fn call(
        &self,
        client: &Client,
        service: &'static str,
        target: &str,
        input: &Value,
    ) -> Result<Value> {
        let body = serde_json::to_vec(input)?;
        let now = OffsetDateTime::now_utc();
        let (day, time) = (now.date(), now.time());
        let day = format!(
            "{:04}{:02}{:02}",
            day.year(),
            u8::from(day.month()),
            day.day()
        );
        let stamp = format!(
            "{day}T{:02}{:02}{:02}Z",
            time.hour(),
            time.minute(),
            time.second()
        );
        let authorization = self.authorization(service, target, &body, &day, &stamp);
        let answer = client
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", stamp)
            .header("x-amz-security-token", &self.token)
            .header("x-amz-target", target)
            .header("authorization", authorization)
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(format!("{target}: {}", answer["__type"]).into())
    }

    fn authorization(
        &self,
        service: &'static str,
        target: &str,
        body: &[u8],
        day: &str,
        stamp: &str,
    ) -> String {
        const SIGNED: &str = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
        let canonical = format!(
            "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:{}\nx-amz-date:{stamp}\n\
             x-amz-security-token:{}\nx-amz-target:{target}\n\n{SIGNED}\n{}",
            self.host,
            self.token,
            hex(&Sha256::digest(body)),
        );
        let scope = format!("{day}/{}/{service}/aws4_request", self.region);
        let text = format!(
            "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
            hex(&Sha256::digest(canonical))
        );
        let signature = hex(&keyed(&self.key(day, service), text.as_bytes()));
        let key = &self.access_key;
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={SIGNED}, Signature={signature}"
        )
    }

    fn key(&self, day: &str, service: &'static str) -> [u8; 32] {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&(day.to_owned(), service)) {
            return *key;
        }
        let mut key = keyed(
            format!("AWS4{}", self.secret_key).as_bytes(),
            day.as_bytes(),
        );
        for part in [&self.region, service, "aws4_request"] {
            key = keyed(&key, part.as_bytes());
        }
        // Yesterday's go: at most one key a service.
        keys.retain(|(kept, _), _| kept == day);
        keys.insert((day.to_owned(), service), key);
        key
    }
}

fn keyed(key: &[u8], text: &[u8]) -> [u8; 32] {
    // A key of any length is one: <https://www.rfc-editor.org/rfc/rfc2104#section-2>
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any length"));
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// In lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of AWS's own example:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-examples.html>
    #[test]
    fn the_signing_key_is_that_of_the_published_example() {
        let aws = Aws {
            endpoint: String::new(),
            host: String::new(),
            region: "us-east-1".to_owned(),
            access_key: String::new(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            token: String::new(),
            keys: Mutex::default(),
        };
        let expected = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        assert_eq!(hex(&aws.key("20150830", "iam")), expected);
    }
}
