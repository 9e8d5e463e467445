//! The fake behind the server, for vendors that have no fake written by hand.

use std::sync::Arc;

use bytes::Bytes;
use causeway::clock::{Clock, SystemClock};
use http::HeaderMap;

use super::behaviour::Behaviour;
use super::call::Asked;
use super::fake::{Fake, Served};
use super::routes::Routes;
use crate::limits::{Exceeded, Limit};
use crate::vendor::{Call, Effect, Reply, Vendor};

/// A vendor that is data.
pub(crate) struct Packed {
    name: &'static str,
    fake: Fake,
    /// The Unix time of the server's start, in milliseconds: lanes compare what was made when with their own clock.
    started_ms: i64,
}

impl Packed {
    /// The vendor of these files. They are part of this program, and a test reads each.
    ///
    /// # Panics
    /// When one of the files cannot be read.
    pub(crate) fn boxed(
        name: &'static str,
        page: &str,
        operations: &str,
        behaviour: &str,
    ) -> Box<dyn Vendor> {
        let routes = Routes::read(page, operations);
        let behaviour = Behaviour::read(name, behaviour);
        match (routes, behaviour) {
            (Ok(routes), Ok(behaviour)) => {
                let fake = Fake::new(Arc::new(routes), Arc::new(behaviour));
                let started_ms = SystemClock.now().as_millis();
                Box::new(Self {
                    name,
                    fake,
                    started_ms,
                })
            }
            (routes, behaviour) => {
                let (routes, behaviour) = (routes.err(), behaviour.err());
                panic!("{name}: {routes:?} {behaviour:?}");
            }
        }
    }
}

fn asked(call: &Call, started_ms: i64) -> Asked {
    let now = i64::try_from(call.now.as_millis()).unwrap_or(i64::MAX / 2);
    let mut asked = Asked::new(
        call.method.clone(),
        &call.path,
        call.headers.clone(),
        &call.body,
        started_ms + now,
    );
    asked.query.clone_from(&call.query);
    asked
}

fn reply(served: Served) -> Reply {
    let made = served.made.into_iter().map(|made| Effect {
        marker: made.marker,
        vendor_key: made.key,
        object_id: made.id,
    });
    Reply {
        status: served.status,
        headers: served.headers,
        body: Bytes::from(served.body),
        effects: made.collect(),
        replayed: served.replayed,
    }
}

impl Vendor for Packed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        let _ = call;
        None
    }

    fn limits(&self, _call: &Call) -> Vec<(&'static Limit, String)> {
        Vec::new()
    }

    fn throttled(&self, _exceeded: &Exceeded) -> Reply {
        Reply::json(429, &serde_json::Value::Null)
    }

    fn execute(&mut self, call: &Call) -> Reply {
        reply(self.fake.serve(&asked(call, self.started_ms)))
    }

    fn broken(&self, status: u16) -> Reply {
        let nothing = Asked::new(
            http::Method::GET,
            "/",
            HeaderMap::new(),
            &[],
            self.started_ms,
        );
        let mut said = reply(self.fake.said(&nothing, "broken"));
        said.status = status;
        said
    }
}
