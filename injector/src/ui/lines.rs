//! Lines for logs: one per interval and operation, as `key=value` or as JSON, and one per change at the second it is seen.
//! Pure.
//!
//! Every line of text begins with a mark: `!` something is wrong, `.` something is right again, `*` something else changed,
//! a blank otherwise.

mod json;
mod text;

use std::time::Duration;

use shared::identity::Name;

use crate::account::OperationAccount;
use crate::course::Status;
use crate::engine::Tick;
use crate::ui::changes::{Change, Changes, Judged, Turn, printable};
use crate::ui::figures::{Counts, Figures, Trouble};

/// A tick that comes this much before the end of an interval is its last: ticks are not quite a second apart.
const EARLY: Duration = Duration::from_millis(500);
/// The name of all operations together.
pub(crate) const TOTAL: &str = "total";

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text { is_coloured: bool },
    Json,
}

/// Gathers intervals and writes their lines.
#[derive(Debug)]
pub(crate) struct Lines {
    form: Form,
    names: Vec<Name>,
    interval: Duration,
    /// What was gathered of the interval that is under way.
    gathered: Vec<OperationAccount>,
    length: Duration,
    /// The run as it was at the last tick.
    last: Last,
    changes: Changes,
}

/// What a line says of the run itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last {
    pub(crate) elapsed: Duration,
    pub(crate) in_flight: Vec<i64>,
    /// Requests per second that were asked for last, by operation.
    pub(crate) asked_per_s: Vec<f64>,
    /// By operation, whether the scenario has it no more.
    pub(crate) has_left: Vec<bool>,
    pub(crate) phase: Option<Name>,
    pub(crate) is_paused: bool,
}

/// One operation's line, or that of all.
pub(crate) struct Row<'a> {
    pub(crate) run: &'a Last,
    pub(crate) name: &'a str,
    /// Width of the longest name.
    pub(crate) width: usize,
    pub(crate) figures: Figures,
    pub(crate) in_flight: i64,
    /// Requests per second that are asked for at the end of the interval.
    pub(crate) asked_per_s: f64,
}

impl Lines {
    /// Of a run that has told nothing yet.
    pub(crate) fn new(interval: Duration, form: Form) -> Lines {
        Lines {
            form,
            names: Vec::new(),
            interval,
            gathered: Vec::new(),
            length: Duration::ZERO,
            last: Last::default(),
            changes: Changes::default(),
        }
    }

    /// Those of the plan at first, and what a reload has brought.
    fn grow(&mut self, status: &Status) {
        let new = status.operations.iter().skip(self.names.len()).map(|operation| operation.name);
        self.names.extend(new);
        self.gathered.resize_with(self.names.len(), OperationAccount::default);
        self.changes.grow(self.names.len());
    }

    /// What is to be said of what the run does now: between ticks, lest a short pause be seen by nobody.
    pub(crate) fn status(&mut self, status: &Status) -> Vec<String> {
        self.grow(status);
        let changes = self.changes.status(self.last.elapsed.max(status.since), status);
        changes.iter().map(|change| self.change(change)).collect()
    }

    /// A word of the program's that is a change.
    pub(crate) fn say(&self, turn: Turn, text: &str) -> String {
        self.change(&Change { at: self.last.elapsed, turn, operation: None, text: printable(text) })
    }

    /// What is to be said after another tick: changes at once, the interval when it is full.
    pub(crate) fn tick(&mut self, tick: &Tick<'_>, thresholds: &[Judged]) -> Vec<String> {
        self.grow(tick.status);
        let mut changes = self.changes.status(tick.elapsed, tick.status);
        changes.extend(self.changes.judged(tick.elapsed, thresholds));
        for (at, account) in tick.by_operation.iter().enumerate() {
            let example = |trouble| example(account, trouble);
            changes.extend(self.changes.note(tick.elapsed, at, &Counts::of(account), example));
        }
        let mut said: Vec<String> = changes.iter().map(|change| self.change(change)).collect();
        for (sum, part) in self.gathered.iter_mut().zip(tick.by_operation) {
            sum.merge(part);
        }
        self.length += tick.length;
        self.last = Last {
            elapsed: tick.elapsed,
            in_flight: tick.total.iter().map(|account| account.in_flight).collect(),
            asked_per_s: tick.status.operations.iter().map(|operation| operation.per_second).collect(),
            has_left: tick.status.operations.iter().map(|operation| operation.is_left).collect(),
            phase: (tick.status.phases > 1).then_some(tick.status.phase),
            is_paused: tick.status.is_paused(),
        };
        if self.length + EARLY >= self.interval {
            said.extend(self.flush());
        }
        said
    }

    /// What was gathered of an interval that is not full: the last of a run.
    pub(crate) fn flush(&mut self) -> Vec<String> {
        if self.length.is_zero() {
            return Vec::new();
        }
        let width = self.names.iter().map(|name| name.as_str().len()).max().unwrap_or(0).max(TOTAL.len());
        let row = |name, figures, at: Option<usize>| Row {
            run: &self.last,
            name,
            width,
            figures,
            in_flight: at.map_or_else(|| self.last.in_flight.iter().sum(), |at| self.last.in_flight[at]),
            asked_per_s: at.map_or_else(|| self.last.asked_per_s.iter().sum(), |at| self.last.asked_per_s[at]),
        };
        let mut rows: Vec<Row<'_>> = Vec::new();
        for (at, (name, account)) in self.names.iter().zip(&self.gathered).enumerate() {
            // Whose last request is done has nothing more to tell.
            if self.last.has_left[at] && account.planned == 0 && account.finished_total() == 0 {
                continue;
            }
            rows.push(row(name.as_str(), Figures::of(account, self.length), Some(at)));
        }
        if self.names.len() > 1 {
            rows.push(row(TOTAL, Figures::of_all(&self.gathered, self.length), None));
        }
        let said = rows.iter().map(|row| match self.form {
            Form::Text { is_coloured } => text::row(row, is_coloured),
            Form::Json => json::row(row),
        });
        let said = said.collect();
        self.gathered.iter_mut().for_each(OperationAccount::clear);
        self.length = Duration::ZERO;
        said
    }

    /// A change as a line.
    fn change(&self, change: &Change) -> String {
        let operation = change.operation.and_then(|at| self.names.get(at)).map(Name::as_str);
        match self.form {
            Form::Text { is_coloured } => text::change(change, operation, is_coloured),
            Form::Json => json::change(change, operation),
        }
    }
}

/// The first failure of this kind in words, of an interval or of a run.
pub(crate) fn example(account: &OperationAccount, trouble: Trouble) -> Option<&str> {
    match trouble {
        Trouble::Failed(class) => account.examples[class.index()].as_deref(),
        Trouble::Dropped(_) => None,
    }
}

#[cfg(test)]
mod tests;
