//! Signature Version 4 of a call to DynamoDB: what does not change from call to call is made once a day, the signing key
//! above all. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::Timestamp;

const CONTENT: &str = "application/x-amz-json-1.0";
const SERVICE: &str = "dynamodb";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs for one day with one set of credentials.
pub(super) struct Signer {
    access_key: String,
    token: Option<String>,
    key: Vec<u8>,
    day: String,
    region: String,
    host: String,
    /// The headers that every call has.
    head: HeaderMap,
}

/// Its key and token are never shown.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer for {} on {}", self.region, self.day)
    }
}

impl Signer {
    /// A signer for the day of `now`; none where a credential cannot stand in a header.
    pub fn new(
        credentials: &Credentials,
        region: &str,
        host: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let (day, _) = day_and_time(now)?;
        let time = std::time::UNIX_EPOCH
            + std::time::Duration::from_millis(now.as_millis().try_into().ok()?);
        let key = generate_signing_key(credentials.secret_access_key(), time, region, SERVICE);
        let mut head = HeaderMap::with_capacity(8);
        head.insert(HOST, HeaderValue::from_str(host).ok()?);
        head.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        let agent = concat!("causeway/", env!("CARGO_PKG_VERSION"));
        head.insert(USER_AGENT, HeaderValue::from_static(agent));
        let token = credentials.session_token().map(str::to_owned);
        if let Some(token) = &token {
            let mut value = HeaderValue::from_str(token).ok()?;
            value.set_sensitive(true);
            head.insert(TOKEN, value);
        }
        Some(Self {
            access_key: credentials.access_key_id().to_owned(),
            token,
            key: key.as_ref().to_vec(),
            day,
            region: region.to_owned(),
            host: host.to_owned(),
            head,
        })
    }

    /// Whether it signs at this time.
    pub fn is_of_day(&self, now: Timestamp) -> bool {
        day_and_time(now).is_some_and(|(day, _)| day == self.day)
    }

    /// The signed headers of a call to `target` with `body`; none where `now` is another day.
    pub fn headers(&self, target: &'static str, body: &[u8], now: Timestamp) -> Option<HeaderMap> {
        let (day, time) = day_and_time(now)?;
        if day != self.day {
            return None;
        }
        let (token_line, token_name) = match &self.token {
            Some(token) => (
                format!("x-amz-security-token:{token}\n"),
                "x-amz-security-token;",
            ),
            None => (String::new(), ""),
        };
        let signed = format!("content-type;host;x-amz-date;{token_name}x-amz-target");
        let canonical = format!(
            "POST\n/\n\ncontent-type:{CONTENT}\nhost:{}\nx-amz-date:{time}\n{token_line}x-amz-target:{target}\n\n{signed}\n{}",
            self.host,
            Hex(&Sha256::digest(body)),
        );
        let scope = format!("{day}/{}/{SERVICE}/aws4_request", self.region);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
            Hex(&Sha256::digest(canonical))
        );
        let signature = calculate_signature(&self.key, to_sign.as_bytes());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            self.access_key,
        );
        let mut headers = self.head.clone();
        headers.insert(DATE, HeaderValue::try_from(time).ok()?);
        headers.insert(TARGET, HeaderValue::from_static(target));
        headers.insert(AUTHORIZATION, HeaderValue::try_from(authorization).ok()?);
        Some(headers)
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in self.0 {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        f.write_str(&text)
    }
}

/// `20261122` and `20261122T100000Z`.
fn day_and_time(now: Timestamp) -> Option<(String, String)> {
    let at = OffsetDateTime::from_unix_timestamp(now.as_millis().div_euclid(1000)).ok()?;
    let day = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
    let time = format!(
        "{day}T{:02}{:02}{:02}Z",
        at.hour(),
        at.minute(),
        at.second()
    );
    Some((day, time))
}
