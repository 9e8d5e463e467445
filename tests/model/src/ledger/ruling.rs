//! The operator, who looks at the vendor and rules.

use std::sync::Arc;

use causeway::ledger::state::{Resolution, Ruled, Ruling, resolve};
use causeway::ledger::{Expected, Status};

use super::state::{Worker, World};
use super::{Bug, Ledger, at};

impl Ledger {
    /// Whether somebody is asked to rule: the record is in doubt, and nobody works on the request.
    pub(super) fn can_rule(&self, world: &World) -> bool {
        let stored = world.stored.as_ref();
        let in_doubt = stored.is_some_and(|record| record.status == Status::Unknown);
        in_doubt && world.workers.iter().all(|worker| *worker == Worker::Idle)
    }

    /// A person takes minutes; what others do between their look and their write makes them look again.
    pub(super) fn rule(&self, world: &mut World) {
        let took_effect = world.vendor.effects > 0 && !self.has(Bug::RuleBlindly);
        let ruling = Ruling {
            ruled: if took_effect {
                Ruled::Completed
            } else {
                Ruled::Rejected
            },
            by: "o",
            reason: "",
            mark: "",
            now: at(world.tick),
        };
        if let (Some(stored), Resolution::Write(next)) = (
            world.stored.clone(),
            resolve(world.stored.as_deref(), &ruling),
        ) {
            let write = self.writing(next, Expected::unchanged(&stored));
            world.stored = Some(Arc::new(write.next.clone()));
        }
    }
}
