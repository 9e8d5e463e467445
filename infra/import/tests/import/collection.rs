//! Every document of the collection beside the project ends with a pack or a reason.
#![expect(clippy::print_stdout, reason = "shares are for whoever looks")]

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use causeway::pack::Page;
use causeway_import::{ImportError, Imported, import};

/// How long one document may take.
const LONGEST: Duration = Duration::from_secs(10);

type Given = (String, String, Vec<u8>);

#[test]
fn every_document_ends_with_a_pack_or_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/providers/documents");
    if !folder.exists() {
        println!("no collection of documents beside the project: nothing to import");
        return;
    }
    let page: Page = toml::from_str(
        "name = \"x\"
title = \"X\"
auth = []
[address]
base = \"https://x.test\"",
    )
    .expect("a page");
    let (mut packs, mut refused, mut slowest) = (0, Vec::new(), Vec::new());
    let mut vendors: BTreeMap<String, Vec<Given>> = BTreeMap::new();
    let mut alone: BTreeMap<String, (Result<Imported, ImportError>, Duration)> = BTreeMap::new();
    for (vendor, path) in files(&folder) {
        let file = path
            .strip_prefix(&folder)
            .expect("it is in there")
            .display()
            .to_string();
        let bytes = fs::read(&path).expect("it can be read");
        let alias = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .split(".json")
            .next()
            .expect("a part")
            .replace(".yaml.gz", "");
        let given = (alias, file.clone(), bytes);
        let (outcome, took) = timed(std::slice::from_ref(&given), &page);
        assert!(took < LONGEST, "{file}: {took:?}");
        slowest.push((took, file.clone()));
        alone.insert(file.clone(), (outcome.clone(), took));
        match outcome {
            Ok(imported) => {
                assert!(!imported.lines.is_empty(), "{file}");
                packs += 1;
                vendors.entry(vendor).or_default().push(given);
            }
            Err(error @ ImportError::Nothing(_)) => {
                refused.push(error.to_string());
                vendors.entry(vendor).or_default().push(given);
            }
            Err(error) => refused.push(error.to_string()),
        }
    }
    slowest.sort_by(|a, b| b.cmp(a));
    println!("{packs} packs, {} refused", refused.len());
    refused
        .iter()
        .filter(|it| !it.contains("reading calls only"))
        .for_each(|it| println!("  {}", it.lines().next().unwrap_or_default()));
    slowest
        .iter()
        .take(5)
        .for_each(|(took, file)| println!("  {took:?} {file}"));
    let (mut all_writes, mut all_routes, mut all_other) = (0, 0, 0);
    for (vendor, documents) in &vendors {
        let (outcome, took) = match documents.as_slice() {
            [only] => alone.remove(&only.1).expect("it was imported"),
            all => timed(all, &page),
        };
        let imported = match outcome {
            Ok(imported) => imported,
            Err(error) => {
                println!("{vendor:<20} {error}");
                continue;
            }
        };
        let report = &imported.report;
        let other = report
            .left_out
            .iter()
            .filter(|it| it.reason.contains("which lanes do not write"))
            .count();
        let share = 100.0 * report.routes as f64 / (report.writes - other).max(1) as f64;
        let (writes, routes) = (report.writes, report.routes);
        let kb = imported.lines.len() / 1024;
        println!(
            "{vendor:<20} {writes:>5} writes, {other:>4} neither JSON nor form, {routes:>5} through, {share:>5.1} %, {kb:>5} KB, {took:?}"
        );
        for it in report
            .left_out
            .iter()
            .filter(|it| !it.reason.contains("which lanes do not write"))
            .take(3)
        {
            println!("    {} {}: {}", it.doc, it.route, it.reason);
        }
        if std::env::var_os("LOSSES").is_some() {
            for (what, count) in &report.losses.counts {
                println!("      {count:>6} {what}");
            }
            for what in report.losses.unresolved.iter().take(3) {
                println!("             {what}");
            }
        }
        if let Some(out) = std::env::var_os("OUT") {
            fs::write(
                Path::new(&out).join(format!("{vendor}.jsonl")),
                &imported.lines,
            )
            .expect("it can be written");
        }
        all_writes += writes;
        all_routes += routes;
        all_other += other;
    }
    let share = all_routes as f64 / (all_writes - all_other) as f64;
    println!(
        "all: {all_writes} writes, {all_other} neither JSON nor form, {all_routes} through: {:.1} %",
        100.0 * share
    );
    assert!(share >= 0.85, "{share}");
}

fn timed(documents: &[Given], page: &Page) -> (Result<Imported, ImportError>, Duration) {
    #[expect(clippy::disallowed_methods, reason = "it is a bound on real time")]
    let start = Instant::now();
    let outcome = catch_unwind(|| import(documents, page, None));
    let took = start.elapsed();
    let names: Vec<_> = documents.iter().map(|it| it.1.as_str()).collect();
    (outcome.unwrap_or_else(|_| panic!("{names:?}")), took)
}

fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut all = Vec::new();
    for vendor in fs::read_dir(folder).expect("a folder") {
        let vendor = vendor.expect("an entry").path();
        if !vendor.is_dir() {
            continue;
        }
        let name = vendor
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        for file in fs::read_dir(&vendor).expect("a folder") {
            all.push((name.clone(), file.expect("an entry").path()));
        }
    }
    all.sort();
    all
}
