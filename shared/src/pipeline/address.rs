//! A call's address as traces show it: what identifies the endpoint, and nothing of whom the call is about.

use crate::provider::Json;

/// What stands in place of a part that is nobody's business.
const REDACTED: &str = "REDACTED";

/// Shorter values are looked for as whole segments only: as a part of another word they tell nothing.
const SHORTEST_PART: usize = 4;

/// Longest address that is shown, in bytes: vendors' are far shorter, and a trace's attribute must have a bound.
const LONGEST: usize = 1024;

/// `path` behind `base_url`, both as they are before secrets fill their placeholders: without the query, which may hold
/// anything, and with `REDACTED` for each segment that holds a value of the `payloads`. The placeholder of a secret's
/// field is shown as it is written.
pub(super) fn shown(base_url: &str, path: &str, payloads: &[&Json]) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut address = base_url.to_owned();
    for (at, segment) in path.split('/').enumerate() {
        if at > 0 {
            address.push('/');
        }
        let plain = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        let is_value = !segment.is_empty() && payloads.iter().any(|json| holds(json, &plain));
        address.push_str(if is_value { REDACTED } else { segment });
    }
    crate::outcome::truncate(&mut address, LONGEST);
    address
}

/// Whether a value somewhere in `json` stands in `segment`. As deep as the decoder lets a payload nest.
fn holds(json: &Json, segment: &str) -> bool {
    let shows =
        |value: &str| value == segment || (value.len() >= SHORTEST_PART && segment.contains(value));
    match json {
        Json::String(text) => shows(text),
        Json::Number(number) => {
            segment.contains(|c: char| c.is_ascii_digit()) && shows(&number.to_string())
        }
        Json::Array(items) => items.iter().any(|item| holds(item, segment)),
        Json::Object(fields) => fields.values().any(|value| holds(value, segment)),
        Json::Null | Json::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_endpoint_is_shown_and_whom_it_is_about_is_not() {
        let payload =
            json!({"guest": {"email": "ada@example.com", "ids": [4711, 7]}, "note": "v1"});
        for (path, expected) in [
            ("/v3/guests?email=ada%40example.com", "/v3/guests"),
            (
                "/v3/guests/ada%40example.com/notes",
                "/v3/guests/REDACTED/notes",
            ),
            ("/v3/by-email:ada@example.com", "/v3/REDACTED"),
            ("/v3/guests/4711", "/v3/guests/REDACTED"),
            ("/v3/rooms/7/beds/17", "/v3/rooms/REDACTED/beds/17"),
            (
                "/accounts/{account_sid}/calls.json",
                "/accounts/{account_sid}/calls.json",
            ),
            ("/v1/", "/REDACTED/"),
            ("", ""),
        ] {
            let shown = shown("https://{shop}.example.com", path, &[&payload]);
            assert_eq!(
                shown,
                format!("https://{{shop}}.example.com{expected}"),
                "{path}"
            );
        }
    }

    #[test]
    fn an_address_has_a_bound() {
        let path = format!("/{}", "é".repeat(LONGEST));
        let shown = shown("https://api.acme.example", &path, &[]);
        assert!(shown.len() <= LONGEST && shown.len() > LONGEST - 4);
    }
}
