//! Receipts: whether a request arrived at a target, by its number. What `GET /receipts/<session>/<operation>?seq=..` on the
//! target's admin port answers, and how it is asked.
//!
//! Invariants:
//! - What cannot be known is never said as a no: numbers below [`Receipts::from`] are unknown unless they were seen.
//! - A question is about [`SEQS_MAX`] numbers at most, so that neither it nor its answer grows without end.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::{Name, Session};

/// Most numbers of one question, those inside ranges counted one by one.
pub const SEQS_MAX: usize = 1024;

/// [`Receipts::from`] of a target that can say nothing of any number.
pub const FROM_NONE: u64 = u64::MAX;

/// Where the target is asked about these numbers, in any order: `1,2,3,7` becomes `seq=1-3,7`. More than [`SEQS_MAX`] numbers are
/// for several questions; the target refuses them in one.
pub fn path(session: Session, operation: Name, seqs: &[u64]) -> String {
    format!("/receipts/{session}/{operation}?seq={}", Ranges::of(seqs))
}

/// What one target instance can say of the numbers it was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipts {
    /// The instance, as in `x-cload-server`.
    pub server: String,
    /// The instance's life, drawn at random when it started: another one knows nothing of what this one saw.
    pub boot: String,
    /// How long this life lasts so far.
    pub uptime_seconds: f64,
    /// The numbers that arrived, ascending.
    pub seen: Vec<u64>,
    /// Those of them that arrived more than once, ascending.
    pub duplicate: Vec<u64>,
    /// The first number of which not having been seen means that it did not arrive. [`FROM_NONE`]: there is none.
    pub from: u64,
}

/// What became of one request, as far as one instance can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It arrived here.
    Arrived,
    /// It did not arrive here, in this life of the instance.
    NotArrived,
    /// Too long ago, or never noted.
    Unknown,
}

impl Receipts {
    /// What is said of a number that was asked about.
    pub fn of(&self, seq: u64) -> Receipt {
        if self.seen.binary_search(&seq).is_ok() {
            Receipt::Arrived
        } else if seq < self.from || self.from == FROM_NONE {
            Receipt::Unknown
        } else {
            Receipt::NotArrived
        }
    }
}

/// How a request with a number arrived: the label `event` of `continuous_load_server_received_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// For the first time.
    Unique,
    /// Again: something on the path sent it twice.
    Duplicate,
    /// So late that nobody knows whether for the first time.
    Late,
}

impl Event {
    /// All of them, in the order of [`Event::index`].
    pub const ALL: [Event; 3] = [Event::Unique, Event::Duplicate, Event::Late];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Unique => "unique",
            Event::Duplicate => "duplicate",
            Event::Late => "late",
        }
    }

    /// Its place in [`Event::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What the target's receipts show beside fates (label `finding`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// A request that was called lost has arrived after that. It stays in the counter of lost requests, which cannot go
    /// back.
    ArrivedLate,
    /// A request with a wrong answer never arrived: something on the path answered it.
    PathAnswered,
    /// A request arrived at one more replica: something on the path sent it again.
    ArrivedElsewhere,
}

impl Finding {
    /// Each of them; `ALL[f.index()] == f`.
    pub const ALL: [Finding; 3] = [Finding::ArrivedLate, Finding::PathAnswered, Finding::ArrivedElsewhere];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Finding::ArrivedLate => "arrived_late",
            Finding::PathAnswered => "path_answered",
            Finding::ArrivedElsewhere => "arrived_elsewhere",
        }
    }

    /// Position in [`Finding::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What is wrong with the numbers of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeqError {
    /// A part between commas that is neither a number nor a range.
    NoNumber(String),
    /// A range whose end is before its start.
    Reversed(String),
    /// More numbers than one question may have; the part with which they became too many.
    TooMany(String),
}

impl SeqError {
    /// What would have been accepted.
    pub const EXPECTED: &'static str = "at most 1024 numbers, and ranges of them, such as 1,2,5-9";
}

impl fmt::Display for SeqError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SeqError::NoNumber(part) => write!(f, "{part:?} is no number and no range of numbers"),
            SeqError::Reversed(part) => write!(f, "the range {part:?} ends before it starts"),
            SeqError::TooMany(part) => write!(f, "with {part:?} these are more than {SEQS_MAX} numbers"),
        }
    }
}

impl std::error::Error for SeqError {}

/// Reads the numbers of a question: `1,2,5-9`. They come back ascending, each once.
///
/// # Errors
/// Names the first part that is wrong. What a part would unfold to is counted before it is unfolded.
pub fn parse_seqs(text: &str) -> Result<Vec<u64>, SeqError> {
    let mut seqs = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            return Err(SeqError::NoNumber(shown(part)));
        };
        if last < first {
            return Err(SeqError::Reversed(shown(part)));
        }
        let room = SEQS_MAX - seqs.len();
        if last - first >= room as u64 {
            return Err(SeqError::TooMany(shown(part)));
        }
        seqs.extend(first..=last);
    }
    seqs.sort_unstable();
    seqs.dedup();
    Ok(seqs)
}

/// Digits alone: a sign would be a second spelling, as in a request's id.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// As much of a part as an error should repeat: the longest range that is right is 41 characters.
fn shown(part: &str) -> String {
    part.chars().take(48).collect()
}

/// Numbers as they stand in a question.
struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    fn of(seqs: &[u64]) -> Ranges {
        let mut seqs = seqs.to_vec();
        seqs.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for seq in seqs {
            match ranges.last_mut() {
                Some((_, last)) if seq - *last <= 1 => *last = seq,
                _ => ranges.push((seq, seq)),
            }
        }
        Ranges(ranges)
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (first, last)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
