//! What will be sent: a load plan that is the same in every run, and the reference for every check.
//!
//! Ordinary requests for all lanes, a tenth of all messages sent twice, some poison, some requests that can never
//! succeed, some keys that two different requests lay claim to, and events that go out to several lanes at once.

mod bodies;
pub(crate) mod fan_out;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::lanes::{Part, part};

/// One in so many messages is an exact copy of another.
const COPY_EVERY: usize = 10;
/// Shares of the distinct requests, in thousandths: poison, never to succeed, one key for two requests.
const POISON: usize = 20;
const HOPELESS: usize = 30;
const CONTESTED: usize = 4;

/// The demo's ordinary requests.
const DEMO: Mix = Mix {
    shares: &[
        Share::of("slack", 9),
        Share::of("stripe", 11),
        Share::of("shopify", 3),
        Share::of("hubspot", 6),
        Share::of("twilio", 3),
        // Five a second, and ten a minute on each lock.
        Share {
            most: 150,
            ..Share::of("seam", 2)
        },
        // Ninety calls a minute.
        Share {
            most: 90,
            ..Share::of("guesty", 2)
        },
        // Forty calls a minute.
        Share {
            most: 100,
            ..Share::of("xero", 2)
        },
        Share {
            most: 150,
            ..Share::of("klaviyo", 2)
        },
        // Four calls a second.
        Share {
            most: 100,
            ..Share::of("cloudbeds", 2)
        },
    ],
    spread: 120,
    events: 10,
};

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    /// Who gets how many of the ordinary requests; the other kinds go round.
    pub shares: &'static [Share],
    /// Over how many channels, devices and the like a lane's requests spread.
    pub spread: usize,
    /// Events that go out to several lanes, for every thousand messages.
    pub events: usize,
}

/// One lane's share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// The lane.
    pub provider: &'static str,
    /// Its part of the whole, relative to the others'.
    pub weight: usize,
    /// It gets no more than this: a vendor that takes a few requests a minute would have the others wait for it.
    pub most: usize,
}

impl Share {
    /// A share without a bound.
    pub(crate) const fn of(provider: &'static str, weight: usize) -> Self {
        Self {
            provider,
            weight,
            most: usize::MAX,
        }
    }
}

/// What is to become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Delivered; or unknown, where the vendor's reply was lost and the operation cannot settle it.
    Delivered,
    /// A letter with this code.
    Rejected(&'static str),
    /// Delivered or rejected with `idempotency_conflict`: another request has the same key, and one of them wins.
    Contested,
}

/// One distinct request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The lane whose queue it goes to.
    pub provider: &'static str,
    /// Its primary key in the ledger; `None` where its body names none.
    pub pk: Option<String>,
    /// The marker that its effect carries at the vendor.
    pub marker: String,
    /// The message body.
    pub body: String,
    /// SHA-256 of the body: the only name that poison has.
    pub hash: String,
    /// How many messages carry it.
    pub copies: usize,
    /// What is to become of it.
    pub expect: Expect,
    /// The event that it carries to its lane, where it is one of several.
    pub event: Option<usize>,
}

/// The whole load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The distinct requests.
    pub requests: Vec<Request>,
    /// The messages in the order of sending, as indexes into `requests`.
    pub order: Vec<usize>,
}

impl Plan {
    /// A plan of `messages` messages.
    pub(crate) fn new(messages: usize) -> Self {
        Self::of_run("", messages, DEMO)
    }

