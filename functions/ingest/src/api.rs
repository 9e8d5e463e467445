//! What every part of the API works with: its paths, the deployed lanes, the seams. Which path is what stands on top of
//! the parts, in [`routes`](crate::routes).

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway::clock::Clock;
use causeway::lanes::StateStore;
use causeway::ledger::LedgerStore;
use causeway::ledger::index::LedgerIndex;
use causeway::mapping::Mappings;
use causeway::pack::{Class, Pack};
use causeway::provider::Provider;
use causeway::queue::Producer;

use crate::caller::{Caller, May};
use crate::catalogue;
use crate::quota::Quota;
use crate::schema::Schemas;

/// Where requests are POSTed and listed, and below which they are followed.
pub const REQUESTS: &str = "/v1/requests";

/// Where the deployed lanes are described.
pub const PROVIDERS: &str = "/v1/providers";

/// Where a mapping is proposed.
pub const PROPOSE: &str = "/v1/mappings/propose";

/// A deployed lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The provider's name in requests.
    pub provider: String,
    /// Its queue.
    pub queue_url: String,
}

/// What the API works with.
pub struct Seams {
    /// What became of requests.
    pub ledger: Arc<dyn LedgerStore>,
    /// Which requests are not delivered.
    pub index: Arc<dyn LedgerIndex>,
    /// What the lanes share: breakers, pauses, limits.
    pub states: Arc<dyn StateStore>,
    /// The connections' own mappings.
    pub mappings: Arc<dyn StateStore>,
    /// The lanes' queues.
    pub producer: Arc<dyn Producer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A lane that is deployed and known to this release.
pub(crate) struct Open {
    pub pack: &'static Pack,
    pub queue_url: String,
    pub mappings: Mappings,
}

/// The API over the deployed lanes.
pub struct Api {
    pub(crate) lanes: BTreeMap<&'static str, Open>,
    pub(crate) schemas: Schemas,
    pub(crate) ledger: Arc<dyn LedgerStore>,
    pub(crate) index: Arc<dyn LedgerIndex>,
    pub(crate) states: Arc<dyn StateStore>,
    pub(crate) producer: Arc<dyn Producer>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The claim by which a token lists the connections that its bearer may use; where there is none, a bearer may use all.
    claim: Option<String>,
    pub(crate) quota: Option<Quota>,
}

impl Api {
    /// The API for `lanes`, whose operations' safeties count where they are known as well as `least`. A lane whose provider
    /// this release does not know takes nothing here.
    #[must_use]
    pub fn new(lanes: Vec<Lane>, seams: Seams, least: Class) -> Self {
        let open = |lane: Lane| {
            let mut packs = catalogue::packs_from(least).iter();
            let pack = packs.find(|pack| pack.spec().name == lane.provider)?;
            let spec = pack.spec();
            let open = Open {
                pack,
                queue_url: lane.queue_url,
                mappings: Mappings::new(spec.name, spec.mappings, seams.mappings.clone()),
            };
            Some((spec.name, open))
        };
        Self {
            lanes: lanes.into_iter().filter_map(open).collect(),
            schemas: Schemas::default(),
            ledger: seams.ledger,
            index: seams.index,
            states: seams.states,
            producer: seams.producer,
            clock: seams.clock,
            claim: None,
            quota: None,
        }
    }

    /// For callers whose tokens list their connections in `claim`: one without it may use none.
    #[must_use]
    pub fn bound_by(self, claim: String) -> Self {
        Self {
            claim: Some(claim),
            ..self
        }
    }

    /// For producers that may hand in so many requests a minute each; `environment` is unique.
    #[must_use]
    pub fn limited_to(self, per_minute: u32, environment: String) -> Self {
        let quota = Quota::new(self.states.clone(), environment, per_minute);
        Self {
            quota: Some(quota),
            ..self
        }
    }

    /// The claim by which tokens list connections.
    #[must_use]
    pub fn claim(&self) -> Option<&str> {
        self.claim.as_deref()
    }

    /// What `caller` may use.
    pub(crate) fn may<'a>(&self, caller: &'a Caller) -> May<'a> {
        caller.may(self.claim.is_some())
    }
}
