//! From text to a threshold; what is wrong is named with its place.
//!
//! ```text
//! threshold  = [ metric [ "{" tag ":" value { "," tag ":" value } "}" ] [ ":" ] ] [ statistic ] comparison limit { clause }
//! clause     = "over" duration | "where" filter { [ "," | "and" ] filter } | "min" number "samples"
//!            | "abort" [ "after" duration ]
//! filter     = key ( "=" | "!=" ) value { "|" value }
//! ```

mod clauses;
mod cursor;
mod limit;

use std::fmt;
use std::time::Duration;

use self::clauses::Clauses;
use self::cursor::Cursor;
use super::{Comparison, Condition, Filter, Key, Kind, Limit, Metric, Statistic, Threshold};

/// Longest text of a threshold, in characters: it is a label value.
const TEXT_MAX: usize = 256;

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Characters before the place that is wrong.
    pub at: usize,
    /// A lowercase fragment: the offending text, and what would be accepted.
    pub message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

pub(super) fn threshold(text: &str) -> Result<Threshold, Refused> {
    let mut cursor = Cursor::new(text)?;
    let subject = subject(&mut cursor)?;
    rest(cursor, subject)
}

/// The parts of a text with `;` or line ends between, each with the characters before it; those in quotes are the value's own.
pub(super) fn several(text: &str) -> Vec<(usize, &str)> {
    let mut is_quoted = false;
    let split = text.split(|c: char| {
        is_quoted ^= c == '"';
        matches!(c, ';' | '\n') && !is_quoted
    });
    let mut before = 0;
    let mut parts = Vec::new();
    for part in split {
        let blanks = part.chars().take_while(|c| c.is_whitespace()).count();
        if !part.trim().is_empty() {
            parts.push((before + blanks, part.trim()));
        }
        before += part.chars().count() + 1;
    }
    parts
}

pub(super) fn condition(text: &str) -> Result<Condition, Refused> {
    let Threshold { condition, abort_after } = threshold(text)?;
    match abort_after {
        None => Ok(condition),
        Some(_) => {
            let at = text.rfind("abort").map_or(0, |at| text[..at].chars().count());
            Err(Refused { at, message: "abort is for thresholds: a condition ends no run".to_owned() })
        }
    }
}

pub(super) fn metric(text: &str) -> Result<(Metric, Vec<Filter>), Refused> {
    let mut cursor = Cursor::new(text)?;
    let subject = subject(&mut cursor)?;
    cursor.skip_blanks();
    match cursor.rest() {
        "" => Ok(subject),
        rest => Err(cursor.refuse(format!("{rest:?} behind a metric's name; nothing, or tags in braces, is accepted"))),
    }
}

pub(super) fn figure(text: &str) -> Result<Condition, Refused> {
    let mut cursor = Cursor::new(text)?;
    let (metric, tags) = subject(&mut cursor)?;
    cursor.skip_blanks();
    let kind = metric.kind();
    let statistic = match kind {
        // In a condition the limit's unit says which.
        Kind::Tally if cursor.take("count") => Statistic::Count,
        Kind::Share | Kind::Tally => Statistic::Share,
        Kind::Count => Statistic::Count,
        Kind::Speed => Statistic::PerSecond,
        Kind::Rate | Kind::Counter | Kind::Gauge if cursor.rest().is_empty() => match kind {
            Kind::Rate => Statistic::Share,
            Kind::Gauge => Statistic::Value,
            _ => Statistic::Count,
        },
        Kind::Times | Kind::Trend if cursor.rest().is_empty() => {
            let name = metric.name();
            return Err(cursor.refuse(format!("which of {name}? {name} p(99), avg, med, min and max are known")));
        }
        _ => statistic(&mut cursor, metric)?.unwrap_or(Statistic::Count),
    };
    let Clauses { over, min_samples, filters, abort_after: _ } = clauses::clauses(&mut cursor, metric, tags)?;
    let (comparison, limit) = (Comparison::AtLeast, Limit::Number(0.0));
    Ok(Condition { metric, statistic, comparison, limit, filters, over, min_samples })
}

pub(super) fn expression(metric: (Metric, Vec<Filter>), text: &str) -> Result<Threshold, Refused> {
    rest(Cursor::new(text)?, metric)
}

/// The metric and its tags; the response time if a statistic stands in their place.
fn subject(cursor: &mut Cursor<'_>) -> Result<(Metric, Vec<Filter>), Refused> {
    cursor.skip_blanks();
    let start = *cursor;
    let name = cursor.word();
    if STATISTICS.iter().any(|(word, _)| *word == name) || name == "p" {
        *cursor = start;
        return Ok((Metric::Response, Vec::new()));
    }
    let Some(metric) = Metric::named(name) else {
        return Err(start.refuse(unknown_metric(name, start.rest())));
    };
    let mut filters = Vec::new();
    cursor.skip_blanks();
    if cursor.rest().starts_with('{') {
        if !metric.is_of_k6() {
            return Err(
                cursor.refuse(format!("tags in braces are for k6's metrics; write {name} .. where operation=web"))
            );
        }
        filters = clauses::tags(cursor, metric)?;
    }
    cursor.skip_blanks();
    cursor.take(":");
    Ok((metric, filters))
}

