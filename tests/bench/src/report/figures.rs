//! The plots of the page.

use super::page::{CONTENDERS, LADDER, LANES, ORDER};
use super::plot::{Bar, Scale, bars};
use super::{Row, Summary};

pub(super) fn plot(
    summary: &Summary,
    title: &str,
    unit: &str,
    name: &str,
    of: fn(&Row) -> f64,
) -> String {
    let measured = ORDER[..CONTENDERS].iter();
    let measured = measured.filter_map(|key| Some((*key, summary.contenders.get(key)?)));
    let rows: Vec<Bar> = measured
        .map(|(key, row)| Bar {
            label: row.title.to_owned(),
            value: of(row),
            between: row.spread.get(name).map(|spread| (spread.low, spread.high)),
            is_ours: LANES.contains(&key),
        })
        .collect();
    bars(title, unit, Scale::Logarithmic, &rows)
}

pub(super) fn wall(summary: &Summary) -> String {
    let mut all = Vec::new();
    for cell in ["20/5", "200/5"] {
        for key in &ORDER[..CONTENDERS] {
            let Some(row) = summary.contenders.get(key) else {
                continue;
            };
            if let Some(wall) = row.wall_ms.get(cell) {
                all.push(Bar {
                    label: format!("{} {cell}", row.title),
                    value: *wall,
                    between: row
                        .spread
                        .get(&format!("wall_ms {cell}"))
                        .map(|it| (it.low, it.high)),
                    is_ours: LANES.contains(key),
                });
            }
        }
    }
    bars("Time of a batch", "ms", Scale::Logarithmic, &all)
}

pub(super) fn ladder_plot(summary: &Summary) -> String {
    let steps = LADDER
        .iter()
        .filter_map(|key| Some((*key, summary.contenders.get(key)?)));
    let steps: Vec<Bar> = steps
        .filter_map(|(key, row)| {
            Some(Bar {
                label: row.title.to_owned(),
                value: *row.wall_ms.get("200/5")?,
                between: None,
                is_ours: key == "stripe",
            })
        })
        .collect();
    bars("A batch of ten at 200/5", "ms", Scale::Linear, &steps)
}
