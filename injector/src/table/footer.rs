//! Whether all adds up, who told, and the verdict. Pure.

use std::fmt::Write as _;

use super::Detail;
use super::thresholds::in_short;
use crate::summary::{Side, Summary};
use crate::verdict::in_words;

pub(super) fn footer(text: &mut String, summary: &Summary, detail: Detail) -> std::fmt::Result {
    let total = &summary.total;
    writeln!(
        text,
        "\nidentity: {} planned = {} success + {} failure + {} dropped(late)\n          \
         + {} dropped(limit) + {} interrupted + {} in flight",
        total.planned,
        total.success,
        total.failure,
        total.dropped_late,
        total.dropped_limit,
        total.interrupted,
        total.in_flight,
    )?;
    // Something on the way lost what had to be sent again.
    if detail == Detail::Full || total.retransmits > 0 {
        writeln!(text, "{}", connections(total))?;
    }
    if let Some(reloads) = reloads(summary) {
        writeln!(text, "{reloads}")?;
    }
    match (&summary.target, &summary.target_error) {
        (Some(server), _) => writeln!(text, "target: {server}, session {}", summary.session)?,
        (None, error) => writeln!(
            text,
            "target: no account of session {}: {}",
            summary.session,
            error.as_deref().unwrap_or("not asked")
        )?,
    }
    if let Some(words) = summary.lateness() {
        writeln!(text, "lateness: {words}")?;
    }
    verdict(text, summary)
}

/// The judgement, and why.
pub(super) fn verdict(text: &mut String, summary: &Summary) -> std::fmt::Result {
    let (verdict, total) = (&summary.verdict, &summary.total);
    let ratio = total
        .success_ratio()
        .map_or_else(|| "nothing finished".to_owned(), |ratio| format!("{:.2}% success", ratio * 100.0));
    let spoilt = match total.failure + total.dropped_late + total.dropped_limit {
        0 => String::new(),
        _ => format!(" ({} failed, {} dropped)", total.failure, total.dropped_late + total.dropped_limit),
    };
    writeln!(
        text,
        "verdict: {} (exit code {}; {}), {ratio}{spoilt}",
        in_words(&verdict.result),
        verdict.exit_code,
        in_short(summary)
    )?;
    for reason in &verdict.reasons {
        writeln!(text, "  - {reason}")?;
    }
    Ok(())
}

/// Nothing if the scenario stayed as it was.
fn reloads(summary: &Summary) -> Option<String> {
    let left: Vec<&str> =
        summary.operations.iter().filter(|operation| operation.left).map(|operation| &*operation.name).collect();
    let left = if left.is_empty() { String::new() } else { format!("; left: {}", left.join(", ")) };
    match summary.reloads {
        0 => None,
        1 => Some(format!("scenario: reloaded once{left}")),
        times => Some(format!("scenario: reloaded {times} times{left}")),
    }
}

fn connections(total: &Side) -> String {
    let resent = match total.retransmits {
        0 => String::new(),
        1 => ", 1 segment sent again".to_owned(),
        segments => format!(", {segments} segments sent again"),
    };
    let ends: Vec<_> = total.connections_closed.iter().map(|(end, count)| format!("{end} {count}")).collect();
    let ended = if ends.is_empty() { String::new() } else { format!("; ended: {}", ends.join(", ")) };
    format!("connections: {} opened{ended}{resent}", total.connections)
}
