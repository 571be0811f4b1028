//! How many requests each operation was to send by an instant: what every worker finds of its own, found once more for all
//! of them by the same functions. Who takes an operation over from others begins with that number. Pure.
//!
//! Looked at once a second: a Poisson stream's gaps have to be drawn one by one, a few nanoseconds each.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::schedule::{Rest, Timetable};
use crate::turns::Rota;

/// The count, as far as an instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// By operation.
    timetables: Vec<Timetable>,
    rota: Rota,
}

impl Census {
    /// From its first instant on, this one says what holds.
    pub(crate) fn follow(&mut self, rota: Rota) {
        self.rota.follow(rota);
    }

    /// Counts everything that is due before `to`; that no turn is made at it or before it any more, the caller makes sure of.
    pub(crate) fn advance(&mut self, to: Duration) {
        while let Some(step) = self.rota.steps.front().filter(|step| step.at <= to).cloned() {
            self.rota.steps.pop_front();
            let silent = || Timetable::new(0, NonZeroU32::MIN);
            self.timetables.resize_with(step.schedules.len().max(self.timetables.len()), silent);
            for (timetable, schedule) in self.timetables.iter_mut().zip(&step.schedules) {
                timetable.pass(step.at);
                timetable.turn(step.at, schedule.as_ref());
            }
        }
        let to = self.rota.end.map_or(to, |end| end.min(to));
        self.timetables.iter_mut().for_each(|timetable| timetable.pass(to));
    }

    /// What an operation's requests leave to be done at an instant, as far as which was counted; nothing: it has sent none.
    pub(crate) fn rest(&self, operation: usize, at: Duration) -> Option<Rest> {
        self.timetables.get(operation)?.leave(self.rota.end.map_or(at, |end| end.min(at)))
    }
}

#[cfg(test)]
mod tests;
