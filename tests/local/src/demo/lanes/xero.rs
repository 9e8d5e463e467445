//! Xero: keys that last for minutes, upserts by number in calls of up to fifty, a refresh token that rotates.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid, marked, refused};

pub(super) const PART: Part = Part {
    provider: "xero",
    ordinary,
    hopeless: &[
        refused(|marker| numbered(marker, &marked("Ada Example", marker), "no address")),
        invalid(|marker| Ask::new("contacts.upsert", json!({"Name": marked("Nobody", marker)}))),
    ],
    trouble: Trouble {
        faults,
        begin_at: 0,
        for_s: 20,
        said: "xero loses the reply of one call in five for 20 s",
    },
    tokens_max: None,
};

/// Most by number, which go together; each fourth by key, alone.
fn ordinary(mark: Mark<'_>) -> Ask {
    let Mark { marker, n, .. } = mark;
    let name = marked(&format!("Guest {n}"), marker);
    let email = format!("guest{n}@example.com");
    match n % 4 {
        3 => Ask::new("contacts.create", contact(&name, &email)),
        _ => numbered(marker, &name, &email),
    }
}

fn numbered(number: &str, name: &str, email: &str) -> Ask {
    let mut contact = contact(name, email);
    contact["ContactNumber"] = json!(number);
    Ask::new("contacts.upsert", contact)
}

fn contact(name: &str, email: &str) -> Value {
    json!({"Name": name, "EmailAddress": email})
}

/// The same key brings the stored answer, the same number the same contact.
fn faults() -> Vec<Fault> {
    vec![Fault::new(Mode::LostReply, 0.2)]
}
