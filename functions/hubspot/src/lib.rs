#![doc = include_str!("../README.md")]

mod answers;
mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::{Limit, Signals, signal};
use causeway::outcome::{Code, code};
use causeway::provider::{
    Answer, Auth, Json, Operation, Provider, Refused, Safety, Spec, TokenScheme, TokenWord, Verdict,
};

use answers::{Failed, Upserted};
use payloads::{Company, Contact, Deal};

/// CRM records: contacts, companies and deals.
pub struct HubSpot;

const TEN_SECONDS: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// "Locked: […] wait at least 2 seconds": <https://developers.hubspot.com/docs/api-reference/error-handling>
const LOCKED: Duration = Duration::from_secs(2);

/// Inputs in one call: <https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/guide>
const MOST: usize = 100;

/// v1 of this endpoint ends in February 2027; the refresh token stays the same.
/// <https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens>. Its word for a dead one
/// is from others' answers, <https://nango.dev/blog/hubspot-oauth-bad-refresh-token>, beside RFC 6749's.
const OAUTH: TokenScheme = TokenScheme {
    words: &[TokenWord {
        at: "/status",
        word: "BAD_REFRESH_TOKEN",
        refuses: Refused::Grant,
    }],
    ..TokenScheme::refresh_token("/oauth/2026-03/token", false)
};

static SPEC: Spec = Spec {
    // The smallest of HubSpot's tiers (free and starter), 100 per 10 s and 250,000 a day; larger accounts have 190 and
    // more. <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>
    limits: &[
        Limit::window("10s", 100, TEN_SECONDS, 60),
        Limit::window("day", 250_000, DAY, 125_000),
    ],
    mappings: &[
        include_str!("../mappings/pms-contact.json"),
        include_str!("../mappings/storefront-contact.json"),
        include_str!("../mappings/storefront-deal.json"),
    ],
    ..Spec::new(
        "hubspot",
        "https://api.hubapi.com",
        Auth::OneOf(&[
            // A service key, or the static token of an app: neither ends by itself.
            // <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys>,
            // <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/overview>
            Auth::Bearer {
                field: "access_token",
            },
            Auth::Token(OAUTH),
        ]),
        // An upsert by a unique property: writing the same values again changes nothing.
        &[
            Operation::batch::<Contact>("contacts.upsert", Safety::Natural, MOST),
            Operation::batch::<Company>("companies.upsert", Safety::Natural, MOST),
            Operation::batch::<Deal>("deals.upsert", Safety::Natural, MOST),
        ],
    )
};

impl Provider for HubSpot {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// HubSpot names each element by the trace id that we gave it; an error of the whole call names none.
    fn classify_batch(
        &self,
        operation: &Operation,
        elements: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Vec<Verdict> {
        let whole = match answer.status {
            200..=299 => match answer.json::<Upserted>() {
                Some(told) => return told.of(operation, elements),
                None => Verdict::unwell(),
            },
            _ => refused(answer, now),
        };
        whole.of_whole(elements.len())
    }

    /// The remaining calls of the rolling window, and those of the day, which apps with OAuth are not told. Of neither
    /// HubSpot says when it ends: `X-HubSpot-RateLimit-Interval-Milliseconds` is how long the window is,
    /// [always 10,000](https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines), and
    /// [it rolls](https://github.com/HubSpot/hubspot-api-nodejs/issues/416).
    fn signals(&self, _operation: &Operation, answer: &Answer, _now: Timestamp) -> Signals {
        let left = |limit, header| signal::left(&answer.headers, limit, header);
        let rolling = left("10s", "x-hubspot-ratelimit-remaining");
        let daily = left("day", "x-hubspot-ratelimit-daily-remaining");
        Signals {
            remaining: rolling.into_iter().chain(daily).collect(),
            ..Signals::default()
        }
    }
}

/// What an error of the whole call means.
fn refused(answer: &Answer, now: Timestamp) -> Verdict {
    let failed = answer.json::<Failed>().unwrap_or_default();
    match answer.status {
        429 if failed.policy_name == "DAILY" => Verdict::QuotaSpent {
            until: next_hour(now),
        },
        429 => Verdict::throttled_for(answer, now, TEN_SECONDS),
        // Two that want to create the same record at once.
        409 => Verdict::Retry {
            code: Code::new("conflict"),
            after: None,
            fault: false,
        },
        423 => Verdict::Retry {
            code: code::LOCKED,
            after: Some(LOCKED),
            fault: false,
        },
        // "Migration in progress", with a Retry-After of up to 24 hours: the account is closed for so long.
        477 => Verdict::parked(answer, now, HOUR),
        // `MISSING_SCOPES` is about one kind of record; the same token reads and writes the others.
        403 => Verdict::forbidden(failed.is_named(), failed.to_string()),
        400 | 404..=407 | 410..=420 | 422 => Verdict::rejected(failed.to_string()),
        _ => Verdict::by_status(answer, now),
    }
}

/// "The daily limit resets at midnight based on your time zone setting", which is not ours to know; midnight is at a
/// full hour in nearly all zones, so that one call an hour finds it.
fn next_hour(now: Timestamp) -> Timestamp {
    let past = now.as_millis().rem_euclid(HOUR.as_millis() as i64);
    now + HOUR - Duration::from_millis(past.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use causeway::limiter::{Demand, FULL_RATE, LimitState};

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    /// The window's length was taken for the time to its end: whenever little was left of the ten seconds, the lane stood
    /// still for 10.7 s, and every answer on the way began them anew.
    #[test]
    fn a_spent_window_that_rolls_is_waited_for_by_the_rate_and_not_by_its_length() {
        let mut answer = Answer {
            status: 200,
            headers: Default::default(),
            body: "{}".into(),
        };
        for (name, value) in [
            ("x-hubspot-ratelimit-max", "100"),
            ("x-hubspot-ratelimit-remaining", "0"),
            ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
        ] {
            answer
                .headers
                .insert(name, value.parse().expect("a header's value"));
        }
        let signals = HubSpot.signals(&SPEC.operations[0], &answer, NOON);
        let limits: Vec<&Limit> = SPEC.limits.iter().collect();
        let state = LimitState::default().correct(&limits, &signals, NOON);
        let demand = Demand {
            costs: &[1],
            now: NOON,
            inline_wait: Duration::ZERO,
            share: FULL_RATE,
            holder: "me",
            deadline: NOON + HOUR,
        };
        let taken = state.expect("none left is news").take(&limits, &demand);
        assert!(taken.grants.is_empty());
        let wait = taken.slots[0].since(NOON);
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
    }
}
