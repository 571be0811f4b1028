//! A line as `key=value`, its columns one below the other. Pure.

use crate::table::ms;
use crate::ui::changes::{Change, Turn, printable};
use crate::ui::figures::{Quantiles, micros, seconds};
use crate::ui::lines::Row;

pub(super) fn row(row: &Row<'_>, is_coloured: bool) -> String {
    let figures = &row.figures;
    let counts = &figures.counts;
    let mark = if counts.is_troubled() { Turn::Begins.mark() } else { ' ' };
    let ok = counts.success_share().map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", share * 100.0));
    let mut text = format!(
        "{mark} t={:<6} op={:width$} planned={:<8} done={:<8} ok={ok:<7} response_ms={:<13} server_ms={:<13} \
         network_p99_ms={:<6} lag_p99_ms={:<6} in_flight={:<4}",
        format!("{}s", seconds(row.run.elapsed)),
        row.name,
        format!("{:.1}/s", figures.planned_per_s()),
        format!("{:.1}/s", figures.finished_per_s()),
        both(&figures.response),
        both(&figures.server),
        ms(micros(figures.network.p99)),
        ms(micros(figures.lag.p99)),
        row.in_flight,
        width = row.width,
    );
    for (trouble, count) in counts.troubles() {
        text.push_str(&format!(" {}={count}", trouble.as_str()));
    }
    if counts.by_rule.0 > 0 {
        text.push_str(&format!(" by_rule={} failed_by_rule={}", counts.by_rule.0, counts.by_rule.1));
    }
    if let Some(phase) = row.run.phase {
        text.push_str(&format!(" phase={phase}"));
    }
    if row.run.is_paused {
        text.push_str(" paused=true");
    }
    painted(mark, text.trim_end(), is_coloured)
}

/// Half of all, and 99 of 100, took at most so long.
fn both(quantiles: &Quantiles) -> String {
    format!("{}/{}", ms(micros(quantiles.p50)), ms(micros(quantiles.p99)))
}

pub(super) fn change(change: &Change, operation: Option<&str>, is_coloured: bool) -> String {
    let mark = change.turn.mark();
    let operation = operation.map_or_else(String::new, |name| format!(" op={name}"));
    let words = printable(&change.text).replace('"', "'");
    let text = format!("{mark} t={:<6}{operation} change=\"{words}\"", format!("{}s", seconds(change.at)));
    painted(mark, &text, is_coloured)
}

/// Red where something is wrong; the mark says so without it.
fn painted(mark: char, text: &str, is_coloured: bool) -> String {
    match mark {
        '!' if is_coloured => format!("\x1b[31m{text}\x1b[0m"),
        _ => text.to_owned(),
    }
}
