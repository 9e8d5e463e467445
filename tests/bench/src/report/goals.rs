//! What the figures are held to, and whether they keep it.

use super::{Row, Summary};
use crate::contender::ZIP_MB_MAX;
use crate::run::USUAL;

/// A goal, and what came of it.
#[derive(Debug)]
pub struct Goal {
    /// What is looked at.
    pub what: String,
    /// What it should be.
    pub bound: f64,
    /// What it is.
    pub value: f64,
    /// Whether it should be at least, rather than at most, the bound.
    pub at_least: bool,
}

impl Goal {
    /// Whether it is kept.
    pub fn is_kept(&self) -> bool {
        if self.at_least {
            self.value >= self.bound
        } else {
            self.value <= self.bound
        }
    }
}

/// Everyone who is compared with.
const POWERTOOLS: [&str; 3] = [
    "powertools-python",
    "powertools-python-async",
    "powertools-typescript",
];
/// The keyed lane and the claimed one.
const LANES: [&str; 2] = ["stripe", "slack"];

/// All goals of which both sides were measured.
pub fn goals(summary: &Summary) -> Vec<Goal> {
    let mut goals = Vec::new();
    for lane in LANES {
        against_powertools(summary, lane, &mut goals);
        let Some(row) = summary.contenders.get(lane) else {
            continue;
        };
        let mut most = |what: String, bound: f64, value: f64| {
            goals.push(Goal {
                what,
                bound,
                value,
                at_least: false,
            });
        };
        // A claim of slack's follows the leave: two rounds before the call.
        let rounds = if lane == "slack" { 3.0 } else { 2.0 };
        for (vendor, bound) in [(20.0, 1.10), (200.0, 1.03)] {
            if let Some(wall) = row.wall_ms.get(&format!("{vendor}/5")) {
                let limit = vendor + rounds * 5.0;
                most(
                    format!("{lane}: wall at {vendor}/5, of {limit} ms"),
                    bound,
                    wall / limit,
                );
            }
        }
        // One more for each of the ten channels of a batch.
        let units = if lane == "slack" { 3.1 } else { 2.1 };
        most(
            format!("{lane}: write units a record"),
            units,
            row.write_units,
        );
        most(
            format!("{lane}: put back of a healthy batch"),
            0.0,
            row.put_back,
        );
        most(format!("{lane}: artefact in MB"), ZIP_MB_MAX, row.zip_mb);
    }
    for lane in LANES {
        for cell in ["20/1", "20/5", "200/5"] {
            let others = POWERTOOLS.iter().chain(["naive"].iter());
            let least = others
                .filter_map(|name| wall(summary, name, cell))
                .min_by(f64::total_cmp);
            if let Some((least, ours)) = least.zip(wall(summary, lane, cell)) {
                goals.push(Goal {
                    what: format!("{lane}: wall at {cell}, of the fastest other contender's"),
                    bound: 1.0,
                    value: ours / least,
                    at_least: false,
                });
            }
        }
    }
    let naive = wall(summary, "naive", "200/5");
    if let Some((naive, stripe)) = naive.zip(wall(summary, "stripe", "200/5")) {
        goals.push(Goal {
            what: "less latency than the naive handler at 200/5, in percent".to_owned(),
            bound: 89.5,
            value: 100.0 * (1.0 - stripe / naive),
            at_least: true,
        });
    }
    goals
}

fn against_powertools(summary: &Summary, lane: &str, goals: &mut Vec<Goal>) {
    /// What of a contender, how many times less it must be, and where it stands.
    type Compared = (&'static str, f64, fn(&Row) -> f64);
    let rows: [Compared; 4] = [
        ("CPU a record", 20.0, |row| row.cpu_ms_record),
        ("CPU of the first batch", 15.0, |row| row.first_batch_cpu_ms),
        ("memory", 6.0, |row| row.peak_mib),
        ("start-up CPU", 40.0, |row| row.start_cpu_ms),
    ];
    for (what, times, of) in rows {
        let others = POWERTOOLS
            .iter()
            .filter_map(|name| summary.contenders.get(name));
        let least = others.map(of).min_by(f64::total_cmp);
        if let Some((least, row)) = least.zip(summary.contenders.get(lane)) {
            goals.push(Goal {
                what: format!("{lane}: times less {what} than the best Powertools"),
                bound: times,
                value: least / of(row),
                at_least: true,
            });
        }
    }
    let quota = &summary.quota_256mb_wall_ms;
    let others = POWERTOOLS
        .iter()
        .filter_map(|name| quota.get(name))
        .copied();
    if let Some((least, ours)) = others.min_by(f64::total_cmp).zip(quota.get(lane)) {
        goals.push(Goal {
            what: format!(
                "{lane}: times less wall at {} under the quota of 256 MB",
                USUAL.name()
            ),
            bound: 4.0,
            value: least / ours,
            at_least: true,
        });
    }
}

fn wall(summary: &Summary, name: &str, cell: &str) -> Option<f64> {
    summary.contenders.get(name)?.wall_ms.get(cell).copied()
}
