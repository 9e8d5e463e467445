//! Guesty: five access tokens a day, a calendar that declines by 401, and reservations that are found by their origin.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid, marked, number, refused};

pub(super) const PART: Part = Part {
    provider: "guesty",
    ordinary,
    hopeless: &[
        refused(|marker| {
            Ask::new(
                "reservations.create",
                reservation("unknown-listing", marker),
            )
        }),
        invalid(|marker| Ask::new("guests.create", json!({"notes": marked("Nobody.", marker)}))),
    ],
    trouble: Trouble {
        faults,
        begin_at: 30,
        for_s: 20,
        said: "guesty loses one reply in six for 20 s: it is asked for the reservations",
    },
    // "Up to five access tokens per API key within a 24-hour period."
    tokens_max: Some(5),
};

/// Each in a listing of its own, so that the calendar declines none.
fn ordinary(mark: Mark<'_>) -> Ask {
    let listing = format!("5f92cbf10cf2174{:09}", number(mark.marker, 1_000_000_000));
    let mut reservation = reservation(&listing, mark.marker);
    reservation["guestsCount"] = json!(1 + mark.n % 5);
    Ask::new("reservations.create", reservation)
}

fn reservation(listing: &str, marker: &str) -> Value {
    json!({
        "checkInDateLocalized": "2026-12-04", "checkOutDateLocalized": "2026-12-07", "listingId": listing,
        "source": "manual", "status": "confirmed", "guestsCount": 3,
        "guest": {
            "firstName": "Ada", "lastName": "Example", "phones": ["+351910000000"], "email": "ada@example.com",
        },
        "origin": marked("pms", marker),
    })
}

/// All after the reservation was made: one that was not is only made again once the list can no longer lag.
fn faults() -> Vec<Fault> {
    vec![Fault::new(Mode::LostReply, 0.15)]
}
