//! What a run leaves behind, on the command line.

use std::path::PathBuf;

use clap::Args;

use crate::output::is_stdout;
use crate::outputs::Outputs;
use crate::table::Detail;

/// Files of a run, and how much it tells; shared with the pair. `-` is standard output, which then carries nothing else.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Write the result as JSON to this file at the end; - for standard output.
    #[arg(long, value_name = "FILE", env = "CLOAD_JSON")]
    json: Option<PathBuf>,
    /// Write the result as JUnit XML to this file at the end: a case per operation, for the agreement of both sides, and
    /// for the verdict.
    #[arg(long, value_name = "FILE", env = "CLOAD_JUNIT")]
    junit: Option<PathBuf>,
    /// Write a report as one HTML file at the end: verdict, charts, both sides. It needs nothing but itself.
    #[arg(long, value_name = "FILE", env = "CLOAD_HTML")]
    html: Option<PathBuf>,
    /// Write a row per second and operation to this file, as they come (CSV).
    #[arg(long, value_name = "FILE", env = "CLOAD_CSV")]
    csv: Option<PathBuf>,
    /// How much to tell at the end.
    #[arg(long, value_name = "HOW_MUCH", env = "CLOAD_SUMMARY", value_enum, default_value_t)]
    summary: Detail,
}

impl OutputArgs {
    /// Whether something is written to standard output, which then carries nothing else.
    pub fn is_stdout_taken(&self) -> bool {
        [&self.json, &self.junit, &self.html, &self.csv].into_iter().flatten().any(|path| is_stdout(path))
    }

    /// As a job takes them.
    pub fn outputs(&self) -> Outputs {
        Outputs {
            json: self.json.clone(),
            junit: self.junit.clone(),
            html: self.html.clone(),
            csv: self.csv.clone(),
            detail: self.summary,
        }
    }
}
