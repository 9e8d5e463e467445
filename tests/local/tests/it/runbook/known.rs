//! The runbook's commands and the words that their answers hold.

use super::state::State;

/// A section of the runbook.
pub struct Known {
    /// Its heading.
    pub heading: &'static str,
    /// What it is about.
    pub state: State,
    /// Its commands, each with words of its answer.
    pub commands: &'static [(&'static str, &'static [&'static str])],
}

/// What is known about the section `heading`.
///
/// # Panics
/// When nothing is.
pub fn of(heading: &str) -> &'static Known {
    let known = SECTIONS.iter().find(|section| section.heading == heading);
    known.unwrap_or_else(|| panic!("nothing is known about the section {heading}"))
}

/// In the runbook's order.
pub const SECTIONS: &[Known] = &[
    Known {
        heading: "First five minutes",
        state: State::Healthy,
        commands: &[
            ("export CAUSEWAY_STACK=causeway", &[]),
            ("causeway lanes", &["stripe", "SOURCE"]),
            ("causeway dlq list stripe", &[]),
            ("causeway breaker show stripe", &["stripe: "]),
            ("causeway connection list stripe", &[]),
        ],
    },
    Known {
        heading: "DeadLettersAlarm",
        state: State::Letters,
        commands: &[
            (
                "causeway dlq list stripe",
                &["provider_rejected", "outcome_unknown"],
            ),
            (
                "causeway dlq explain stripe",
                &["provider_rejected", "outcome_unknown"],
            ),
            (
                "causeway dlq show stripe order-1712",
                &["outcome_unknown", "order-1712"],
            ),
            (
                "causeway dlq list stripe",
                &["provider_rejected", "outcome_unknown"],
            ),
        ],
    },
    Known {
        heading: "UnknownOutcomeAlarm",
        state: State::Letters,
        commands: &[
            ("causeway dlq list stripe", &["outcome_unknown"]),
            (
                "causeway dlq show stripe order-1712",
                &["outcome_unknown", "order-1712"],
            ),
            ("causeway dlq list stripe", &["outcome_unknown"]),
        ],
    },
    Known {
        heading: "OldestLetterAlarm",
        state: State::Letters,
        commands: &[
            ("causeway dlq list", &["OLDEST", "outcome_unknown"]),
            ("causeway dlq list", &["OLDEST", "outcome_unknown"]),
        ],
    },
    Known {
        heading: "OldestMessageAlarm",
        state: State::Tripped,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            ("causeway breaker show stripe", &["stripe: Open"]),
            ("causeway lanes", &["stripe", "SOURCE"]),
        ],
    },
    Known {
        heading: "BreakerOpenAlarm",
        state: State::Tripped,
        commands: &[
            ("causeway breaker show stripe", &["stripe: Open"]),
            ("causeway connection list stripe", &[]),
            ("causeway breaker close stripe", &["now  stripe: Closed"]),
            (
                "sam logs --stack-name $CAUSEWAY_STACK --name StripeFunction",
                &[],
            ),
            ("causeway breaker show stripe", &["stripe: Closed"]),
        ],
    },
    Known {
        heading: "RateLimitAlarm",
        state: State::Healthy,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            ("causeway providers stripe", &["limit      endpoint"]),
            ("causeway lanes", &["stripe", "SOURCE"]),
        ],
    },
    Known {
        heading: "UnauthorizedAlarm",
        state: State::Paused,
        commands: &[
            ("causeway connection list stripe", &["unauthorised"]),
            (
                "causeway connection show stripe/default",
                &["stripe/default", "unauthorised"],
            ),
            ("causeway connection list stripe", &[]),
        ],
    },
    Known {
        heading: "FunctionErrorsAlarm",
        state: State::Healthy,
        commands: &[
            (
                "sam logs --stack-name $CAUSEWAY_STACK --name StripeFunction",
                &[],
            ),
            ("causeway lanes", &["stripe", "SOURCE"]),
            ("causeway lanes", &["stripe", "SOURCE"]),
        ],
    },
    Known {
        heading: "FunctionThrottlesAlarm",
        state: State::Healthy,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            (
                "causeway breaker open stripe --reason \"the account has no concurrency left\" --for 1h",
                &["now  stripe: ForcedOpen"],
            ),
            ("causeway breaker close stripe", &["now  stripe: Closed"]),
        ],
    },
    Known {
        heading: "IngestErrorsAlarm",
        state: State::Healthy,
        commands: &[
            (
                "sam logs --stack-name $CAUSEWAY_STACK --name IngestFunction",
                &[],
            ),
            ("causeway send infra/examples/stripe.json", &[]),
            (
                "causeway status stripe runbook-check-1 --watch",
                &["COMPLETED"],
            ),
        ],
    },
    Known {
        heading: "GatekeeperAlarm",
        state: State::Healthy,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            (
                "sam logs --stack-name $CAUSEWAY_STACK --name GatekeeperFunction",
                &[],
            ),
        ],
    },
    Known {
        heading: "WarningAlarm",
        state: State::Healthy,
        commands: &[(
            "sam logs --stack-name $CAUSEWAY_STACK --name WarningFunction",
            &[],
        )],
    },
    Known {
        heading: "Early warning",
        state: State::Healthy,
        commands: &[
            ("causeway lanes", &["stripe", "WARNING"]),
            ("causeway breaker show stripe", &["stripe: "]),
        ],
    },
    Known {
        heading: "FailureRateAlarm",
        state: State::Letters,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            (
                "causeway dlq list stripe",
                &["provider_rejected", "outcome_unknown"],
            ),
        ],
    },
    Known {
        heading: "LatencyAlarm",
        state: State::Healthy,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            ("causeway breaker show stripe", &["stripe: "]),
        ],
    },
    Known {
        heading: "LaneAlarm",
        state: State::Healthy,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            ("causeway alarms", &[]),
        ],
    },
    Known {
        heading: "Force the breaker",
        state: State::Healthy,
        commands: &[
            (
                "causeway breaker open stripe --reason \"charges look doubled, asking the vendor\" --for 15m",
                &["now  stripe: ForcedOpen"],
            ),
            (
                "causeway breaker show stripe",
                &["stripe: ForcedOpen", "asking the vendor"],
            ),
            ("causeway breaker close stripe", &["now  stripe: Closed"]),
            ("causeway breaker show stripe", &["stripe: Closed"]),
        ],
    },
    Known {
        heading: "Redrive dead letters",
        state: State::Letters,
        commands: &[
            (
                "causeway dlq redrive stripe --dry-run",
                &["safe", "ambiguous"],
            ),
            (
                "causeway dlq redrive stripe --code provider_rejected --yes",
                &["3 sent again"],
            ),
            ("causeway dlq redrive stripe --yes", &[]),
            ("causeway dlq list stripe", &["outcome_unknown"]),
        ],
    },
    Known {
        heading: "Resolve an unknown",
        state: State::Letters,
        commands: &[
            (
                "causeway unknown list stripe",
                &[
                    "order-1712",
                    "order-1713",
                    "causeway status stripe order-1712",
                ],
            ),
            ("causeway status stripe order-1712", &["UNKNOWN"]),
            (
                "causeway dlq show stripe order-1712",
                &["outcome_unknown", "order-1712"],
            ),
            (
                "causeway dlq resolve stripe order-1712 --completed --reason \"found in the vendor's dashboard\"",
                &["COMPLETED"],
            ),
            (
                "causeway dlq resolve stripe order-1713 --rejected --reason \"not at the vendor, asked their support\"",
                &["REJECTED"],
            ),
            ("causeway dlq redrive stripe --yes", &["1 sent again"]),
        ],
    },
    Known {
        heading: "Resume a connection",
        state: State::Paused,
        commands: &[
            (
                "causeway connection show stripe/default",
                &["stripe/default", "unauthorised"],
            ),
            ("causeway connection resume stripe/default", &["resumed"]),
            ("causeway connection list stripe", &[]),
        ],
    },
    Known {
        heading: "Roll back a release",
        state: State::Healthy,
        commands: &[
            ("causeway lanes releases", &["Stripe", "LIVE"]),
            ("export RELEASE=.aws-sam/build", &[]),
            (
                "sam deploy --config-file \"$PWD/samconfig.toml\" --template-file $RELEASE/template.yaml --stack-name $CAUSEWAY_STACK",
                &[],
            ),
            ("causeway lanes", &["stripe", "SOURCE"]),
        ],
    },
    Known {
        heading: "Rotate a secret",
        state: State::Healthy,
        commands: &[
            (
                "causeway connection add stripe/default --from secret.json --replace",
                &["causeway/stripe/default: replaced"],
            ),
            (
                "causeway connection test stripe/default",
                &["works", "the vendor takes them"],
            ),
            (
                "causeway connection show stripe/default",
                &["stripe/default"],
            ),
        ],
    },
    Known {
        heading: "When the gatekeeper is dead",
        state: State::Healthy,
        commands: &[
            ("causeway lanes", &["stripe", "SOURCE"]),
            ("causeway lanes enable stripe", &["stripe"]),
            (
                "sam logs --stack-name $CAUSEWAY_STACK --name GatekeeperFunction",
                &[],
            ),
        ],
    },
];
