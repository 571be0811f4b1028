//! Arrivals: as written, and with the files they name.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Location;
use shared::units::parse_duration;

use super::compile::{Found, digits};
use super::phases::scale;
use crate::scenario::{Files, Scenario};
use crate::schedule::{Arrival, Recording, Scale, Shape, Spacing};

/// Most requests of a burst.
const BURST_MAX: u32 = 1_000_000;
/// The last offset that a recording may have.
const OFFSET_MAX_S: f64 = 31.0 * 86_400.0;

/// An arrival as a file or a flag has it: a spacing, a shape, or a spacing and a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenArrival {
    spacing: WrittenSpacing,
    shape: Option<Arc<Shape>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WrittenSpacing {
    Ready(Spacing),
    Replay { file: String, repeats: bool },
}

/// A text names no arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalError {
    text: String,
    reason: Option<String>,
}

const EXPECTED: &str = "expected uniform, poisson, burst(100, 5ms), replay(FILE) or replay(FILE, loop); or a shape: \
                        ramp(0%..100%, 1m), sine(50%, 10m) or steps(50%: 1m, 100%), alone or after uniform or poisson";

impl fmt::Display for ArrivalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{:?}: {reason}", self.text),
            None => write!(f, "{:?} is not an arrival; {EXPECTED}", self.text),
        }
    }
}

impl std::error::Error for ArrivalError {}

impl FromStr for WrittenArrival {
    type Err = ArrivalError;

    fn from_str(text: &str) -> Result<WrittenArrival, ArrivalError> {
        let wrong = |reason: Option<String>| ArrivalError { text: text.to_owned(), reason };
        let (mut spacing, mut shape) = (None, None);
        let parts = words(text).ok_or_else(|| wrong(None))?;
        for word in parts {
            let (name, arguments) = call(word).ok_or_else(|| wrong(None))?;
            let found = if let Some(found) = written_spacing(name, arguments) {
                found.map(|found| spacing.replace(found).is_some())
            } else if let Some(found) = written_shape(name, arguments) {
                found.map(|found| shape.replace(Arc::new(found)).is_some())
            } else {
                return Err(wrong(of_k6(name)));
            };
            if found.map_err(|reason| wrong(Some(reason)))? {
                return Err(wrong(Some(format!("{name} is one too many: one spacing and one shape at most"))));
            }
        }
        let spacing = match (spacing, &shape) {
            (None, None) => return Err(wrong(None)),
            (None, Some(_)) => WrittenSpacing::Ready(Spacing::Uniform),
            (Some(spacing), _) => spacing,
        };
        let bends = matches!(&spacing, WrittenSpacing::Ready(Spacing::Uniform | Spacing::Poisson));
        if shape.is_some() && !bends {
            return Err(wrong(Some("only uniform and poisson can have a shape".to_owned())));
        }
        Ok(WrittenArrival { spacing, shape })
    }
}

/// What an executor of k6 is here, if it is one.
fn of_k6(name: &str) -> Option<String> {
    let here = match name {
        "constant-arrival-rate" => "uniform is that",
        "ramping-arrival-rate" => "ramp(0%..100%, 1m) or phases are that",
        "constant-vus" | "ramping-vus" | "per-vu-iterations" | "shared-iterations" | "externally-controlled" => {
            "there are no virtual users, requests are planned by rate; write uniform, or poisson"
        }
        _ => return None,
    };
    Some(format!("an executor of k6; {here}"))
}

/// Parts between spaces outside parentheses, at least one; nothing: parentheses that do not pair.
fn words(text: &str) -> Option<Vec<&str>> {
    let mut depth = 0_usize;
    let mut is_broken = false;
    let split = text.trim().split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => is_broken = true,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0 && c == ' '
    });
    let words: Vec<&str> = split.filter(|word| !word.is_empty()).collect();
    (depth == 0 && !is_broken).then_some(words)
}

/// `name` or `name(arguments)`.
fn call(word: &str) -> Option<(&str, Option<&str>)> {
    match word.split_once('(') {
        None => Some((word, None)),
        Some((name, rest)) => Some((name, Some(rest.strip_suffix(')')?))),
    }
}

