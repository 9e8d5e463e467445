//! Whether calls may be made under the stored state: its pauses, and what the vendor's budget leaves.

use super::pause::{Pause, Paused, Reason, Standing, TRIAL_EVERY};
use super::state::CredentialState;
use crate::Timestamp;
use crate::provider::TokenScheme;

impl CredentialState {
    /// Whether calls may be made, as far as the stored state tells.
    pub fn standing(&self, scheme: Option<&TokenScheme>, now: Timestamp) -> Standing {
        let budget = scheme
            .filter(|_| !self.is_usable(now) && self.lease.is_none())
            .and_then(|scheme| self.budget_free_at(scheme, now));
        if let Some(until) = budget {
            return Standing::Paused(Paused::by_budget(until));
        }
        let Some(pause) = &self.pause else {
            return Standing::Going;
        };
        let paused = Paused::of(pause);
        let may_try = match pause.reason {
            Reason::Unauthorised | Reason::RefreshBudget => true,
            // A dead token stays dead, unless the vendor says that it does not.
            Reason::ReauthoriseNeeded => scheme.is_some_and(|scheme| !scheme.is_single_use()),
            Reason::SecretMissing => false,
        };
        if may_try && now >= pause.next_trial {
            Standing::TrialDue(paused)
        } else {
            Standing::Paused(paused)
        }
    }

    /// Takes the trial that is due.
    pub(super) fn begin_trial(&mut self, now: Timestamp) {
        if let Some(pause) = &mut self.pause {
            pause.next_trial = now + TRIAL_EVERY;
        }
    }

    /// Pauses the connection; a pause for the same reason goes on.
    pub(super) fn pause_for(&mut self, reason: Reason, now: Timestamp) -> Paused {
        let pause = match self.pause.take() {
            Some(pause) if pause.reason == reason => pause,
            _ => Pause {
                reason,
                since: now,
                next_trial: now + TRIAL_EVERY,
            },
        };
        let paused = Paused::of(&pause);
        self.pause = Some(pause);
        paused
    }

    /// An operator says that it works again: nothing stands in the next call's way but the vendor's budget. A token
    /// that was refused is not tried again.
    pub fn resume(&self) -> Option<Self> {
        let pause = self.pause.as_ref()?;
        let mut next = self.clone();
        if pause.reason == Reason::Unauthorised {
            next.token = None;
        }
        (next.pause, next.retry_at) = (None, None);
        (next.failures, next.lapsed) = (0, 0);
        Some(next.stamped())
    }

    /// When the vendor's budget has a token again; none while it has.
    pub(super) fn budget_free_at(&self, scheme: &TokenScheme, now: Timestamp) -> Option<Timestamp> {
        let budget = scheme.budget?;
        // The call comes at any time within its lease: a window is counted from the lease's end.
        let within = budget.within + scheme.lease_time();
        let counted = self.refreshes.iter().filter(|at| **at + within > now);
        let spent = counted.clone().count();
        let too_many = (spent + 1).checked_sub(budget.tokens as usize)?;
        let last_to_fall = too_many.checked_sub(1)?;
        counted.clone().nth(last_to_fall).map(|at| *at + within)
    }
}
