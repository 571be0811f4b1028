//! `((users.name))` in a value: the column of the row that the request has drawn.
//!
//! Round brackets, because the other forms mean something to those who handle scenario files before us: `{{ }}` to Helm, to
//! helmfile and to YAML, which reads a mapping there; `${ }` to the environment, here and in shells; `<>` to whoever sends XML;
//! `#{}` begins a comment. A plain YAML value may begin with a round bracket, so that no quotes are needed.

use super::DataSet;
use crate::scenario::{JsonValue, ScalarMut};

/// Longest value with its row's values in it, in bytes.
const VALUE_MAX_BYTES: usize = 1 << 20;

/// A text, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// The set and the column.
    Column(&'a str, &'a str),
}

/// Takes a text apart; one piece of text if nothing is asked for.
///
/// # Errors
/// A lowercase fragment: what begins like a value of a row and is none.
pub(in crate::plan) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("((") {
        // Of several brackets the last two belong to the value.
        let extra = rest[at + 2..].bytes().take_while(|&byte| byte == b'(').count();
        let (before, behind) = (&rest[..at + extra], &rest[at + extra + 2..]);
        let expected = "expected ((set.column)); what is no value of a row can come from a column, brackets and all";
        let Some((inside, behind)) = behind.split_once("))") else {
            return Err(format!("\"(({behind}\" has no )); {expected}"));
        };
        let Some((set, column)) = inside.trim().split_once('.') else {
            return Err(format!("\"(({inside}))\" names no column; {expected}"));
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Column(set, column));
        rest = behind;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Puts a row's values into a value of the file, which has been found to ask for nothing else. A value that is nothing but one
/// column keeps its kind in a message: a number stays one.
///
/// # Errors
/// If it becomes too long.
pub(in crate::plan) fn fill(mut value: ScalarMut<'_>, set: &DataSet, row: &[JsonValue]) -> Result<(), String> {
    let cell = |column: &str| {
        let at = set.columns.iter().position(|held| held == column);
        at.and_then(|at| row.get(at)).expect("every column that is asked for was looked up before")
    };
    let text = value.text();
    let pieces = pieces(text).expect("taken apart before");
    let new = match pieces.as_slice() {
        [Piece::Text(_)] => return Ok(()),
        [Piece::Column(_, column)] => cell(column).clone(),
        pieces => JsonValue::Text(
            pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => (*text).to_owned(),
                    Piece::Column(_, column) => words(cell(column)),
                })
                .collect(),
        ),
    };
    let length = words(&new).len();
    if length > VALUE_MAX_BYTES {
        return Err(format!("{length} bytes with the values of a row are over the limit of {VALUE_MAX_BYTES}"));
    }
    match value {
        ScalarMut::Text(text) => *text = words(&new),
        ScalarMut::Json(json) => *json = new,
    }
    Ok(())
}

/// A value as text.
fn words(value: &JsonValue) -> String {
    match value {
        JsonValue::Text(text) => text.clone(),
        JsonValue::Bool(value) => value.to_string(),
        JsonValue::Unsigned(value) => value.to_string(),
        JsonValue::Signed(value) => value.to_string(),
        JsonValue::Float(value) => value.to_string(),
        // Refused when the set is read.
        JsonValue::Null | JsonValue::List(_) | JsonValue::Map(_) => String::new(),
    }
}
