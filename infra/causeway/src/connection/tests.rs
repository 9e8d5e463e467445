use std::time::Duration;

use serde_json::json;
use time::UtcOffset;

use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn paused(reason: &str) -> Standing {
    let since = (NOON - Duration::from_secs(600)).as_millis();
    let trial = (NOON + Duration::from_secs(300)).as_millis();
    let pause = json!({"reason": reason, "since": since, "next_trial": trial});
    let text = json!({"pause": pause, "refreshes": [since, since - 90_000_000]});
    serde_json::from_value(text).expect("a standing")
}

#[test]
fn a_pause_says_why_since_when_and_what_to_do() {
    let view = view("guesty", "berlin", &paused("unauthorised"), NOON);
    assert_eq!(
        view.budget_used,
        Some(1),
        "yesterday's is out of the window"
    );
    let text = view.paragraph("causeway/guesty/berlin", &Now::at(NOON, UtcOffset::UTC));
    assert!(
        text.contains("paused     unauthorised since 2026-11-22 11:50:00 +00:00 (10 min ago)"),
        "{text}"
    );
    assert!(text.contains("the secret causeway/guesty/berlin"), "{text}");
    assert!(
        text.contains("next trial 2026-11-22 12:05:00 +00:00 (in 5 min)"),
        "{text}"
    );
    assert!(text.contains("budget     1 of 5 tokens in 1 d"), "{text}");
}

#[test]
fn a_pause_that_no_trial_ends_promises_none() {
    let view = view("guesty", "berlin", &paused("reauthorise_needed"), NOON);
    assert_eq!(view.next_trial, None);
    let rows = table(&[view], &Now::at(NOON, UtcOffset::UTC));
    assert!(rows.contains("guesty/berlin"), "{rows}");
    assert!(rows.contains("reauthorise_needed"), "{rows}");
}

#[test]
fn an_operation_that_is_not_allowed_is_named_and_the_connection_goes_on() {
    let since = (NOON - Duration::from_secs(600)).as_millis();
    let run =
        json!({"refusals": 5, "payload": "a", "varied": true, "since": since, "next_trial": since});
    let counted = json!({"refusals": 1, "payload": "a", "since": since});
    let rights = json!({"deals.upsert": run, "contacts.upsert": counted});
    let standing = serde_json::from_value(json!({ "rights": rights })).expect("a standing");
    let view = view("hubspot", "berlin", &standing, NOON);
    assert_eq!(view.paused, None);
    let operations: Vec<_> = view.forbidden.iter().map(|one| &one.operation).collect();
    assert_eq!(operations, ["deals.upsert"]);
    let text = view.paragraph("causeway/guesty/berlin", &Now::at(NOON, UtcOffset::UTC));
    assert!(text.contains("deals.upsert since"), "{text}");
}
