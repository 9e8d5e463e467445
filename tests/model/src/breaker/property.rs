//! What must hold in every moment, and what must be possible.

use causeway::breaker::{CallResult, State};
use stateright::Property;

use super::{Environment, Fleet, Moment, Step};

/// One prober at a time.
pub const ONE_PROBE: &str = "at most one live probe";
/// Epochs, forced openings and open windows are kept.
pub const RULES: &str = "no transition breaks a rule";
/// Nothing is stuck.
pub const CLOSES: &str = "with a healthy provider the breaker closes";

/// More rounds than a close needs: what is left of a window or lease, and two probes.
const FAIR_ROUNDS: u8 = 12;

pub(super) fn all(fleet: &Fleet) -> Vec<Property<Fleet>> {
    let mut all = vec![
        Property::always(ONE_PROBE, |_, moment: &Moment| {
            let live = |environment: &&Environment| match environment {
                Environment::Calling { epoch, probe_until } => {
                    *epoch == moment.item.epoch
                        && probe_until.is_some_and(|until| moment.tick < until)
                }
                _ => false,
            };
            moment.environments.iter().filter(live).count() <= 1
        }),
        Property::always(RULES, |_, moment: &Moment| moment.broken.is_none()),
        Property::always(CLOSES, closes),
        Property::sometimes("opened", |_, moment: &Moment| {
            moment.item.state == State::Open
        }),
        Property::sometimes("opened again by a failed probe", |_, moment: &Moment| {
            moment.item.state == State::Open && moment.item.reopenings > 0
        }),
        Property::sometimes("closed again by probes", |_, moment: &Moment| {
            moment.item.state == State::Closed && moment.item.opened > 0
        }),
        Property::sometimes("a lease passed to another", |_, moment: &Moment| {
            let lost = |(who, environment): (usize, &Environment)| {
                matches!(
                    environment,
                    Environment::Calling {
                        probe_until: Some(_),
                        ..
                    }
                ) && moment.item.state == State::HalfOpen
                    && moment.item.probe_owner.as_deref() != Some(super::NAMES[who])
            };
            moment.environments.iter().enumerate().any(lost)
        }),
    ];
    if fleet.commands > 0 {
        all.push(Property::sometimes("forced open", |_, moment: &Moment| {
            moment.item.state == State::ForcedOpen
        }));
    }
    all
}

/// From here on nobody dies and every call succeeds. Looked at where all environments are idle: from every other
/// moment one of these is reached, since environments can die.
fn closes(fleet: &Fleet, moment: &Moment) -> bool {
    if moment
        .environments
        .iter()
        .any(|environment| *environment != Environment::Idle)
    {
        return true;
    }
    let mut moment = moment.clone();
    for _ in 0..FAIR_ROUNDS {
        // Ask, be elected, succeed, write.
        for step in [
            Step::Ask(0),
            Step::Write(0),
            Step::End(0, CallResult::Success),
            Step::Write(0),
        ] {
            fleet.take(&mut moment, step);
        }
        if moment.item.state == State::Closed {
            return true;
        }
        fleet.take(&mut moment, Step::Tick);
    }
    false
}
