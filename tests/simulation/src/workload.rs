//! What producers and operators do in a seed's world.

use causeway::breaker::Scope;
use causeway::provider::{Provider, Safety, Wire};
use causeway::request::Request as Decoded;

use crate::profile::{HOUR, MINUTE, SECOND};
use crate::providers::{self, OPERATIONS, PANIC, TOKEN_PATH, Vendor};
use crate::rng::Rng;
use crate::world::{Event, START, World};

/// Requests in one seed's world.
pub const REQUESTS: usize = 50;

/// How a request ends the process that carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fatal {
    /// Whoever makes its call dies.
    Call,
}

/// One thing that a producer asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The message's body.
    pub body: String,
    /// The ledger's key; none where the body cannot be read.
    pub ledger_key: Option<String>,
    /// The hash that the ledger compares.
    pub payload_hash: Option<String>,
    /// What an ambiguous end means for it; none where no call can come of it.
    pub safety: Option<Safety>,
    /// Whose account.
    pub connection: String,
    /// The value of its limited field.
    pub desk: String,
    /// Whether it kills whoever works on it.
    pub fatal: Option<Fatal>,
    /// Calls made for it, lookups left out.
    pub calls: u32,
    /// Calls made for it when its record's attempts were last written.
    pub calls_written: u32,
    /// A caller was told something that is no definite answer.
    pub doubted: bool,
    /// Whether a call for it went out, as far as somebody lived to hear of it.
    pub sent: bool,
}

/// A world's requests and when they are sent.
#[derive(Debug)]
pub struct Workload {
    /// Whose lane it is.
    pub provider: Vendor,
    /// What is asked for.
    pub requests: Vec<Request>,
    /// Who does what, when.
    pub events: Vec<(i64, Event)>,
    /// When the last of it happens.
    pub ends: i64,
}

impl Workload {
    /// Draws a world's requests.
    pub fn draw(rng: &mut Rng) -> Self {
        let provider = rng.pick(&providers::ALL);
        let span = rng.pick(&[0, 20 * SECOND, 2 * MINUTE, 2 * MINUTE, 10 * MINUTE, HOUR]);
        // Where each connection has a breaker, all of them may open.
        let connections = match provider.spec().breaker.scope {
            Scope::Connection => 3,
            Scope::Provider => rng.between(1, 3),
        };
        let odd = if rng.chance(0.7) { 0.12 } else { 0.0 };
        let mut requests: Vec<Request> = Vec::with_capacity(REQUESTS);
        for number in 0..REQUESTS {
            let conflicting = rng.chance(odd / 3.0) && number > 0;
            let key = if conflicting {
                rng.index(number)
            } else {
                number
            };
            let request = draw_request(provider, number, key, connections, odd, rng);
            requests.push(request);
        }
        let mut events = Vec::new();
        for number in 0..requests.len() {
            let at = START + rng.between(0, span);
            events.push((at, Event::Send(number)));
            if rng.chance(0.12) {
                let later = rng.pick(&[SECOND, 5 * MINUTE, HOUR]);
                events.push((at + rng.between(0, later), Event::Send(number)));
            }
        }
        for _ in 0..rng.pick(&[0, 0, 1, 2]) {
            let at = START + rng.between(MINUTE, span + 30 * MINUTE);
            events.push((at, Event::Redrive));
        }
        let mut any = || START + rng.between(0, span + 10 * MINUTE);
        let (spoilt, resumed) = ([any(), any(), any()], any());
        for (at, connection) in spoilt.into_iter().zip(0..connections) {
            if rng.chance(0.2) {
                events.push((at, Event::Spoil(connection, rng.between(0, 2))));
                let repaired = at + rng.between(0, 30 * MINUTE);
                events.push((repaired, Event::Reauthorise(connection)));
            }
        }
        if rng.chance(0.2) {
            events.push((resumed, Event::Resume));
        }
        let ends = START + span + rng.pick(&[5 * MINUTE, 20 * MINUTE, HOUR]);
        events.push((ends, Event::Calm));
        // What was lost with those who held it is made good, or nothing of its connection would ever end. Whatever else a
        // connection waits for must pass by itself. Requests that kill go on killing: a person looks again, some hours
        // later.
        for hours in [0, 2, 5, 9] {
            let again = (0..connections).map(Event::Help);
            events.extend(again.map(|event| (ends + hours * HOUR, event)));
        }
        events.extend(rng.chance(0.5).then_some((START, Event::Gatekeeper)));
        Self {
            provider,
            requests,
            events,
            ends,
        }
    }
}

