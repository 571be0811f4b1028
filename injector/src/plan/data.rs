//! `data`: sets of rows that requests take values from.
//!
//! A set is a CSV file, a JSON or YAML file with a list of mappings, or such a list in the scenario itself. Every row has every
//! column. Read once, when the plan is made; a row becomes a request of its own then, checked like any other, so that a value that
//! cannot stand where it is asked for is refused before anything is sent, and sending costs no more than without data.

pub(super) mod template;

use serde_saphyr::Location;
use shared::identity::Name;
use shared::units::counted;

use super::compile::Found;
use crate::scenario::{Files, Json, JsonValue, strictly};

/// Most rows of one set.
pub const ROWS_MAX: usize = 10_000;
/// Most columns of a row.
const COLUMNS_MAX: usize = 64;
/// Most sets of a scenario.
const SETS_MAX: usize = 16;

/// The rows of a file, by column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DataSet {
    pub(super) name: String,
    /// The file, or `the scenario`.
    pub(super) from: String,
    pub(super) columns: Vec<String>,
    /// Never empty; each as long as `columns`, and of texts, numbers and booleans alone.
    pub(super) rows: Vec<Vec<JsonValue>>,
}

/// Every set of a scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct DataSets {
    /// Whether the scenario has the key: without it `((` means nothing.
    pub(super) is_used: bool,
    sets: Vec<DataSet>,
    /// Those that could not be read, which has been reported once.
    refused: Vec<String>,
}

impl DataSets {
    /// Reads the key `data`.
    pub(super) fn read(found: &mut Found, written: Option<&Json>, files: &Files) -> DataSets {
        let Some(written) = written else { return DataSets::default() };
        let mut sets = DataSets { is_used: true, ..DataSets::default() };
        let JsonValue::Map(map) = &written.value else {
            found.add(written.referenced, "data", "expected names and rows, such as data: { users: users.csv }");
            return sets;
        };
        for (index, (name, rows)) in map.iter().enumerate() {
            let subject = format!("data.{}", name.value);
            let read = match name.value.parse::<Name>() {
                _ if index == SETS_MAX => Err((name.referenced, format!("one set too many; at most {SETS_MAX}"))),
                Err(error) => Err((name.referenced, error.to_string())),
                Ok(_) if sets.of(&name.value).is_some() => {
                    Err((name.referenced, "a second set of this name".to_owned()))
                }
                Ok(_) => set(&name.value, rows, files),
            };
            match read {
                Ok(set) => sets.sets.push(set),
                Err((at, message)) => {
                    found.add(at, &subject, message);
                    sets.refused.push(name.value.clone());
                }
            }
            if index == SETS_MAX {
                break;
            }
        }
        sets
    }

    pub(super) fn of(&self, name: &str) -> Option<&DataSet> {
        self.sets.iter().find(|set| set.name == name)
    }

    /// Whether it was refused where it is declared.
    pub(super) fn is_refused(&self, name: &str) -> bool {
        self.refused.iter().any(|refused| refused == name)
    }

