//! Vendors that are data, behind the server: the demo's two lanes that are packs alone.

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};

use crate::client::{call, server};

#[tokio::test]
async fn a_check_under_one_key_is_one_effect_under_its_number() {
    let server = server().await;
    let headers = [
        ("content-type", "application/json"),
        ("x-api-key", "cbat_1"),
        ("x-property-id", "1"),
        ("idempotency-key", "cw-1"),
    ];
    let check = r#"{"reservationId":"8001","checkNumber":"demo-1","coverCount":2}"#;
    for _ in 0..2 {
        let answer = call(
            &server,
            "POST",
            "/cloudbeds/folio/v1/checks",
            &headers,
            check,
        )
        .await;
        assert_eq!(answer.expect("an answer").status, 201);
    }
    assert_eq!(server.journal().effects_of("cloudbeds", "demo-1"), 1);
}

/// Their clock stood still at a day of its own: whatever a lane asked about had been made by somebody else, long ago.
#[tokio::test]
async fn an_item_is_found_with_the_time_at_which_it_was_made() {
    let server = server().await;
    let headers = [
        ("content-type", "application/vnd.api+json"),
        ("authorization", "Klaviyo-API-Key pk_1"),
        ("revision", "2026-07-15"),
    ];
    let item = r#"{"data":{"type":"catalog-item","attributes":{"external_id":"demo-2","title":"A lamp",
        "description":"It shines.","url":"https://shop.example/lamp"}}}"#;
    let before = SystemClock.now();
    let answer = call(
        &server,
        "POST",
        "/klaviyo/api/catalog-items",
        &headers,
        item,
    )
    .await;
    assert_eq!(answer.expect("an answer").status, 201);
    assert_eq!(server.journal().effects_of("klaviyo", "demo-2"), 1);
    let path = "/klaviyo/api/catalog-items?filter=any(ids,%5B%22$custom:::$default:::demo-2%22%5D)";
    let listed = call(&server, "GET", path, &headers, "")
        .await
        .expect("an answer");
    assert_eq!(listed.status, 200, "{}", listed.body);
    let created = listed.body["data"][0]["attributes"]["created"].as_str();
    let created = Timestamp::parse_rfc3339(created.expect("a time")).expect("a time");
    // Written in whole seconds.
    assert!(
        created.as_millis() >= before.as_millis() - 1_000,
        "{created}"
    );
    assert!(created <= SystemClock.now(), "{created}");
}
