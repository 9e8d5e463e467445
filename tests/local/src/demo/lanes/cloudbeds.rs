//! Cloudbeds, a lane that is a pack alone: four calls a second, and checks under an idempotency key.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid};

pub(super) const PART: Part = Part {
    provider: "cloudbeds",
    ordinary: |Mark { marker, n, .. }| {
        check(json!({"reservationId": "8001", "checkNumber": marker, "coverCount": n}))
    },
    hopeless: &[
        invalid(|marker| check(json!({"checkNumber": marker}))),
        invalid(|marker| {
            check(json!({"reservationId": "8001", "checkNumber": marker, "coverCount": "all"}))
        }),
    ],
    trouble: Trouble {
        faults,
        begin_at: 10,
        for_s: 10,
        said: "cloudbeds loses replies and breaks down for 10 s: the key makes one check of two",
    },
    tokens_max: None,
};

fn check(payload: Value) -> Ask {
    Ask::new("folio.checks.create", payload)
}

/// Whatever is sent again goes under the same key.
fn faults() -> Vec<Fault> {
    vec![
        Fault::new(Mode::Error503, 0.1),
        Fault::new(Mode::LostReply, 0.15),
    ]
}
