//! `thresholds`: in our words, as a list, or in k6's, as a mapping from metrics to expressions.

use std::time::Duration;

use serde_saphyr::Location;
use shared::units::parse_duration;

use super::compile::Found;
use super::{Operation, Overrides};
use crate::scenario::{Json, JsonValue, Scenario, Text, position};
use crate::threshold::{Bound, Filter, Metric, Refused, THRESHOLDS_MAX, Threshold};

/// A threshold and where it stands; nothing: in a flag.
type Placed = (Threshold, Option<Location>);

/// Every threshold of a plan, with the operations it is about. Flags stand instead of the file's.
pub(super) fn thresholds(
    found: &mut Found,
    scenario: &Scenario,
    overrides: &Overrides,
    operations: &[Operation],
) -> Vec<(Threshold, Bound)> {
    let written = scenario.written.thresholds.as_ref();
    let mut reader = Reader { found, scenario, read: Vec::new() };
    if let Some(json) = written {
        reader.entries(json);
    }
    let mut read = reader.read;
    if !overrides.thresholds.is_empty() {
        read = overrides.thresholds.iter().map(|threshold| (threshold.clone(), None)).collect();
    }
    if read.len() > THRESHOLDS_MAX {
        let at = written.map_or(Location::UNKNOWN, |json| json.referenced);
        found.add(at, SUBJECT, format!("{} of them; at most {THRESHOLDS_MAX} are accepted", read.len()));
    }
    // What stands in for wrong operations is none that a threshold could be about.
    if !found.is_empty() {
        return Vec::new();
    }
    let mut bound: Vec<(Threshold, Bound)> = Vec::new();
    for (threshold, location) in read {
        let subject = if location.is_some() { SUBJECT } else { "--threshold" };
        let at = location.unwrap_or(Location::UNKNOWN);
        if bound.iter().any(|(held, _)| held.condition == threshold.condition) {
            found.add(at, subject, format!("{threshold}: written twice"));
            continue;
        }
        match threshold.condition.clone().bind(operations) {
            Ok(condition) => bound.push((threshold, condition)),
            Err(error) => found.add(at, subject, format!("{threshold}: {error}")),
        }
    }
    bound
}

const SUBJECT: &str = "thresholds";
const EXPECTED: &str =
    "expected a list such as [availability >= 99.9%], or k6's { http_req_duration: [\"p(95)<200\"] }";

/// Reads the value of the key, and says what is wrong with it.
struct Reader<'a> {
    found: &'a mut Found,
    scenario: &'a Scenario,
    read: Vec<Placed>,
}

