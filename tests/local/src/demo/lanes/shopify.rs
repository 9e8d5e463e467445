//! Shopify: GraphQL, points in a bucket, and orders that are found again after a lost reply.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::json;

use super::{Ask, Mark, Part, Trouble, invalid, marked, refused};

pub(super) const PART: Part = Part {
    provider: "shopify",
    ordinary,
    hopeless: &[
        refused(|marker| customer("nobody", marker)),
        invalid(|marker| {
            Ask::new(
                "products.upsert",
                json!({"title": marked("A lamp", marker)}),
            )
        }),
    ],
    trouble: Trouble {
        faults,
        begin_at: 0,
        for_s: 20,
        said: "shopify loses some replies for 20 s, after it has done the work",
    },
    tokens_max: None,
};

/// Customers, products and orders of a shop.
fn ordinary(mark: Mark<'_>) -> Ask {
    let Mark { marker, n, .. } = mark;
    match n % 4 {
        0 | 1 => customer(&format!("shopper{n}.{marker}@example.com"), marker),
        2 => Ask::new(
            "products.upsert",
            json!({"handle": format!("lamp-{marker}"), "title": marked(&format!("Lamp no. {n}"), marker)}),
        ),
        _ => {
            let price = json!({"shopMoney": {"amount": "19.99", "currencyCode": "EUR"}});
            let lamp = json!({"quantity": 1, "title": "Lamp", "priceSet": price});
            Ask::new(
                "orders.create",
                json!({"currency": "EUR", "lineItems": [lamp], "note": marked("Ring twice.", marker)}),
            )
        }
    }
}

fn customer(email: &str, marker: &str) -> Ask {
    Ask::new(
        "customers.upsert",
        json!({"email": email, "firstName": "Ada", "lastName": "Example", "note": marked("Likes lamps.", marker)}),
    )
}

/// Upserts are sent again; an order is searched for, and found. One that was never made would be sent again only after
/// the minutes that the search may be behind.
fn faults() -> Vec<Fault> {
    vec![Fault::new(Mode::LostReply, 0.1)]
}
