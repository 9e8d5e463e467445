//! Everything that a function talks to, on one loopback port: Lambda's Runtime API, AWS, the vendor.

pub mod dynamodb;
pub mod expression;
mod runtime;
mod timer;
pub mod vendor;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub use self::runtime::{Driver, Invoked};

use self::dynamodb::{Counts, Tables};
use self::runtime::{Runtime, runtime};
use self::timer::Timer;
use self::vendor::Effects;
use crate::Result;

/// No answer or call here is larger: a batch is ten messages of a few hundred bytes.
const BODY_MAX: usize = 4 << 20;

/// How long the vendor and AWS take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// A call to the vendor.
    pub vendor_ms: u64,
    /// A call to DynamoDB, SQS or Secrets Manager.
    pub aws_ms: u64,
}

impl Latency {
    /// No latency but the machine's.
    pub const NONE: Self = Self {
        vendor_ms: 0,
        aws_ms: 0,
    };

    /// What it is called in the summary: `20/5`.
    pub fn name(self) -> String {
        format!("{}/{}", self.vendor_ms, self.aws_ms)
    }

    /// The least that a batch takes: a round at DynamoDB before the calls and one after them.
    pub fn limit(self) -> Duration {
        Duration::from_millis(self.vendor_ms + 2 * self.aws_ms)
    }
}

/// What a function has done since it was looked at last.
#[derive(Debug)]
pub struct Done {
    /// At DynamoDB.
    pub counts: Counts,
    /// Calls of Secrets Manager.
    pub secrets: u64,
    /// Calls of SQS.
    pub queue: u64,
}

/// The running stub of one function. Dropping it closes its port.
#[derive(Debug)]
pub struct Stub {
    address: SocketAddr,
    world: Arc<World>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct World {
    runtime: Runtime,
    timer: Timer,
    vendor_ms: AtomicU64,
    aws_ms: AtomicU64,
    tables: Mutex<Tables>,
    effects: Mutex<Effects>,
    secrets: AtomicU64,
    queue: AtomicU64,
}

impl Stub {
    /// Starts one, with the harness's side of its Runtime API.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<(Self, Driver)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (runtime, driver) = runtime();
        let world = Arc::new(World {
            runtime,
            timer: Timer::start(),
            vendor_ms: AtomicU64::new(0),
            aws_ms: AtomicU64::new(0),
            tables: Mutex::default(),
            effects: Mutex::default(),
            secrets: AtomicU64::new(0),
            queue: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&world)));
        let stub = Self {
            address,
            world,
            accepting,
        };
        Ok((stub, driver))
    }

    /// `127.0.0.1:…`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub fn set(&self, latency: Latency) {
        self.world
            .vendor_ms
            .store(latency.vendor_ms, Ordering::Relaxed);
        self.world.aws_ms.store(latency.aws_ms, Ordering::Relaxed);
    }

    /// What was done since the last look.
    pub fn take(&self) -> Done {
        Done {
            counts: locked(&self.world.tables).take(),
            secrets: self.world.secrets.swap(0, Ordering::Relaxed),
            queue: self.world.queue.swap(0, Ordering::Relaxed),
        }
    }

    /// How many requests took effect at the vendor so far, and effects beyond the first of each.
    pub fn effects(&self) -> (usize, u32) {
        let effects = locked(&self.world.effects);
        (effects.distinct(), effects.repeated())
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, world: Arc<World>) {
    // Ends with the stub.
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(stream, Arc::clone(&world)));
    }
}

