//! Schema matching on a public benchmark: columns of ten cancer studies against the 736 attributes of the Genomic Data
//! Commons. The data (Apache-2.0) stands beside the project, and is skipped where it does not.
//!
//! The numbers are those of *Magneto: Combining Small and Large Language Models for Schema Matching* (PVLDB 18.8, 2025,
//! <https://arxiv.org/abs/2412.08194>): *MRR*, over the source columns that have a match, of one through the rank of the
//! first right target; and *Recall@GT*, the share of the right pairs among the best |right pairs| of all pairs. Both are
//! means over the studies. A second MRR counts every right pair instead of the first one of a column: a column with three
//! right attributes cannot have all three first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use causeway_insights::propose::{MAX_SAMPLES, Path as FieldPath, Ranked, Source, Target, rank};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a study came to.
#[derive(Debug, Serialize)]
pub struct Study {
    /// Its name.
    pub name: String,
    /// Right pairs.
    pub pairs: usize,
    /// Mean reciprocal rank of the first right attribute, over the columns that have one.
    pub mrr: f64,
    /// The same over all right pairs.
    pub mrr_of_pairs: f64,
    /// Recall at the number of right pairs, of all pairs by their score.
    pub recall_at_gt: f64,
    /// How long ranking all pairs took, in milliseconds.
    pub ms: f64,
    /// Where each right pair is, for people.
    #[serde(skip)]
    pub ranks: Vec<String>,
}

/// What all studies came to.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Mean over the studies.
    pub mrr: f64,
    /// Mean over the studies.
    pub mrr_of_pairs: f64,
    /// Mean over the studies.
    pub recall_at_gt: f64,
    /// A study each.
    pub studies: Vec<Study>,
}

/// Where the data is, where it is.
pub fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/eval/gdc");
    folder.join("target.csv.gz").exists().then_some(folder)
}

/// Scores every study in `folder`.
///
/// # Errors
/// With the file that cannot be read.
pub fn score(folder: &Path) -> Result<Summary, String> {
    let target = target(&folder.join("target.csv.gz"))?;
    let listed = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut names: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    names.sort();
    let studies: Result<Vec<Study>, String> =
        names.iter().map(|folder| study(folder, &target)).collect();
    let studies = studies?;
    let mean =
        |of: fn(&Study) -> f64| studies.iter().map(of).sum::<f64>() / studies.len().max(1) as f64;
    Ok(Summary {
        mrr: mean(|study| study.mrr),
        mrr_of_pairs: mean(|study| study.mrr_of_pairs),
        recall_at_gt: mean(|study| study.recall_at_gt),
        studies,
    })
}

/// A table's columns, each with its values.
fn columns(reader: impl Read) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let header = reader.headers().map_err(|error| error.to_string())?;
    let mut columns: Vec<(String, Vec<String>)> = header
        .iter()
        .map(|name| (name.to_owned(), Vec::new()))
        .collect();
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        for ((_, values), value) in columns.iter_mut().zip(row.iter()) {
            values.push(value.to_owned());
        }
    }
    Ok(columns)
}

