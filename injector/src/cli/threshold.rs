//! `--threshold`: conditions of a run on the command line.

use std::str::FromStr;

use clap::Args;

use crate::threshold::{Refused, Threshold};

/// Thresholds; they stand instead of the file's.
#[derive(Debug, Args)]
pub struct ThresholdArgs {
    /// What has to hold, such as "p(99) < 25ms over 5m" or "http_req_failed: rate<0.01"; may be given more than once, or
    /// several with ; between. Instead of those of the file. If one does not hold, the exit code is 99.
    #[arg(long = "threshold", env = "CLOAD_THRESHOLDS", value_name = "TEXT")]
    thresholds: Vec<Thresholds>,
}

impl ThresholdArgs {
    /// All of them, in order.
    pub(super) fn all(&self) -> Vec<Threshold> {
        self.thresholds.iter().flat_map(|several| &several.0).cloned().collect()
    }
}

/// Those of one flag, or of the variable.
#[derive(Clone, Debug)]
struct Thresholds(Vec<Threshold>);

impl FromStr for Thresholds {
    type Err = String;

    fn from_str(text: &str) -> Result<Thresholds, String> {
        let wrong = |(_, one, refused): (usize, &str, Refused)| {
            format!("{one}: at character {}: {}", refused.at + 1, refused.message)
        };
        Threshold::several(text).map(Thresholds).map_err(wrong)
    }
}
