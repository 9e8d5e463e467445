//! Environments, a store and a vendor under a test's hand.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::task::noop_waker;
use serde_json::{Value, json};

use crate::clock::{Clock, ManualClock};
use crate::credentials::{Access, CredentialState, Credentials, Reason, Refusal, Refused};
use crate::http_client::{CallError, HttpClient};
use crate::lanes::{MemoryStates, StateStore, Swap, Versioned};
use crate::ledger::MemoryLedger;
use crate::provider::{
    Answer, Auth, Grant, Provider, Secret, Spec, TokenBudget, TokenScheme, Wire,
};
use crate::queue::MemoryQueue;
use crate::seams::Seams;
use crate::secrets::{Secrets, SecretsError};
use crate::{StoreError, Timestamp};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const HOUR: Duration = Duration::from_secs(60 * 60);
const KEY: &str = "acme#default#credentials";

/// A token lives for ten minutes here, so that runs see many.
const LIFE_S: u64 = 600;

/// More steps than one call has.
const MAX_STEPS: usize = 1_000;

const BUDGET: TokenBudget = TokenBudget::new(3, HOUR);

#[derive(Clone, Debug)]
pub(super) enum Act {
    /// An environment gets on with its call, or begins another.
    Poll(usize),
    /// An environment gets on until its call has ended, while the others stand still.
    Run(usize),
    /// An environment dies; another takes its place.
    Crash(usize),
    /// Seconds go by.
    Advance(u64),
    /// The vendor revokes the access token.
    Revoke,
}

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Sound,
    NotDone,
    ReplyLost,
    /// The vendor answers 503 and does nothing.
    Unwell,
    /// A firewall before it answers 403, in a page of its own.
    Firewalled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    SingleUse,
    Grace,
    Budget,
}

macro_rules! provider {
    ($name:ident, $spec:ident, $scheme:expr) => {
        struct $name;
        static $spec: Spec = Spec::new(
            "acme",
            "https://api.acme.example",
            Auth::Token($scheme),
            &[],
        );
        impl Provider for $name {
            fn spec(&self) -> &'static Spec {
                &$spec
            }
        }
    };
}

const ROTATING: TokenScheme = TokenScheme::refresh_token("/token", true);
provider!(SingleUse, SINGLE_USE, ROTATING);
provider!(
    Grace,
    GRACE,
    TokenScheme {
        grant: Grant::RefreshToken {
            rotating: true,
            grace: true
        },
        ..ROTATING
    }
);
provider!(
    Budget,
    BUDGETED,
    TokenScheme {
        budget: Some(BUDGET),
        ..TokenScheme::client_credentials("/token")
    }
);

type Running = Pin<Box<dyn Future<Output = Result<Access, Refused>>>>;

struct Environment {
    credentials: Arc<Credentials>,
    running: Option<Running>,
}

pub(super) struct World {
    kind: Kind,
    clock: Arc<ManualClock>,
    store: Arc<Store>,
    vendor: Arc<Vendor>,
    secret: Arc<OneSecret>,
    environments: Vec<Environment>,
    born: usize,
    /// Writes that were looked at.
    checked: u64,
    /// A token was kept beside the one whose place it came too late for.
    pub merged: bool,
}