fn open(path: &Path) -> Result<fs::File, String> {
    fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The attributes as a schema: each column lists the values that its attribute may have.
fn target(path: &Path) -> Result<Target, String> {
    let columns = columns(flate2::read::GzDecoder::new(open(path)?))?;
    let properties: Map<String, Value> = columns
        .into_iter()
        .map(|(name, values)| {
            let values: BTreeSet<String> = values
                .into_iter()
                .filter(|value| !value.is_empty())
                .collect();
            let number =
                !values.is_empty() && values.iter().all(|value| value.parse::<f64>().is_ok());
            let schema = match (values.is_empty(), number) {
                (true, _) => json!({}),
                (_, true) => json!({"type": "number"}),
                _ => json!({"type": "string", "enum": values}),
            };
            (name, schema)
        })
        .collect();
    Target::new(
        "gdc",
        "attributes",
        json!({"type": "object", "properties": properties}),
    )
    .map_err(|error| error.to_string())
}

/// The rows of a study as samples.
fn source(path: &Path) -> Result<Source, String> {
    let columns = columns(open(path)?)?;
    let rows = columns
        .iter()
        .map(|(_, values)| values.len())
        .max()
        .unwrap_or(0)
        .min(MAX_SAMPLES);
    let cell = |text: &str| match text.parse::<f64>() {
        _ if text.is_empty() => Value::Null,
        Ok(number) if number.is_finite() => json!(number),
        _ => json!(text),
    };
    let samples = (0..rows).map(|row| {
        let fields = columns.iter().map(|(name, values)| {
            (
                name.clone(),
                values.get(row).map_or(Value::Null, |text| cell(text)),
            )
        });
        Value::Object(fields.collect())
    });
    Source::new(None, samples.collect()).map_err(|error| error.to_string())
}

fn study(folder: &Path, target: &Target) -> Result<Study, String> {
    let truth = columns(open(&folder.join("groundtruth.csv"))?)?;
    let [(_, sources), (_, targets)] = truth.as_slice() else {
        return Err(format!(
            "{}: a right pair has a source and a target",
            folder.display()
        ));
    };
    let right: BTreeSet<(&str, &str)> = sources
        .iter()
        .zip(targets)
        .map(|(source, target)| (source.as_str(), target.trim()))
        .collect();
    let source = source(&folder.join("source.csv"))?;
    let started = std::time::Instant::now();
    let ranked = rank(&source, target);
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    let path = |path: &FieldPath| path.name().to_owned();
    let is_right =
        |pair: &Ranked| right.contains(&(path(&pair.source).as_str(), path(&pair.target).as_str()));
    let best = ranked
        .iter()
        .take(right.len())
        .filter(|pair| is_right(pair))
        .count();
    let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in &ranked {
        by_source
            .entry(path(&pair.source))
            .or_default()
            .push(path(&pair.target));
    }
    let names: BTreeSet<&str> = right.iter().map(|(source, _)| *source).collect();
    let mut ranks = Vec::new();
    let mut sum = 0.0;
    for name in &names {
        let listed = by_source.get(*name).map(Vec::as_slice).unwrap_or_default();
        let place = listed
            .iter()
            .position(|target| right.contains(&(name, target.as_str())));
        sum += place.map_or(0.0, |place| 1.0 / (place + 1) as f64);
        let wanted: Vec<&str> = right
            .iter()
            .filter(|(source, _)| source == name)
            .map(|(_, target)| *target)
            .collect();
        let first = listed.first().map_or("", String::as_str);
        ranks.push(format!(
            "{:>4} {name} → {} (first: {first})",
            place.map_or(0, |place| place + 1),
            wanted.join(", ")
        ));
    }
    let place = |source: &str, target: &str| {
        by_source
            .get(source)
            .and_then(|listed| listed.iter().position(|it| it == target))
    };
    let reciprocal = |(source, target): &(&str, &str)| {
        place(source, target).map_or(0.0, |place| 1.0 / (place + 1) as f64)
    };
    let of_pairs: f64 = right.iter().map(reciprocal).sum();
    Ok(Study {
        name: folder
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned(),
        pairs: right.len(),
        mrr: sum / names.len().max(1) as f64,
        mrr_of_pairs: of_pairs / right.len().max(1) as f64,
        recall_at_gt: best as f64 / right.len().max(1) as f64,
        ms,
        ranks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is promised of schema matching, where the benchmark's data is.
    #[test]
    fn what_is_promised_of_matching_holds() {
        let Some(folder) = folder() else { return };
        let summary = score(&folder).expect("ten studies");
        assert!(summary.mrr >= 0.7, "{}", summary.mrr);
        assert!(summary.recall_at_gt >= 0.43, "{}", summary.recall_at_gt);
    }
}
