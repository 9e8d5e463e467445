//! Stripe: keyed operations, and an outage that opens the breaker.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid, refused};

pub(super) const PART: Part = Part {
    provider: "stripe",
    ordinary,
    hopeless: &[
        refused(declined),
        invalid(|_| customers(json!({"email": 5}))),
        invalid(|_| payments(json!({"currency": "usd"}))),
        invalid(|_| customers(json!({"email": "a@b.example", "metadata": "none"}))),
    ],
    trouble: Trouble {
        faults,
        begin_at: 30,
        // Long enough to open the breaker, shorter than its 60 s.
        for_s: 40,
        said: "stripe fails hard for 40 s: errors, lost replies, dropped connections",
    },
    tokens_max: None,
};

/// The three operations in the proportion of a shop's day.
fn ordinary(mark: Mark<'_>) -> Ask {
    let Mark { marker, n, .. } = mark;
    let metadata = json!({"request": marker});
    match n % 11 {
        0..=4 => customers(json!({
            "email": format!("guest{n}@example.com"), "name": format!("Guest {n}"), "metadata": metadata,
        })),
        5..=8 => payments(payment(marker, "pm_card_visa")),
        // Of a payment intent that the fake knows as settled.
        _ => Ask::new(
            "refunds.create",
            json!({"payment_intent": format!("pi_settled_{marker}"), "metadata": metadata}),
        ),
    }
}

fn declined(marker: &str) -> Ask {
    payments(payment(marker, "pm_card_chargeDeclined"))
}

fn customers(payload: Value) -> Ask {
    Ask::new("customers.create", payload)
}

fn payments(payload: Value) -> Ask {
    Ask::new("payment_intents.create", payload)
}

fn payment(marker: &str, method: &str) -> Value {
    json!({
        "amount": 1999, "currency": "usd", "confirm": true, "payment_method": method,
        "metadata": {"request": marker},
    })
}

/// Nothing gets through, and a third of the calls take effect all the same.
fn faults() -> Vec<Fault> {
    vec![
        Fault::new(Mode::Error500, 0.4),
        Fault::new(Mode::Error503, 0.2),
        Fault::new(Mode::LostReply, 0.35),
        Fault::new(Mode::Refuse, 0.05),
    ]
}