fn unknown_metric(name: &str, rest: &str) -> String {
    let named = if name.is_empty() { rest.split_whitespace().next().unwrap_or("") } else { name };
    let remedy = match named {
        "" => "a threshold is written p(99) < 25ms or availability >= 99.9%".to_owned(),
        "count" | "value" => "of what? k6's metrics stand before it: http_reqs: count>100".to_owned(),
        "vus_max" => "there are no virtual users; max_in_flight of the scenario is their bound".to_owned(),
        _ if named.starts_with('p') && named[1..].parse::<f64>().is_ok() => {
            format!("a percentile is written p({}) < 25ms", &named[1..])
        }
        _ => {
            let nearest = Metric::all().map(Metric::name).max_by_key(|known| likeness(known, named));
            let nearest = nearest.filter(|known| likeness(known, named) >= 4);
            let nearest = nearest.map_or_else(String::new, |known| format!("did you mean {known}? "));
            let names: Vec<_> = Metric::all().map(Metric::name).collect();
            format!("{nearest}p(99) and so on of the response time, or {}, are known", names[1..].join(", "))
        }
    };
    format!("unknown figure {named:?}: {remedy}")
}

/// How many characters two words share at their beginning and end.
fn likeness(a: &str, b: &str) -> usize {
    let same = |(x, y): &(u8, u8)| x == y;
    let front = a.bytes().zip(b.bytes()).take_while(same).count();
    let back = a.bytes().rev().zip(b.bytes().rev()).take_while(same).count();
    (front + back).min(a.len()).min(b.len())
}

/// Those without an argument.
const STATISTICS: [(&str, Statistic); 4] =
    [("avg", Statistic::Mean), ("med", Statistic::Median), ("min", Statistic::Min), ("max", Statistic::Max)];

fn rest(mut cursor: Cursor<'_>, (metric, filters): (Metric, Vec<Filter>)) -> Result<Threshold, Refused> {
    cursor.skip_blanks();
    let statistic = statistic(&mut cursor, metric)?;
    cursor.skip_blanks();
    let written = Comparison::WRITTEN.iter().find(|(sign, _)| cursor.rest().starts_with(sign));
    let Some((sign, comparison)) = written else {
        return Err(cursor.refuse(format!(
            "{:?} is no comparison; < <= > >= == != are, as in {}",
            cursor.token(),
            metric.kind().example(metric.name())
        )));
    };
    cursor.take(sign);
    cursor.skip_blanks();
    let (statistic, limit) = limit::limit(&mut cursor, metric, statistic)?;
    let Clauses { over, min_samples, abort_after, filters } = clauses::clauses(&mut cursor, metric, filters)?;
    let condition = Condition { metric, statistic, comparison: *comparison, limit, filters, over, min_samples };
    Ok(Threshold { condition, abort_after })
}

/// What stands between the metric and the comparison; nothing where ours need nothing, the limit's unit says it.
fn statistic(cursor: &mut Cursor<'_>, metric: Metric) -> Result<Option<Statistic>, Refused> {
    let start = *cursor;
    let word = cursor.word();
    let statistic = match word {
        "" => None,
        "p" => Some(Statistic::Percentile(percentile(cursor)?)),
        "count" => Some(Statistic::Count),
        "value" => Some(Statistic::Value),
        "rate" if metric.kind() == Kind::Counter => Some(Statistic::PerSecond),
        "rate" => Some(Statistic::Share),
        word => STATISTICS.iter().find(|(held, _)| *held == word).map(|(_, statistic)| *statistic),
    };
    use Statistic::{Count, Max, Mean, Median, Min, PerSecond, Percentile, Share, Value};
    let fits = match (metric.kind(), statistic) {
        (Kind::Times | Kind::Trend, Some(Percentile(_) | Mean | Median | Min | Max)) => true,
        (Kind::Rate, Some(Share)) | (Kind::Counter, Some(Count | PerSecond)) | (Kind::Gauge, Some(Value)) => true,
        (Kind::Share | Kind::Tally | Kind::Count | Kind::Speed, None) => word.is_empty(),
        _ => false,
    };
    if fits {
        return Ok(statistic);
    }
    let name = metric.name();
    Err(start.refuse(format!("{:?} does not fit {name}; write {}", start.token(), metric.kind().example(name))))
}

fn percentile(cursor: &mut Cursor<'_>) -> Result<f64, Refused> {
    let start = *cursor;
    let inner = start.rest().strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(inner, _)| inner);
    let Some(inner) = inner else {
        return Err(start.refuse(format!("{:?} behind p; a percentile is written p(99) or p(99.9)", start.token())));
    };
    cursor.take("(");
    cursor.take(inner);
    cursor.take(")");
    let inner = inner.trim();
    let number = decimal(inner).filter(|p| (0.0..=100.0).contains(p));
    number.ok_or_else(|| start.refuse(format!("p({inner}): a percentile is a number from 0 to 100")))
}

/// Digits and perhaps a point and more digits.
fn decimal(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

/// A duration that is not zero, for clauses.
fn some_time(cursor: &Cursor<'_>, text: &str) -> Result<Duration, Refused> {
    match shared::units::parse_duration(text) {
        Ok(Duration::ZERO) => Err(cursor.refuse("zero is no length of time; 30s or 5m would be".to_owned())),
        Ok(duration) => Ok(duration),
        Err(error) => Err(cursor.refuse(error.to_string())),
    }
}

/// Whether a metric knows a tag.
fn knows(metric: Metric, key: Key) -> bool {
    match key {
        Key::ExpectedResponse => metric.is_of_http() && matches!(metric.kind(), Kind::Trend | Kind::Counter),
        Key::Status => metric == Metric::HttpReqs,
        _ => true,
    }
}
