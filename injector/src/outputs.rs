//! What a run leaves behind: its result as JSON, as JUnit XML and as a page, its time series as CSV; and how much it tells at the end.

use std::path::{Path, PathBuf};

use crate::output::{Output, is_stdout};
use crate::report::HTML_FLAG;
use crate::table::Detail;
use crate::{csv, junit};

/// The flag for the result as JSON.
const JSON_FLAG: &str = "--json";

/// Where everything goes; `-` is standard output, which then carries nothing else.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// The result as JSON, at the end.
    pub json: Option<PathBuf>,
    /// The result as JUnit XML, at the end.
    pub junit: Option<PathBuf>,
    /// The result as one HTML file, at the end.
    pub html: Option<PathBuf>,
    /// A row per interval and operation, as it goes.
    pub csv: Option<PathBuf>,
    /// The table at the end.
    pub detail: Detail,
}

/// All of it, tried.
pub(crate) struct Files {
    pub(crate) json: Option<Output>,
    pub(crate) junit: Option<Output>,
    pub(crate) html: Option<Output>,
    pub(crate) csv: Option<csv::Unwritten>,
    pub(crate) is_stdout_taken: bool,
}

impl Outputs {
    /// Tries everything.
    ///
    /// # Errors
    /// Which flag cannot be followed, why, and what would do.
    pub(crate) fn open(&self) -> Result<Files, String> {
        let named =
            [(JSON_FLAG, &self.json), (junit::FLAG, &self.junit), (HTML_FLAG, &self.html), (csv::FLAG, &self.csv)];
        let named: Vec<(&str, &Path)> =
            named.into_iter().filter_map(|(flag, path)| Some((flag, path.as_deref()?))).collect();
        for (at, (flag, path)) in named.iter().enumerate() {
            if let Some((other, _)) = named[..at].iter().find(|(_, others)| others == path) {
                return Err(format!("{other} and {flag} both name {}; each needs a place of its own", path.display()));
            }
        }
        let open = |flag, path: &Option<PathBuf>| path.as_deref().map(|path| Output::open(flag, path)).transpose();
        Ok(Files {
            json: open(JSON_FLAG, &self.json)?,
            junit: open(junit::FLAG, &self.junit)?,
            html: open(HTML_FLAG, &self.html)?,
            csv: self.csv.as_deref().map(csv::Unwritten::open).transpose()?,
            is_stdout_taken: named.iter().any(|(_, path)| is_stdout(path)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_results_need_two_places() {
        let path = |name: &str| Some(PathBuf::from(name));
        let outputs = Outputs { json: path("-"), csv: path("-"), ..Outputs::default() };
        let error = outputs.open().err().unwrap();
        assert_eq!(error, "--json and --csv both name -; each needs a place of its own");
        let outputs = Outputs { junit: path("-"), ..Outputs::default() };
        assert!(outputs.open().unwrap().is_stdout_taken);
        assert!(!Outputs::default().open().unwrap().is_stdout_taken);
    }
}
