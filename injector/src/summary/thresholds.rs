//! Thresholds in the result of a run.

use serde::Serialize;

use crate::threshold::{Limit, Outcome, Report};

/// What became of one.
#[derive(Clone, Debug, Serialize)]
pub struct ThresholdResult {
    /// As printed.
    pub threshold: String,
    /// What became of it.
    pub result: ThresholdState,
    /// The last figure: of the whole run, or of the last window; nothing if there was no data.
    pub value: Option<f64>,
    /// What it is compared with.
    pub limit: f64,
    /// Of both: `s`, `share`, `number` or `per_s`.
    pub unit: &'static str,
    /// How many samples the figure is made of.
    pub samples: u64,
    /// The figure furthest from the limit; of windows only.
    pub worst: Option<f64>,
    /// How often it stopped holding; of windows only.
    pub crossings: u64,
    /// When it first did not hold, in seconds since the first slot; likewise.
    pub first_crossed_s: Option<f64>,
    /// How long it did not hold in all, in seconds; likewise.
    pub crossed_for_s: f64,
    /// Whether it ended the run.
    pub aborted: bool,
    /// The same in words.
    pub words: String,
}

/// What became of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdState {
    /// It holds.
    Holds,
    /// It does not.
    Crossed,
    /// It could not be judged, which does not pass.
    NoData,
}

impl From<&Report> for ThresholdResult {
    fn from(report: &Report) -> ThresholdResult {
        let is_share = report.condition.is_share();
        ThresholdResult {
            threshold: report.text.clone(),
            result: match report.outcome {
                Outcome::Holds => ThresholdState::Holds,
                Outcome::Crossed => ThresholdState::Crossed,
                Outcome::NoData => ThresholdState::NoData,
            },
            value: report.value,
            limit: report.condition.limit.value(),
            unit: match report.condition.limit {
                Limit::Time(_) => "s",
                Limit::PerSecond(_) => "per_s",
                _ if is_share => "share",
                _ => "number",
            },
            samples: report.samples,
            worst: report.worst,
            crossings: report.crossings,
            first_crossed_s: report.first_crossed.map(|at| at.as_secs_f64()),
            crossed_for_s: report.crossed_for.as_secs_f64(),
            aborted: report.has_aborted,
            words: report.words(),
        }
    }
}
