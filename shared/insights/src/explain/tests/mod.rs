//! Explanations of requests in every state, and the ratchets that hold the table to the code.

mod commonest;
mod facts;
mod ratchet;
mod states;

use std::path::{Path, PathBuf};

use causeway::Timestamp;
use causeway::ledger::{Record, Status};
use causeway::outcome::Code;
use causeway::pack::Pack;

/// Noon of 2026-11-22 in UTC.
pub const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

/// The folder of the whole repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of the packs.
fn packs() -> Vec<String> {
    let folders = std::fs::read_dir(root().join("functions")).expect("the packs' folder");
    let names = folders.filter_map(|folder| {
        let path = folder.ok()?.path();
        let is_pack = path.join("provider.toml").exists();
        is_pack.then(|| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    names
}

/// The pack of that name, without what Rust judges.
pub fn pack(name: &str) -> Pack {
    let folder = root().join("functions").join(name);
    let file = |file: &str| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()))
    };
    let operations = Box::leak(file("operations.jsonl").into_boxed_str());
    Pack::new(&file("provider.toml"), operations).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A record that was first seen ten minutes ago.
fn record(status: Status) -> Record {
    let ago = |minutes: u64| NOON - std::time::Duration::from_secs(60 * minutes);
    let ended = matches!(
        status,
        Status::Completed | Status::Rejected | Status::Unknown
    );
    Record {
        pk: "stripe#berlin#order-1712".to_owned(),
        format_version: 1,
        status,
        payload_hash: "p".to_owned(),
        wire_hash: None,
        owner: "o".to_owned(),
        generation: 2,
        series: 1,
        lease_until: None,
        claimed_at: Some(ago(1)),
        attempts: 2,
        series_since: ago(9),
        next_attempt_at: None,
        first_seen: ago(10),
        first_sent_at: None,
        last_attempt: Some(ago(1)),
        ambiguous: false,
        alone: false,
        crashes: 0,
        message_id: "m".to_owned(),
        response: None,
        code: None,
        detail: None,
        closing: if ended { 2 } else { 0 },
        closed_at: ended.then(|| ago(1)),
        resolved_at: None,
        expires_at: None,
    }
}

fn code(word: &'static str) -> Option<Code> {
    Some(Code::new(word))
}
