//! Twilio: no key and no reference; a list of messages decides what became of one, and nothing decides for a call.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid, marked};

pub(super) const PART: Part = Part {
    provider: "twilio",
    ordinary,
    hopeless: &[invalid(|marker| {
        message(json!({"Body": marked("To nobody.", marker)}))
    })],
    trouble: Trouble {
        faults,
        begin_at: 30,
        for_s: 15,
        said: "twilio loses one reply in ten for 15 s: it is asked what it has sent",
    },
    tokens_max: None,
};

fn ordinary(mark: Mark<'_>) -> Ask {
    let Mark { marker, n, .. } = mark;
    message(json!({
        "To": format!("+1415555{n:04}"), "From": "+14155550100", "Body": marked("Your room is ready.", marker),
    }))
}

fn message(payload: Value) -> Ask {
    Ask::new("messages.create", payload)
}

/// All after the message was sent: one that was not is only sent again once the list can no longer lag.
fn faults() -> Vec<Fault> {
    vec![Fault::new(Mode::LostReply, 0.1)]
}
