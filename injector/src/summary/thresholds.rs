//! Thresholds in the result of a run.

use serde::{Deserialize, Serialize};

use crate::threshold::{Limit, Outcome, Report};

/// What became of one.
#[derive(Clone, Debug, Deserialize, Serialize)]
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
    pub unit: String,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
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
                Limit::Time(_) => "s".to_owned(),
                Limit::PerSecond(_) => "per_s".to_owned(),
                _ if is_share => "share".to_owned(),
                _ => "number".to_owned(),
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

impl ThresholdResult {
    /// Why the run has not passed, for one that does not hold. What has too few samples is not crossed, and can be helped.
    pub(super) fn reason(&self) -> String {
        let (what, remedy) = match self.result {
            ThresholdState::NoData if self.samples > 0 => (
                "threshold without data",
                format!(
                    "; a longer run or a higher rate has more, or min {} samples has it judged all the same",
                    self.samples
                ),
            ),
            ThresholdState::NoData => ("threshold without data", String::new()),
            ThresholdState::Holds | ThresholdState::Crossed => ("threshold crossed", String::new()),
        };
        format!("{what}: {}: {}{remedy}", self.threshold, self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_too_few_samples_is_not_called_crossed_and_has_a_remedy() {
        let reason = |result: &str, samples: u64| {
            let one = serde_json::json!({
                "threshold": "p(99) < 1s", "result": result, "value": null, "limit": 1.0, "unit": "s", "samples": samples,
                "worst": null, "crossings": 0, "first_crossed_s": null, "crossed_for_s": 0.0, "aborted": false, "words": "words",
            });
            serde_json::from_value::<ThresholdResult>(one).unwrap().reason()
        };
        assert_eq!(reason("crossed", 9), "threshold crossed: p(99) < 1s: words");
        assert_eq!(reason("no_data", 0), "threshold without data: p(99) < 1s: words");
        assert!(
            reason("no_data", 9).ends_with(
                "words; a longer run or a higher rate has more, or min 9 samples has it judged all the same"
            )
        );
    }
}
