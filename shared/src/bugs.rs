//! Bugs on purpose: what the simulation must find, or it would not find the others either.
//!
//! One build holds them all (`--cfg causeway_bugs`; a feature would be switched on by `--all-features`), and one of
//! them at a time is planted when the program runs. In every other build `is` is a constant `false`, and nothing is
//! left of the places that ask.

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident,)*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$bug,)*];
        }
    };
}

bugs! {
    /// A settlement or claim overwrites whatever stands there.
    DropFencing,
    /// The record counts as completed before anything was sent.
    CompleteBeforeSending,
    /// A message whose letter could not be sent is acknowledged.
    AcknowledgeWithoutLetter,
    /// A message that could not be sent again is acknowledged.
    AcknowledgeWithoutCopy,
    /// What waits spends an attempt.
    CountDeferrals,
    /// Everybody may probe at once.
    ForgetProbeLease,
    /// An open breaker refuses nobody.
    IgnoreOpenBreaker,
    /// A breaker that was closed once is trusted for ever.
    TrustClosedForEver,
    /// Tokens are granted and nothing is stored.
    GrantWithoutWriting,
    /// Tokens are granted although the compare-and-swap lost.
    GrantAfterLostSwap,
    /// Each attempt shows the vendor a key of its own.
    NewKeyEveryAttempt,
    /// An ambiguous end of an operation without any safety is sent again.
    ResendUnsafe,
    /// "Not found" counts at once.
    IgnoreSettleTime,
    /// A key counts as remembered for ever.
    IgnoreRetention,
    /// A connection that never came about counts as a call that may have taken effect.
    NotSentIsAmbiguous,
    /// No complete answer counts as nothing done.
    AmbiguousIsDefinite,
    /// What a later attempt proves of itself counts for the earlier ones, too.
    ForgetDoubt,
    /// An end that nobody knows is reported as a rejection.
    RejectUnknown,
    /// A redrive shows the vendor a new key although an attempt is in doubt.
    RestartInDoubt,
    /// A poison record takes the rest of its batch with it.
    DropRestAfterPoison,
    /// No retry is ever within the budget.
    DeferForEver,
    /// A redriven letter counts as a duplicate.
    RedriveIsDuplicate,
    /// A record whose outcome is unknown is taken up again.
    ReopenUnknown,
    /// Who loses the claim calls all the same.
    CallWithoutClaim,
    /// A lease ends when it begins.
    NoLease,
    /// A letter says that its request was first seen when its message was sent.
    ForgetFirstSeen,
    /// A letter says that nobody ever tried.
    ForgetAttempts,
    /// The same key with another payload counts as the same request.
    IgnoreConflict,
    /// What an answer says of a call's elements is given to them in another order.
    MixUpElements,
    /// An element that the answer has no word for counts as delivered.
    MissingElementIsDelivered,
    /// Elements that the vendor takes for the same go in one call.
    KeepTwinsTogether,
}

#[cfg(causeway_bugs)]
static PLANTED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(usize::MAX);

/// From now on, and until the next call, the code has `bug` and no other one.
#[cfg(causeway_bugs)]
pub fn plant(bug: Option<Bug>) {
    let number = bug.map_or(usize::MAX, |bug| bug as usize);
    PLANTED.store(number, std::sync::atomic::Ordering::SeqCst);
}

/// Whether the code has `bug`.
#[cfg(causeway_bugs)]
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.load(std::sync::atomic::Ordering::Relaxed) == bug as usize
}

/// Whether the code has `bug`: never, in this build.
#[cfg(not(causeway_bugs))]
pub(crate) const fn is(bug: Bug) -> bool {
    let _ = bug;
    false
}
