//! How many requests, of both sides, one line per operation. Pure.

use std::fmt::Write as _;

use crate::summary::{Operation, Side, Summary};

pub(super) fn requests(text: &mut String, summary: &Summary, width: usize) -> std::fmt::Result {
    writeln!(text, "\n{}", title(summary))?;
    request_heads(text, width, &["", "", "injector", "", "target", "", "injector", "", "", "", "", ""])?;
    let columns = [
        "protocol", "planned", "sent", "received", "answered", "answered", "success", "failure", "dropped", "cut off",
        "ok",
    ];
    request_heads(text, width, &[&["operation"], &columns[..]].concat())?;
    for operation in &summary.operations {
        let name = [operation.name.as_str(), operation.protocol.as_str()];
        request_line(text, width, name, &operation.client, received(operation), answered(operation))?;
    }
    let sum = |count: fn(&Operation) -> Option<u64>| summary.operations.iter().map(count).sum::<Option<u64>>();
    request_line(text, width, ["total", ""], &summary.total, sum(received), sum(answered))
}

/// What the table is of.
pub(super) fn title(summary: &Summary) -> String {
    let rate = summary.total.planned as f64 / summary.planned_for_s.max(1e-9);
    format!("requests of {} in {:.1} s ({rate:.1}/s planned), both sides", summary.source, summary.planned_for_s)
}

fn request_heads(text: &mut String, width: usize, words: &[&str]) -> std::fmt::Result {
    write!(text, "{:width$}  {:<8} {:>8} {:>8} |", words[0], words[1], words[2], words[3])?;
    write!(text, " {:>8} {:>8} |", words[4], words[5])?;
    words[6..].iter().try_for_each(|word| write!(text, " {word:>8}"))?;
    writeln!(text)
}

pub(super) fn received(operation: &Operation) -> Option<u64> {
    operation.server.as_ref().map(|server| server.received)
}

fn answered(operation: &Operation) -> Option<u64> {
    operation.server.as_ref().map(|server| server.answered_total())
}

/// The share of requests that were right.
pub(super) fn percent(side: &Side) -> String {
    side.success_ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{:.2}%", ratio * 100.0))
}

fn request_line(
    text: &mut String,
    width: usize,
    [name, protocol]: [&str; 2],
    side: &Side,
    received: Option<u64>,
    answered: Option<u64>,
) -> std::fmt::Result {
    let blank = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let ratio = percent(side);
    let dropped = side.dropped_late + side.dropped_limit;
    writeln!(
        text,
        "{name:width$}  {protocol:<8} {:>8} {:>8} | {:>8} {:>8} | {:>8} {:>8} {:>8} {dropped:>8} {:>8} {ratio:>8}",
        side.planned,
        side.sent,
        blank(received),
        blank(answered),
        side.answered,
        side.success,
        side.failure,
        side.interrupted,
    )
}