impl Reader<'_> {
    fn entries(&mut self, json: &Json) {
        match &json.value {
            JsonValue::List(list) => list.iter().for_each(|entry| self.entry(entry)),
            _ => self.entry(json),
        }
    }

    /// One threshold of ours, an object of k6's with one, or a mapping from metrics.
    fn entry(&mut self, json: &Json) {
        match &json.value {
            JsonValue::Text(text) if text.trim().is_empty() => self.keep(text, json.referenced, str::parse, None),
            JsonValue::Text(text) => match Threshold::several(text) {
                Ok(several) => self.read.extend(several.into_iter().map(|one| (one, Some(json.referenced)))),
                Err((before, _, refused)) => {
                    self.refuse(text, json.referenced, &Refused { at: before + refused.at, ..refused });
                }
            },
            JsonValue::Map(entries) if entries.iter().any(|(key, _)| key.value == "threshold") => {
                self.object(entries, &|text: &str| text.parse());
            }
            JsonValue::Map(entries) => entries.iter().for_each(|(key, value)| self.metric(key, value)),
            _ => self.found.add(json.referenced, SUBJECT, EXPECTED),
        }
    }

    /// Everything that is said of a metric.
    fn metric(&mut self, key: &Text, value: &Json) {
        let metric = match Metric::tagged(&key.value) {
            Ok(metric) => metric,
            Err(refused) => return self.refuse(&key.value, key.referenced, &refused),
        };
        let parse = |text: &str| Threshold::of_metric(metric.clone(), text);
        match &value.value {
            JsonValue::List(list) if list.is_empty() => {
                let example = metric.0.kind().example(metric.0.name());
                let message = format!("{}: an empty list, so that nothing is judged; write {example}", key.value);
                self.found.add(value.referenced, SUBJECT, message);
            }
            JsonValue::List(list) => list.iter().for_each(|one| self.expression(one, &metric, &parse)),
            _ => self.expression(value, &metric, &parse),
        }
    }

    fn expression(
        &mut self,
        json: &Json,
        metric: &(Metric, Vec<Filter>),
        parse: &dyn Fn(&str) -> Result<Threshold, Refused>,
    ) {
        match &json.value {
            JsonValue::Text(text) => self.keep(text, json.referenced, parse, None),
            JsonValue::Map(entries) => self.object(entries, parse),
            _ => {
                let example = metric.0.kind().example(metric.0.name());
                self.found.add(json.referenced, SUBJECT, format!("expected an expression; write {example}"));
            }
        }
    }

    /// `{ threshold, abortOnFail, delayAbortEval }`
    fn object(&mut self, entries: &[(Text, Json)], parse: &dyn Fn(&str) -> Result<Threshold, Refused>) {
        let (mut threshold, mut aborts, mut delay) = (None, false, Duration::ZERO);
        for (key, value) in entries {
            match (key.value.as_str(), &value.value) {
                ("threshold", JsonValue::Text(text)) => threshold = Some((text, value.referenced)),
                ("abortOnFail", JsonValue::Bool(is_on)) => aborts = *is_on,
                // As in k6, a bare number is milliseconds.
                ("delayAbortEval", JsonValue::Unsigned(ms)) => delay = Duration::from_millis(*ms),
                ("delayAbortEval", JsonValue::Text(text)) => match parse_duration(text) {
                    Ok(duration) => delay = duration,
                    Err(error) => self.found.add(value.referenced, "thresholds: delayAbortEval", error),
                },
                ("threshold" | "delayAbortEval", _) => {
                    self.found.add(value.referenced, SUBJECT, format!("{} is a text, such as 10s", key.value));
                }
                ("abortOnFail", _) => self.found.add(value.referenced, SUBJECT, "abortOnFail is true or false"),
                (other, _) => {
                    let expected = "keys here: threshold, abortOnFail, delayAbortEval";
                    self.found.add(key.referenced, SUBJECT, format!("unknown key {other:?}; {expected}"));
                }
            }
        }
        match (threshold, entries.first()) {
            (Some((text, at)), _) => self.keep(text, at, parse, aborts.then_some(delay)),
            (None, Some((key, _))) => self.found.add(key.referenced, SUBJECT, "the key threshold is missing"),
            (None, None) => {}
        }
    }

    fn keep(
        &mut self,
        text: &str,
        at: Location,
        parse: impl Fn(&str) -> Result<Threshold, Refused>,
        abort_after: Option<Duration>,
    ) {
        match parse(text) {
            Ok(threshold) => {
                let abort_after = abort_after.or(threshold.abort_after);
                self.read.push((Threshold { abort_after, ..threshold }, Some(at)));
            }
            Err(refused) => self.refuse(text, at, &refused),
        }
    }

    /// At the character that is wrong, where the text stands in the file as it is; else where it begins.
    fn refuse(&mut self, text: &str, at: Location, refused: &Refused) {
        let place = position(at).map(|(line, column)| {
            let before = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
            let (_, _, line_text) = self.scenario.sources.line(line);
            let written: String = line_text.unwrap_or("").chars().skip(before).collect();
            let quote = usize::from(written.starts_with(['"', '\'']));
            let stands = written.get(quote..).is_some_and(|written| written.starts_with(text));
            (line, if stands { column + (quote + refused.at) as u64 } else { column })
        });
        self.found.add_at(place, SUBJECT, refused);
    }
}
