//! When something changed: troubles of operations that begin and end, phases, pauses. Pure.
//!
//! A trouble ends when it did not occur for [`QUIET`]: one in twenty requests failing is one trouble, not one for each of
//! them.

use std::time::Duration;

use crate::course::{Motion, Status};
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
            (_, Motion::Paused) => texts.push((None, "paused".to_owned())),
            (_, Motion::Starts(start)) => texts.push((None, format!("starts at {}s", seconds(start)))),
            (Motion::Paused | Motion::Starts(_), Motion::Runs) => texts.push((None, "resumed".to_owned())),
            (_, Motion::Runs | Motion::Over) => {}
        }
        if let Some(before) = before {
            if before.scale != status.scale {
                texts.push((None, format!("scale {} instead of {}", status.scale, before.scale)));
            }
            let pairs = before.operations.iter().zip(&status.operations).enumerate();
            for (at, (_, now)) in pairs.clone().filter(|(_, (before, now))| before.is_left != now.is_left) {
                let text = if now.is_left { "left the scenario" } else { "is in the scenario again" };
                texts.push((Some(at), text.to_owned()));
            }
            for at in before.operations.len()..status.operations.len() {
                texts.push((Some(at), "is new in the scenario".to_owned()));
            }
            for (at, (_, now)) in pairs.filter(|(_, (before, now))| before.is_enabled != now.is_enabled) {
                texts.push((Some(at), if now.is_enabled { "switched on" } else { "switched off" }.to_owned()));
            }
        }
        let change = |(operation, text)| Change { at, turn: Turn::Notes, operation, text };
        texts.into_iter().map(change).collect()
    }
}

/// What comes from the network or from a library, safe to be written to a terminal: on one line, and not without end.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect()
}

/// Most characters of an example or a log line.
const WORDS_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use shared::outcome::ErrorClass;

    use super::*;
    use crate::ui::fixture::status;

    fn resets(count: u64) -> Counts {
        let mut counts = Counts::default();
        counts.failures[ErrorClass::Reset.index()] = count;
        counts
    }

    #[test]
    fn a_trouble_begins_once_and_ends_when_it_is_quiet() {
        let mut changes = Changes::default();
        changes.grow(1);
        let mut said = Vec::new();
        for (second, count) in (1..).zip([0, 2, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]) {
            let example = |trouble| (trouble == Trouble::Failed(ErrorClass::Reset)).then_some("reset by peer");
            let noted = changes.note(Duration::from_secs(second), 0, &resets(count), example);
            said.extend(noted.into_iter().map(|change| (second, change.turn.mark(), change.text)));
        }
        let expected = [
            (2, '!', "reset begins (2): reset by peer".to_owned()),
            (15, '.', "reset ended (6 in 3s)".to_owned()),
            (16, '!', "reset begins (4): reset by peer".to_owned()),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn what_the_run_does_is_told_once() {
        let mut changes = Changes::default();
        changes.grow(2);
        let mut at = 0;
        let mut say = |status: &Status| -> Vec<String> {
            at += 1;
            let noted = changes.status(Duration::from_secs(at), status);
            noted.into_iter().map(|change| change.text).collect()
        };
        let mut now = status(2);
        assert_eq!(say(&now), [""; 0]);
        (now.phases, now.phase_index, now.phase) = (2, 1, "ramp".parse().unwrap());
        assert_eq!(say(&now), ["phase ramp begins (2 of 2)"]);
        now.motion = Motion::Paused;
        assert_eq!(say(&now), ["paused"]);
        assert_eq!(say(&now), [""; 0]);
        now.motion = Motion::Starts(Duration::from_secs(9));
        assert_eq!(say(&now), ["starts at 9s"]);
        (now.motion, now.scale) = (Motion::Runs, "110%".parse().unwrap());
        assert_eq!(say(&now), ["resumed", "scale 110% instead of 100%"]);
        now.operations[1].is_enabled = false;
        now.waits_for = Some("peak".parse().unwrap());
        assert_eq!(say(&now), ["waits for the gate of phase peak", "switched off"]);
        now.motion = Motion::Over;
        assert_eq!(say(&now), [""; 0]);
    }
}
