//! Whether calls may be made under the stored state: its pauses, and what the vendor's budget leaves.

use super::held::Prints;
use super::pause::{Pause, Paused, Reason, Standing, TRIAL_EVERY};
use super::rights::Rights;
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
            Reason::Unauthorised | Reason::RefreshBudget | Reason::Moved | Reason::Forbidden => {
                true
            }
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

    /// The account has another address than the call that showed the secret of `prints`: the connection waits for a new
    /// secret, which holds the address, or for the old address to answer again. None where the secret is another one by
    /// now.
    pub(super) fn moved(&self, prints: &Prints, now: Timestamp) -> Option<Self> {
        let is_first = self.prints.secret.is_empty();
        if !is_first && self.prints != *prints {
            return None;
        }
        let mut next = self.clone();
        if is_first {
            next.prints = prints.clone();
        }
        next.pause_for(Reason::Moved, now);
        (next != *self).then(|| next.stamped())
    }

    /// This state after `change` to its rights, under the secret of `shown`, which a call showed; none where nothing has
    /// changed, or the secret is another one by now.
    pub(super) fn with_rights(
        &self,
        shown: &Prints,
        change: impl FnOnce(&mut Rights),
    ) -> Option<Self> {
        let is_first = self.prints.secret.is_empty();
        if !is_first && self.prints != *shown {
            return None;
        }
        let mut next = self.clone();
        change(&mut next.rights);
        if next.rights == self.rights {
            return None;
        }
        if is_first {
            next.prints = shown.clone();
        }
        Some(next.stamped())
    }

    /// Whether anything of the connection is paused.
    pub fn is_paused(&self) -> bool {
        self.pause.is_some() || self.rights.paused().next().is_some()
    }

    /// An operator says that it works again: nothing stands in the next call's way but the vendor's budget. A token
    /// that was refused is not tried again.
    pub fn resume(&self) -> Option<Self> {
        if !self.is_paused() {
            return None;
        }
        let mut next = self.clone();
        let is_refused = |pause: &Pause| pause.reason == Reason::Unauthorised;
        if self.pause.as_ref().is_some_and(is_refused) {
            next.token = None;
        }
        next.rights = Rights::default();
        (next.pause, next.retry_at) = (None, None);
        (next.failures, next.refusals, next.lapsed) = (0, 0, 0);
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
