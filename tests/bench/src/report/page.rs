//! `docs/benchmarks.md` and its plots, from a summary: nothing in it is written by hand but the words.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::figures::{ladder_plot, plot, wall};
use super::goals::goals;
use super::plot::figure;
use super::{Row, Summary};
use crate::Result;

/// Everyone, in the order of the tables.
pub(super) const ORDER: [&str; 13] = [
    "floor",
    "stripe",
    "slack",
    "hubspot",
    "klaviyo",
    "powertools-python",
    "powertools-python-async",
    "powertools-typescript",
    "naive",
    "naive-reuse",
    "naive-parallel",
    "naive-cached",
    "naive-claims",
];

/// The ladder, from the handler that everybody writes first to the lane.
pub(super) const LADDER: [&str; 6] = [
    "naive",
    "naive-reuse",
    "naive-parallel",
    "naive-cached",
    "naive-claims",
    "stripe",
];

/// Who stands in the first table: the ladder has its own.
pub(super) const CONTENDERS: usize = 9;

pub(super) const LANES: [&str; 4] = ["stripe", "slack", "hubspot", "klaviyo"];

const METHOD: &str = include_str!("method.md");

/// Writes the page, and the plots into a folder beside it.
///
/// # Errors
/// When a file cannot be written.
pub fn write(summary: &Summary, docs: &Path) -> Result<()> {
    let plots = docs.join("benchmarks");
    fs::create_dir_all(&plots)?;
    for (file, svg) in [
        (
            "cpu.svg",
            plot(summary, "CPU a record", "ms", "cpu_ms_record", |row| {
                row.cpu_ms_record
            }),
        ),
        (
            "first-batch.svg",
            plot(
                summary,
                "CPU of the first batch",
                "ms",
                "first_batch_cpu_ms",
                |row| row.first_batch_cpu_ms,
            ),
        ),
        (
            "start.svg",
            plot(summary, "CPU of a start", "ms", "start_cpu_ms", |row| {
                row.start_cpu_ms
            }),
        ),
        (
            "memory.svg",
            plot(summary, "Memory at its most", "MiB", "peak_mib", |row| {
                row.peak_mib
            }),
        ),
        ("wall.svg", wall(summary)),
        ("ladder.svg", ladder_plot(summary)),
    ] {
        fs::write(plots.join(file), svg)?;
    }
    fs::write(docs.join("benchmarks.md"), page(summary, &plots)?)?;
    Ok(())
}

fn page(summary: &Summary, plots: &Path) -> Result<String> {
    let machine = &summary.machine;
    let mut page = String::from(
        "# Benchmarks\n\n<!-- Written by `make bench`; the words stand in tests/bench/src/report. -->\n\n\
         The same messages, to the same vendor, in one run: lanes, Powertools for AWS Lambda in Python and TypeScript, a\n\
         naive handler, and a bare loop that does no more than parse, hash, sign and send. Times of two runs or machines\n\
         do not compare; ratios of one run do.\n\n",
    );
    let _ = writeln!(
        page,
        "Measured {} on {} × {}, {} GiB, Linux {}, in {} rounds; source {}; {}.\n",
        machine.at,
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        summary.rounds,
        machine.commit,
        machine.versions.join(", "),
    );
    contenders(summary, &mut page);
    held(summary, &mut page);
    quota(summary, &mut page);
    ladder(summary, &mut page);
    others(summary, plots, &mut page)?;
    page.push_str(METHOD);
    Ok(page)
}

