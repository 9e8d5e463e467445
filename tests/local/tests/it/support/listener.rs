//! A small HTTP server on a loopback port: it remembers what it is sent, and answers as it is told.

use std::convert::Infallible;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How often what came is looked through for what is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A request that came: its head, and its body.
#[derive(Clone, Debug)]
pub struct Came {
    pub path: String,
    pub content_type: String,
    pub body: Bytes,
}

/// The server. Dropping it ends it.
pub struct Listener {
    address: String,
    came: Arc<Mutex<Vec<Came>>>,
    _server: JoinSet<()>,
}

impl Listener {
    /// Listens; `answer` makes each answer.
    pub async fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Came) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let log = came.clone();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (log.clone(), answer.clone());
                let service = service_fn(move |request| {
                    let (log, answer) = (log.clone(), answer.clone());
                    async move {
                        let came = read(request).await;
                        log.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(came.clone());
                        Ok::<_, Infallible>(answer(came).await)
                    }
                });
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(async move {
                    // Whoever breaks off has heard enough.
                    let _ = served.await;
                });
            }
        });
        Self {
            address,
            came,
            _server: server,
        }
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What came so far.
    pub fn came(&self) -> Vec<Came> {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.clone()
    }

    /// What `find` makes of what came, as soon as it makes something of it.
    ///
    /// # Panics
    /// When it does not within `most`.
    pub async fn until<T>(&self, most: Duration, find: impl Fn(&[Came]) -> Option<T>) -> T {
        let end = Instant::now() + most;
        loop {
            let came = self.came();
            if let Some(found) = find(&came) {
                return found;
            }
            assert!(Instant::now() < end, "it did not come; this did: {came:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn read(request: Request<hyper::body::Incoming>) -> Came {
    let content_type = request.headers().get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok());
    Came {
        path: request.uri().path().to_owned(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        },
    }
}
