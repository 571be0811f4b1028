//! Whether all adds up, who told, and the verdict. Pure.

use std::fmt::Write as _;

use super::thresholds::in_short;
use crate::summary::{Side, Summary};

pub(super) fn footer(text: &mut String, summary: &Summary) -> std::fmt::Result {
    let total = &summary.total;
    writeln!(
        text,
        "\nidentity: {} planned = {} success + {} failure + {} dropped(late) + {} dropped(limit)\n          \
         + {} interrupted + {} in flight",
        total.planned,
        total.success,
        total.failure,
        total.dropped_late,
        total.dropped_limit,
        total.interrupted,
        total.in_flight,
    )?;
    writeln!(text, "{}", connections(total))?;
    match (&summary.target, &summary.target_error) {
        (Some(server), _) => writeln!(text, "target: {server}, session {}", summary.session)?,
        (None, error) => writeln!(
            text,
            "target: no account of session {}: {}",
            summary.session,
            error.as_deref().unwrap_or("not asked")
        )?,
    }
    let verdict = &summary.verdict;
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
        verdict.result,
        verdict.exit_code,
        in_short(summary)
    )?;
    for reason in &verdict.reasons {
        writeln!(text, "  - {reason}")?;
    }
    Ok(())
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
