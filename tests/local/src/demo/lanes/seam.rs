//! Seam: codes for locks, a limit per lock, and a 409 that may mean our own code.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid, marked, number};

pub(super) const PART: Part = Part {
    provider: "seam",
    ordinary,
    hopeless: &[invalid(|marker| {
        create(json!({"name": marked("Guest", marker), "code": "1234"}))
    })],
    trouble: Trouble {
        faults,
        begin_at: 30,
        for_s: 20,
        said: "seam loses one reply in six for 20 s: the lock is asked which codes it has",
    },
    tokens_max: None,
};

/// A code for each guest, over as many locks as a house has.
fn ordinary(mark: Mark<'_>) -> Ask {
    let Mark { marker, n, spread } = mark;
    create(json!({
        "device_id": lock(n % spread), "name": marked("Guest", marker), "code": format!("{:06}", number(marker, 1_000_000)),
    }))
}

fn lock(n: usize) -> String {
    format!("a5036385-adcb-41b5-88c2-{n:012}")
}

fn create(payload: Value) -> Ask {
    Ask::new("access_codes.create", payload)
}

fn faults() -> Vec<Fault> {
    vec![Fault::new(Mode::LostReply, 0.15)]
}
