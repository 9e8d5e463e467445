//! What becomes of a call, before anyone looks at what it asks for.

use causeway::provider::Wire;

use crate::profile::{Kind, Outage, VendorProfile};
use crate::providers::operation_of;
use crate::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    Fails,
    FailsAfter,
    Stalls,
    StallsAfter,
    Loses,
    StoresFailure,
    Throttles,
    Unreachable,
    Slow,
    Rejects,
    Unauthorized,
    Withholds,
    Forbids,
    Lacks,
    Blocks,
    Moves,
    Unreadable,
}

impl Mode {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "is carried out",
            Self::Fails => "fails without effect",
            Self::FailsAfter => "takes effect and fails",
            Self::Stalls => "stalls without effect",
            Self::StallsAfter => "takes effect and stalls",
            Self::Loses => "takes effect and loses the answer",
            Self::StoresFailure => "fails, and the key remembers it",
            Self::Throttles => "is throttled",
            Self::Unreachable => "cannot be sent",
            Self::Slow => "is carried out slowly",
            Self::Rejects => "is rejected",
            Self::Unauthorized => "has the wrong credentials",
            Self::Withholds => "is about what is somebody else's",
            Self::Forbids => "is forbidden",
            Self::Lacks => "lacks the right",
            Self::Blocks => "meets a firewall's page",
            Self::Moves => "is redirected",
            Self::Unreadable => "takes effect and is answered at length",
        }
    }

    /// What becomes of a call of `connection` at `now`. The whole vendor's outage comes before what one connection
    /// meets, and that before bad luck.
    pub fn draw(
        wire: &Wire,
        connection: &str,
        now: i64,
        profile: &VendorProfile,
        rng: &mut Rng,
    ) -> Self {
        Self::of_outage(now, profile)
            .or_else(|| Self::of_spell(wire, connection, now, profile))
            .unwrap_or_else(|| Self::of_luck(profile, rng))
    }

    fn of_outage(now: i64, profile: &VendorProfile) -> Option<Self> {
        let mut outages = profile.outages.iter();
        let (_, _, outage) = outages.find(|(from, until, _)| (*from..*until).contains(&now))?;
        Some(match outage {
            Outage::Unavailable => Self::Fails,
            Outage::Unreachable => Self::Unreachable,
            Outage::Silent => Self::Stalls,
            Outage::BadGateway => Self::FailsAfter,
        })
    }

    fn of_spell(wire: &Wire, connection: &str, now: i64, profile: &VendorProfile) -> Option<Self> {
        let operation = operation_of(wire);
        let spells = profile.spells.iter().filter(|spell| {
            spell.connection == connection && (spell.from..spell.until).contains(&now)
        });
        let mut met = spells.filter_map(|spell| match spell.kind {
            Kind::Moved => Some(Self::Moves),
            Kind::Without(right) => (operation == Some(right)).then_some(Self::Lacks),
        });
        met.next()
    }

    fn of_luck(profile: &VendorProfile, rng: &mut Rng) -> Self {
        for (chance, mode) in [
            (profile.fails, Self::Fails),
            (profile.fails_after, Self::FailsAfter),
            (profile.stalls, Self::Stalls),
            (profile.stalls_after, Self::StallsAfter),
            (profile.loses, Self::Loses),
            (profile.stores_failure, Self::StoresFailure),
            (profile.throttles, Self::Throttles),
            (profile.unreachable, Self::Unreachable),
            (profile.slow, Self::Slow),
            (profile.rejects, Self::Rejects),
            (profile.unauthorized, Self::Unauthorized),
            (profile.withholds, Self::Withholds),
            (profile.forbids, Self::Forbids),
            (profile.blocks, Self::Blocks),
            (profile.unreadable, Self::Unreadable),
        ] {
            if rng.chance(chance) {
                return mode;
            }
        }
        Self::Normal
    }
}