impl World {
    pub fn new(kind: Kind, store: Vec<Fate>, vendor: Vec<Fate>) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let mut world = Self {
            kind,
            store: Arc::new(Store {
                inner: MemoryStates::default(),
                fates: Mutex::new(store.into()),
                marks: Mutex::default(),
            }),
            vendor: Arc::new(Vendor::new(kind, clock.clone(), vendor)),
            secret: Arc::new(OneSecret(Mutex::new(0))),
            clock,
            environments: Vec::new(),
            born: 0,
            checked: 0,
            merged: false,
        };
        world.environments = (0..4).map(|_| world.birth()).collect();
        world
    }

    fn birth(&mut self) -> Environment {
        self.born += 1;
        let skew = Duration::from_millis(50 * (self.born as u64 % 5));
        let seams = Seams {
            clock: Arc::new(Skewed(self.clock.clone(), skew)),
            http: self.vendor.clone(),
            ledger: Arc::new(MemoryLedger::default()),
            states: self.store.clone(),
            mappings: self.store.clone(),
            queue: Arc::new(MemoryQueue::default()),
            secrets: self.secret.clone(),
        };
        let provider: Arc<dyn Provider> = match self.kind {
            Kind::SingleUse => Arc::new(SingleUse),
            Kind::Grace => Arc::new(Grace),
            Kind::Budget => Arc::new(Budget),
        };
        let base_url = "https://api.acme.example".to_owned();
        let name = format!("environment-{}", self.born);
        Environment {
            credentials: Arc::new(Credentials::new(provider, seams, base_url, name)),
            running: None,
        }
    }

    pub fn act(&mut self, act: &Act) {
        match act {
            Act::Poll(at) => {
                self.poll(*at);
            }
            Act::Run(at) => {
                for _ in 0..MAX_STEPS {
                    if self.poll(*at).is_some() {
                        break;
                    }
                    self.check();
                }
            }
            Act::Crash(at) => self.environments[*at] = self.birth(),
            Act::Advance(seconds) => self.clock.advance(Duration::from_secs(*seconds)),
            Act::Revoke => self.vendor.lock().valid.clear(),
        }
        self.check();
    }

    /// One step of one environment: a call's credentials, and what the vendor says of them.
    fn poll(&mut self, at: usize) -> Option<Result<Access, Refused>> {
        let environment = &mut self.environments[at];
        let credentials = environment.credentials.clone();
        let vendor = self.vendor.clone();
        let latest = self.clock.now() + Duration::from_secs(50);
        let running = environment
            .running
            .get_or_insert_with(|| Box::pin(one_call(credentials, vendor, latest)));
        let waker = noop_waker();
        match running.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => None,
            Poll::Ready(ended) => {
                environment.running = None;
                Some(ended)
            }
        }
    }

    /// A written refresh token that the vendor would take is never out of the item's reach.
    fn check(&mut self) {
        let writes = self.store.inner.writes();
        if self.kind == Kind::Budget || std::mem::replace(&mut self.checked, writes) == writes {
            return;
        }
        let live = self.vendor.live();
        let written = self.store.inner.values().remove(KEY);
        if self.vendor.lock().written.contains(&live) {
            assert!(self.holds_live_token(), "{live} is lost: {written:?}");
        }
        let mut vendor = self.vendor.lock();
        let state = self.state();
        self.merged |= state.spare.is_some();
        for token in [state.refresh_token, state.spare].into_iter().flatten() {
            vendor.written.push(token.reveal().to_owned());
        }
    }

    pub fn state(&self) -> CredentialState {
        let stored = self.store.inner.values().remove(KEY);
        stored.map_or_else(CredentialState::default, |stored| {
            serde_json::from_value(stored.value).expect("a state")
        })
    }

    pub fn holds_live_token(&self) -> bool {
        let (live, state) = (self.vendor.live(), self.state());
        let held = [&state.refresh_token, &state.spare].into_iter().flatten();
        let of_secret = state.refresh_token.is_none() && live == self.secret.refresh_token();
        held.into_iter().any(|token| token.reveal() == live) || of_secret
    }

    /// Whether the present lease, which nobody answers for any more, is the second in a row, or there were two before.
    pub fn two_leases_lapsed(&self) -> bool {
        let state = self.state();
        let gave_up = state.pause.as_ref().map(|pause| pause.reason);
        let lapsed = state.lapsed + u32::from(state.lease.is_some());
        lapsed > 1 || gave_up == Some(Reason::ReauthoriseNeeded)
    }

    pub fn rotations(&self) -> u32 {
        self.vendor.lock().issued
    }

    pub fn budget_was_spent(&self) -> bool {
        self.vendor.lock().calls.len() >= BUDGET.tokens as usize
    }

    /// All die; from now on nothing fails.
    pub fn end_of_faults(&mut self) {
        self.store.locked().clear();
        self.vendor.lock().fates.clear();
        self.environments = (0..4).map(|_| self.birth()).collect();
        self.clock.advance(Duration::from_secs(60));
    }

    /// Calls until there are credentials, or the connection is paused for good.
    pub fn settle(&mut self) -> Result<Access, Refused> {
        let mut last = None;
        for _ in 0..40 {
            let ended = (0..MAX_STEPS).find_map(|_| self.poll(0));
            let ended = ended.expect("a call ends");
            self.check();
            match &ended {
                Ok(_) => return ended,
                Err(Refused::Paused(paused)) if self.is_final(paused.reason) => return ended,
                _ => last = Some(ended),
            }
            self.clock.advance(Duration::from_secs(400));
        }
        last.expect("a call was made")
    }

    /// No trial ends this pause.
    fn is_final(&self, reason: Reason) -> bool {
        self.kind == Kind::SingleUse && reason == Reason::ReauthoriseNeeded
    }

    /// A person puts a new refresh token into the secret.
    pub fn authorise_anew(&self) {
        let mut vendor = self.vendor.lock();
        vendor.issued += 1;
        vendor.live = vendor.issued;
        *self.secret.0.lock().expect("nobody panicked") = vendor.live;
    }
}

