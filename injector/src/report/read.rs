//! A saved result, or why a file is none.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::summary::{SCHEMA, Summary};

/// What every version of the structure has.
#[derive(Deserialize)]
struct Head {
    schema: u32,
}

/// Counts from here on are nobody's, and their sums would not fit.
const COUNT_END: u64 = 1 << 60;

/// A number that is too large to be added up.
fn beyond(value: &Value) -> Option<&Number> {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            size.is_some_and(|size| size >= COUNT_END).then_some(number)
        }
        Value::Array(values) => values.iter().find_map(beyond),
        Value::Object(values) => values.values().find_map(beyond),
        _ => None,
    }
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
    let all: Value = serde_json::from_slice(&text).map_err(no_result)?;
    if let Some(number) = beyond(&all) {
        return Err(format!(
            "{name}: {number} is no count of anything; this is not as `injector run --json FILE` wrote it"
        ));
    }
    let summary = serde_json::from_value(all).map_err(no_result)?;
    Ok((name, summary))
}
