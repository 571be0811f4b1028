//! What replicas said, as text and as JSON. Pure. Texts of the network are made fit for a terminal.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::units::print_duration;

use super::client::{Failure, Said, shown};
use super::wire::{Installed, Listing, State};
use crate::verdict::Exit;

/// Widest cell of the table, in characters; `--json` has everything.
const CELL_MAX: usize = 60;

/// What a command has to say and how it ended.
pub(super) struct Done {
    /// For a person.
    pub(super) text: String,
    /// For a program: an object.
    pub(super) json: Value,
    /// The exit code, with what goes to standard error if it is not 0.
    pub(super) end: Result<Exit, (Exit, String)>,
}

/// The same asked of all replicas: a line for each, and an error that has the reasons of those that failed. The part of
/// each answer that matters stands in the JSON under `key`.
pub(super) fn done<T: Serialize>(said: &[Said<T>], doing: &str, key: &str, words: impl Fn(&T) -> String) -> Done {
    Done {
        text: lines(said, |_, (_, answer)| words(answer)),
        json: json!({ "ok": failed(said) == 0, "replicas": objects(said, key) }),
        end: end(said, doing),
    }
}

/// A line per replica; `words` is given its place and its answer.
pub(super) fn lines<T>(said: &[Said<T>], words: impl Fn(usize, &(u16, T)) -> String) -> String {
    let row = |(at, one): (usize, &Said<T>)| {
        let words = one.answer.as_ref().map_or_else(|_| "failed".to_owned(), |answer| words(at, answer));
        vec![one.replica.to_string(), words]
    };
    table(said.iter().enumerate().map(row).collect())
}

/// The same, where an error may be good news.
pub(super) fn words<T>(said: &[Said<T>], words: impl Fn(&Said<T>) -> &'static str) -> String {
    table(said.iter().map(|one| vec![one.replica.to_string(), words(one).to_owned()]).collect())
}

/// An object per replica.
pub(super) fn objects<T: Serialize>(said: &[Said<T>], key: &str) -> Vec<Value> {
    let object = |one: &Said<T>| {
        let mut object = Map::new();
        object.insert("address".to_owned(), one.replica.to_string().into());
        object.insert("ok".to_owned(), one.answer.is_ok().into());
        let (status, error, answer) = match &one.answer {
            Ok((status, answer)) => (Some(*status), None, serde_json::to_value(answer).unwrap_or_default()),
            Err(failure) => (failure.status(), Some(failure.to_string()), Value::Null),
        };
        object.insert("status".to_owned(), status.into());
        object.insert("error".to_owned(), error.into());
        object.insert(key.to_owned(), answer);
        Value::Object(object)
    };
    said.iter().map(object).collect()
}

fn failed<T>(said: &[Said<T>]) -> usize {
    said.iter().filter(|one| one.answer.is_err()).count()
}

fn end<T>(said: &[Said<T>], doing: &str) -> Result<Exit, (Exit, String)> {
    match failed(said) {
        0 => Ok(Exit::Passed),
        count => Err((exit(said), format!("{doing} failed on {count} of {} replicas{}", said.len(), reasons(said)))),
    }
}

/// 1 if a replica said no, else "unreachable": a no will still be one when all can be reached.
pub(super) fn exit<T>(said: &[Said<T>]) -> Exit {
    let mut failures = said.iter().filter_map(|one| one.answer.as_ref().err()).peekable();
    if failures.peek().is_none() {
        return Exit::Passed;
    }
    if failures.any(|failure| matches!(failure, Failure::Refused { .. })) { Exit::Failed } else { Exit::Unreachable }
}

/// A line for each replica that failed.
pub(super) fn reasons<T>(said: &[Said<T>]) -> String {
    let reason = |one: &Said<T>| Some(format!("\n  {}: {}", one.replica, one.answer.as_ref().err()?));
    said.iter().filter_map(reason).collect()
}

/// Every rule of every replica, the same rule's lines together.
pub(super) fn rules(said: &[Said<Listing>]) -> String {
    let heads = ["replica", "id", "state", "fault", "match", "hits", "injected", "overflow", "expires in"];
    let mut rules: Vec<(&Installed, String)> = Vec::new();
    for one in said {
        if let Ok((_, listing)) = &one.answer {
            rules.extend(listing.faults.iter().map(|rule| (rule, one.replica.to_string())));
        }
    }
    // Stable: within a rule, the replicas' order.
    rules.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    match said.len() - failed(said) {
        // Of those that said nothing, nothing is known.
        0 => return String::new(),
        asked if rules.is_empty() => return format!("no rules on {asked} replicas\n"),
        _ => {}
    }
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for (rule, replica) in rules {
        rows.push(vec![
            replica,
            cell(&rule.id),
            cell(rule.state.as_str()),
            cell(rule.asked.get("fault").and_then(Value::as_str).unwrap_or_default()),
            cell(&matches(&rule.asked)),
            rule.hits.to_string(),
            rule.injected.to_string(),
            rule.overflow.to_string(),
            rule.remaining().filter(|_| !rule.state.is_over()).map_or("-".to_owned(), whole_seconds),
        ]);
    }
    table(rows)
}

/// What a rule is for, and how often it strikes: `path=/status/* method=GET|POST 25%`.
pub(super) fn matches(asked: &Map<String, Value>) -> String {
    let mut words = Vec::new();
    let matches = asked.get("match").and_then(Value::as_object);
    for (key, value) in matches.into_iter().flatten() {
        let empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
        if !value.is_null() && !empty {
            words.push(format!("{key}={}", plain(value)));
        }
    }
    if words.is_empty() {
        words.push("everything".to_owned());
    }
    for (key, before, after) in [("percent", "", "%"), ("every", "1 in ", "")] {
        if let Some(number) = asked.get(key).filter(|number| number.is_number()) {
            words.push(format!("{before}{number}{after}"));
        }
    }
    words.join(" ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join("|"),
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key}:{}", plain(value))).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// `active, ends in 5m`.
pub(super) fn life(rule: &Installed) -> String {
    let state = shown(rule.state.as_str());
    match rule.remaining().filter(|_| !rule.state.is_over()) {
        Some(remaining) if rule.state != State::Pending => format!("{state}, ends in {}", whole_seconds(remaining)),
        Some(remaining) => format!("{state}, over in {}", whole_seconds(remaining)),
        None => state,
    }
}

/// Any object on one line: `revision=17 kind=installed id=x`.
pub(super) fn pairs(value: &Value) -> String {
    let Some(map) = value.as_object() else { return shown(&plain(value)) };
    let pair = |(key, value): (&String, &Value)| format!("{key}={}", plain(value));
    shown(&map.iter().map(pair).collect::<Vec<_>>().join(" "))
}

fn whole_seconds(time: Duration) -> String {
    print_duration(Duration::from_secs_f64(time.as_secs_f64().round()))
}

fn cell(text: &str) -> String {
    let text = shown(text);
    if text.chars().count() <= CELL_MAX {
        return text;
    }
    text.chars().take(CELL_MAX - 1).chain(['…']).collect()
}

/// Rows under each other, cells to the left.
fn table(rows: Vec<Vec<String>>) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |cell: &String| cell.chars().count();
    let widths: Vec<usize> =
        (0..columns).map(|n| rows.iter().filter_map(|row| row.get(n)).map(length).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}