async fn one_call(
    credentials: Arc<Credentials>,
    vendor: Arc<Vendor>,
    latest: Timestamp,
) -> Result<Access, Refused> {
    let access = credentials.access("default", latest).await?;
    let token = access.shown().token.expect("a token").reveal().to_owned();
    if vendor.lock().valid.contains(&token) {
        credentials.accepted("default", &access).await?;
        return Ok(access);
    }
    match credentials.refused("default", &access).await? {
        Refusal::Again => Err(Refused::Wait(latest)),
        Refusal::Paused(paused) => Err(Refused::Paused(paused)),
    }
}

/// Gives way once, so that there is a place to die at.
async fn give_way() {
    let mut given = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut given, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

struct Skewed(Arc<ManualClock>, Duration);

#[async_trait]
impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        self.0.now() + self.1
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.0.sleep_until(at - self.1).await;
    }
}

struct OneSecret(Mutex<u32>);

impl OneSecret {
    fn refresh_token(&self) -> String {
        format!("refresh-{}", self.0.lock().expect("nobody panicked"))
    }
}

#[async_trait]
impl Secrets for OneSecret {
    async fn get(&self, _provider: &str, _connection: &str) -> Result<Secret, SecretsError> {
        let text = json!({
            "client_id": "id", "client_secret": "secret", "refresh_token": self.refresh_token(),
        });
        Ok(Secret::parse(&text.to_string())?)
    }

    async fn forget(&self, _provider: &str, _connection: &str) {}
}

/// State in memory that fails by script and knows a write that was made before.
struct Store {
    inner: MemoryStates,
    fates: Mutex<VecDeque<Fate>>,
    marks: Mutex<BTreeMap<String, String>>,
}

impl Store {
    fn locked(&self) -> MutexGuard<'_, VecDeque<Fate>> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self) -> Fate {
        self.locked().pop_front().unwrap_or(Fate::Sound)
    }
}

fn throttled() -> StoreError {
    StoreError::new("PutItem", "throttled")
}

#[async_trait]
impl StateStore for Store {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        give_way().await;
        if self.fate() != Fate::Sound {
            return Err(throttled());
        }
        let loaded = self.inner.load(key).await;
        give_way().await;
        loaded
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        give_way().await;
        let fate = self.fate();
        if fate == Fate::NotDone {
            return Err(throttled());
        }
        let swap = self.inner.swap(key, expected, next, mark).await?;
        if let Swap::Swapped { .. } = swap {
            let mut marks = self.marks.lock().expect("nobody panicked");
            let unique = marks.insert(mark.to_owned(), key.to_owned());
            assert_eq!(unique, None, "a mark is used once");
        }
        give_way().await;
        match fate {
            Fate::ReplyLost => Err(throttled()),
            _ => Ok(swap),
        }
    }
}

