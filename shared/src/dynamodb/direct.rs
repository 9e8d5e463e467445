//! One try of one call, straight to the wire: the SDK's own connections and credentials, without its orchestration.
//!
//! What a `PutItem` costs in the SDK is ten times this (ARCHITECTURE.md, Costs). A try that brings no definite answer
//! says so and no more: the SDK takes over, which knows how to retry, and what to say in the end.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_types::body::SdkBody;
use aws_types::endpoint_config::AccountIdEndpointMode;
use aws_types::service_config::ServiceConfigKey;
use bytes::Bytes;
use futures_util::future::{Either, FutureExt, Shared, select};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use tokio::time::Sleep;

use super::connector::connector;
use super::signature::Signer;
use crate::Timestamp;
use crate::clock::{Clock, SystemClock};
use crate::retry;

/// Longest answer that is read: an item has at most 400 KB, of which JSON and its types make no more than five times as
/// much. <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;

/// How long credentials are used that do not say when they end: the SDK's own bound.
const CREDENTIALS_LAST: Duration = Duration::from_secs(15 * 60);

/// How long before their end credentials are asked for anew.
const CREDENTIALS_MARGIN: Duration = Duration::from_secs(60);

/// What a caller's clock or credentials are blamed for. They are asked for anew, and the SDK says the rest.
const CREDENTIALS_REFUSED: [&str; 5] = [
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "RequestExpired",
    "UnrecognizedClientException",
];

/// Tries that begin within this time end at the same time, by one timer.
const ONE_TIMER: Duration = Duration::from_millis(250);

/// Longest wait after a throttle, before the SDK's own: DynamoDB makes room within some tens of milliseconds.
const THROTTLE_WAIT: Duration = Duration::from_millis(50);

/// What one try came to.
pub(super) enum Tried {
    /// The call was carried out; this is the answer.
    Done(Bytes),
    /// It was refused for good, with this code and answer.
    Refused(String, Bytes),
    /// Nobody can tell, or it may go through next time.
    Unclear,
}

/// What a status from 400 on says.
enum Refused {
    ForGood(String, Bytes),
    Throttled,
    ForNow,
}

/// The way to one region's DynamoDB.
#[derive(Debug)]
pub(super) struct Direct {
    connector: SharedHttpConnector,
    credentials: SharedCredentialsProvider,
    endpoint: Uri,
    host: String,
    region: String,
    longest: Option<Duration>,
    signer: Mutex<Option<(Arc<Signer>, Timestamp)>>,
    timer: Mutex<Option<Timer>>,
    /// Counts throttles.
    throttled: AtomicU64,
}

/// When the tries that began since then end.
type Timer = (Timestamp, Shared<Pin<Box<Sleep>>>);

impl Direct {
    /// The way that `config` describes; none where only the SDK knows it.
    pub fn new(config: &SdkConfig) -> Option<Self> {
        let on = |flag: Option<bool>| flag.unwrap_or(false);
        let by_account = config.account_id_endpoint_mode();
        if on(config.use_fips())
            || on(config.use_dual_stack())
            || matches!(by_account, Some(AccountIdEndpointMode::Required))
        {
            return None;
        }
        let region = config.region()?.to_string();
        let endpoint: Uri = match named(config) {
            Some(url) => url.parse().ok()?,
            None => format!("https://dynamodb.{region}.{}", suffix(&region)?)
                .parse()
                .ok()?,
        };
        if !matches!(endpoint.path(), "" | "/") || endpoint.query().is_some() {
            return None;
        }
        Some(Self {
            connector: connector(config)?,
            credentials: config.credentials_provider()?,
            host: host(&endpoint)?,
            endpoint,
            region,
            longest: longest(config),
            signer: Mutex::default(),
            timer: Mutex::default(),
            throttled: AtomicU64::new(0),
        })
    }

    /// The longest that a try takes; no end where nobody named one.
    pub const fn longest(&self) -> Option<Duration> {
        self.longest
    }

