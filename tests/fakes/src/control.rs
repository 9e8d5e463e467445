//! The control API under `/_control/`, for tests, the demo and people with `curl`.
//!
//! | call | does |
//! |---|---|
//! | `GET /_control/health` | answers once the server is up, with the providers it knows |
//! | `GET /_control/journal` | all counts: a [`Report`](crate::journal::Report) |
//! | `GET /_control/calls` | the calls one by one: a list of [`CallRecord`](crate::journal::CallRecord) |
//! | `GET /_control/faults` | the [`Outage`]s under way |
//! | `PUT /_control/faults` | starts an [`Outage`], in place of the provider's one before |
//! | `DELETE /_control/faults` | ends all outages; `/_control/faults/<provider>` ends one |
//! | `POST /_control/duplicate` | `{"marker": …}`: counts an effect twice, so that a verification can be tested |
//! | `POST /_control/reset` | forgets everything: objects, keys, windows, faults, counts |

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::faults::Outage;
use crate::vendor::Reply;
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Duplicate {
    marker: String,
}

/// Answers a control call; `path` is what follows `/_control/`.
pub(crate) fn answer(
    world: &mut World,
    method: &Method,
    path: &str,
    body: &[u8],
    now: Duration,
) -> Reply {
    match (method, path) {
        (&Method::GET, "health") => {
            Reply::json(200, &json!({"ok": true, "providers": world.providers()}))
        }
        (&Method::GET, "journal") => Reply::json(200, &json!(world.report())),
        (&Method::GET, "calls") => Reply::json(200, &json!(world.calls())),
        (&Method::GET, "faults") => Reply::json(200, &json!(world.outages(now))),
        (&Method::PUT, "faults") => put_outage(world, body, now),
        (&Method::DELETE, "faults") => {
            world.clear_outages(None);
            done()
        }
        (&Method::DELETE, _) if path.starts_with("faults/") => {
            world.clear_outages(path.strip_prefix("faults/"));
            done()
        }
        (&Method::POST, "duplicate") => match serde_json::from_slice::<Duplicate>(body) {
            Ok(wanted) if world.duplicate(&wanted.marker) => done(),
            Ok(_) => problem(404, "marker: no effect carries it"),
            Err(error) => problem(400, &error.to_string()),
        },
        (&Method::POST, "reset") => {
            *world = World::default();
            done()
        }
        _ => problem(404, "no such control call"),
    }
}

fn put_outage(world: &mut World, body: &[u8], now: Duration) -> Reply {
    let outage: Outage = match serde_json::from_slice(body) {
        Ok(outage) => outage,
        Err(error) => return problem(400, &error.to_string()),
    };
    if let Some(what) = outage.problem() {
        return problem(400, what);
    }
    match world.provider(&outage.provider) {
        Some(provider) => {
            world.put_outage(provider, outage, now);
            done()
        }
        None => problem(404, "provider: there is no such fake"),
    }
}

fn done() -> Reply {
    Reply::json(200, &json!({"ok": true}))
}

fn problem(status: u16, what: &str) -> Reply {
    Reply::json(status, &json!({"ok": false, "error": what}))
}
