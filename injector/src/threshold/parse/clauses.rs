//! What follows a comparison, and k6's tags: the window, the requests, the samples, and whether the run ends.

use std::time::Duration;

use shared::units::print_duration;

use super::cursor::Cursor;
use super::{Refused, knows, some_time};
use crate::history::REACH;
use crate::threshold::{Filter, Key, Metric};

/// Shortest window: a slice of the history.
const WINDOW_MIN: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Clauses {
    pub(super) over: Option<Duration>,
    pub(super) min_samples: Option<u64>,
    pub(super) abort_after: Option<Duration>,
    pub(super) filters: Vec<Filter>,
}

/// `{tag:value,..}` as in k6.
pub(super) fn tags(cursor: &mut Cursor<'_>, metric: Metric) -> Result<Vec<Filter>, Refused> {
    let mut filters = Vec::new();
    cursor.take("{");
    loop {
        cursor.skip_blanks();
        let at = *cursor;
        let key = key(&at, cursor.until(|c| c == ':' || c == ',' || c == '}'), metric)?;
        if !cursor.take(":") {
            return Err(cursor.refuse(format!("a tag without a value; write {{{}:web}}", key.name())));
        }
        let place = *cursor;
        let text = cursor.until(|c| c == ',' || c == '}').trim().trim_matches(['"', '\'']);
        filters.push(filter(&place, key, false, vec![text.to_owned()])?);
        if cursor.take("}") {
            return Ok(filters);
        }
        if !cursor.take(",") {
            return Err(cursor.refuse("the tags have no end; a } is missing".to_owned()));
        }
    }
}

/// In any order, each once.
pub(super) fn clauses(cursor: &mut Cursor<'_>, metric: Metric, tags: Vec<Filter>) -> Result<Clauses, Refused> {
    let mut clauses = Clauses { filters: tags, ..Clauses::default() };
    let mut seen: Vec<&str> = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.rest().is_empty() {
            break;
        }
        let start = *cursor;
        let word = cursor.word();
        if seen.contains(&word) {
            return Err(start.refuse(format!("a second {word}; one is accepted")));
        }
        seen.push(word);
        cursor.skip_blanks();
        match word {
            "over" => clauses.over = Some(window(cursor, metric)?),
            "min" => clauses.min_samples = Some(samples(cursor)?),
            "abort" => clauses.abort_after = Some(delay(cursor)?),
            "where" => filters(cursor, metric, &mut clauses.filters)?,
            _ => {
                return Err(start.refuse(format!(
                    "{:?} is not understood here; over 5m, where operation=web, min 100 samples and abort after 30s are",
                    start.token()
                )));
            }
        }
    }
    clauses.filters.sort();
    if let Some(pair) = clauses.filters.windows(2).find(|pair| pair[0].key == pair[1].key) {
        let (name, values) = (pair[0].key.name(), pair[0].values.join("|"));
        return Err(cursor.refuse(format!("two conditions on {name}; one of several values is {name}={values}|..")));
    }
    Ok(clauses)
}

fn window(cursor: &mut Cursor<'_>, metric: Metric) -> Result<Duration, Refused> {
    let start = *cursor;
    let window = some_time(&start, cursor.until(char::is_whitespace))?;
    if metric.is_of_run() {
        return Err(start.refuse(format!("{} is known of the whole run only, and of no window", metric.name())));
    }
    let is_whole = window.subsec_nanos() == 0;
    if !(WINDOW_MIN..=REACH).contains(&window) || !is_whole {
        let (least, most) = (print_duration(WINDOW_MIN), print_duration(REACH));
        let written = print_duration(window);
        return Err(start.refuse(format!("a window of {written}; whole seconds from {least} to {most} are accepted")));
    }
    Ok(window)
}

