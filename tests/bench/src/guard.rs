//! The guard: fails where the lane's cost has really grown. Ratios within one run, never times; CPU and counts, never wall
//! time, since continuous integration runs other things beside.

use std::io::Write;

use crate::Result;
use crate::contender::{self, Places};
use crate::run::{Plan, Sample, USUAL, once};
use crate::stats::Spread;
use crate::work::Work;

/// Rounds of lane and floor in turn, after one that does not count. A round takes some 5 s.
const ROUNDS: usize = 5;

/// What the lane's CPU a record may be, in times of the bare loop's, both unoptimised. A guess until it is measured on a
/// quiet machine (the optimised ones were 4.8 times apart): only then may continuous integration fail by it.
const CPU_RATIO_MAX: f64 = 9.0;

/// What a record of the keyed lane may write: 2.1 units (claim, settlement, a tenth of the batch's limits), and what a
/// message adds that is put back: 1.9 units a message and eight of ten that take effect were measured.
const WRITE_UNITS_MAX: f64 = 2.5;

/// Reads a batch may make: the breaker, the connection's pause and limits, each at most once.
const READS_MAX: f64 = 4.0;

/// Messages of a healthy batch that may be put back: two of ten were measured, since Stripe's limit an operation admits eight
/// at once. To be 0 once a batch of ten is admitted.
const PUT_BACK_MAX: f64 = 2.0;

/// Batches of a round.
const BATCHES: usize = 40;

/// Compares, says what came of it, and whether all bounds are kept.
///
/// # Errors
/// When a contender fails.
pub async fn guard(places: &Places) -> Result<bool> {
    let lane = contender::lane(places, &places.lane(), Work::Stripe, "stripe lane")?;
    let floor = contender::floor(places);
    let plan = Plan {
        cells: vec![USUAL],
        batches: BATCHES,
        cell_time: std::time::Duration::from_secs(10),
        batches_min: BATCHES,
    };
    let logs = places.out.join("logs");
    let (mut ratios, mut lanes): (Vec<f64>, Vec<Sample>) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let bare = once(&floor, &plan, None, &logs).await?;
        let ours = once(&lane, &plan, None, &logs).await?;
        if round > 0 {
            ratios.push(ours.cpu_ms_record / bare.cpu_ms_record);
            lanes.push(ours);
        }
    }
    let median = |of: fn(&Sample) -> f64| Spread::of(lanes.iter().map(of).collect());
    let rows = [
        (
            "CPU a record, of the bare loop's",
            CPU_RATIO_MAX,
            Spread::of(ratios),
        ),
        (
            "write units a record",
            WRITE_UNITS_MAX,
            median(|it| it.write_units),
        ),
        ("reads a batch", READS_MAX, median(|it| it.reads)),
        (
            "put back of a healthy batch",
            PUT_BACK_MAX,
            median(|it| it.put_back),
        ),
    ];
    let mut is_kept = true;
    for (what, bound, measured) in rows {
        let measured = measured.ok_or("nothing measured")?;
        let verdict = if measured.median <= bound {
            "kept"
        } else {
            "EXCEEDED"
        };
        is_kept &= measured.median <= bound;
        writeln!(
            std::io::stdout(),
            "{what}: {:.2} ({:.2} to {:.2}), at most {bound}: {verdict}",
            measured.median,
            measured.low,
            measured.high,
        )?;
    }
    Ok(is_kept)
}