    /// Their names, for messages.
    pub(super) fn names(&self) -> String {
        self.sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

type Refused = (Location, String);

fn set(name: &str, written: &Json, files: &Files) -> Result<DataSet, Refused> {
    let at = written.referenced;
    let (from, columns, rows) = match &written.value {
        JsonValue::List(_) => {
            let (columns, rows) = mappings(written).map_err(|(place, message)| (place.unwrap_or(at), message))?;
            ("the scenario".to_owned(), columns, rows)
        }
        JsonValue::Text(file) => {
            let (columns, rows) = read(file, files).map_err(|message| (at, message))?;
            (file.clone(), columns, rows)
        }
        _ => return Err((at, "expected the name of a file, or a list of mappings such as [{ id: 1 }]".to_owned())),
    };
    if columns.len() > COLUMNS_MAX {
        return Err((at, format!("{} columns are over the limit of {COLUMNS_MAX}", columns.len())));
    }
    if let Some(bad) = columns.iter().find(|column| !is_column(column)) {
        return Err((
            at,
            format!("{bad:?} is no name of a column: 1 to 64 characters without space, dot and brackets"),
        ));
    }
    if let Some(twice) = columns.iter().enumerate().find(|(n, column)| columns[..*n].contains(column)) {
        return Err((at, format!("two columns are named {:?}", twice.1)));
    }
    match rows.len() {
        0 => Err((at, format!("{from} has no rows; at least one is needed"))),
        n if n > ROWS_MAX => Err((at, format!("{from} has {n} rows, and the limit is {ROWS_MAX}"))),
        _ => Ok(DataSet { name: name.to_owned(), from, columns, rows }),
    }
}

fn is_column(name: &str) -> bool {
    (1..=64).contains(&name.len()) && !name.contains(|c: char| c.is_whitespace() || c.is_control() || "().".contains(c))
}

type Table = (Vec<String>, Vec<Vec<JsonValue>>);

fn read(file: &str, files: &Files) -> Result<Table, String> {
    let is = |ending: &str| file.len() > ending.len() && file[..].to_ascii_lowercase().ends_with(ending);
    let read = || {
        let text = String::from_utf8(files.read(file)?).map_err(|_| format!("{file} is not UTF-8"))?;
        Ok::<_, String>(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
    };
    if is(".csv") {
        csv(file, &read()?)
    } else if is(".json") || is(".yaml") || is(".yml") {
        let table: Json = strictly(file, &read()?).map_err(|problems| problems.to_string())?;
        mappings(&table).map_err(|(place, message)| match place {
            Some(place) => format!("{file}:{}:{}: {message}", place.line(), place.column()),
            None => format!("{file}: {message}"),
        })
    } else {
        Err(format!("{file:?} is no file of data; expected a name that ends with .csv, .json or .yaml"))
    }
}

/// RFC 4180, with the names of the columns in the first line.
fn csv(file: &str, text: &str) -> Result<Table, String> {
    let mut reader = ::csv::ReaderBuilder::new().trim(::csv::Trim::Headers).from_reader(text.as_bytes());
    let words = |error: ::csv::Error| match error.kind() {
        ::csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, ::csv::Position::line);
            format!(
                "{file}:{line}: {} where the first line names {}",
                counted(*len, "value"),
                counted(*expected_len, "column")
            )
        }
        _ => format!("{file}: {error}"),
    };
    let columns: Vec<String> = reader.headers().map_err(words)?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(words)?;
        rows.push(record.iter().map(|value| JsonValue::Text(value.to_owned())).collect());
    }
    Ok((columns, rows))
}

/// A list of mappings that all have the same keys.
fn mappings(list: &Json) -> Result<Table, (Option<Location>, String)> {
    let place = |json: &Json| Some(json.referenced);
    let JsonValue::List(entries) = &list.value else {
        return Err((None, "expected a list of mappings such as [{ \"id\": 1 }]".to_owned()));
    };
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (number, entry) in (1_u64..).zip(entries) {
        let JsonValue::Map(map) = &entry.value else {
            return Err((place(entry), format!("row {number} is no mapping such as {{ id: 1 }}")));
        };
        if number == 1 {
            columns = map.iter().map(|(name, _)| name.value.clone()).collect();
        }
        if let Some((extra, _)) = map.iter().find(|(name, _)| !columns.contains(&name.value)) {
            return Err((Some(extra.referenced), format!("row {number} has {:?}, which row 1 has not", extra.value)));
        }
        let mut row = Vec::new();
        for column in &columns {
            let Some((_, value)) = map.iter().find(|(name, _)| name.value == *column) else {
                return Err((place(entry), format!("row {number} has no {column:?}, which row 1 has")));
            };
            if matches!(value.value, JsonValue::List(_) | JsonValue::Map(_) | JsonValue::Null) {
                return Err((place(value), format!("{column} of row {number} is no text, number or boolean")));
            }
            row.push(value.value.clone());
        }
        rows.push(row);
    }
    Ok((columns, rows))
}

#[cfg(test)]
mod tests;
