//! A saved result, or why a file is none.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::summary::{SCHEMA, Summary};

/// What every version of the structure has.
#[derive(Deserialize)]
struct Head {
    schema: u32,
}

/// Reads what `--json` wrote; with the name to call it by. Keys that are not known are passed over, keys that came later
/// than the file default to nothing.
///
/// # Errors
/// The file, and what is wrong with it.
pub fn read(path: &Path) -> Result<(String, Summary), String> {
    let name = path.display().to_string();
    let text = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    let no_result =
        |error| format!("{name}: {error}: not the result of a run, as `injector run --json FILE` writes it");
    let head: Head = serde_json::from_slice(&text).map_err(no_result)?;
    if head.schema != SCHEMA {
        return Err(format!(
            "{name}: its structure is of version {}, and this program reads version {SCHEMA}",
            head.schema
        ));
    }
    let summary = serde_json::from_slice(&text).map_err(no_result)?;
    Ok((name, summary))
}
