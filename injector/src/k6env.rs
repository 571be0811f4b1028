//! The environment of a job that ran k6 for continuous-load 1.x, as a scenario: `LOAD_TARGET_SERVICE`, `REQ_PER_SECOND`,
//! `THRESHOLDS`, `TAGS`.
//!
//! What comes out is the text of a scenario, read like any other: it can be shown, kept, and every error has a line. What the
//! script did is kept, also where nobody would write it so today: each request of the batch is sent REQ_PER_SECOND times a
//! second, over 20 connections, certificates unchecked. What it did by accident (the sleep that bounded its rate) is not.

mod request;

use std::fmt::Write as _;

use serde_json::Value;

use crate::scenario::{Environment, Keyed as _, Written};

/// The requests, as k6's `http.batch` takes them.
const TARGET: &str = "LOAD_TARGET_SERVICE";
const RATE: &str = "REQ_PER_SECOND";
const THRESHOLDS: &str = "THRESHOLDS";
const TAGS: &str = "TAGS";

/// What the script did without REQ_PER_SECOND.
const DEFAULT_RATE: &str = "3";
/// Its virtual users, each with a connection of its own.
const CONNECTIONS: u32 = 20;
/// How long k6 waits for an answer.
const TIMEOUT: &str = "60s";

/// Variables of that job that mean nothing here, and why.
const WITHOUT_EFFECT: [(&str, &str); 6] = [
    ("SLEEP", "the schedule needs no pause between requests"),
    ("K6_STATSD_ADDR", "metrics are scraped from the admin port; --compat k6 names them as before"),
    ("K6_STATSD_ENABLE_TAGS", "metrics are scraped from the admin port"),
    ("K6_STATSD_PUSH_INTERVAL", "metrics are scraped from the admin port"),
    ("K6_OUT", "metrics are scraped from the admin port, and --json writes the result"),
    ("K6_NO_USAGE_REPORT", "nothing is reported to anybody"),
];

/// A job of k6 as a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The scenario's text (YAML).
    pub text: String,
    /// TAGS as `--compat-tags` takes them; nothing if there are none.
    pub tags: Option<String>,
    /// What has no effect any more, and why.
    pub notes: Vec<String>,
}

/// Translates the environment.
///
/// # Errors
/// Everything that cannot be translated: the variable, the place in it, what would be accepted.
pub fn translate(environment: Environment<'_>) -> Result<Translated, String> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let mut wrong = Vec::new();
    let mut notes: Vec<String> = WITHOUT_EFFECT
        .iter()
        .filter(|(name, _)| set(name).is_some())
        .map(|(name, why)| format!("{name} has no effect: {why}"))
        .collect();
    let rate = rate(set(RATE).as_deref().unwrap_or(DEFAULT_RATE)).map_err(|error| wrong.push(error)).ok();
    let requests = set(TARGET).ok_or_else(|| {
        format!("{TARGET} is not set; expected a JSON list such as [{{\"method\": \"GET\", \"url\": \"http://target:9898/\"}}]")
    });
    let requests = requests.and_then(|text| request::all(&text, &mut notes));
    let requests = requests.map_err(|error| wrong.push(error)).unwrap_or_default();
    let tags =
        set(TAGS).map(|text| tags(&text)).transpose().map_err(|error| wrong.push(error)).ok().flatten().flatten();
    let thresholds = set(THRESHOLDS)
        .map(|text| thresholds(&text))
        .transpose()
        .map_err(|error| wrong.push(error))
        .ok()
        .flatten()
        .flatten();
    let Some(rate) = rate.filter(|_| wrong.is_empty()) else { return Err(wrong.join("\n")) };

    let mut text = format!("# Made of {TARGET}, {RATE}, {THRESHOLDS} and {TAGS}.\ntimeout: {TIMEOUT}\nmix:\n");
    for request in &requests {
        request.write(&mut text, &rate, CONNECTIONS);
    }
    if let Some(thresholds) = thresholds {
        write_thresholds(&mut text, &thresholds, &mut notes);
    }
    Ok(Translated { text, tags, notes })
}

/// Iterations per second, of which each sent every request of the batch.
fn rate(text: &str) -> Result<String, String> {
    match text.trim().parse::<u32>() {
        Ok(number) if number > 0 => Ok(format!("{number}/s")),
        _ => Err(format!("{RATE}: {text:?} is no rate; expected a whole number from 1, such as {DEFAULT_RATE}")),
    }
}

/// `name=value` with commas between.
fn tags(text: &str) -> Result<Option<String>, String> {
    let expected = "expected a JSON object such as {\"team\": \"payments\"}";
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{TAGS}: {error}; {expected}"))?;
    let Value::Object(tags) = value else { return Err(format!("{TAGS}: {value} is no object; {expected}")) };
    let mut words = Vec::new();
    for (name, value) in &tags {
        let value = request::scalar(value).filter(|value| !value.contains(','));
        let value = value.ok_or_else(|| format!("{TAGS}: {name:?} is no text without a comma; {expected}"))?;
        words.push(format!("{name}={value}"));
    }
    Ok((!words.is_empty()).then(|| words.join(",")))
}

/// Metrics and the expressions that must hold.
fn thresholds(text: &str) -> Result<Option<Value>, String> {
    let expected = "expected a JSON object such as {\"http_req_failed\": [\"rate<0.01\"]}";
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{THRESHOLDS}: {error}; {expected}"))?;
    match &value {
        Value::Object(metrics) if metrics.is_empty() => Ok(None),
        Value::Object(_) => Ok(Some(value)),
        _ => Err(format!("{THRESHOLDS}: {value} is no object, and k6 refuses it too; {expected}")),
    }
}

/// The seam to the thresholds of a scenario: k6's own form, one metric a line, where the key is known.
fn write_thresholds(text: &mut String, thresholds: &Value, notes: &mut Vec<String>) {
    if !Written::keys().iter().any(|key| key.name == "thresholds") {
        notes.push(format!("{THRESHOLDS} has no effect: this version does not evaluate any"));
        return;
    }
    let (empty, said): (Vec<_>, Vec<_>) =
        thresholds.as_object().into_iter().flatten().partition(|(_, it)| it.as_array().is_some_and(Vec::is_empty));
    // k6 takes them, and the job has run with them.
    notes.extend(empty.iter().map(|(metric, _)| format!("{THRESHOLDS}: {metric} has no effect: its list is empty")));
    if said.is_empty() {
        return;
    }
    text.push_str("thresholds:\n");
    for (metric, expressions) in said {
        writeln!(text, "  {}: {}", request::quoted(metric), request::escaped(expressions)).expect("a String takes it");
    }
}

#[cfg(test)]
mod tests;
