//! The story of one call, without any I/O: fault, vendor, count.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::faults::{Fault, Mode, Outage, Running};
use crate::journal::{CallRecord, Journal, Report, millis};
use crate::limits::Windows;
use crate::vendor::{Call, Reply, VENDORS, Vendor};

/// All vendors, their faults and the journal.
pub(crate) struct World {
    desks: BTreeMap<&'static str, Desk>,
    journal: Journal,
}

/// One vendor with what stands around it.
struct Desk {
    vendor: Box<dyn Vendor>,
    windows: Windows,
    outage: Option<Running>,
    /// Idempotency keys whose reply is being held.
    in_flight: BTreeSet<String>,
}

/// What is to be done about a call.
pub(crate) enum Verdict {
    /// Answer.
    Reply(Reply),
    /// Close the connection without an answer.
    HangUp,
    /// Wait, with the call's key in flight, then [`resume`](World::resume).
    Hold(Held),
}

/// A call whose reply is held.
pub(crate) struct Held {
    /// How long at most.
    pub wait: Duration,
    /// The key in flight.
    pub key: Option<String>,
    /// The reply, where the work is done already.
    reply: Option<Reply>,
}

impl Default for World {
    fn default() -> Self {
        let desks = VENDORS.iter().map(|new| {
            let vendor = new();
            let name = vendor.name();
            let desk = Desk {
                vendor,
                windows: Windows::default(),
                outage: None,
                in_flight: BTreeSet::new(),
            };
            (name, desk)
        });
        Self {
            desks: desks.collect(),
            journal: Journal::default(),
        }
    }
}

impl World {
    /// The provider's own name, where it is known.
    pub(crate) fn provider(&self, name: &str) -> Option<&'static str> {
        self.desks.get_key_value(name).map(|(name, _)| *name)
    }

    /// The providers there are.
    pub(crate) fn providers(&self) -> Vec<&'static str> {
        self.desks.keys().copied().collect()
    }

    /// The fate of the next call to `provider`; asked once a call.
    pub(crate) fn fate(&mut self, provider: &str, now: Duration) -> Option<Fault> {
        self.desks.get_mut(provider)?.outage.as_mut()?.next(now)
    }

    /// Takes a call to its verdict. Effects are counted at once; a held call is listed when its hold ends.
    pub(crate) fn take(
        &mut self,
        provider: &'static str,
        call: &Call,
        fault: Option<&Fault>,
    ) -> Verdict {
        let Some(fault) = fault else {
            let reply = self.serve(provider, call);
            self.list(provider, call, Some(&reply), None);
            return Verdict::Reply(reply);
        };
        let served = fault.has_effect().then(|| self.serve(provider, call));
        match fault.mode {
            Mode::Error400 | Mode::Error403 | Mode::Moved | Mode::Error500 | Mode::Error503 => {
                let reply = self.break_down(provider, call, fault, served.as_ref());
                self.list(provider, call, Some(&reply), Some(fault));
                Verdict::Reply(reply)
            }
            Mode::Refuse | Mode::LostReply => {
                self.list(provider, call, None, Some(fault));
                Verdict::HangUp
            }
            Mode::Timeout => Verdict::Hold(self.hold(provider, call, fault, served)),
        }
    }

    /// Ends a hold: does the work where that is still to be done, and answers.
    pub(crate) fn resume(
        &mut self,
        provider: &'static str,
        call: &Call,
        held: Held,
        fault: &Fault,
    ) -> Reply {
        self.land(provider, held.key.as_deref());
        let reply = held.reply.unwrap_or_else(|| self.serve(provider, call));
        self.list(provider, call, Some(&reply), Some(fault));
        reply
    }

    /// Ends a hold whose caller has gone.
    pub(crate) fn abandon(
        &mut self,
        provider: &'static str,
        call: &Call,
        key: Option<&str>,
        fault: &Fault,
    ) {
        self.land(provider, key);
        self.list(provider, call, None, Some(fault));
    }

    /// Starts an outage, in place of the one before.
    pub(crate) fn put_outage(&mut self, provider: &str, outage: Outage, now: Duration) {
        if let Some(desk) = self.desks.get_mut(provider) {
            desk.outage = Some(Running::start(outage, now));
        }
    }

    /// Ends the outage of one provider, or of all.
    pub(crate) fn clear_outages(&mut self, provider: Option<&str>) {
        for (name, desk) in &mut self.desks {
            if provider.is_none_or(|wanted| wanted == *name) {
                desk.outage = None;
            }
        }
    }

    /// The outages under way.
    pub(crate) fn outages(&self, now: Duration) -> Vec<&Outage> {
        self.desks
            .values()
            .filter_map(|desk| desk.outage.as_ref()?.at(now))
            .collect()
    }

    /// All counts.
    pub(crate) fn report(&self) -> Report {
        self.journal.report(|name| {
            self.desks
                .get(name)
                .map(|desk| desk.windows.reports())
                .unwrap_or_default()
        })
    }

    /// The calls one by one.
    pub(crate) fn calls(&self) -> &[CallRecord] {
        self.journal.calls()
    }

    /// Counts an effect twice, see [`Journal::duplicate`].
    pub(crate) fn duplicate(&mut self, marker: &str) -> bool {
        self.journal.duplicate(marker)
    }

    /// The vendor's own behaviour.
    fn serve(&mut self, provider: &'static str, call: &Call) -> Reply {
        let Some(desk) = self.desks.get_mut(provider) else {
            return unknown();
        };
        if let Some(refusal) = desk.vendor.refuse(call) {
            return refusal;
        }
        if let Err(exceeded) = desk.windows.admit(&desk.vendor.limits(call), call.now) {
            self.journal.throttled(provider);
            return desk.vendor.throttled(&exceeded);
        }
        if desk
            .vendor
            .key(call)
            .is_some_and(|key| desk.in_flight.contains(&key))
        {
            return desk.vendor.busy();
        }
        let reply = desk.vendor.execute(call);
        for effect in &reply.effects {
            self.journal.effect(provider, effect.clone());
        }
        if reply.replayed {
            self.journal.replayed(provider);
        }
        reply
    }

    /// An error on command, before or after the work.
    fn break_down(
        &mut self,
        provider: &str,
        call: &Call,
        fault: &Fault,
        served: Option<&Reply>,
    ) -> Reply {
        let Some(desk) = self.desks.get_mut(provider) else {
            return unknown();
        };
        let reply = desk.vendor.broken(fault.mode.status().unwrap_or(500));
        let worked = served.is_some_and(|served| !served.effects.is_empty());
        if fault.stored {
            desk.vendor.remember(call, reply, worked)
        } else {
            reply
        }
    }

    fn hold(&mut self, provider: &str, call: &Call, fault: &Fault, reply: Option<Reply>) -> Held {
        let Some(desk) = self.desks.get_mut(provider) else {
            return Held {
                wait: Duration::ZERO,
                key: None,
                reply,
            };
        };
        // A second call with a key in flight is not the one to land it.
        let key = desk
            .vendor
            .key(call)
            .filter(|key| desk.in_flight.insert(key.clone()));
        let left = desk
            .outage
            .as_ref()
            .and_then(|outage| outage.left(call.now));
        Held {
            wait: left.map_or(fault.hold(), |left| left.min(fault.hold())),
            key,
            reply,
        }
    }

    fn list(
        &mut self,
        provider: &'static str,
        call: &Call,
        reply: Option<&Reply>,
        fault: Option<&Fault>,
    ) {
        let record = CallRecord {
            provider: provider.to_owned(),
            at_ms: millis(call.now),
            call: format!("{} {}", call.method, call.path),
            vendor_key: self
                .desks
                .get(provider)
                .and_then(|desk| desk.vendor.key(call)),
            status: reply.map(|reply| reply.status),
            fault: fault.map(|fault| fault.mode.name().to_owned()),
        };
        self.journal.call(provider, record);
    }

    fn land(&mut self, provider: &str, key: Option<&str>) {
        if let (Some(desk), Some(key)) = (self.desks.get_mut(provider), key) {
            desk.in_flight.remove(key);
        }
    }
}

