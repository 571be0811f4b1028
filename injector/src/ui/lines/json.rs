//! A line as a JSON object; docs/terminal.md lists the keys. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::identity::Name;

use crate::ui::changes::{Change, Turn};
use crate::ui::figures::Quantiles;
use crate::ui::lines::Row;

#[derive(Serialize)]
struct Interval<'a> {
    kind: &'static str,
    elapsed_s: f64,
    interval_s: f64,
    operation: &'a str,
    phase: Option<&'a str>,
    paused: bool,
    asked_per_s: f64,
    planned: u64,
    planned_per_s: f64,
    finished: u64,
    finished_per_s: f64,
    success: u64,
    failure: u64,
    /// By class, and what was never sent by `dropped_late` and `dropped_limit`; what did not occur is left out.
    troubles: BTreeMap<&'static str, u64>,
    by_rule: u64,
    failed_by_rule: u64,
    in_flight: i64,
    response: Quantiles,
    service: Quantiles,
    server: Quantiles,
    network: Quantiles,
    lag: Quantiles,
    wait: Quantiles,
}

#[derive(Serialize)]
struct Event<'a> {
    kind: &'static str,
    elapsed_s: f64,
    turn: &'static str,
    operation: Option<&'a str>,
    text: &'a str,
}

pub(super) fn row(row: &Row<'_>) -> String {
    let figures = &row.figures;
    let counts = &figures.counts;
    written(&Interval {
        kind: "interval",
        elapsed_s: thousandths(row.run.elapsed.as_secs_f64()),
        interval_s: thousandths(figures.length.as_secs_f64()),
        operation: row.name,
        phase: row.run.phase.as_ref().map(Name::as_str),
        paused: row.run.is_paused,
        asked_per_s: thousandths(row.asked_per_s),
        planned: counts.planned,
        planned_per_s: thousandths(figures.planned_per_s()),
        finished: counts.finished(),
        finished_per_s: thousandths(figures.finished_per_s()),
        success: counts.success,
        failure: counts.failed(),
        troubles: counts.troubles().map(|(trouble, count)| (trouble.as_str(), count)).collect(),
        by_rule: counts.by_rule.0,
        failed_by_rule: counts.by_rule.1,
        in_flight: row.in_flight,
        response: figures.response,
        service: figures.service,
        server: figures.server,
        network: figures.network,
        lag: figures.lag,
        wait: figures.wait,
    })
}

pub(super) fn change(change: &Change, operation: Option<&str>) -> String {
    let turn = match change.turn {
        Turn::Begins => "begins",
        Turn::Ends => "ends",
        Turn::Notes => "notes",
    };
    let elapsed_s = thousandths(change.at.as_secs_f64());
    written(&Event { kind: "change", elapsed_s, turn, operation, text: &change.text })
}

/// More digits say nothing.
fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn written(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("text, numbers and maps by text can always be written")
}