fn written_spacing(name: &str, arguments: Option<&str>) -> Option<Result<WrittenSpacing, String>> {
    Some(match (name, arguments) {
        ("uniform", None) => Ok(WrittenSpacing::Ready(Spacing::Uniform)),
        ("poisson", None) => Ok(WrittenSpacing::Ready(Spacing::Poisson)),
        ("burst", arguments) => burst(arguments.unwrap_or_default()).map(WrittenSpacing::Ready),
        ("replay", arguments) => replay(arguments.unwrap_or_default()),
        _ => return None,
    })
}

fn burst(arguments: &str) -> Result<Spacing, String> {
    let wrong = || format!("expected burst(100, 5ms): 1 to {BURST_MAX} requests, spread over a time that may be 0ms");
    let (size, within) = arguments.split_once(',').ok_or_else(wrong)?;
    let size = digits(size.trim()).and_then(|size| size.parse::<NonZeroU32>().ok()).filter(|n| n.get() <= BURST_MAX);
    let within = parse_duration(within.trim()).ok();
    let (size, within) = size.zip(within).ok_or_else(wrong)?;
    Ok(Spacing::Burst { size, within })
}

fn replay(arguments: &str) -> Result<WrittenSpacing, String> {
    let (file, repeats) = match arguments.rsplit_once(',') {
        Some((file, word)) if word.trim() == "loop" => (file, true),
        _ => (arguments, false),
    };
    match file.trim() {
        "" => Err("expected replay(FILE) or replay(FILE, loop)".to_owned()),
        file => Ok(WrittenSpacing::Replay { file: file.to_owned(), repeats }),
    }
}

fn written_shape(name: &str, arguments: Option<&str>) -> Option<Result<Shape, String>> {
    let arguments = arguments.unwrap_or_default();
    let pair = || arguments.split_once(',').map(|(one, other)| (one.trim(), other.trim()));
    let shape = match name {
        "ramp" => pair().and_then(|(range, over)| {
            let (from, to) = scale(range).ok()?;
            Shape::ramp(from, to, parse_duration(over).ok()?)
        }),
        "sine" => pair().and_then(|(amplitude, period)| {
            Shape::sine(amplitude.parse::<Scale>().ok()?, parse_duration(period).ok()?)
        }),
        "steps" => steps(arguments).and_then(|steps| Shape::steps(&steps)),
        _ => return None,
    };
    let expected = match name {
        "ramp" => "expected ramp(0%..100%, 1m): shares of the rate, and a time of at most a week",
        "sine" => "expected sine(50%, 10m): at most 100% up and down, and a period of at most a week",
        _ => {
            "expected steps(50%: 1m, 100%: 5m, 20%): shares of the rate and how long, at most a week; the last may have none"
        }
    };
    Some(shape.ok_or_else(|| expected.to_owned()))
}

fn steps(arguments: &str) -> Option<Vec<(Scale, Duration)>> {
    let parts: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let last = parts.len() - 1;
    let step = |(index, part): (usize, &&str)| match part.split_once(':') {
        Some((scale, length)) => Some((scale.trim().parse().ok()?, parse_duration(length.trim()).ok()?)),
        // It holds for ever, whatever its length.
        None if index == last => Some((part.parse().ok()?, Duration::from_secs(1))),
        None => None,
    };
    parts.iter().enumerate().map(step).collect()
}

impl Arrival {
    /// Whether its rate may change along a line.
    pub(super) fn bends(&self) -> bool {
        matches!(self.spacing, Spacing::Uniform | Spacing::Poisson) && self.shape.is_none()
    }
}