async fn serve(stream: TcpStream, world: Arc<World>) {
    let service = service_fn(|request| {
        let world = Arc::clone(&world);
        async move { Ok::<_, Infallible>(world.call(request).await) }
    });
    // A function that is killed breaks its connections: nothing to report.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl World {
    async fn call(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return answer(StatusCode::PAYLOAD_TOO_LARGE, ""),
        };
        let arrived = Instant::now();
        let path = head.uri.path();
        if let Some(path) = path.strip_prefix("/2018-06-01/runtime/") {
            return self.runtime.call(path, body).await;
        }
        if let Some(path) = path.strip_prefix("/vendor/") {
            let (provider, path) = path.split_once('/').unwrap_or((path, ""));
            let (status, said) = locked(&self.effects).call(provider, path, &body);
            self.wait(arrived, &self.vendor_ms).await;
            return answer(status, said);
        }
        let answer = self.aws(&head.headers, &body);
        self.wait(arrived, &self.aws_ms).await;
        answer
    }

    async fn wait(&self, arrived: Instant, ms: &AtomicU64) {
        let latency = Duration::from_millis(ms.load(Ordering::Relaxed));
        self.timer.at(arrived + latency).await;
    }

    /// AWS's JSON protocol: the operation stands in a header.
    fn aws(&self, headers: &HeaderMap, body: &Bytes) -> Response<Full<Bytes>> {
        let target = headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok());
        let Some((service, operation)) = target.and_then(|target| target.split_once('.')) else {
            return answer(StatusCode::NOT_FOUND, "no operation");
        };
        let Ok(input) = serde_json::from_slice::<Value>(body) else {
            return answer(
                StatusCode::BAD_REQUEST,
                r#"{"__type":"SerializationException"}"#,
            );
        };
        match service {
            "DynamoDB_20120810" => match locked(&self.tables).call(operation, &input) {
                Ok(output) => answer(StatusCode::OK, output.to_string()),
                Err(refusal) => {
                    let mut said = json!({
                        "__type": format!("com.amazonaws.dynamodb.v20120810#{}", refusal.kind),
                        "message": refusal.message,
                    });
                    if let Some(item) = refusal.item {
                        said["Item"] = Value::Object(item);
                    }
                    answer(StatusCode::BAD_REQUEST, said.to_string())
                }
            },
            "secretsmanager" => {
                self.secrets.fetch_add(1, Ordering::Relaxed);
                answer(StatusCode::OK, secret(&input).to_string())
            }
            "AmazonSQS" => {
                self.queue.fetch_add(1, Ordering::Relaxed);
                queue(operation, &input)
            }
            _ => answer(StatusCode::NOT_FOUND, "no service"),
        }
    }
}

/// Every connection has a secret; each vendor reads its own field.
fn secret(input: &Value) -> Value {
    let name = input["SecretId"].as_str().unwrap_or_default();
    let text = match name.split('/').nth(1) {
        Some("slack") => json!({"bot_token": "xoxb-bench"}),
        Some("hubspot") => json!({"access_token": "pat-bench"}),
        _ => json!({"api_key": "sk_test_bench"}),
    };
    json!({
        "ARN": format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf"),
        "Name": name, "VersionId": "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1", "SecretString": text.to_string(),
        "VersionStages": ["AWSCURRENT"], "CreatedDate": 1_795_341_600.0,
    })
}

/// What is put back is hidden; a letter would be a mistake of the benchmark's.
fn queue(operation: &str, input: &Value) -> Response<Full<Bytes>> {
    match operation {
        "ChangeMessageVisibilityBatch" => {
            let entries = input["Entries"].as_array().into_iter().flatten();
            let done: Vec<Value> = entries.map(|entry| json!({"Id": entry["Id"]})).collect();
            answer(
                StatusCode::OK,
                json!({"Successful": done, "Failed": []}).to_string(),
            )
        }
        "GetQueueAttributes" => {
            let none = json!({"Attributes": {"ApproximateNumberOfMessagesNotVisible": "10"}});
            answer(StatusCode::OK, none.to_string())
        }
        _ => answer(
            StatusCode::BAD_REQUEST,
            r#"{"__type":"com.amazonaws.sqs#UnsupportedOperation"}"#,
        ),
    }
}

/// An answer of JSON.
fn answer(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
