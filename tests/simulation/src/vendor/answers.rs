//! What the vendor says, word for word.

use causeway::http_client::CallError;
use causeway::provider::{Answer, Wire};
use http::{HeaderMap, HeaderValue};

use super::mode::Mode;
use crate::providers::{KEY_MISMATCH, MISSING_RIGHT, NOT_YOURS};
use crate::rng::Rng;

/// What a firewall says instead of the vendor.
pub const PAGE: &str = "<html><body>Access denied</body></html>";

/// The answer of a vendor that has done nothing and looked at no key, where `mode` is that.
pub(super) fn refusal(mode: Mode, wire: &Wire, rng: &mut Rng) -> Option<Result<Answer, CallError>> {
    let answer = match mode {
        Mode::Unreachable => return Some(Err(CallError::NotSent("connection refused".into()))),
        Mode::Stalls => return Some(Err(lost())),
        Mode::Fails => status(rng.pick(&[500, 502, 503, 504])),
        Mode::Throttles => throttle(rng),
        Mode::Unauthorized => unauthorized(wire),
        Mode::Withholds => saying(403, NOT_YOURS),
        Mode::Forbids => status(403),
        Mode::Lacks => saying(403, MISSING_RIGHT),
        Mode::Blocks => saying(403, PAGE),
        Mode::Moves => moved(rng),
        _ => return None,
    };
    Some(Ok(answer))
}

/// Repeats what it was shown, as careless vendors do.
fn unauthorized(wire: &Wire) -> Answer {
    let shown = wire.headers.get(http::header::AUTHORIZATION);
    let shown = shown.and_then(|shown| shown.to_str().ok()).unwrap_or("");
    saying(401, &format!(r#"{{"error":"bad credentials: {shown}"}}"#))
}

fn moved(rng: &mut Rng) -> Answer {
    let mut answer = saying(rng.pick(&[301, 302, 307, 308]), "");
    let elsewhere = HeaderValue::from_static("https://elsewhere.example/");
    answer.headers.insert(http::header::LOCATION, elsewhere);
    answer
}

pub(super) fn lost() -> CallError {
    CallError::Ambiguous("the connection was reset".into())
}

/// A success longer than anybody reads; at times the head is.
pub(super) fn overlong(rng: &mut Rng) -> CallError {
    CallError::Unreadable {
        status: rng.chance(0.5).then_some(200),
        reason: "longer than what is read".into(),
    }
}

pub(super) fn mismatch() -> Answer {
    saying(400, KEY_MISMATCH)
}

pub(super) fn status(status: u16) -> Answer {
    let body = if status == 200 {
        r#"{"id":"obj"}"#
    } else {
        "{}"
    };
    saying(status, body)
}

/// The answer with this status and body.
pub fn saying(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.to_owned().into(),
    }
}

fn throttle(rng: &mut Rng) -> Answer {
    let mut answer = status(429);
    if rng.chance(0.7) {
        let seconds = rng.between(1, 20);
        answer
            .headers
            .insert("retry-after", HeaderValue::from(seconds));
    }
    answer
}