fn samples(cursor: &mut Cursor<'_>) -> Result<u64, Refused> {
    let start = *cursor;
    let text = cursor.until(char::is_whitespace);
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
    let least = text.parse::<u64>().ok().filter(|least| is_whole && *least > 0);
    let Some(least) = least else {
        return Err(start.refuse(format!("{text:?} is no number of samples; write min 100 samples")));
    };
    cursor.skip_blanks();
    if !(cursor.take("samples") || cursor.take("sample")) {
        return Err(cursor.refuse(format!("{:?} behind min {least}; write min {least} samples", cursor.token())));
    }
    Ok(least)
}

fn delay(cursor: &mut Cursor<'_>) -> Result<Duration, Refused> {
    if !cursor.take("after") {
        return Ok(Duration::ZERO);
    }
    cursor.skip_blanks();
    let start = *cursor;
    some_time(&start, cursor.until(char::is_whitespace))
}

fn filters(cursor: &mut Cursor<'_>, metric: Metric, found: &mut Vec<Filter>) -> Result<(), Refused> {
    let first = *cursor;
    let before = found.len();
    loop {
        cursor.skip_blanks();
        let start = *cursor;
        let word = cursor.word();
        cursor.skip_blanks();
        let is_negated = cursor.take("!=");
        if !(is_negated || cursor.take("==") || cursor.take("=")) {
            // Another clause, or something that is none.
            *cursor = start;
            if found.len() > before {
                return Ok(());
            }
            let token = start.token();
            return Err(first.refuse(format!("{token:?} behind where; write where operation=web protocol!=udp")));
        }
        let key = key(&start, word, metric)?;
        cursor.skip_blanks();
        let place = *cursor;
        let values = values(cursor)?;
        found.push(filter(&place, key, is_negated, values)?);
        let end = *cursor;
        cursor.skip_blanks();
        if !cursor.take(",") && !cursor.take("and ") {
            *cursor = end;
        }
    }
}

/// `a|b|"with a blank"`
fn values(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Refused> {
    let mut values = Vec::new();
    loop {
        if cursor.take("\"") {
            let value = cursor.until(|c| c == '"');
            if !cursor.take("\"") {
                return Err(cursor.refuse("a quoted value without an end".to_owned()));
            }
            values.push(value.to_owned());
        } else {
            values.push(cursor.until(|c| c == '|' || c == ',' || c.is_whitespace()).to_owned());
        }
        if !cursor.take("|") {
            return Ok(values);
        }
    }
}

fn key(at: &Cursor<'_>, name: &str, metric: Metric) -> Result<Key, Refused> {
    let name = name.trim();
    let Some(key) = Key::named(name) else {
        return Err(at.refuse(format!(
            "no request has a tag {name:?}, so there would never be data; known are {}; what k6 calls a group or a check is an \
             operation here: write {} .. where operation=web",
            Key::listed(),
            metric.name()
        )));
    };
    if knows(metric, key) {
        return Ok(key);
    }
    let where_known = match key {
        Key::Status => "http_reqs",
        _ => "the durations of http_req_.. and http_reqs",
    };
    Err(at.refuse(format!(
        "{} does not have the tag {name}; {where_known} have it; by operation it is {0} .. where operation=web",
        metric.name()
    )))
}

fn filter(at: &Cursor<'_>, key: Key, is_negated: bool, mut values: Vec<String>) -> Result<Filter, Refused> {
    values.sort();
    values.dedup();
    let wrong = |value: &&String| match key {
        Key::Injected | Key::ExpectedResponse => !matches!(value.as_str(), "true" | "false"),
        Key::Status => !matches!(value.parse::<u16>(), Ok(100..=999)),
        _ => value.is_empty() || value.contains('"'),
    };
    if let Some(value) = values.iter().find(wrong) {
        let expected = match key {
            Key::Injected | Key::ExpectedResponse => "true or false",
            Key::Status => "a status such as 503",
            _ => "a name",
        };
        return Err(at.refuse(format!("{value:?} is no value of {}; {expected} is accepted", key.name())));
    }
    Ok(Filter { key, is_negated, values })
}