fn contenders(summary: &Summary, page: &mut String) {
    page.push_str(
        "## Side by side\n\n\
         Batches of ten. CPU and memory are of the process; the CPU of a record is that of the cell 20/5 (vendor 20 ms,\n\
         AWS 5 ms), the first batch stands in a column of its own. Medians; in brackets where half of what was measured\n\
         lies.\n\n\
         | | CPU ms a record | × floor | first batch, CPU ms | start, CPU ms | peak MiB | zip MB | write units a record | put back of ten |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let floor = summary.contenders.get("floor").map(|row| row.cpu_ms_record);
    for row in rows(summary).take(CONTENDERS) {
        let times = floor.map_or(String::new(), |floor| figure(row.cpu_ms_record / floor));
        let _ = writeln!(
            page,
            "| {} | {} | {times} | {} | {} | {} | {} | {} | {} |",
            row.title,
            with_spread(row, "cpu_ms_record", row.cpu_ms_record),
            with_spread(row, "first_batch_cpu_ms", row.first_batch_cpu_ms),
            with_spread(row, "start_cpu_ms", row.start_cpu_ms),
            figure(row.peak_mib),
            figure(row.zip_mb),
            figure(row.write_units),
            figure(row.put_back),
        );
    }
    page.push_str("\nTime of a batch in ms, by vendor's and AWS's latency; of the limit: a round at DynamoDB before the calls and one after them.\n\n|");
    let cells: Vec<&String> = rows(summary)
        .next()
        .map(|row| row.wall_ms.keys().collect())
        .unwrap_or_default();
    for cell in &cells {
        let _ = write!(page, " | {cell} | of the limit");
    }
    let _ = writeln!(page, " |\n|---{}|", "|---|---".repeat(cells.len()));
    for row in rows(summary).take(CONTENDERS) {
        let _ = write!(page, "| {}", row.title);
        for cell in &cells {
            let wall = row.wall_ms.get(*cell).copied().unwrap_or_default();
            let told = with_spread(row, &format!("wall_ms {cell}"), wall);
            let _ = write!(page, " | {told} | {:.2}", wall / limit_ms(cell));
        }
        page.push_str(" |\n");
    }
    page.push_str(
        "\n![CPU a record](benchmarks/cpu.svg)\n![CPU of the first batch](benchmarks/first-batch.svg)\n\
         ![CPU of a start](benchmarks/start.svg)\n![Memory](benchmarks/memory.svg)\n![Wall](benchmarks/wall.svg)\n\n",
    );
}

fn held(summary: &Summary, page: &mut String) {
    page.push_str("## What they are held to\n\n| goal | bound | measured | |\n|---|---|---|---|\n");
    for goal in goals(summary) {
        let bound = format!(
            "{} {}",
            if goal.at_least { "≥" } else { "≤" },
            figure(goal.bound)
        );
        let kept = if goal.is_kept() { "kept" } else { "**missed**" };
        let _ = writeln!(
            page,
            "| {} | {bound} | {} | {kept} |",
            goal.what,
            figure(goal.value)
        );
    }
    page.push('\n');
}

fn quota(summary: &Summary, page: &mut String) {
    page.push_str("## With the CPU of a 256 MB function\n\n");
    if summary.quota_256mb_wall_ms.is_empty() {
        page.push_str(
            "Not measured: this machine has no cgroup (version 1) for CPU that may be written.\n\n",
        );
        return;
    }
    page.push_str(
        "256 of 1,769 MB are 0.145 of a core ([AWS](https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)),\n\
         here a quota in periods of 20 ms. Time of a batch at 20/5, after the first:\n\n| | ms a batch |\n|---|---|\n",
    );
    for name in ORDER {
        if let Some((row, wall)) = summary
            .contenders
            .get(name)
            .zip(summary.quota_256mb_wall_ms.get(name))
        {
            let _ = writeln!(page, "| {} | {} |", row.title, figure(*wall));
        }
    }
    page.push('\n');
}

fn ladder(summary: &Summary, page: &mut String) {
    page.push_str(
        "## The latency ladder\n\n\
         From the handler that everybody writes first (a record after the other: secret, breaker, get, call, put, a new\n\
         client each) to the lane; each step keeps those above it. Time of a batch of ten at 200/5. Without TLS, which\n\
         a reused connection saves too, the first step is worth less here than it is on AWS.\n\n\
         | step | ms a batch | of the naive handler's | share of all that was saved | CPU ms a record |\n|---|---|---|---|---|\n",
    );
    let steps: Vec<(&Row, f64)> = LADDER
        .iter()
        .filter_map(|name| summary.contenders.get(name))
        .filter_map(|row| Some((row, *row.wall_ms.get("200/5")?)))
        .collect();
    let (Some((_, first)), Some((_, last))) = (steps.first(), steps.last()) else {
        return;
    };
    let mut before = *first;
    for (row, wall) in &steps {
        let _ = writeln!(
            page,
            "| {} | {} | {:.1} % | {:.1} % | {} |",
            row.title,
            figure(*wall),
            100.0 * wall / first,
            100.0 * (before - wall) / (first - last).max(f64::MIN_POSITIVE),
            figure(row.cpu_ms_record),
        );
        before = *wall;
    }
    page.push_str("\n![The ladder](benchmarks/ladder.svg)\n\n");
}

/// What the programs `limits`, `scale` and `cost` measured, and their plots.
fn others(summary: &Summary, plots: &Path, page: &mut String) -> Result<()> {
    for (name, title) in [
        ("limiter", "Limits under contention"),
        ("scale", "Scale"),
        ("cost_per_million_usd", "Cost of a million requests, in USD"),
    ] {
        let Some(value) = summary.others.get(name) else {
            continue;
        };
        let _ = writeln!(page, "## {title}\n\n| | |\n|---|---|");
        table("", value, page);
        page.push('\n');
        let prefix = name.split('_').next().unwrap_or(name);
        let mut files: Vec<String> = Vec::new();
        for file in fs::read_dir(plots)? {
            files.push(file?.file_name().to_string_lossy().into_owned());
        }
        files.sort();
        for file in files
            .iter()
            .filter(|file| file.starts_with(prefix) && file.ends_with(".svg"))
        {
            let _ = writeln!(page, "![{title}](benchmarks/{file})\n");
        }
    }
    Ok(())
}

/// A row a number, however deep it stands: three levels at most in what these programs write.
fn table(path: &str, value: &Value, page: &mut String) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}, {name}")
                };
                table(&path, value, page);
            }
        }
        Value::Number(number) => {
            let number = number.as_f64().map_or_else(|| number.to_string(), figure);
            let _ = writeln!(page, "| {path} | {number} |");
        }
        _ => {}
    }
}

fn rows(summary: &Summary) -> impl Iterator<Item = &Row> {
    ORDER.iter().filter_map(|name| summary.contenders.get(name))
}

fn with_spread(row: &Row, name: &str, value: f64) -> String {
    match row.spread.get(name) {
        Some(spread) => format!(
            "{} ({}–{})",
            figure(value),
            figure(spread.low),
            figure(spread.high)
        ),
        None => figure(value),
    }
}

/// Of a cell's name: the vendor's time and two rounds.
fn limit_ms(cell: &str) -> f64 {
    let (vendor, aws) = cell.split_once('/').unwrap_or((cell, "0"));
    let number = |text: &str| text.parse::<f64>().unwrap_or_default();
    number(vendor) + 2.0 * number(aws)
}
