//! What is written: `summary.json`, the plots, the page.

mod figures;
mod goals;
mod machine;
mod page;
mod plot;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::Result;
use crate::contender::Contender;
use crate::run::Sample;
use crate::stats::Spread;

pub use self::machine::Machine;
pub use self::page::write;

/// What one contender came to, in all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// For people.
    #[serde(skip)]
    pub title: &'static str,
    /// See [`Sample`]: medians of the rounds.
    pub cpu_ms_record: f64,
    /// CPU of the first batch, in ms.
    pub first_batch_cpu_ms: f64,
    /// CPU until the first batch is asked for, in ms.
    pub start_cpu_ms: f64,
    /// Most memory, in MiB.
    pub peak_mib: f64,
    /// The zipped artefact, in MB.
    pub zip_mb: f64,
    /// Write units a record.
    pub write_units: f64,
    /// Median of all batches, in ms, by cell.
    pub wall_ms: BTreeMap<String, f64>,
    /// Reads a batch.
    pub reads: f64,
    /// Messages of a batch that were put back.
    pub put_back: f64,
    /// Quarters of what the medians stand for.
    pub spread: BTreeMap<String, Spread>,
}

/// Everything of a run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Where and when.
    pub machine: Machine,
    /// How often each contender ran.
    pub rounds: usize,
    /// By name.
    pub contenders: BTreeMap<&'static str, Row>,
    /// Median of a batch at 20/5 under the CPU quota of a 256 MB function, in ms; empty where the machine has none.
    pub quota_256mb_wall_ms: BTreeMap<&'static str, f64>,
    /// What other programs measured, under its fixed names.
    #[serde(flatten)]
    pub others: BTreeMap<&'static str, Value>,
}

impl Row {
    /// Of all samples of `contender`.
    ///
    /// # Errors
    /// When there is none, or the artefact cannot be read.
    pub fn of(contender: &Contender, samples: &[Sample]) -> Result<Self> {
        let mut spread = BTreeMap::new();
        let mut median = |name: &str, of: fn(&Sample) -> f64| -> Result<f64> {
            let all = Spread::of(samples.iter().map(of).collect()).ok_or("no samples")?;
            spread.insert(name.to_owned(), all);
            Ok(all.median)
        };
        let mut row = Self {
            title: contender.title,
            cpu_ms_record: median("cpu_ms_record", |it| it.cpu_ms_record)?,
            first_batch_cpu_ms: median("first_batch_cpu_ms", |it| it.first_batch_cpu_ms)?,
            start_cpu_ms: median("start_cpu_ms", |it| it.start_cpu_ms)?,
            peak_mib: median("peak_mib", |it| it.peak_mib)?,
            zip_mb: contender.zip_mb()?,
            write_units: median("write_units", |it| it.write_units)?,
            wall_ms: BTreeMap::new(),
            reads: median("reads", |it| it.reads)?,
            put_back: median("put_back", |it| it.put_back)?,
            spread: BTreeMap::new(),
        };
        let cells = samples.first().map(|sample| sample.wall_ms.keys());
        for cell in cells.into_iter().flatten() {
            let walls = samples.iter().filter_map(|sample| sample.wall_ms.get(cell));
            let all = Spread::of(walls.flatten().copied().collect()).ok_or("no batches")?;
            row.wall_ms.insert(cell.clone(), all.median);
            spread.insert(format!("wall_ms {cell}"), all);
        }
        row.spread = spread;
        Ok(row)
    }
}

/// What the programs `limits`, `scale` and `cost` left in `out`, under the summary's names.
///
/// # Errors
/// When a file is no JSON.
pub fn others(out: &Path) -> Result<BTreeMap<&'static str, Value>> {
    let mut others = BTreeMap::new();
    for (file, name) in [
        ("limiter.json", "limiter"),
        ("scale.json", "scale"),
        ("cost.json", "cost_per_million_usd"),
    ] {
        let Ok(text) = fs::read(out.join(file)) else {
            continue;
        };
        let mut value: Value =
            serde_json::from_slice(&text).map_err(|error| format!("{file}: {error}"))?;
        // A program may name what it measured.
        let named = value.get_mut(name).map(Value::take);
        others.insert(name, named.unwrap_or(value));
    }
    Ok(others)
}

impl Summary {
    /// Writes `summary.json` into `out`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        fs::create_dir_all(out)?;
        let mut text = serde_json::to_string_pretty(&json!(self))?;
        text.push('\n');
        fs::write(out.join("summary.json"), text)?;
        Ok(())
    }
}
