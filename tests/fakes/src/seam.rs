//! Seam's access codes: create, update, delete and list; a code once on a device; limits per device.
//!
//! Wire shapes: the OpenAPI document that Seam publishes (<https://docs.seam.co/latest/api/access_codes>), and what
//! Seam's own fake answers (`@seamapi/fake-seam-connect` 1.86.0 on npm), for errors above all. Limits:
//! <https://docs.seam.co/latest/api-reference/rate-limits-and-guardrails>. Own assumptions are marked as such.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};

use crate::limits::{Exceeded, Limit};
use crate::vendor::{Call, Effect, Reply, Vendor, marker, mix};

const MINUTE: Duration = Duration::from_secs(60);
static CREATIONS: Limit = Limit {
    name: "creations",
    calls: 10,
    window: MINUTE,
};
static UPDATES: Limit = Limit {
    name: "updates",
    calls: 10,
    window: MINUTE,
};
static DELETIONS: Limit = Limit {
    name: "deletions",
    calls: 20,
    window: MINUTE,
};

/// From when a code is valid that has an end and no beginning: an answer must not depend on the day of the run, but for
/// when a thing was made, by which the lane tells its own code from an older one.
const CREATED_AT: &str = "2026-01-01T00:00:00.000Z";
const WORKSPACE: &str = "398d80b7-3f96-47c2-b85a-6f8ba21d07be";

/// The state of the workspaces; the key says which.
#[derive(Default)]
pub(crate) struct Seam {
    /// Access codes by workspace and id.
    codes: BTreeMap<(String, String), Value>,
    /// How many ids there are.
    ids: u64,
}

impl Vendor for Seam {
    fn name(&self) -> &'static str {
        "seam"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        let key = call.bearer().unwrap_or_default();
        if !key.starts_with("seam_") || key.contains("invalid") {
            return Some(error(401, "unauthorized", "Unauthorized"));
        }
        let is_known = call.method == Method::POST
            && matches!(
                call.path.as_str(),
                "/access_codes/create"
                    | "/access_codes/update"
                    | "/access_codes/delete"
                    | "/access_codes/list"
            );
        // Own assumption.
        (!is_known).then(|| error(404, "unrecognized_path", "No such endpoint"))
    }

    /// Calls that name no device count for the device of their code.
    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        let limit = match call.path.as_str() {
            "/access_codes/create" => &CREATIONS,
            "/access_codes/update" => &UPDATES,
            "/access_codes/delete" => &DELETIONS,
            _ => return Vec::new(),
        };
        let input = input(call).unwrap_or_default();
        let named = text(&input, "device_id").map(str::to_owned);
        let code = text(&input, "access_code_id").and_then(|id| self.codes.get(&key(call, id)));
        let of_code = code.and_then(|code| code["device_id"].as_str().map(str::to_owned));
        vec![(limit, named.or(of_code).unwrap_or_default())]
    }

    fn throttled(&self, _exceeded: &Exceeded) -> Reply {
        // No header is documented; the type is an own assumption.
        error(429, "rate_limited", "Too many requests for this device")
    }

    fn execute(&mut self, call: &Call) -> Reply {
        let done = input(call).and_then(|input| match call.path.as_str() {
            "/access_codes/create" => self.create(call, &input),
            "/access_codes/update" => self.update(call, &input),
            "/access_codes/delete" => self.delete(call, &input),
            _ => self.list(call, &input),
        });
        done.unwrap_or_else(|refused| refused)
    }

    fn broken(&self, status: u16) -> Reply {
        error(status, "internal_error", "fault on command")
    }
}

/// The time, RFC 3339.
fn now() -> String {
    let now = time::OffsetDateTime::now_utc();
    now.format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}

type Done = Result<Reply, Reply>;

impl Seam {
    fn create(&mut self, call: &Call, input: &Map<String, Value>) -> Done {
        let device = required(input, "device_id")?;
        check_window(input)?;
        if device.contains("unknown") {
            return Err(error(404, "device_not_found", "Device not found"));
        }
        let id = self.id();
        // A lock that is asked for no code gets one of Seam's choice.
        let given = text(input, "code").map(str::to_owned);
        let digits = given.unwrap_or_else(|| (1000 + self.ids % 9000).to_string());
        self.check_duplicate(call, device, &digits, None)?;
        let time = |field| text(input, field).map(utc);
        let (starts_at, ends_at) = (time("starts_at"), time("ends_at"));
        let is_bound = starts_at.is_some() || ends_at.is_some();
        let mut code = json!({
            "access_code_id": id, "device_id": device, "name": input.get("name"), "code": digits,
            "type": if is_bound { "time_bound" } else { "ongoing" },
            "status": if is_bound { "unset" } else { "setting" },
            "created_at": now(), "workspace_id": WORKSPACE, "common_code_key": null, "is_managed": true,
            "errors": [], "warnings": [], "pending_mutations": [], "is_backup_access_code_available": false,
            "is_external_modification_allowed": false, "is_one_time_use": false, "is_offline_access_code": false,
        });
        if is_bound {
            code["starts_at"] = json!(starts_at.unwrap_or_else(|| CREATED_AT.to_owned()));
            code["ends_at"] = json!(ends_at);
        }
        self.codes.insert(key(call, &id), code.clone());
        let mut body = self.attempt("CREATE_ACCESS_CODE");
        body["access_code"] = code;
        Ok(Reply::json(200, &body).causing(effect(&Value::Object(input.clone()), id)))
    }

