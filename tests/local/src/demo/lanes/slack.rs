//! Slack: a limit per channel, errors inside 200, and posts that nobody can ask for again.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid, marked, refused};

pub(super) const PART: Part = Part {
    provider: "slack",
    ordinary,
    hopeless: &[
        refused(|marker| post(marker, "CUNKNOWN1")),
        invalid(|marker| posts(json!({"text": marked("To nobody.", marker)}))),
        refused(|marker| post(marker, "CARCHIVED1")),
    ],
    trouble: Trouble {
        faults,
        begin_at: 30,
        // Lost replies end as unknown: the lane cannot ask.
        for_s: 20,
        said: "slack loses some replies for 20 s",
    },
    tokens_max: None,
};

/// The limit is per channel and about one a second, so the load spreads over many.
fn ordinary(mark: Mark<'_>) -> Ask {
    post(mark.marker, &format!("C0DEMO{:03}", mark.n % mark.spread))
}

fn post(marker: &str, channel: &str) -> Ask {
    posts(json!({"channel": channel, "text": marked("Order shipped.", marker)}))
}

fn posts(payload: Value) -> Ask {
    Ask::new("chat.postMessage", payload)
}

/// Of every hundred calls seven have an effect that the caller never hears of, and three have none.
/// So few do not open the breaker: that takes five in a row, or half of a minute's calls.
fn faults() -> Vec<Fault> {
    let without = Fault {
        effect: Some(false),
        ..Fault::new(Mode::LostReply, 0.03)
    };
    vec![Fault::new(Mode::LostReply, 0.07), without]
}
