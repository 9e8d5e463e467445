//! `target/packs/summary.json`: each check puts its own part in and leaves the others' as they are.
//!
//! | part | who |
//! |---|---|
//! | `providers` … `largest_pack_kb` | [`Shelf`] |
//! | `sweep` | the lost-reply sweep |
//! | `document` | whatever judges requests by the vendors' documents: [`Document`], by [`put`] |
//! | `import` | whatever imports the collection: [`Import`], by [`put`] |

use std::fs;
use std::io;
use std::path::Path;

use causeway::pack::page::Class;
use causeway::provider::{Provider, Safety};
use causeway_fakes::pack::Does;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::shelf::{self, ShelfError, Shelved};

/// What is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// Packs.
    pub providers: usize,
    /// Operations that change something.
    pub writes: usize,
    /// Those of them that somebody has read about.
    pub reviewed: usize,
    /// Those of them that may be sent again.
    pub better_than_unsafe: usize,
    /// Packs without a judgement in Rust.
    pub rust_free: usize,
    /// The largest pack, compressed.
    pub largest_pack_kb: usize,
}

/// The sweep's part: `sweep`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Operations.
    pub operations: usize,
    /// Requests.
    pub cases: usize,
    /// Promises that do not hold.
    pub violations: usize,
}

/// How packs and vendors' documents agree about payloads: `document`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Operations.
    pub operations: usize,
    /// Payloads with one fault each.
    pub mutations: usize,
    /// The share of them about which both say the same.
    pub agree: f64,
}

/// How the collection of documents comes through the import: `import`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// Documents.
    pub documents: usize,
    /// Packs that came of them.
    pub packs: usize,
    /// Documents that were refused, with a reason.
    pub refused: usize,
    /// The share of writes that came through.
    pub writes_share: f64,
}

impl Shelf {
    /// Counts one more pack.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn add(&mut self, shelved: &Shelved) -> Result<(), ShelfError> {
        self.providers += 1;
        self.rust_free += usize::from(causeway_lane::judgement(&shelved.name).is_none());
        for line in shelved.routes.lines() {
            if shelved.behaviour.does(line) == Does::Read {
                continue;
            }
            self.writes += 1;
            let class = shelved
                .pack
                .provenance(&line.op)
                .and_then(|provenance| provenance.class);
            self.reviewed += usize::from(class == Some(Class::Reviewed));
            let operation = shelved.pack.spec().operation(&line.op);
            let is_safe =
                operation.is_some_and(|operation| !matches!(operation.safety, Safety::Unsafe));
            self.better_than_unsafe += usize::from(is_safe);
        }
        let mut files = shelf::text(&shelved.folder.join("provider.toml"))?;
        files += &shelf::text(&shelved.folder.join("operations.jsonl"))?;
        let packed = miniz_oxide::deflate::compress_to_vec(files.as_bytes(), LEVEL);
        self.largest_pack_kb = self.largest_pack_kb.max(packed.len().div_ceil(1024));
        Ok(())
    }
}

/// Deflate's level: what zip programs take by default.
const LEVEL: u8 = 6;

/// Puts `part` into the summary in the folder `out`: its fields at the top, or under `name`.
///
/// # Errors
/// When the file cannot be read or written.
pub fn put(out: &Path, name: Option<&str>, part: &impl Serialize) -> io::Result<()> {
    let file = out.join("summary.json");
    let stored = fs::read(&file).ok();
    let stored =
        stored.and_then(|stored| serde_json::from_slice::<Map<String, Value>>(&stored).ok());
    let mut whole = stored.unwrap_or_default();
    let part = serde_json::to_value(part)?;
    match (name, part) {
        (Some(name), part) => {
            whole.insert(name.to_owned(), part);
        }
        (None, Value::Object(fields)) => whole.extend(fields),
        (None, _) => {}
    }
    fs::create_dir_all(out)?;
    let text = serde_json::to_string_pretty(&whole)?;
    fs::write(file, text + "\n")
}