/// A good request for `operation` of `connection`, under the key `k<number>`.
pub fn good(provider: Vendor, number: usize, operation: &str, connection: &str) -> Request {
    good_at("d0", provider, number, operation, connection)
}

/// A good request about `desk`.
pub fn good_at(
    desk: &str,
    provider: Vendor,
    number: usize,
    operation: &str,
    connection: &str,
) -> Request {
    let name = provider.spec().name;
    let body = format!(
        r#"{{"id":"0199a3c4-0000-7000-8000-{number:012}","provider":"{name}","operation":"{operation}","connection":"{connection}","idempotency_key":"k{number}","created_at":"2026-11-22T10:00:00Z","payload":{{"item":"r{number}","desk":"{desk}"}}}}"#
    );
    request(provider, body, connection.to_owned(), desk.to_owned())
}

/// The operation of the request under that key: of all kinds, and mostly in company where calls take several.
fn operation_of(provider: Vendor, key: usize) -> &'static str {
    let of_all = OPERATIONS[key % OPERATIONS.len()];
    if provider.takes_batches() && key % 10 < 8 {
        "orders.replace"
    } else {
        of_all
    }
}

fn draw_request(
    provider: Vendor,
    number: usize,
    key: usize,
    connections: i64,
    odd: f64,
    rng: &mut Rng,
) -> Request {
    // The key decides connection and operation: a conflicting request shares both with the one it conflicts with.
    let operation = operation_of(provider, key);
    let connection = format!("c{}", key as i64 % connections);
    let desks = if provider.takes_batches() { 7 } else { 2 };
    let desk = format!("d{}", rng.between(0, desks));
    let kind = if rng.chance(odd) {
        rng.between(1, 6)
    } else {
        0
    };
    let item = match kind {
        1 => format!("{PANIC}-r{number}"),
        _ => format!("r{number}"),
    };
    let mut extra = String::new();
    if kind == 2 {
        let deadline = START + rng.between(10 * SECOND, 20 * MINUTE);
        let deadline = causeway::Timestamp::from_millis(deadline);
        extra = format!(r#","deadline":"{deadline}""#);
    } else if kind == 3 {
        extra = r#","mapping":"unheard-of""#.to_owned();
    }
    let name = provider.spec().name;
    let called = if kind == 4 {
        "orders.unheard-of"
    } else {
        operation
    };
    let payload = if kind == 5 {
        format!(r#"{{"item":"{item}","bogus":1}}"#)
    } else {
        format!(r#"{{"item":"{item}","desk":"{desk}"}}"#)
    };
    let mut body = format!(
        r#"{{"id":"0199a3c4-0000-7000-8000-{number:012}","provider":"{name}","operation":"{called}","connection":"{connection}","idempotency_key":"k{key}","created_at":"2026-11-22T10:00:00Z","payload":{payload}{extra}}}"#
    );
    if kind == 6 && rng.chance(0.3) {
        body.truncate(body.len() - 2);
    }
    let fatal = (kind == 6 && rng.chance(0.4)).then_some(Fatal::Call);
    Request {
        fatal,
        ..request(provider, body, connection, desk)
    }
}

fn request(provider: Vendor, body: String, connection: String, desk: String) -> Request {
    let decoded = Decoded::decode(&body).ok();
    let safety = decoded.as_ref().and_then(|request| {
        let operation = provider.spec().operation(&request.operation)?;
        Some(operation.safety)
    });
    let own = decoded
        .as_ref()
        .filter(|request| request.provider.as_str() == provider.spec().name);
    Request {
        ledger_key: own.map(|request| request.ledger_key().to_string()),
        payload_hash: decoded.map(|request| request.payload_hash.to_string()),
        safety,
        connection,
        desk,
        fatal: None,
        calls: 0,
        calls_written: 0,
        doubted: false,
        sent: false,
        body,
    }
}

/// Which requests a call is made for: none for a token, and several in a batch.
pub fn requests_of(wire: &Wire, world: &World) -> Vec<usize> {
    if wire.path == TOKEN_PATH {
        return Vec::new();
    }
    if wire.body.is_empty() {
        let reference = wire.path.rsplit('/').next().unwrap_or_default();
        let asked = world.watch.references.get(reference);
        return asked.copied().into_iter().collect();
    }
    let text = std::str::from_utf8(&wire.body).unwrap_or_default();
    let items = text.split(r#""item":"r"#).skip(1);
    let numbers = items.map(|rest| rest.split('"').next().unwrap_or_default());
    numbers.filter_map(|number| number.parse().ok()).collect()
}