    /// The same values again change nothing.
    fn update(&mut self, call: &Call, input: &Map<String, Value>) -> Done {
        let id = required(input, "access_code_id")?.to_owned();
        check_window(input)?;
        let Some(code) = self.codes.get(&key(call, &id)).cloned() else {
            return Err(unknown_code());
        };
        let device = code["device_id"].as_str().unwrap_or_default();
        if let Some(digits) = text(input, "code") {
            self.check_duplicate(call, device, digits, Some(&id))?;
        }
        let mut next = code.clone();
        for field in ["name", "code"] {
            if let Some(value) = text(input, field) {
                next[field] = json!(value);
            }
        }
        for field in ["starts_at", "ends_at"] {
            if let Some(value) = text(input, field) {
                next[field] = json!(utc(value));
                next["type"] = json!("time_bound");
            }
        }
        let is_news = next != code;
        self.codes.insert(key(call, &id), next);
        let reply = Reply::json(200, &self.attempt("UPDATE_ACCESS_CODE"));
        if is_news {
            return Ok(reply.causing(effect(&Value::Object(input.clone()), id)));
        }
        Ok(reply)
    }

    fn delete(&mut self, call: &Call, input: &Map<String, Value>) -> Done {
        let id = required(input, "access_code_id")?.to_owned();
        if self.codes.remove(&key(call, &id)).is_none() {
            return Err(unknown_code());
        }
        let reply = Reply::json(200, &self.attempt("DELETE_ACCESS_CODE"));
        Ok(reply.causing(effect(&Value::Null, id)))
    }

    fn list(&self, call: &Call, input: &Map<String, Value>) -> Done {
        let device = required(input, "device_id")?;
        let workspace = call.bearer().unwrap_or_default();
        let held = self
            .codes
            .iter()
            .filter(|((of, _), code)| of == workspace && code["device_id"] == device);
        let codes: Vec<&Value> = held.map(|(_, code)| code).collect();
        Ok(Reply::json(
            200,
            &json!({"access_codes": codes, "ok": true}),
        ))
    }

    /// Seam's fake takes the same digits on a device for a duplicate; so does this, whatever the windows.
    fn check_duplicate(
        &self,
        call: &Call,
        device: &str,
        digits: &str,
        but: Option<&str>,
    ) -> Result<(), Reply> {
        let workspace = call.bearer().unwrap_or_default();
        let is_same = |((of, id), code): (&(String, String), &Value)| {
            of == workspace
                && but != Some(id)
                && code["device_id"] == device
                && code["code"] == digits
        };
        if self.codes.iter().any(is_same) {
            let message = "Cannot set duplicate access code";
            return Err(error(409, "duplicate_access_code", message));
        }
        Ok(())
    }

    fn attempt(&mut self, action: &str) -> Value {
        let id = self.id();
        json!({"ok": true, "action_attempt": {"action_attempt_id": id, "action_type": action, "status": "pending",
            "result": null, "error": null}})
    }

    /// In the shape of a UUID, from a counter.
    fn id(&mut self) -> String {
        self.ids += 1;
        let (high, low) = (mix(self.ids), mix(!self.ids));
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

fn key(call: &Call, id: &str) -> (String, String) {
    (call.bearer().unwrap_or_default().to_owned(), id.to_owned())
}

fn input(call: &Call) -> Result<Map<String, Value>, Reply> {
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(input)) => Ok(input),
        _ => Err(error(400, "invalid_input", "The body is no JSON object")),
    }
}

fn text<'a>(input: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    input.get(field)?.as_str()
}

fn required<'a>(input: &'a Map<String, Value>, field: &str) -> Result<&'a str, Reply> {
    text(input, field)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| invalid(field, "Required"))
}

/// "Must be a time in the future and after `starts_at`": only what needs no clock is held to that. Own assumption of
/// the words.
fn check_window(input: &Map<String, Value>) -> Result<(), Reply> {
    for field in ["starts_at", "ends_at"] {
        let is_time = |value: &str| value.len() >= 20 && value.as_bytes()[10] == b'T';
        if text(input, field).is_some_and(|value| !is_time(value)) {
            return Err(invalid(field, "Invalid date"));
        }
    }
    match (text(input, "starts_at"), text(input, "ends_at")) {
        (Some(starts), Some(ends)) if ends <= starts => {
            Err(invalid("ends_at", "Must be after starts_at"))
        }
        _ => Ok(()),
    }
}

/// Times come back with milliseconds. Those with an offset, Seam turns to UTC; this fake leaves them alone.
fn utc(time: &str) -> String {
    match time.strip_suffix('Z') {
        Some(rest) if !rest.contains('.') => format!("{rest}.000Z"),
        _ => time.to_owned(),
    }
}

fn effect(input: &Value, object_id: String) -> Effect {
    Effect {
        marker: marker(input),
        vendor_key: None,
        object_id,
    }
}

fn unknown_code() -> Reply {
    let message = "Could not find an access_code with device_id or access_code_id";
    error(404, "access_code_not_found", message)
}

fn invalid(field: &str, rule: &str) -> Reply {
    let errors = json!({"_errors": [], field: {"_errors": [rule]}});
    let message = format!("{field}: {rule}");
    let body = json!({"type": "invalid_input", "message": message, "validation_errors": errors});
    Reply::json(400, &json!({"error": body, "ok": false}))
}

fn error(status: u16, kind: &str, message: &str) -> Reply {
    let error = json!({"type": kind, "message": message});
    Reply::json(status, &json!({"error": error, "ok": false}))
}
