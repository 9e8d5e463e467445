//! Calls of the HTTP API, signed with the operator's own credentials.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use causeway::clock::{Clock, SystemClock};
use causeway::provider::Wire;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use tokio::sync::Mutex;

use super::call::Authorise;
use crate::error::Error;
use crate::stack::Stack;

/// The name by which API Gateway's signatures go.
const SERVICE: &str = "execute-api";

/// Credentials that end so soon are asked for anew: a call may wait for its turn.
const MARGIN: Duration = Duration::from_secs(60);

/// Signature Version 4, by the credentials' chain.
pub struct Signer {
    provider: SharedCredentialsProvider,
    region: String,
    /// Some chains ask a service each time.
    held: Mutex<Option<Credentials>>,
}

/// A token from the environment, for an API that asks for one instead of a signature.
pub struct Bearer {
    value: HeaderValue,
}

impl Bearer {
    /// With `token`.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub fn new(token: &str) -> Result<Self, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Error::usage("CAUSEWAY_TOKEN: must be printable ASCII on one line"))?;
        value.set_sensitive(true);
        Ok(Self { value })
    }
}

#[async_trait]
impl Authorise for Bearer {
    async fn authorise(&self, _: &str, wire: Wire) -> Result<Wire, Error> {
        Ok(wire.header(AUTHORIZATION, self.value.clone()))
    }
}

impl Signer {
    /// By the credentials and region that the other calls of `stack` go by.
    ///
    /// # Errors
    /// When there are none.
    pub fn of(stack: &Stack) -> Result<Self, Error> {
        let none = |what| Error::new(format!("there is no {what} to sign with"));
        let provider = stack.config.credentials_provider();
        let region = stack.config.region();
        Ok(Self {
            provider: provider.ok_or_else(|| none("credentials"))?,
            region: region.ok_or_else(|| none("region"))?.to_string(),
            held: Mutex::default(),
        })
    }

    async fn credentials(&self) -> Result<Credentials, Error> {
        let mut held = self.held.lock().await;
        let soon = system_time() + MARGIN;
        let good = held
            .as_ref()
            .filter(|held| held.expiry().is_none_or(|end| end > soon));
        if let Some(good) = good {
            return Ok(good.clone());
        }
        let fresh = self.provider.provide_credentials().await;
        let fresh = fresh.map_err(Error::aws("get credentials to sign with"))?;
        *held = Some(fresh.clone());
        Ok(fresh)
    }
}

#[async_trait]
impl Authorise for Signer {
    async fn authorise(&self, url: &str, mut wire: Wire) -> Result<Wire, Error> {
        let identity = self.credentials().await?.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(system_time())
            .settings(SigningSettings::default())
            .build()
            .map_err(Error::aws("sign the call"))?;
        let uri = format!("{url}{}", wire.path);
        let headers: Vec<(String, String)> = wire
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let request = SignableRequest::new(
            wire.method.as_str(),
            uri,
            headers,
            SignableBody::Bytes(&wire.body),
        );
        let request = request.map_err(Error::aws("sign the call"))?;
        let signed = sign(request, &params.into()).map_err(Error::aws("sign the call"))?;
        let (instructions, _) = signed.into_parts();
        let unfit = |_| Error::new("cannot sign the call: the credentials do not fit a header");
        for (name, value) in instructions.headers() {
            let name =
                HeaderName::try_from(name).map_err(|_| Error::new("cannot sign the call"))?;
            let mut value = HeaderValue::try_from(value).map_err(unfit)?;
            value.set_sensitive(true);
            wire = wire.header(name, value);
        }
        Ok(wire)
    }
}

fn system_time() -> std::time::SystemTime {
    let millis = u64::try_from(SystemClock.now().as_millis()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_carries_a_signature_for_the_api_and_not_the_secret() {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "made-up-secret",
            Some("session".to_owned()),
            None,
            "test",
        );
        let signer = Signer {
            provider: SharedCredentialsProvider::new(credentials),
            region: "eu-central-1".to_owned(),
            held: Mutex::default(),
        };
        let mut wire = Wire::post("/v1/requests");
        wire.body = "{}".into();
        let signed = signer.authorise("https://api.example.com", wire).await;
        let signed = signed.expect("it can be signed");
        let header = |name: &str| signed.headers[name].to_str().expect("text").to_owned();
        let authorization = header("authorization");
        assert!(
            authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
            "{authorization}"
        );
        assert!(
            authorization.contains("/eu-central-1/execute-api/aws4_request"),
            "{authorization}"
        );
        assert!(
            authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token"),
            "{authorization}"
        );
        assert_eq!(header("x-amz-security-token"), "session");
        assert!(signed.headers.values().all(HeaderValue::is_sensitive));
        assert!(!format!("{:?}", signed.headers).contains("made-up-secret"));
    }

    #[tokio::test]
    async fn a_token_goes_as_it_is_and_must_fit_a_header() {
        let bearer = Bearer::new("abc").expect("a token");
        let wire = bearer
            .authorise("", Wire::post("/"))
            .await
            .expect("it needs nothing");
        assert_eq!(wire.headers[AUTHORIZATION], "Bearer abc");
        assert!(
            Bearer::new("a\nb")
                .err()
                .is_some_and(|error| error.is_usage())
        );
    }
}
