//! When something changed: troubles of operations that begin and end, thresholds, phases, pauses, rates. Pure.
//!
//! A trouble ends when it did not occur for [`QUIET`]: one in twenty requests failing is one trouble, not one for each of
//! them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::course::{Motion, Status};
use crate::rate::Rate;
use crate::ui::figures::{Counts, Trouble, seconds};

/// After so long without it a trouble is over.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// What kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Something went wrong that did not before.
    Begins,
    /// It does no more.
    Ends,
    /// Neither: a phase, a pause, a word from elsewhere.
    Notes,
}

impl Turn {
    /// One character that begins a line.
    pub(crate) fn mark(self) -> char {
        match self {
            Turn::Begins => '!',
            Turn::Ends => '.',
            Turn::Notes => '*',
        }
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// When, since the first slot.
    pub(crate) at: Duration,
    pub(crate) turn: Turn,
    /// Of which operation, in the plan's order; nothing: of the run.
    pub(crate) operation: Option<usize>,
    /// In words, without the operation's name.
    pub(crate) text: String,
}

/// A threshold as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// As printed.
    pub(crate) text: String,
    /// Nothing before the first judgement.
    pub(crate) holds: Option<bool>,
    /// The figure that was judged, in words.
    pub(crate) value: Option<String>,
}

/// A trouble that stands.
#[derive(Clone, Copy, Debug)]
struct Standing {
    since: Duration,
    last: Duration,
    count: u64,
}

/// Follows a run.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    operations: Vec<[Option<Standing>; Trouble::COUNT]>,
    /// By text, whether it held when it was last judged.
    thresholds: BTreeMap<String, bool>,
    status: Option<Status>,
}

impl Changes {
    /// Room for so many operations.
    pub(crate) fn grow(&mut self, operations: usize) {
        self.operations.resize_with(operations, || [None; Trouble::COUNT]);
    }

    /// What began and what ended, by what one operation did between `at - length` and `at`. `example` gives the first
    /// failure of a trouble in words.
    pub(crate) fn note<'a>(
        &mut self,
        at: Duration,
        operation: usize,
        counts: &Counts,
        example: impl Fn(Trouble) -> Option<&'a str>,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let Some(standing) = self.operations.get_mut(operation) else { return changes };
        for (trouble, standing) in Trouble::all().zip(standing) {
            let (word, count) = (trouble.as_str(), counts.count(trouble));
            let mut say = |turn, text| changes.push(Change { at, turn, operation: Some(operation), text });
            match standing {
                None if count == 0 => {}
                None => {
                    *standing = Some(Standing { since: at, last: at, count });
                    let example = example(trouble).map(|words| format!(": {}", printable(words)));
                    say(Turn::Begins, format!("{word} begins ({count}){}", example.unwrap_or_default()));
                }
                Some(held) if count > 0 => (held.last, held.count) = (at, held.count + count),
                Some(held) if at.saturating_sub(held.last) >= QUIET => {
                    let (count, length) = (held.count, held.last.saturating_sub(held.since));
                    *standing = None;
                    let length = if length.is_zero() { String::new() } else { format!(" in {}s", seconds(length)) };
                    say(Turn::Ends, format!("{word} ended ({count}{length})"));
                }
                Some(_) => {}
            }
        }
        changes
    }

    /// Thresholds that do not hold any more, or do again. One that was never judged held so far.
    pub(crate) fn judged(&mut self, at: Duration, thresholds: &[Judged]) -> Vec<Change> {
        let before = std::mem::take(&mut self.thresholds);
        let mut changes = Vec::new();
        for Judged { text, holds, value } in thresholds {
            let held = before.get(text).copied();
            let Some(holds) = holds.or(held) else { continue };
            self.thresholds.insert(text.clone(), holds);
            if holds != held.unwrap_or(true) {
                let (turn, verb) = if holds { (Turn::Ends, "holds again") } else { (Turn::Begins, "crossed") };
                let value = value.as_deref().unwrap_or("no data");
                changes.push(Change { at, turn, operation: None, text: format!("threshold {verb}: {text} ({value})") });
            }
        }
        changes
    }

    /// What is different in what the run does, in words. Of the first status only that it does not simply run.
    pub(crate) fn status(&mut self, at: Duration, status: &Status) -> Vec<Change> {
        let before = self.status.replace(status.clone());
        let mut texts: Vec<(Option<usize>, String)> = Vec::new();
        if status.phases > 1 && before.as_ref().is_none_or(|before| before.phase_index != status.phase_index) {
            texts.push((
                None,
                format!("phase {} begins ({} of {})", status.phase, status.phase_index + 1, status.phases),
            ));
        }
        let gate = before.as_ref().and_then(|before| before.waits_for);
        if let Some(next) = status.waits_for.filter(|next| Some(*next) != gate) {
            texts.push((None, format!("waits for the gate of phase {next}")));
        }
        let moved = before.as_ref().map_or(Motion::Runs, |before| before.motion);
        match (moved, status.motion) {
            (old, new) if old == new => {}
            (_, Motion::Paused) if status.waits_to_start() => texts.push((None, "waits to be started".to_owned())),
            (_, Motion::Paused) => texts.push((None, "paused".to_owned())),
            (_, Motion::Starts(start)) => texts.push((None, format!("starts at {}s", seconds(start)))),
            (Motion::Paused | Motion::Starts(_), Motion::Runs) => {
                let is_first = before.as_ref().is_some_and(Status::waits_to_start);
                texts.push((None, if is_first { "started" } else { "resumed" }.to_owned()));
            }
            (_, Motion::Runs | Motion::Over) => {}
        }
        if let Some(before) = before {
            if before.scale != status.scale {
                texts.push((None, format!("scale {} instead of {}", status.scale, before.scale)));
            }
            texts.extend(turned("rate of the mix", before.set_rate, status.set_rate).map(|text| (None, text)));
            let pairs = before.operations.iter().zip(&status.operations).enumerate();
            for (at, (_, now)) in pairs.clone().filter(|(_, (before, now))| before.is_left != now.is_left) {
                let text = if now.is_left { "left the scenario" } else { "is in the scenario again" };
                texts.push((Some(at), text.to_owned()));
            }
            for at in before.operations.len()..status.operations.len() {
                texts.push((Some(at), "is new in the scenario".to_owned()));
            }
            for (at, (before, now)) in pairs.clone() {
                texts.extend(turned("rate", before.set_rate, now.set_rate).map(|text| (Some(at), text)));
            }
            for (at, (_, now)) in pairs.filter(|(_, (before, now))| before.is_enabled != now.is_enabled) {
                texts.push((Some(at), if now.is_enabled { "switched on" } else { "switched off" }.to_owned()));
            }
        }
        let change = |(operation, text)| Change { at, turn: Turn::Notes, operation, text };
        texts.into_iter().map(change).collect()
    }
}

/// A rate that was set over the plan, or is no more.
fn turned(what: &str, before: Option<Rate>, now: Option<Rate>) -> Option<String> {
    let before_in_words = before.map_or_else(|| "the planned one".to_owned(), |rate| rate.to_string());
    match now {
        now if now == before => None,
        Some(now) => Some(format!("{what} {now} instead of {before_in_words}")),
        None => Some(format!("{what} as planned instead of {before_in_words}")),
    }
}

/// What comes from the network or from a library, safe to be written to a terminal: on one line, and not without end.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect()
}

/// Most characters of an example or a log line.
const WORDS_MAX: usize = 300;

#[cfg(test)]
mod tests;
