//! The end of a run in text: both sides in one table, the latencies, the identity, the verdict. Pure.

mod differences;
mod footer;
mod latencies;
mod names;
mod replicas;
mod requests;
mod thresholds;

use self::differences::{differences, errors};
use self::footer::footer;
use self::latencies::latencies;
pub(crate) use self::latencies::ms;
use self::replicas::replicas;
use self::requests::requests;
use crate::summary::Summary;

/// The whole report, about 120 columns wide: names are at most 32.
pub fn render(summary: &Summary) -> String {
    let mut text = String::new();
    let width = summary.operations.iter().map(|operation| operation.name.len()).max().unwrap_or(0).max(9);
    // Writing to a String cannot fail.
    let _ = requests(&mut text, summary, width);
    let _ = latencies(&mut text, summary, width);
    let _ = errors(&mut text, summary, width);
    let _ = differences(&mut text, summary);
    let _ = replicas(&mut text, summary);
    let _ = names::names(&mut text, summary, width);
    let _ = thresholds::thresholds(&mut text, summary);
    let _ = footer(&mut text, summary);
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}