    /// Tries `target` once with `body`.
    pub async fn attempt(&self, target: &'static str, body: Vec<u8>) -> Tried {
        let now = SystemClock.now();
        let tried = self.send(target, body, now);
        let answer = match self.longest {
            Some(longest) => match select(Box::pin(tried), self.timer(longest, now)).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => None,
            },
            None => tried.await,
        };
        let Some((status, answer)) = answer else {
            return Tried::Unclear;
        };
        match status {
            200 => Tried::Done(answer),
            400..500 => match self.refused(answer) {
                Refused::ForGood(code, answer) => Tried::Refused(code, answer),
                Refused::ForNow => Tried::Unclear,
                Refused::Throttled => {
                    // The batch's other writes were refused with it.
                    let nth = self.throttled.fetch_add(1, Ordering::Relaxed);
                    let part = retry::jitter(&now.to_string(), nth);
                    tokio::time::sleep(THROTTLE_WAIT.mul_f64(part)).await;
                    Tried::Unclear
                }
            },
            _ => Tried::Unclear,
        }
    }

    async fn send(
        &self,
        target: &'static str,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Option<(u16, Bytes)> {
        let headers = self.signer(now).await?.headers(target, &body, now)?;
        let mut request = Request::new(SdkBody::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        *request.headers_mut() = headers;
        let request = HttpRequest::try_from(request).ok()?;
        let response = self.connector.call(request).await.ok()?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
        Some((status, body.collect().await.ok()?.to_bytes()))
    }

    fn refused(&self, answer: Bytes) -> Refused {
        let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer) else {
            return Refused::ForNow;
        };
        // `com.amazonaws.dynamodb.v20120810#ThrottlingException:http://…`
        let code = refusal.code.rsplit('#').next().unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        if CREDENTIALS_REFUSED.contains(&code) {
            *self.lock() = None;
            return Refused::ForNow;
        }
        if THROTTLING_ERRORS.contains(&code) {
            return Refused::Throttled;
        }
        if code.is_empty() || TRANSIENT_ERRORS.contains(&code) {
            return Refused::ForNow;
        }
        Refused::ForGood(code.to_owned(), answer)
    }

    /// Who signs `now`; none where there are no credentials.
    async fn signer(&self, now: Timestamp) -> Option<Arc<Signer>> {
        let known = self.lock().clone();
        if let Some((signer, until)) = known
            && now < until
            && signer.is_of_day(now)
        {
            return Some(signer);
        }
        let credentials = self.credentials.provide_credentials().await.ok()?;
        let signer = Signer::new(&credentials, &self.region, &self.host, now)?;
        let signer = Arc::new(signer);
        *self.lock() = Some((signer.clone(), lasts_until(&credentials, now)));
        Some(signer)
    }

    /// What ends a try that begins `now`. Each timer of its own would be a write to tokio's eventfd.
    fn timer(&self, longest: Duration, now: Timestamp) -> Shared<Pin<Box<Sleep>>> {
        let mut last = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((since, timer)) if now.since(*since) < ONE_TIMER && now >= *since => timer.clone(),
            _ => {
                let timer = Box::pin(tokio::time::sleep(longest)).shared();
                *last = Some((now, timer.clone()));
                timer
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Arc<Signer>, Timestamp)>> {
        self.signer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
}

fn lasts_until(credentials: &Credentials, now: Timestamp) -> Timestamp {
    let longest = now + CREDENTIALS_LAST;
    let expiry = credentials.expiry().and_then(|at| {
        let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_millis(
            i64::try_from(since.as_millis()).ok()?,
        ))
    });
    expiry.map_or(longest, |expiry| longest.min(expiry - CREDENTIALS_MARGIN))
}

/// As long as one of the SDK's tries, and at most half of a call's time: the other half is the SDK's.
fn longest(config: &SdkConfig) -> Option<Duration> {
    let timeouts = config.timeout_config()?;
    let of_all = timeouts.operation_timeout().map(|all| all / 2);
    let of_one = timeouts.operation_attempt_timeout();
    of_one.into_iter().chain(of_all).min()
}

/// The endpoint that somebody named, for this service or for all.
fn named(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("DynamoDB")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = config.service_config().and_then(|all| all.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// The host as it stands in the header: without the scheme's own port.
fn host(endpoint: &Uri) -> Option<String> {
    let authority = endpoint.authority()?;
    let usual = match endpoint.scheme_str()? {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    Some(match authority.port_u16() {
        Some(port) if port != usual => authority.as_str().to_owned(),
        _ => authority.host().to_owned(),
    })
}

/// What AWS's names end in where `region` is; none in partitions that are left to the SDK.
/// <https://docs.aws.amazon.com/general/latest/gr/ddb.html>
fn suffix(region: &str) -> Option<&'static str> {
    const AREAS: [&str; 9] = ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"];
    let parts: Vec<&str> = region.split('-').collect();
    match parts.as_slice() {
        ["cn", _, _] => Some("amazonaws.com.cn"),
        ["us", "gov", _, _] => Some("amazonaws.com"),
        [area, _, _] if AREAS.contains(area) => Some("amazonaws.com"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

    use super::*;

    /// Where the SDK would send it.
    async fn theirs(region: &str) -> String {
        let params = Params::builder()
            .region(region)
            .build()
            .expect("parameters");
        let resolver = DefaultResolver::new();
        let endpoint = ResolveEndpoint::resolve_endpoint(&resolver, &params).await;
        endpoint.expect("an endpoint").url().to_owned()
    }

    #[tokio::test]
    async fn a_regions_endpoint_is_the_sdks_or_left_to_it() {
        for region in [
            "us-east-1",
            "eu-central-1",
            "ap-southeast-7",
            "sa-east-1",
            "ca-west-1",
            "me-central-1",
            "af-south-1",
            "il-central-1",
            "mx-central-1",
            "us-gov-west-1",
            "cn-north-1",
        ] {
            let suffix = suffix(region).expect("known");
            assert_eq!(
                format!("https://dynamodb.{region}.{suffix}"),
                theirs(region).await
            );
        }
        for region in [
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
            "mars-north-1",
            "local",
        ] {
            assert_eq!(suffix(region), None, "{region}");
        }
    }

    #[test]
    fn the_host_is_named_as_clients_name_it() {
        for (endpoint, named) in [
            (
                "https://dynamodb.eu-west-1.amazonaws.com",
                "dynamodb.eu-west-1.amazonaws.com",
            ),
            ("https://dynamodb.example:443/", "dynamodb.example"),
            ("http://127.0.0.1:4566", "127.0.0.1:4566"),
            ("http://localhost:80", "localhost"),
        ] {
            assert_eq!(
                host(&endpoint.parse().expect("an address")).as_deref(),
                Some(named)
            );
        }
        assert_eq!(
            host(&"ftp://dynamodb.example".parse().expect("an address")),
            None
        );
    }
}
