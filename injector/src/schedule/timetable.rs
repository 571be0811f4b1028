//! One schedule after another, and silence between them: what a worker knows of one stream.
//!
//! A turn ends what holds and begins something else at an instant. Numbers go on: the first slot after a turn has the number
//! of slots that were due before it, over all workers, which every worker finds for itself. So does the part of a gap that
//! was not over: a stream of 1/h that is turned once a minute is still one of 1/h, and a turn that changes nothing moves no
//! slot by more than a nanosecond.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Rest, Schedule, Slot, Slots};

/// The slots of one worker, in order, as far as it is known what holds.
#[derive(Clone, Debug)]
pub struct Timetable {
    worker: u32,
    workers: NonZeroU32,
    now: Now,
}

#[derive(Clone, Debug)]
enum Now {
    /// No schedule has held yet.
    Nothing,
    Slots(Box<Slots>),
    Silence(Rest),
}

impl Timetable {
    /// Of a worker that counts from 0 and is below `workers`: silent until the first turn.
    pub fn new(worker: u32, workers: NonZeroU32) -> Timetable {
        Timetable { worker, workers, now: Now::Nothing }
    }

    /// The same, after what another one has left.
    pub fn after(worker: u32, workers: NonZeroU32, rest: Option<Rest>) -> Timetable {
        Timetable { worker, workers, now: rest.map_or(Now::Nothing, Now::Silence) }
    }

    /// What is left at an instant, when every slot that is due before has been taken; nothing: no schedule has held yet.
    pub fn leave(&self, at: Duration) -> Option<Rest> {
        match &self.now {
            Now::Nothing => None,
            Now::Slots(slots) => Some(slots.leave(at)),
            Now::Silence(rest) => Some(*rest),
        }
    }

    /// Takes every slot that is due before `end`, of all workers at once: for who only counts them.
    pub fn pass(&mut self, end: Duration) {
        if let Now::Slots(slots) = &mut self.now {
            slots.pass(end);
        }
    }

    /// From `at` (since t0) on, this holds; nothing: silence. Every slot that is due before has been taken, and none that is
    /// not: whoever holds the worker sees to that.
    pub fn turn(&mut self, at: Duration, schedule: Option<&Schedule>) {
        self.now = match (schedule, self.leave(at)) {
            (Some(schedule), rest) => {
                let slots = match rest {
                    // Also if it begins late: the first gap is a whole one.
                    None => Slots::beginning(schedule, self.worker, self.workers, at),
                    Some(rest) => Slots::after(schedule, self.worker, self.workers, at, rest),
                };
                Now::Slots(Box::new(slots))
            }
            (None, None) => Now::Nothing,
            (None, Some(rest)) => Now::Silence(rest),
        };
    }

    /// The slot that `next` will return, under what holds now.
    pub fn peek(&self) -> Option<Slot> {
        match &self.now {
            Now::Slots(slots) => slots.peek(),
            Now::Nothing | Now::Silence(_) => None,
        }
    }
}

impl Iterator for Timetable {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        match &mut self.now {
            Now::Slots(slots) => slots.next(),
            Now::Nothing | Now::Silence(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
