//! The end of a run in text: both sides in one table, the latencies, the identity, the verdict. Pure. Colours are not used,
//! so nothing depends on them.

mod compact;
mod differences;
mod footer;
mod grid;
mod latencies;
mod names;
mod phases;
mod replicas;
mod requests;
mod thresholds;

use clap::ValueEnum;

use self::compact::compact;
use self::differences::{differences, errors};
use self::footer::{footer, verdict};
pub(crate) use self::grid::Grid;
use self::latencies::latencies;
pub(crate) use self::latencies::ms;
use self::phases::phases;
use self::replicas::replicas;
use self::requests::requests;
use crate::summary::Summary;

/// How much is told at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Detail {
    /// A line per operation, and all that is wrong.
    #[default]
    Compact,
    /// The parts of the times, phases, replicas and addresses as well.
    Full,
    /// The verdict only.
    None,
}

/// The report. The full one is about 120 columns wide, the compact one 80.
pub fn render(summary: &Summary, detail: Detail) -> String {
    let mut text = String::new();
    let width = summary.operations.iter().map(|operation| operation.name.len()).max().unwrap_or(0).max(9);
    // Writing to a String cannot fail.
    let _ = match detail {
        Detail::None => verdict(&mut text, summary),
        Detail::Compact => {
            text = compact(summary);
            rest(&mut text, summary, width, detail)
        }
        Detail::Full => requests(&mut text, summary, width)
            .and_then(|()| latencies(&mut text, summary, width))
            .and_then(|()| phases(&mut text, summary))
            .and_then(|()| rest(&mut text, summary, width, detail)),
    };
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// What follows the figures of operations.
fn rest(text: &mut String, summary: &Summary, width: usize, detail: Detail) -> std::fmt::Result {
    errors(text, summary, width)?;
    differences(text, summary)?;
    replicas(text, summary, detail)?;
    names::names(text, summary, width, detail)?;
    thresholds::thresholds(text, summary)?;
    footer(text, summary, detail)
}
