//! The thresholds of a run, with a mark and a word for each. Pure.

use std::fmt::Write as _;

use crate::summary::{Summary, ThresholdState};

pub(super) fn thresholds(text: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.thresholds.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nthresholds")?;
    let width = summary.thresholds.iter().map(|one| one.threshold.chars().count()).max().unwrap_or(0);
    for one in &summary.thresholds {
        let (mark, word) = match one.result {
            ThresholdState::Holds => ('✓', "holds"),
            ThresholdState::Crossed => ('✗', "crossed"),
            ThresholdState::NoData => ('✗', "no data"),
        };
        writeln!(text, "  {mark} {word:<7}  {:width$}  {}", one.threshold, one.words)?;
    }
    Ok(())
}

/// What the footer says in their place if there are none, and else how many hold.
pub(super) fn in_short(summary: &Summary) -> String {
    let hold = summary.thresholds.iter().filter(|one| one.result == ThresholdState::Holds).count();
    match summary.thresholds.len() {
        0 => "no thresholds are set".to_owned(),
        1 => format!("{hold} of 1 threshold holds"),
        all => format!("{hold} of {all} thresholds hold"),
    }
}
