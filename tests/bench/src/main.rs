//! `bench`: see the README.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use causeway_bench::Result;
use causeway_bench::contender::{self, Contender, MEMORY_MB, Places};
use causeway_bench::guard::guard;
use causeway_bench::powertools;
use causeway_bench::process::Quota;
use causeway_bench::report::{self, Machine, Row, Summary};
use causeway_bench::run::{Plan, Sample, USUAL, once};
use causeway_bench::shipped::shipped;
use causeway_bench::stats::Spread;
use causeway_bench::stub::Latency;
use causeway_bench::work::Work;
use clap::Parser;

/// Lanes, Powertools, a naive handler and a bare loop at the same work.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// These alone, by name and with commas between: no page is written.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How often each runs.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Where the summary goes.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Compares lane and bare loop, and fails where a bound is exceeded.
    #[arg(long)]
    guard: bool,
    /// Starts this program, a lane's in the shipped form, and has it deliver one message.
    #[arg(long, conflicts_with = "guard")]
    shipped: Option<PathBuf>,
}

/// Who runs under the quota of a 256 MB function: the naive ones would take minutes, and say nothing new.
const UNDER_QUOTA: [&str; 6] = [
    "floor",
    "stripe",
    "slack",
    "powertools-python",
    "powertools-python-async",
    "powertools-typescript",
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let done = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool> {
    let places = Places::here(arguments.out.clone())?;
    if arguments.guard {
        return guard(&places).await;
    }
    if let Some(program) = &arguments.shipped {
        return shipped(&places, program).await.map(|()| true);
    }
    let all = contenders(&places, &arguments.only)?;
    let rows = rounds(&all, arguments.rounds, &places).await?;
    let summary = Summary {
        machine: Machine::here(&places.root),
        rounds: arguments.rounds,
        contenders: rows,
        quota_256mb_wall_ms: under_quota(&all, &places).await?,
        others: report::others(&places.out)?,
    };
    summary.write(&places.out)?;
    table(&summary)?;
    if arguments.only.is_empty() {
        report::write(&summary, &places.root.join("docs"))?;
    }
    Ok(true)
}

fn contenders(places: &Places, only: &[String]) -> Result<Vec<Contender>> {
    let asked = |name: &str| only.is_empty() || only.iter().any(|asked| asked == name);
    let mut all = vec![contender::floor(places)];
    for (work, title) in [
        (Work::Stripe, "stripe lane (keyed)"),
        (Work::Slack, "slack lane (claimed)"),
        (Work::HubSpot, "hubspot lane (batch)"),
        (Work::Klaviyo, "klaviyo lane (pack)"),
    ] {
        if asked(work.provider()) {
            all.push(contender::lane(places, &places.lane(), work, title)?);
        }
    }
    if asked("powertools-python") || asked("powertools-python-async") {
        all.extend(powertools::python(places)?);
    }
    if asked("powertools-typescript") {
        all.push(powertools::typescript(places)?);
    }
    all.extend(contender::naive(places));
    all.retain(|contender| asked(contender.name));
    if all.is_empty() {
        return Err("nobody is called so".into());
    }
    Ok(all)
}

/// Everyone in turn, as often as asked.
async fn rounds(
    all: &[Contender],
    rounds: usize,
    places: &Places,
) -> Result<BTreeMap<&'static str, Row>> {
    let plan = Plan {
        cells: [(20, 5), (200, 5), (20, 1)]
            .map(|(vendor_ms, aws_ms)| Latency { vendor_ms, aws_ms })
            .into(),
        batches: 20,
        cell_time: Duration::from_secs(3),
        batches_min: 4,
    };
    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for round in 1..=rounds {
        for contender in all {
            say(&format!("round {round} of {rounds}: {}", contender.title));
            let sample = once(contender, &plan, None, &places.out.join("logs")).await?;
            samples.entry(contender.name).or_default().push(sample);
        }
    }
    let rows = all.iter().map(|contender| {
        let samples = samples.remove(contender.name).unwrap_or_default();
        Ok((contender.name, Row::of(contender, &samples)?))
    });
    rows.collect()
}

/// The median batch at 20/5 of those that run under the quota; nobody's where the machine has none.
async fn under_quota(all: &[Contender], places: &Places) -> Result<BTreeMap<&'static str, f64>> {
    let plan = Plan {
        cells: vec![USUAL],
        batches: 30,
        cell_time: Duration::from_secs(8),
        batches_min: 4,
    };
    let mut walls = BTreeMap::new();
    for contender in all.iter().filter(|it| UNDER_QUOTA.contains(&it.name)) {
        let Some(quota) = Quota::of_memory(MEMORY_MB) else {
            say("no cgroup for CPU that may be written: nothing runs under a quota");
            break;
        };
        say(&format!(
            "with the CPU of a 256 MB function: {}",
            contender.title
        ));
        let sample = once(contender, &plan, Some(&quota), &places.out.join("logs")).await?;
        let batches = sample.wall_ms.into_values().flatten().collect();
        if let Some(spread) = Spread::of(batches) {
            walls.insert(contender.name, spread.median);
        }
    }
    Ok(walls)
}

fn table(summary: &Summary) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:24} {:>9} {:>9} {:>9} {:>8} {:>7} {:>6} {:>6} {:>9}  ms a batch",
        "", "cpu/rec", "first", "start", "MiB", "zip MB", "units", "reads", "put back"
    )?;
    for (name, row) in &summary.contenders {
        write!(
            out,
            "{name:24} {:9.3} {:9.2} {:9.2} {:8.1} {:7.2} {:6.2} {:6.1} {:9.1} ",
            row.cpu_ms_record,
            row.first_batch_cpu_ms,
            row.start_cpu_ms,
            row.peak_mib,
            row.zip_mb,
            row.write_units,
            row.reads,
            row.put_back,
        )?;
        for (cell, wall) in &row.wall_ms {
            write!(out, " {cell} {wall:.1}")?;
        }
        if let Some(wall) = summary.quota_256mb_wall_ms.get(name) {
            write!(out, " 20/5 with 256 MB's CPU {wall:.1}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn say(step: &str) {
    let _ = writeln!(std::io::stderr(), "• {step}");
}
