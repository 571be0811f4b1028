//! The end of a run on one screen: a line per operation with both sides, and response times. Pure.
//!
//! Left out against the full table: what agrees anyway (answers of the target, which are compared under the table if they
//! differ), the parts of the times, replicas and addresses beyond a few. What is wrong is never left out.

use super::grid::{BAR, Grid};
use super::latencies::ms;
use super::requests::{percent, received, title};
use crate::summary::{Side, Summary};

const HEADS: [[&str; 12]; 2] = [
    ["", "", BAR, "target", BAR, "", "", "", "", "", "response", "ms"],
    ["operation", "planned", BAR, "received", BAR, "success", "failed", "dropped", "cut off", "ok", "p50", "p99"],
];
/// Columns that say something only if there is something in them.
const DROPPED: usize = 7;
const CUT_OFF: usize = 8;

pub(super) fn compact(summary: &Summary) -> String {
    let mut grid = Grid::new(&HEADS);
    for operation in &summary.operations {
        grid.row(row(&operation.name, &operation.client, received(operation)));
    }
    let all = summary.operations.iter().map(received).sum::<Option<u64>>();
    grid.row(row("total", &summary.total, all));
    let total = &summary.total;
    let is_empty = |column| match column {
        DROPPED => total.dropped_late + total.dropped_limit == 0,
        CUT_OFF => total.interrupted == 0,
        _ => false,
    };
    format!("\n{}\n{}", title(summary), grid.without(is_empty).text())
}

fn row(name: &str, side: &Side, received: Option<u64>) -> [String; 12] {
    let bar = || BAR.to_owned();
    [
        name.to_owned(),
        side.planned.to_string(),
        bar(),
        received.map_or_else(|| "-".to_owned(), |count| count.to_string()),
        bar(),
        side.success.to_string(),
        side.failure.to_string(),
        (side.dropped_late + side.dropped_limit).to_string(),
        side.interrupted.to_string(),
        percent(side),
        ms(side.response.p50_us),
        ms(side.response.p99_us),
    ]
}
