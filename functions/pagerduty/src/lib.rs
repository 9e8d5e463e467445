#![doc = include_str!("../README.md")]

mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::Limit;
use causeway::provider::{Answer, Auth, Operation, Placeholder, Provider, Safety, Spec, Verdict};
use payloads::{Acknowledge, Resolve, Trigger};
use serde::Deserialize;

/// Alert events to PagerDuty's [Events API v2](https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/01-Overview.md).
pub struct Pagerduty;

const MINUTE: Duration = Duration::from_secs(60);

/// How long to wait after a 429 without `Retry-After`: "preferably with a backoff of a few minutes",
/// <https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/01-Overview.md#rate-limits>.
const THROTTLED_FOR: Duration = Duration::from_secs(2 * 60);

static SPEC: Spec = Spec {
    // "We dynamically adjust our throttle limits" is all that the documentation says
    // (<https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/01-Overview.md#rate-limits>). The number is the support's, from
    // 2020: "Events - 120/min (enforced per-integration-key)",
    // <https://community.pagerduty.com/forum/t/monitoring-api-rate-limiting/3318>. A connection is one key.
    limits: &[Limit::window("120/min", 120, MINUTE, 30)],
    // An account is in one of two regions: <https://support.pagerduty.com/main/docs/service-regions>
    placeholders: &[Placeholder::choice(
        "region",
        &[("us", "events"), ("eu", "events.eu")],
    )],
    ..Spec::new(
        "pagerduty",
        "https://{region}.pagerduty.com",
        Auth::Body {
            name: "routing_key",
            field: "routing_key",
        },
        // "Submitting subsequent events for the same `dedup_key` will result in those events being applied to an open
        // alert matching that `dedup_key`", and every 5xx and network error is "Yes - retry after some time":
        // <https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/02-Trigger-Events.md#alert-de-duplication>. That holds for a trigger only
        // where it has a key ("sent without a `dedup_key` will always generate a new alert"), so ours requires one.
        // What sending again can change once the alert is resolved stands in the README.
        &[
            Operation::new::<Trigger>("events.trigger", Safety::Natural),
            Operation::new::<Acknowledge>("events.acknowledge", Safety::Natural),
            Operation::new::<Resolve>("events.resolve", Safety::Natural),
        ],
    )
};

impl Provider for Pagerduty {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// HTTP's own rules, but: the routing key is refused with a 400, as a list of errors or as bare text, and a 429
    /// asks for minutes.
    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        match answer.status {
            200..=299 => Verdict::delivered(answer.json::<Accepted>().map(|body| body.dedup_key)),
            400 if refuses_the_key(answer) => Verdict::Unauthorized,
            429 => Verdict::throttled_for(answer, now, THROTTLED_FOR),
            _ => Verdict::by_status(answer, now),
        }
    }
}

/// <https://developer.pagerduty.com/api-reference/368ae3d938c9e-send-an-event-to-pager-duty>
#[derive(Deserialize)]
struct Accepted {
    dedup_key: String,
}

/// `status` and `message` are the same for every refusal ("invalid event"); only `errors` tells them apart.
#[derive(Deserialize)]
struct Refusal {
    errors: Vec<String>,
}

/// Whether the 400 is about the routing key: of the wrong form
/// (<https://github.com/envato/pagerduty/issues/70>), or nobody's (<https://github.com/robusta-dev/robusta/issues/571>).
/// Errors name a field in quotes; the unquoted words could be part of an event.
fn refuses_the_key(answer: &Answer) -> bool {
    const NOBODYS: &str = "Invalid routing key";
    answer.body.trim_ascii() == NOBODYS.as_bytes()
        || answer.json::<Refusal>().is_some_and(|body| {
            let about_the_key =
                |error: &String| error == NOBODYS || error.contains("'routing_key'");
            body.errors.iter().any(about_the_key)
        })
}