struct Vendor {
    kind: Kind,
    clock: Arc<ManualClock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    fates: VecDeque<Fate>,
    /// The refresh token that it takes.
    live: u32,
    /// The newest that it gave out.
    issued: u32,
    /// Refresh tokens that were seen in the item.
    written: Vec<String>,
    /// Access tokens that it takes.
    valid: Vec<String>,
    /// When it was called, and whether the caller heard of the end.
    calls: Vec<(Timestamp, bool)>,
}

impl Vendor {
    fn new(kind: Kind, clock: Arc<ManualClock>, fates: Vec<Fate>) -> Self {
        let inner = Mutex::new(Inner {
            fates: fates.into(),
            ..Inner::default()
        });
        Self { kind, clock, inner }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> String {
        format!("refresh-{}", self.lock().live)
    }

    /// Notes a call, and holds it to what is promised of calls.
    fn note(&self, timeout: Duration) -> usize {
        let (now, mut inner) = (self.clock.now(), self.lock());
        for (at, heard) in &inner.calls {
            assert!(
                *heard || *at + timeout <= now,
                "two refreshers within a lease"
            );
        }
        inner.calls.push((now, false));
        if self.kind == Kind::Budget {
            let recent = inner.calls.iter().filter(|(at, _)| *at + HOUR > now);
            assert!(
                recent.count() <= BUDGET.tokens as usize,
                "beyond the budget"
            );
        }
        inner.calls.len() - 1
    }

    fn exchange(&self, wire: &Wire) -> Answer {
        let mut inner = self.lock();
        let form = String::from_utf8_lossy(&wire.body).into_owned();
        let shown = form
            .split('&')
            .find_map(|pair| pair.strip_prefix("refresh_token=refresh-"))
            .and_then(|number| number.parse::<u32>().ok());
        let is_good = match (self.kind, shown) {
            (Kind::Budget, _) => true,
            (Kind::SingleUse, Some(shown)) => shown == inner.live,
            (Kind::Grace, shown) => shown.is_some(),
            (_, None) => false,
        };
        if !is_good {
            return answer(400, &json!({"error": "invalid_grant"}));
        }
        inner.issued += 1;
        inner.live = inner.issued;
        let number = inner.issued;
        let token = format!("access-{number}");
        inner.valid.push(token.clone());
        let body = json!({
            "access_token": token, "expires_in": LIFE_S,
            "refresh_token": format!("refresh-{number}"),
        });
        answer(200, &body)
    }
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: http::HeaderMap::new(),
        body: body.to_string().into(),
    }
}

#[async_trait]
impl HttpClient for Vendor {
    async fn call(
        &self,
        _base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let fate = self.lock().fates.pop_front().unwrap_or(Fate::Sound);
        if fate == Fate::NotDone {
            return Err(CallError::NotSent("connection refused".into()));
        }
        let call = self.note(timeout);
        let started = self.clock.now();
        give_way().await;
        // The client gives up in time, and closes the connection.
        let in_time = self.clock.now() <= started + timeout;
        let answer = match fate {
            Fate::Unwell => answer(503, &json!({})),
            Fate::Firewalled => answer(403, &json!("<html>Forbidden</html>")),
            _ if in_time => self.exchange(wire),
            _ => answer(503, &json!({})),
        };
        give_way().await;
        self.lock().calls[call].1 = true;
        match fate {
            Fate::ReplyLost => Err(CallError::Ambiguous("the connection was reset".into())),
            _ if self.clock.now() > started + timeout => {
                Err(CallError::Ambiguous("timed out".into()))
            }
            _ => Ok(answer),
        }
    }
}
