//! What data cannot say of Seam: whether an access code on a lock is the one that was asked for, by the times between
//! which it opens it. The rest stands in `provider.toml`.

mod window;

use std::time::Duration;

use causeway::Timestamp;
use causeway::pack::Judgement;
use causeway::provider::{Answer, Found, Json, Lookup, Operation};

use window::Window;

/// Tells our access code from the others on the lock.
#[derive(Debug)]
pub struct Seam;

impl Judgement for Seam {
    fn found(&self, operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Option<Found> {
        (operation.name == "access_codes.create").then(|| found(lookup, answer))
    }
}

/// Ours has the same code, name and window; where Seam was to make the code, the same name and window. Another name
/// under the same code and at the same time is another one's; our name with another window may be ours with its times
/// rounded, or not.
fn found(lookup: &Lookup<'_>, answer: &Answer) -> Found {
    let body = answer.json::<Json>().unwrap_or_default();
    let held = body["access_codes"].as_array();
    let (Some(held), Some(window)) = (held, Window::of(lookup.payload)) else {
        return Found::Unclear;
    };
    let same = |code: &Json, field: &str| code[field] == lookup.payload[field];
    let mut found = Found::Miss;
    let marked = if lookup.payload["code"].is_null() {
        "name"
    } else {
        "code"
    };
    for code in held.iter().filter(|code| same(code, marked)) {
        let is_named = same(code, "name");
        // One that was there before ours was sent is not ours, however alike: a guest may come again.
        if is_older(code, lookup.first_sent) {
            if !lookup.payload["code"].is_null() && found == Found::Miss {
                let detail = "the code is on the device since before".to_owned();
                found = Found::Other { detail };
            }
            continue;
        }
        match Window::of(code) {
            Some(theirs) if is_named && theirs == window => {
                return Found::Hit {
                    object_id: code["access_code_id"].as_str().map(str::to_owned),
                };
            }
            Some(theirs) if !theirs.overlaps(&window) => {}
            Some(_) if !is_named && found == Found::Miss => {
                let detail = "the code is on the device under another name".to_owned();
                found = Found::Other { detail };
            }
            _ => found = Found::Unclear,
        }
    }
    if body.pointer("/pagination/has_next_page") == Some(&Json::Bool(true)) {
        return Found::Unclear;
    }
    found
}

/// How far Seam's clock and ours may be apart.
const CLOCKS: Duration = Duration::from_secs(5 * 60);

/// Whether the list says that the code was made before `first_sent`.
fn is_older(code: &Json, first_sent: Timestamp) -> bool {
    let made = code["created_at"].as_str();
    let made = made.and_then(|made| Timestamp::parse_rfc3339(made).ok());
    made.is_some_and(|made| made < first_sent - CLOCKS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::found as found_in;
    use super::*;

    /// The code that Seam made is not ours to know: the name and the window tell ours from the others on the lock.
    #[test]
    fn a_code_that_seam_made_is_found_by_name_and_window() {
        let window = ["2026-12-01T15:00:00+01:00", "2026-12-03T11:00:00+01:00"];
        let payload = json!({"device_id": "d", "name": "Ada, R-1", "starts_at": window[0], "ends_at": window[1]});
        let lookup = Lookup {
            payload: &payload,
            reference: "key",
            first_sent: Timestamp::from_millis(0),
            last_sent: Timestamp::from_millis(0),
        };
        let made_at = |name: &str, ends_at: &str, created_at: &str| {
            let held = json!({"access_code_id": "a", "name": name, "code": "7193", "starts_at": window[0], "ends_at": ends_at, "created_at": created_at});
            let answer = Answer {
                status: 200,
                headers: Default::default(),
                body: json!({"access_codes": [held]}).to_string().into(),
            };
            found_in(&lookup, &answer)
        };
        let found = |name: &str, ends_at: &str| made_at(name, ends_at, "1970-01-01T00:00:01Z");
        let object_id = Some("a".to_owned());
        assert_eq!(found("Ada, R-1", window[1]), Found::Hit { object_id });
        assert_eq!(found("Ada, R-2", window[1]), Found::Miss);
        // A stay of the same name and days that was entered a day before.
        assert_eq!(
            made_at("Ada, R-1", window[1], "1969-12-31T00:00:00Z"),
            Found::Miss
        );
        assert_eq!(
            found("Ada, R-1", "2026-12-03T12:00:00+01:00"),
            Found::Unclear
        );
    }
}
