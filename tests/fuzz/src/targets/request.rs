//! A message's body, as any producer may send it.

use causeway::request::{
    DecodeError, LedgerKey, MAX_DEPTH, MAX_REQUEST_BYTES, Request, canonical_json,
};
use serde_json::Value;

use super::members::{kept_members, written_members};
use super::{depth, reversed};

/// Every code that a refusal can have: they are metrics' and letters' words.
const CODES: [&str; 7] = [
    "request_too_large",
    "malformed_json",
    "missing_field",
    "invalid_field",
    "unknown_field",
    "duplicate_field",
    "number_not_exact",
];

/// Longest text of a refusal: it is a message attribute.
const MAX_DETAIL_BYTES: usize = 1024;

/// What is accepted is bounded, names nothing twice, and has one key and one hash however it is written. What is refused is refused in
/// bounded words that hold no control characters.
///
/// # Panics
/// Where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(body) = std::str::from_utf8(data) else {
        return;
    };
    let _ = Request::peek(body);
    match Request::decode(body) {
        Ok(request) => accepted(body, &request),
        Err(error) => {
            assert!(CODES.contains(&error.code()), "{}", error.code());
            let detail = error.detail();
            assert!(detail.len() <= MAX_DETAIL_BYTES, "{detail}");
            assert!(!detail.chars().any(char::is_control), "{detail:?}");
            if matches!(error, DecodeError::DuplicateField { .. })
                && let Ok(value) = serde_json::from_str(body)
            {
                assert_ne!(written_members(body), Ok(kept_members(&value)), "{detail}");
            }
        }
    }
}

fn accepted(body: &str, request: &Request) {
    assert!(body.len() <= MAX_REQUEST_BYTES);
    let value: Value = serde_json::from_str(body).expect("an accepted body is JSON");
    assert!(depth(&value) <= MAX_DEPTH + 1, "{}", depth(&value));
    assert!(request.payload.is_object());
    assert_eq!(written_members(body), Ok(kept_members(&value)));

    let key = request.ledger_key();
    assert_eq!(LedgerKey::parse(key.as_str()).as_ref(), Some(&key));
    assert!(key.vendor_key(1).len() <= 45);
    assert_ne!(key.vendor_key(1), key.vendor_key(2));

    let canonical = canonical_json(&value).expect("an accepted body has a canonical form");
    let canonical = String::from_utf8(canonical).expect("JSON is UTF-8");
    let mut other = String::new();
    reversed(&value, &mut other);
    for same in [canonical, other] {
        if same.len() <= MAX_REQUEST_BYTES {
            let again = Request::decode(&same).expect("the same request, written otherwise");
            assert_eq!(again.payload_hash, request.payload_hash);
            assert_eq!(again.ledger_key(), key);
            assert_eq!(again.created_at, request.created_at);
            assert_eq!(again.deadline, request.deadline);
        }
    }

    let peeked = Request::peek(body);
    assert_eq!(
        peeked.operation.as_deref(),
        Some(request.operation.as_str())
    );
    assert_eq!(peeked.id, request.id);
    assert_eq!(
        peeked.connection.as_deref(),
        Some(request.connection.as_str())
    );
}
