//! `injector report` on the command line.

use std::path::PathBuf;

use clap::Args;
use shared::units::{parse_duration, parse_percent};

use crate::report::Format;
use crate::report::compare::Bounds;
use crate::table::Detail;

/// Tells a saved result, compares two, or adds up shards of one run.
///
/// Two: the second is measured by the first. Exit code 0 if nothing is certainly worse, 99 if something is, 98 if they cannot be
/// compared.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// One or two results, as `injector run --json` writes them; any number with --merge.
    #[arg(value_name = "RESULT.json", required_unless_present = "schema")]
    pub(crate) files: Vec<PathBuf>,
    /// How to write the report.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: Format,
    /// How much to tell: with two results, compact leaves out the figures that do not differ.
    #[arg(long, value_name = "HOW_MUCH", value_enum, default_value_t)]
    pub(crate) summary: Detail,
    /// Share by which a response time may grow before it is worse.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = share)]
    tolerance: f64,
    /// A response time may grow by this much whatever its share: the injector's own lateness is of that order.
    #[arg(long, value_name = "DURATION", default_value = "100us", value_parser = microseconds)]
    tolerance_time: f64,
    /// Percentage points by which the share of right requests may fall.
    #[arg(long, value_name = "PERCENT", default_value = "0.1%", value_parser = share)]
    tolerance_success: f64,
    /// Of the whole comparison: of 100 comparisons of equal runs, at most 5 say something else at 95%.
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = confidence)]
    confidence: f64,
    /// Write the report as one HTML file with charts as well; - for standard output, which then carries nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "merge")]
    pub(crate) html: Option<PathBuf>,
    /// Add the results up, as shards of one run, and write the sum to this file; - for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) merge: Option<PathBuf>,
    /// Print the JSON Schema of a result.
    #[arg(long, conflicts_with_all = ["files", "merge"])]
    pub(crate) schema: bool,
}

impl ReportArgs {
    /// What it takes to call something different.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            confidence: self.confidence,
            tolerance: self.tolerance,
            tolerance_us: self.tolerance_time,
            tolerance_success: self.tolerance_success,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').ok_or_else(|| format!("{text:?} has no unit; 5% has"))?;
    let ppm = parse_percent(number).map_err(|error| error.to_string())?;
    Ok(ppm.fraction())
}

fn confidence(text: &str) -> Result<f64, String> {
    let share = share(text)?;
    if (0.5..=0.9999).contains(&share) { Ok(share) } else { Err(format!("{text:?}: 50% to 99.99% is possible")) }
}

fn microseconds(text: &str) -> Result<f64, String> {
    let duration = parse_duration(text).map_err(|error| error.to_string())?;
    Ok(duration.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::{Cli, Command};

    #[test]
    fn bounds_have_units() {
        let read = |flags: &[&str]| match Cli::try_parse_from(["injector", "report", "a.json"].iter().chain(flags)) {
            Ok(Cli { command: Command::Report(args), .. }) => Ok(args.bounds()),
            Ok(_) => panic!("another command"),
            Err(error) => Err(error.to_string()),
        };
        let bounds = read(&["--tolerance", "2.5%", "--tolerance-time", "1ms"]).unwrap();
        assert_eq!((bounds.tolerance, bounds.tolerance_us, bounds.confidence), (0.025, 1_000.0, 0.95));
        for (flags, words) in [
            (["--tolerance", "5"], "5% has"),
            (["--tolerance", "x%"], "--tolerance"),
            (["--tolerance-time", "5"], "expected"),
            (["--confidence", "100%"], "99.99%"),
            (["--format", "html"], "markdown"),
        ] {
            let error = read(&flags).unwrap_err();
            assert!(error.contains(words), "{flags:?}: {error}");
        }
    }
}
