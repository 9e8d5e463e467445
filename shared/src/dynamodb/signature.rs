//! Signature Version 4 of a call to DynamoDB: what does not change from call to call is made once a day, the signing key
//! above all. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use time::OffsetDateTime;

use crate::Timestamp;
use crate::request::Hash;

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
    number: i64,
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
            number: day_number(now),
            region: region.to_owned(),
            host: host.to_owned(),
            head,
        })
    }

    /// Whether it signs at this time.
    pub fn is_of_day(&self, now: Timestamp) -> bool {
        day_number(now) == self.number
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
            Hash::of(body),
        );
        let scope = format!("{day}/{}/{SERVICE}/aws4_request", self.region);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
            Hash::of(canonical.as_bytes())
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

fn day_number(now: Timestamp) -> i64 {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    now.as_millis().div_euclid(DAY_MS)
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4::SigningParams;
    use proptest::prelude::*;

    use super::*;

    const TARGET_NAME: &str = "DynamoDB_20120810.PutItem";

    /// The same call, signed by the SDK's own signer.
    fn theirs(credentials: &Credentials, region: &str, body: &[u8], now: Timestamp) -> String {
        let at =
            UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).expect("after 1970"));
        let identity = credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(SERVICE)
            .time(at)
            .settings(SigningSettings::default())
            .build()
            .expect("parameters")
            .into();
        let headers = [
            ("content-type", CONTENT),
            ("host", "dynamodb.example:8000"),
            ("x-amz-target", TARGET_NAME),
        ];
        let body = SignableBody::Bytes(body);
        let request = SignableRequest::new(
            "POST",
            "http://dynamodb.example:8000/",
            headers.into_iter(),
            body,
        );
        let signed = sign(request.expect("a request"), &params).expect("signed");
        let (instructions, _) = signed.into_parts();
        let (headers, _) = instructions.into_parts();
        let authorization = headers
            .iter()
            .find(|header| header.name() == "authorization");
        authorization.expect("a signature").value().to_owned()
    }

    proptest! {
        #[test]
        fn a_call_is_signed_as_the_sdk_signs_it(
            body in prop::collection::vec(any::<u8>(), 0..300),
            token in prop::option::of("[A-Za-z0-9+/=]{1,200}"),
            ms in 0_i64..4_000_000_000_000,
            region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
        ) {
            let now = Timestamp::from_millis(ms);
            let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", token, None, "test");
            let signer = Signer::new(&credentials, &region, "dynamodb.example:8000", now).expect("a signer");
            let headers = signer.headers(TARGET_NAME, &body, now).expect("the same day");
            prop_assert_eq!(headers[AUTHORIZATION].to_str().expect("text"), theirs(&credentials, &region, &body, now));
        }
    }

    #[test]
    fn a_signer_is_of_one_day_and_shows_no_secret() {
        let noon = Timestamp::from_millis(1_795_341_600_000);
        let credentials =
            Credentials::new("AKIDEXAMPLE", "s3cret", Some("t0ken".into()), None, "test");
        let signer =
            Signer::new(&credentials, "eu-west-1", "dynamodb.example", noon).expect("a signer");
        assert!(signer.is_of_day(noon + Duration::from_secs(3600)));
        let next = noon + Duration::from_secs(24 * 3600);
        assert!(!signer.is_of_day(next) && signer.headers(TARGET_NAME, b"", next).is_none());
        let shown = format!("{signer:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("t0ken") && !shown.contains("AKID"),
            "{shown}"
        );
        let token = &signer.headers(TARGET_NAME, b"", noon).expect("headers")[TOKEN];
        assert!(token.is_sensitive());
    }
}
