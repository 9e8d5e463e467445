//! The HTTP edge: sockets, clock, and closing connections in the middle of things.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::control;
use crate::faults::{Fault, Mode, Outage};
use crate::form;
use crate::journal::{CallRecord, Report};
use crate::vendor::{Call, Reply};
use crate::world::{Held, Verdict, World, unknown};

/// No vendor here takes larger bodies, and a lane's requests are at most 256 KiB.
const BODY_MAX: usize = 4 << 20;
/// How long a stopping server waits for the answers under way.
const STOP_MAX: Duration = Duration::from_secs(2);

/// A running server. Dropping it closes its sockets at once; [`stop`](Server::stop) lets answers under way finish.
#[derive(Debug)]
pub struct Server {
    base_url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    started: Instant,
    /// Says that the outages have changed: held replies look again.
    released: watch::Sender<()>,
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
enum HangUp {
    #[error("closed by a fault on command")]
    Fault,
    #[error("the request's body could not be read")]
    Body,
}

impl Server {
    /// Starts a server on `addr` in the current tokio runtime; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let world = Mutex::new(World::default());
        let shared = Arc::new(Shared {
            world,
            started: Instant::now(),
            released: watch::Sender::new(()),
        });
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        Ok(Self {
            base_url,
            shared,
            stop: Some(stop),
            accepting,
        })
    }

    /// The address as a URL without a trailing slash: what `ProviderBaseUrl` wants.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// All counts so far.
    pub fn journal(&self) -> Report {
        self.shared.world().report()
    }

    /// The calls so far, one by one.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.shared.world().calls().to_vec()
    }

    /// Starts an outage, in place of the provider's one before.
    ///
    /// # Errors
    /// What is wrong with the outage.
    pub fn put_outage(&self, outage: Outage) -> Result<(), &'static str> {
        if let Some(problem) = outage.problem() {
            return Err(problem);
        }
        let mut world = self.shared.world();
        let provider = world
            .provider(&outage.provider)
            .ok_or("provider: there is no such fake")?;
        world.put_outage(provider, outage, self.shared.now());
        drop(world);
        self.shared.released.send_replace(());
        Ok(())
    }

    /// Ends all outages and answers the calls they held.
    pub fn clear_outages(&self) {
        self.shared.world().clear_outages(None);
        self.shared.released.send_replace(());
    }

    /// Ends the outage of one provider.
    pub fn clear_outages_of(&self, provider: &str) {
        self.shared.world().clear_outages(Some(provider));
        self.shared.released.send_replace(());
    }

    /// Counts the effect that carries `marker` once more; `false` when there is none.
    pub fn duplicate(&self, marker: &str) -> bool {
        self.shared.world().duplicate(marker)
    }

    /// Stops accepting, lets answers under way finish for up to two seconds, and closes.
    pub async fn stop(mut self) {
        self.clear_outages();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    // Dropped with this task, and then every connection ends.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Answers are small: without this each would wait for an acknowledgement of its head.
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(graceful.watch(connection));
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    let _ = timeout(STOP_MAX, graceful.shutdown()).await;
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, HangUp> {
    let path = request.uri().path().to_owned();
    if let Some(path) = path.strip_prefix("/_control/") {
        let method = request.method().clone();
        let body = read(request).await?;
        let reply = control::answer(&mut shared.world(), &method, path, &body, shared.now());
        shared.released.send_replace(());
        return Ok(respond(&reply));
    }
    let (name, rest) = path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or((&path, ""));
    let Some(provider) = shared.world().provider(name) else {
        return Ok(respond(&unknown()));
    };
    let fault = shared.world().fate(provider, shared.now());
    let mut call = Call {
        method: request.method().clone(),
        path: format!("/{rest}"),
        query: form::pairs(request.uri().query().unwrap_or_default().as_bytes()),
        headers: request.headers().clone(),
        body: Bytes::new(),
        now: shared.now(),
    };
    if fault
        .as_ref()
        .is_none_or(|fault| fault.mode != Mode::Refuse)
    {
        call.body = read(request).await?;
        call.now = shared.now();
    }
    let verdict = shared.world().take(provider, &call, fault.as_ref());
    match (verdict, fault) {
        (Verdict::Reply(reply), _) => Ok(respond(&reply)),
        (Verdict::Hold(held), Some(fault)) => {
            Ok(respond(&hold(&shared, provider, call, held, fault).await))
        }
        (Verdict::HangUp | Verdict::Hold(_), _) => Err(HangUp::Fault),
    }
}

async fn read(request: Request<Incoming>) -> Result<Bytes, HangUp> {
    let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
    Ok(body.map_err(|_| HangUp::Body)?.to_bytes())
}

/// Waits until the hold or its outage ends; a caller that goes away ends it too, by dropping this future.
async fn hold(
    shared: &Shared,
    provider: &'static str,
    mut call: Call,
    held: Held,
    fault: Fault,
) -> Reply {
    struct Caller<'a> {
        shared: &'a Shared,
        provider: &'static str,
        call: &'a Call,
        key: Option<String>,
        fault: &'a Fault,
        waiting: bool,
    }
    impl Drop for Caller<'_> {
        fn drop(&mut self) {
            if self.waiting {
                self.shared.world().abandon(
                    self.provider,
                    self.call,
                    self.key.as_deref(),
                    self.fault,
                );
            }
        }
    }
    let mut caller = Caller {
        shared,
        provider,
        call: &call,
        key: held.key.clone(),
        fault: &fault,
        waiting: true,
    };
    let mut released = shared.released.subscribe();
    let lifted = async {
        while !shared.world().outages(shared.now()).is_empty() {
            if released.changed().await.is_err() {
                break;
            }
        }
    };
    let _ = timeout(held.wait, lifted).await;
    caller.waiting = false;
    drop(caller);
    call.now = shared.now();
    shared.world().resume(provider, &call, held, &fault)
}

fn respond(reply: &Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body.clone()));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    for (name, value) in &reply.headers {
        // Header values come from callers' keys at times; what is no header value is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap_or(header::WARNING),
                value,
            );
        }
    }
    response
}
