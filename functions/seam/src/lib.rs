#![doc = include_str!("../README.md")]

mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::{Limit, ScopeKey};
use causeway::provider::{
    Answer, Auth, Found, Json, Lookup, Operation, Provider, Safety, Spec, Verdict, Wire,
};
use serde_json::json;

use payloads::{CreateAccessCode, DeleteAccessCode, UpdateAccessCode, Window};

/// Smart locks: access codes.
pub struct Seam;

const MINUTE: Duration = Duration::from_secs(60);
const DEVICE: ScopeKey = ScopeKey::Field("device_id");

static SPEC: Spec = Spec {
    // Seam names no limit for a workspace. Ours, not Seam's: five a second.
    limits: &[Limit::window("workspace", 300, MINUTE, 60)],
    mappings: &[include_str!("../mappings/pms-access.json")],
    ..Spec::new(
        "seam",
        "https://connect.getseam.com",
        Auth::Bearer { field: "api_key" },
        // Limits per device: <https://docs.seam.co/latest/api-reference/rate-limits-and-guardrails>
        &[
            // A lock holds a code once, so that device and code find it. How long the list may lag, Seam does not say:
            // ours, not Seam's.
            Operation::new::<CreateAccessCode>(
                "access_codes.create",
                Safety::Lookup {
                    place: None,
                    settle: MINUTE,
                },
            )
            .limits(&[Limit::window("creations", 10, MINUTE, 3).scoped(DEVICE)]),
            // The same values again change nothing.
            Operation::new::<UpdateAccessCode>("access_codes.update", Safety::Natural)
                .limits(&[Limit::window("updates", 10, MINUTE, 3).scoped(DEVICE)]),
            Operation::new::<DeleteAccessCode>("access_codes.delete", Safety::Natural)
                .limits(&[Limit::window("deletions", 20, MINUTE, 6).scoped(DEVICE)]),
        ],
    )
};

impl Provider for Seam {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// A 200 means accepted: the lock learns of it later. What is gone already needs no deletion.
    fn classify(&self, operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        let body = answer.json::<Json>().unwrap_or_default();
        let kind = body.pointer("/error/type").and_then(Json::as_str);
        match (answer.status, kind) {
            (200..=299, _) => made(&body),
            (409, Some("duplicate_access_code")) => Verdict::exists(words(&body["error"])),
            (404, Some("access_code_not_found")) if operation.name == "access_codes.delete" => {
                Verdict::delivered(None)
            }
            (403, kind) => Verdict::forbidden(kind.is_some(), words(&body["error"])),
            (400 | 404 | 409 | 422, _) => Verdict::rejected(words(&body["error"])),
            _ => Verdict::by_status(answer, now),
        }
    }

    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        (operation.name == "access_codes.create").then(|| {
            let device = &lookup.payload["device_id"];
            Wire::post("/access_codes/list").json(&json!({ "device_id": device }))
        })
    }

    /// Ours has the same code, name and window; where Seam was to make the code, the same name and window. Another name
    /// under the same code and at the same time is another one's; our name with another window may be ours with its times
    /// rounded, or not.
    fn found(&self, _operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Found {
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
}

/// The code's id where the answer has one, else the attempt's, by which the outcome can be followed.
/// <https://docs.seam.co/latest/core-concepts/action-attempts>
fn made(body: &Json) -> Verdict {
    let id = body.pointer("/access_code/access_code_id");
    let id = id.or_else(|| body.pointer("/action_attempt/action_attempt_id"));
    match id.and_then(Json::as_str) {
        None if body["ok"] != true => Verdict::unwell(),
        id => Verdict::delivered(id.map(str::to_owned)),
    }
}

/// Type and fields; Seam's messages quote codes and names.
fn words(error: &Json) -> String {
    let kind = error["type"].as_str().unwrap_or_default();
    let fields = error["validation_errors"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, _)| name.as_str());
    let fields: Vec<&str> = fields.filter(|name| *name != "_errors").collect();
    format!("type={kind} fields={}", fields.join(","))
}

#[cfg(test)]
mod tests {
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
        let operation = SPEC.operation("access_codes.create").expect("it");
        let found = |name: &str, ends_at: &str| {
            let held = json!({"access_code_id": "a", "name": name, "code": "7193", "starts_at": window[0], "ends_at": ends_at});
            let answer = Answer {
                status: 200,
                headers: Default::default(),
                body: json!({"access_codes": [held]}).to_string().into(),
            };
            Seam.found(operation, &lookup, &answer)
        };
        let object_id = Some("a".to_owned());
        assert_eq!(found("Ada, R-1", window[1]), Found::Hit { object_id });
        assert_eq!(found("Ada, R-2", window[1]), Found::Miss);
        assert_eq!(
            found("Ada, R-1", "2026-12-03T12:00:00+01:00"),
            Found::Unclear
        );
    }
}
