//! One operation on one worker: its slots, taken up when they come due, and the lanes they go to.

mod fan;

use std::time::Duration;

use shared::outcome::DropReason;
use tokio::time::Instant;

use crate::context::Due;
use crate::driver::Driver;
use crate::schedule::Timetable;
use crate::turns::Step;

pub(crate) use self::fan::Fan;

/// A stream without its driver's type, as the worker holds it.
pub(crate) trait Stream {
    /// Takes up everything due by `now` and planned before `change`, at most `most` slots; when the next one is due, if that
    /// is before `change`.
    fn release_due(&mut self, now: Instant, change: Option<Instant>, most: usize) -> Option<Instant>;
    /// From its instant on, this holds. Everything that is due before has been taken up.
    fn turn(&mut self, step: &Step);
    /// Takes nothing up any more, and closes its connections when what was taken up is done.
    fn retire(&mut self);
    /// Drops what waited too long, and follows the name; when there is something of that to do again.
    fn sweep(&mut self, now: Instant) -> Option<Instant>;
    /// Slots taken up and without a result.
    fn in_flight(&self) -> u64;
    /// Gives up what still waits for a lane.
    fn interrupt_waiting(&self);
    /// Gives up everything without a result: the worker ends, and its connections with it.
    fn interrupt_rest(&self);
}

/// How late the schedule itself may take a slot up, however patient `max_lag` is: after a pause of the whole machine, what
/// should have been sent meanwhile is skipped and not sent in a flood.
const STALL_MAX: Duration = Duration::from_secs(1);

/// The schedule of a stream and its lanes.
pub(crate) struct Scheduled<D: Driver> {
    /// Its place in the plan.
    pub(crate) operation: usize,
    pub(crate) timetable: Timetable,
    pub(crate) t0: Instant,
    pub(crate) max_lag: Duration,
    pub(crate) fan: Fan<D>,
}

/// How often is looked whether a name has others addresses, if no slot comes before: connections to those that have left are
/// closed without waiting for one.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

impl<D: Driver> Stream for Scheduled<D> {
    fn release_due(&mut self, now: Instant, change: Option<Instant>, most: usize) -> Option<Instant> {
        for _ in 0..most {
            let slot = self.timetable.peek()?;
            // Beyond what the clock can say is beyond any change.
            let planned = self.t0.checked_add(slot.due)?;
            if change.is_some_and(|change| planned >= change) {
                return None;
            }
            if planned > now {
                return Some(planned);
            }
            self.timetable.next();
            let lag = now - planned;
            let lanes = self.fan.of(slot.seq);
            lanes.context.scheduled();
            if lag > self.max_lag.min(STALL_MAX) {
                lanes.context.drop_slot(DropReason::Late, lag);
            } else {
                lanes.release(Due { seq: slot.seq, planned, released: now });
            }
        }
        Some(now)
    }

    fn retire(&mut self) {
        self.fan.retire();
    }

    fn turn(&mut self, step: &Step) {
        self.timetable.turn(step.at, step.schedules[self.operation].as_ref());
    }

    fn sweep(&mut self, now: Instant) -> Option<Instant> {
        let looks_again = self.fan.follow().then(|| now + FOLLOW_EVERY);
        self.fan.each().filter_map(|lanes| lanes.expire(now)).chain(looks_again).min()
    }

    fn in_flight(&self) -> u64 {
        self.fan.each().map(|lanes| lanes.context.in_flight.get()).sum()
    }

    fn interrupt_waiting(&self) {
        self.fan.each().for_each(|lanes| lanes.interrupt_waiting());
    }

    fn interrupt_rest(&self) {
        for lanes in self.fan.each() {
            lanes.interrupt_waiting();
            for _ in 0..lanes.context.in_flight.get() {
                lanes.context.interrupt_slot();
            }
        }
    }
}