/// The arrival of each entry of the mix; nothing where it is wrong, which has been reported.
pub(super) fn compile(found: &mut Found, scenario: &Scenario, flag: Option<&WrittenArrival>) -> Vec<Option<Arrival>> {
    let written = &scenario.written;
    if flag.is_some_and(|flag| matches!(flag.spacing, WrittenSpacing::Replay { .. })) {
        let message = "a replay stands in the scenario, as it takes the place of rates";
        found.add(Location::UNKNOWN, "--arrival", message);
    }
    let common = match &written.arrival {
        None => Some(WrittenArrival { spacing: WrittenSpacing::Ready(Spacing::Uniform), shape: None }),
        text => found.read(text.as_ref(), "arrival", str::parse::<WrittenArrival>),
    };
    let names: Vec<&str> = written.mix().value.iter().map(|entry| entry.value.name.value.as_str()).collect();
    let mut reels = Reels { files: &scenario.files, names: &names, read: HashMap::new() };
    let mut arrivals = Vec::new();
    for (index, entry) in written.mix().value.iter().enumerate() {
        let subject = format!("operation {:?}: arrival", names[index]);
        let own = match &entry.value.arrival {
            None => None,
            text => Some(found.read(text.as_ref(), &subject, str::parse::<WrittenArrival>)),
        };
        let is_own = own.is_some();
        let Some(arrival) = own.unwrap_or_else(|| common.clone()) else {
            arrivals.push(None);
            continue;
        };
        let arrival = match (&arrival.spacing, flag) {
            // What replays has no rate for another arrival.
            (WrittenSpacing::Ready(_), Some(flag)) => flag.clone(),
            _ => arrival,
        };
        let text = entry.value.arrival.as_ref().or(written.arrival.as_ref());
        let spacing = match arrival.spacing {
            WrittenSpacing::Ready(spacing) => Some(spacing),
            WrittenSpacing::Replay { file, repeats } => match reels.reel(&file, names[index], is_own, repeats) {
                Ok(recording) => Some(Spacing::Replay(Arc::new(recording))),
                Err(message) => {
                    found.add(text.map_or(Location::UNKNOWN, |text| text.referenced), &subject, message);
                    None
                }
            },
        };
        arrivals.push(spacing.map(|spacing| Arrival { spacing, shape: arrival.shape }));
    }
    arrivals
}

/// The files that are replayed, each read once.
struct Reels<'a> {
    files: &'a Files,
    names: &'a [&'a str],
    read: HashMap<String, Result<Vec<Line>, String>>,
}

/// A request that was written down.
struct Line {
    number: usize,
    offset: Duration,
    operation: Option<String>,
}

impl Reels<'_> {
    /// The part of a file that is an operation's: what names it, and what names none if that can only be meant for it.
    fn reel(&mut self, file: &str, operation: &str, is_own: bool, repeats: bool) -> Result<Recording, String> {
        let files = self.files;
        let read = || files.read(file).and_then(|bytes| lines(&bytes).map_err(|why| format!("{file}: {why}")));
        let lines = self.read.entry(file.to_owned()).or_insert_with(read);
        let lines = lines.as_ref().map_err(String::clone)?;
        let is_only = self.names.len() == 1;
        let mut offsets = Vec::new();
        for line in lines {
            match &line.operation {
                None if is_own || is_only => offsets.push(line.offset),
                None => {
                    let message = "names no operation, and all operations of the mix replay this file";
                    return Err(format!("{file}: line {} {message}; write OFFSET,OPERATION", line.number));
                }
                Some(name) if name == operation => offsets.push(line.offset),
                Some(name) if !self.names.contains(&name.as_str()) => {
                    return Err(format!("{file}: line {} names {name:?}, which the mix has not", line.number));
                }
                Some(_) => {}
            }
        }
        if offsets.is_empty() {
            return Err(format!("{file}: no line for {operation}"));
        }
        offsets.sort();
        Recording::new(&offsets, repeats).ok_or_else(|| format!("{file}: its offsets are too large"))
    }
}

/// One request a line, `OFFSET_IN_SECONDS` or `OFFSET_IN_SECONDS,OPERATION`, in any order. Empty lines, lines after `#` and a
/// first line of words are left out. The file's own bound is that of all files a scenario names: 1 MiB.
fn lines(bytes: &[u8]) -> Result<Vec<Line>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not a text in UTF-8".to_owned())?;
    let (mut lines, mut has_head) = (Vec::new(), false);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if lines.is_empty() && !has_head && line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            has_head = true;
            continue;
        }
        let (offset, operation) = match line.split_once(',') {
            Some((offset, operation)) => (offset.trim(), Some(operation.trim().to_owned())),
            None => (line, None),
        };
        let number = index + 1;
        let is_number = offset.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds = offset.parse::<f64>().ok().filter(|seconds| is_number && *seconds <= OFFSET_MAX_S);
        let seconds = seconds.ok_or_else(|| {
            format!("line {number}: {offset:?} is not an offset: seconds from the start such as 12.5, at most 31 days")
        })?;
        lines.push(Line { number, offset: Duration::from_secs_f64(seconds), operation });
    }
    Ok(lines)
}