    /// Another plan of the kind, whose keys and markers start with `run`: it shares no request with those of other
    /// runs.
    pub(crate) fn of_run(run: &str, messages: usize, mix: Mix) -> Self {
        let unique = messages - messages / COPY_EVERY;
        let thousandths = |of: usize, share: usize| of * share / 1000;
        let parts: Vec<&Part> = mix
            .shares
            .iter()
            .filter_map(|share| part(share.provider))
            .collect();
        let spread = mix.spread;
        let turn = |n: usize| parts[n % parts.len()];
        let mut requests = fan_out::requests(run, thousandths(messages, mix.events));
        requests.extend(
            (0..thousandths(unique, POISON)).map(|n| bodies::poison(run, turn(n), n, spread)),
        );
        requests.extend((0..thousandths(unique, HOPELESS)).map(|n| {
            // Each lane's kinds in turn.
            bodies::hopeless(run, turn(n), n / parts.len(), spread)
        }));
        requests.extend(
            (0..thousandths(unique, CONTESTED))
                .flat_map(|n| bodies::contested(run, turn(n), n, spread)),
        );
        let ordinary = unique - requests.len();
        let mut random = Random(messages as u64);
        let first = requests.len();
        for (part, count) in parts.iter().zip(dealt(ordinary, mix.shares)) {
            requests.extend((0..count).map(|n| bodies::ordinary(run, part, n, spread)));
        }
        // Only ordinary requests are copied: what a second copy must lead to is exactly one effect.
        let mut copied = BTreeSet::new();
        while copied.len() < messages - unique {
            copied.insert(first + random.below(ordinary));
        }
        for at in copied {
            requests[at].copies = 2;
        }
        let order = shuffled(&requests, &mut random);
        Self { requests, order }
    }

    /// Both plans as one: `other` is sent after this one.
    pub(crate) fn join(&mut self, other: Self) {
        let first = self.requests.len();
        self.order.extend(other.order.iter().map(|at| first + at));
        self.requests.extend(other.requests);
    }

    /// Messages to be sent.
    pub(crate) fn sent(&self) -> usize {
        self.order.len()
    }

    /// The lanes that take part, in order.
    pub(crate) fn providers(&self) -> BTreeSet<&'static str> {
        self.requests
            .iter()
            .map(|request| request.provider)
            .collect()
    }

    /// How many requests of `provider` are expected to take effect.
    pub(crate) fn deliverable(&self, provider: &str) -> usize {
        let of = self
            .requests
            .iter()
            .filter(|request| request.provider == provider);
        of.filter(|request| request.expect == Expect::Delivered)
            .count()
    }

    /// The requests by their primary key; more than one where a key is contested.
    pub(crate) fn by_pk(&self) -> BTreeMap<&str, Vec<&Request>> {
        let mut by_pk: BTreeMap<&str, Vec<&Request>> = BTreeMap::new();
        for request in &self.requests {
            if let Some(pk) = &request.pk {
                by_pk.entry(pk).or_default().push(request);
            }
        }
        by_pk
    }
}

/// How many of `count` requests each share gets: each in its turn, so that the shares stay in proportion.
fn dealt(count: usize, shares: &[Share]) -> Vec<usize> {
    let mut dealt = vec![0; shares.len()];
    for _ in 0..count {
        let open = (0..shares.len()).filter(|at| dealt[*at] < shares[*at].most);
        // Least served so far, by weight: a / x < b / y is a * y < b * x.
        let next = open.min_by(|a, b| {
            let of = |at: usize, other: usize| (dealt[at] + 1) * shares[other].weight;
            of(*a, *b).cmp(&of(*b, *a))
        });
        if let Some(at) = next {
            dealt[at] += 1;
        }
    }
    dealt
}

/// Lower-case hex SHA-256 of a message body.
pub(crate) fn body_hash(body: &str) -> String {
    Sha256::digest(body.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Fisher-Yates, so that kinds and lanes mix and a copy may come long after its original or before it.
fn shuffled(requests: &[Request], random: &mut Random) -> Vec<usize> {
    let copies = requests
        .iter()
        .enumerate()
        .flat_map(|(at, request)| std::iter::repeat_n(at, request.copies));
    let mut order: Vec<usize> = copies.collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at + 1));
    }
    order
}

/// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): the same numbers in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The remainder's bias is below 2^-50 for a few thousand requests.
        usize::try_from((z ^ (z >> 31)) % bound.max(1) as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::demo::lanes::PARTS;

    #[test]
    fn shares_stay_in_proportion_and_below_their_bounds() {
        let shares = [Share::of("a", 3), Share::of("b", 1), Share::of("c", 4)];
        assert_eq!(dealt(80, &shares), [30, 10, 40]);
        let bounded = [
            shares[0],
            shares[1],
            Share {
                most: 16,
                ..shares[2]
            },
        ];
        assert_eq!(dealt(80, &bounded), [48, 16, 16]);
    }

    #[test]
    fn plan_holds_what_the_demo_promises() {
        let plan = Plan::new(2_200);
        assert_eq!(plan.sent(), 2_200);
        let copies = plan.sent() - plan.requests.len();
        assert_eq!(copies * COPY_EVERY, plan.sent(), "a tenth are exact copies");
        for provider in plan.providers() {
            assert!(plan.deliverable(provider) > 50, "{provider} has work");
        }
        assert_eq!(plan.providers().len(), PARTS.len(), "every lane takes part");
        let rejected: BTreeSet<_> = plan
            .requests
            .iter()
            .map(|request| format!("{:?}", request.expect))
            .collect();
        assert!(rejected.len() > 10, "many kinds of bad input: {rejected:?}");
    }

    #[test]
    fn plan_is_the_same_in_every_run() {
        let (one, two) = (Plan::new(500), Plan::new(500));
        assert_eq!(one.order, two.order);
        assert!(
            one.requests
                .iter()
                .zip(&two.requests)
                .all(|(a, b)| a.body == b.body)
        );
    }

    #[test]
    fn bodies_differ_and_keys_are_shared_only_where_contested() {
        let plan = Plan::new(2_200);
        let hashes: BTreeSet<_> = plan.requests.iter().map(|request| &request.hash).collect();
        assert_eq!(hashes.len(), plan.requests.len());
        for (pk, requests) in plan.by_pk() {
            let contested = requests
                .iter()
                .all(|request| request.expect == Expect::Contested);
            assert_eq!(requests.len(), if contested { 2 } else { 1 }, "{pk}");
        }
    }

    /// A lock holds a code once, and a listing one party a night.
    #[test]
    fn no_two_requests_lay_claim_to_the_same_code_or_listing() {
        let mut seen = BTreeSet::new();
        for request in Plan::new(2_200).requests {
            let body: serde_json::Value = serde_json::from_str(&request.body).unwrap_or_default();
            let payload = &body["payload"];
            let place = match request.provider {
                _ if request.event.is_some() || request.expect != Expect::Delivered => continue,
                "seam" => json!([payload["device_id"], payload["code"]]),
                "guesty" => payload["listingId"].clone(),
                _ => continue,
            };
            assert!(seen.insert(place.to_string()), "{place}");
        }
        assert!(seen.len() > 100);
    }

    #[test]
    fn plans_of_several_runs_share_no_request_and_join_to_one() {
        let mut joined = Plan::of_run("one-", 300, DEMO);
        joined.join(Plan::of_run("two-", 300, DEMO));
        assert_eq!(joined.sent(), 600);
        let hashes: BTreeSet<_> = joined
            .requests
            .iter()
            .map(|request| &request.hash)
            .collect();
        assert_eq!(hashes.len(), joined.requests.len());
        let second = &joined.requests[joined.order[300]];
        assert!(second.marker.starts_with("two-"), "{}", second.marker);
    }

    #[test]
    fn messages_fit_their_queue() {
        // The queues' MaximumMessageSize: 256 KiB for a request and 16 KiB for its attributes.
        let longest = Plan::new(2_200)
            .requests
            .iter()
            .map(|request| request.body.len())
            .max();
        assert!(
            longest.is_some_and(|bytes| bytes > 256 << 10 && bytes <= 272 << 10),
            "{longest:?}"
        );
    }
}
