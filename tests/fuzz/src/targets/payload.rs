//! A payload alone: short inputs, so that searches get deeper than through a whole request.

use super::request;

/// The properties of [`request::run`], for a request with this payload.
///
/// # Panics
/// Where one does not hold.
pub fn run(data: &[u8]) {
    let mut body =
        br#"{"provider":"p","operation":"o","created_at":"2026-11-22T10:00:00Z","payload":"#
            .to_vec();
    body.extend_from_slice(data);
    body.push(b'}');
    request::run(&body);
}