/// The answer for a provider that there is none of.
pub(crate) fn unknown() -> Reply {
    Reply::json(
        404,
        &serde_json::json!({"error": "no such provider; see /_control/health"}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue, Method};

    fn customer(key: &'static str, n: u64, ms: u64) -> Call {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static(key));
        let body = format!("metadata[request]=r{n}").into();
        let path = "/v1/customers".to_owned();
        Call {
            method: Method::POST,
            path,
            query: Vec::new(),
            headers,
            body,
            now: Duration::from_millis(ms),
        }
    }

    fn status(world: &mut World, call: &Call) -> (u16, Vec<(String, String)>) {
        match world.take("stripe", call, None) {
            Verdict::Reply(reply) => (reply.status, reply.headers),
            Verdict::HangUp | Verdict::Hold(_) => panic!("no fault was asked for"),
        }
    }

    #[test]
    fn twenty_sixth_call_of_a_second_to_one_endpoint_is_throttled() {
        let mut world = World::default();
        for n in 0..25 {
            assert_eq!(
                status(&mut world, &customer("Bearer sk_live_1", n, n)).0,
                200
            );
        }
        let (over, headers) = status(&mut world, &customer("Bearer sk_live_1", 25, 999));
        assert_eq!(over, 429);
        assert!(headers.contains(&(
            "Stripe-Rate-Limited-Reason".to_owned(),
            "endpoint-rate".to_owned()
        )));
        assert_eq!(
            status(&mut world, &customer("Bearer sk_live_1", 25, 1_000)).0,
            200
        );
        let report = world.report().providers["stripe"].clone();
        assert_eq!(
            (report.throttled, report.effects),
            (1, 26),
            "a throttled call does nothing"
        );
    }

    #[test]
    fn sandbox_is_throttled_as_a_whole() {
        let mut world = World::default();
        for n in 0..25 {
            assert_eq!(
                status(&mut world, &customer("Bearer sk_test_1", n, 0)).0,
                200
            );
        }
        let (_, headers) = status(&mut world, &customer("Bearer sk_test_1", 25, 0));
        assert!(headers.contains(&(
            "Stripe-Rate-Limited-Reason".to_owned(),
            "global-rate".to_owned()
        )));
    }
}
