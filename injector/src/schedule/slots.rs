//! The slots of one worker under one schedule.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use super::{Position, Schedule, Slot, Spacing, duration};

/// The slots of one worker, in order, in O(1) memory.
///
/// Ends only when a recording is over, when the shape lets nothing through any more, or when the slot's number passes 2⁶⁴ or
/// its instant 2⁶⁴ seconds: at 10⁷ slots/s after 58 000 years. A worker of a Poisson stream draws every gap of the stream
/// and keeps its own (a few nanoseconds for each of the others').
#[derive(Clone, Debug)]
pub struct Slots {
    schedule: Schedule,
    stride: NonZeroU32,
    begins: Begin,
    /// As far as the head.
    walk: Walk,
    /// As far as the slot that was taken last.
    taken: Walk,
    /// The number after that slot's: no slot below it is still to come.
    passed: u64,
    pub(super) head: Option<Slot>,
}

/// Where a schedule's first slots are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begin {
    /// Since t0.
    pub(super) at: Duration,
    /// Number of the first slot: how many were due before.
    pub(super) first: u64,
    /// Nominal time to the slot `anchor`.
    pub(super) lead: Duration,
    /// The first slot, or the first of the next burst.
    pub(super) anchor: u64,
    /// Nominal time to the first slot, if it is a burst's that had begun.
    pub(super) rest: Duration,
}

/// What an end leaves to be done: the numbers go on, and the part of a gap that was not over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest {
    /// How many slots were due in all.
    pub first: u64,
    /// Nothing: no slot was to come.
    pub(super) open: Option<Open>,
}

/// Part of a gap, at the rate under which it was to pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    lead: Duration,
    rest: Duration,
    events: NonZeroU64,
    seconds: NonZeroU64,
}

/// A Poisson stream's: the sum of the gaps up to the number `gaps`, without it.
#[derive(Clone, Copy, Debug)]
struct Walk {
    position: Position,
    gaps: u64,
}

impl Slots {
    /// From `at` on, for the first time: numbers begin at 0.
    pub(super) fn beginning(schedule: &Schedule, worker: u32, workers: NonZeroU32, at: Duration) -> Slots {
        let lead = match &schedule.spacing {
            Spacing::Uniform | Spacing::Burst { .. } => schedule.phase,
            Spacing::Poisson => Duration::ZERO,
            Spacing::Replay(recording) => {
                recording.position(0).and_then(|position| schedule.instant(position)).unwrap_or_default()
            }
        };
        let walk = Walk { position: Position::default(), gaps: 0 };
        Slots::starting(schedule, worker, workers, Begin { at, lead, ..Begin::default() }, walk)
    }

    /// From `at` on, after what another schedule has left.
    pub(super) fn after(schedule: &Schedule, worker: u32, workers: NonZeroU32, at: Duration, rest: Rest) -> Slots {
        let Some(open) = rest.open else {
            // Nothing was to come, and so it begins as at t0: for what is over that is nothing again.
            let fresh = Slots::beginning(schedule, worker, workers, at);
            let begins = Begin { first: rest.first, anchor: schedule.anchor(rest.first), ..fresh.begins };
            return Slots::starting(schedule, worker, workers, begins, Walk { gaps: rest.first, ..fresh.walk });
        };
        let is_same = (open.events, open.seconds) == (schedule.events, schedule.seconds);
        let lead = if is_same { Some(open.lead) } else { open.scaled(schedule) }.unwrap_or(Duration::MAX);
        let anchor = schedule.anchor(rest.first);
        let begins = Begin { at, first: rest.first, lead, anchor, rest: open.rest };
        // The gap to the first slot is what was left of it.
        let walk = Walk { position: Position::default(), gaps: rest.first.saturating_add(1) };
        Slots::starting(schedule, worker, workers, begins, walk)
    }

    fn starting(schedule: &Schedule, worker: u32, workers: NonZeroU32, begins: Begin, walk: Walk) -> Slots {
        let mut slots = Slots {
            schedule: schedule.clone(),
            stride: workers,
            begins,
            walk,
            taken: walk,
            passed: begins.first,
            head: None,
        };
        // The first number from `first` on that is the worker's.
        let stride = u64::from(workers.get());
        let ahead = (u64::from(worker) % stride + stride - begins.first % stride) % stride;
        let own = if begins.first == 0 { Some(u64::from(worker)) } else { begins.first.checked_add(ahead) };
        slots.head = own.and_then(|seq| slots.at(seq));
        slots
    }

    /// The slot that `next` will return.
    pub fn peek(&self) -> Option<Slot> {
        self.head
    }

    /// What is left at `end`, when every slot of this worker that is due before it has been taken. Every worker finds the
    /// same: at most `stride` slots of others have to be looked at.
    pub(super) fn leave(&self, end: Duration) -> Rest {
        let mut walk = self.taken;
        let first = self.first_from(&mut walk, end);
        let since = end.saturating_sub(self.begins.at);
        let nominal = self.schedule.warp.as_ref().map_or(since, |warp| warp.nominal(since));
        let open = |seq, walk: &mut Walk| Some(self.nominal(walk, seq)?.saturating_sub(nominal));
        let rest = open(first, &mut walk);
        let lead = open(self.schedule.anchor(first), &mut walk);
        let Schedule { events, seconds, .. } = self.schedule;
        let open = rest.zip(lead).map(|(rest, lead)| Open { lead, rest, events, seconds });
        Rest { first, open }
    }

    /// Takes every slot that is due before `end`, of all workers at once: for who only counts them.
    pub(super) fn pass(&mut self, end: Duration) {
        let mut walk = self.taken;
        self.passed = self.first_from(&mut walk, end);
        self.taken = walk;
    }

    /// The number of the first slot that is due at `end` or later, from the one behind the last that was taken on. However
    /// many there are between them, that takes a few looks; a Poisson stream's have to be drawn.
    fn first_from(&self, walk: &mut Walk, end: Duration) -> u64 {
        let mut first = self.passed;
        if matches!(self.schedule.spacing, Spacing::Poisson) {
            while self.due(walk, first).is_some_and(|due| due < end) {
                first += 1;
            }
            return first;
        }
        let mut is_before = |seq| self.due(walk, seq).is_some_and(|due| due < end);
        let mut step = 1_u64;
        while let Some(next) = first.checked_add(step).filter(|next| is_before(next - 1)) {
            (first, step) = (next, step.saturating_mul(2));
        }
        // What is known to be before: everything below `first`. What is known not to be: `first + step - 1`.
        let mut beyond = first.saturating_add(step - 1);
        while first < beyond {
            let middle = first + (beyond - first) / 2;
            if is_before(middle) {
                first = middle + 1;
            } else {
                beyond = middle;
            }
        }
        first
    }

    pub(super) fn at(&mut self, seq: u64) -> Option<Slot> {
        let mut walk = self.walk;
        let due = self.due(&mut walk, seq)?;
        self.walk = walk;
        Some(Slot { seq, due })
    }

    /// When a slot is due, since t0. A Poisson stream's must not lie behind `walk`.
    fn due(&self, walk: &mut Walk, seq: u64) -> Option<Duration> {
        let nominal = self.nominal(walk, seq)?;
        let since = match &self.schedule.warp {
            Some(warp) => warp.real(nominal)?,
            None => nominal,
        };
        since.checked_add(self.begins.at)
    }

    /// The same in nominal time since the beginning.
    fn nominal(&self, walk: &mut Walk, seq: u64) -> Option<Duration> {
        let (begins, schedule) = (&self.begins, &self.schedule);
        let since_anchor = match &schedule.spacing {
            Spacing::Uniform => schedule.instant(Position::whole(seq - begins.first))?,
            Spacing::Poisson => {
                while walk.gaps <= seq {
                    walk.position = walk.position.advance((schedule.draw)(schedule.seed, walk.gaps))?;
                    walk.gaps = walk.gaps.checked_add(1)?;
                }
                schedule.instant(walk.position)?
            }
            Spacing::Burst { size, within } => {
                let size = u64::from(size.get());
                let within = schedule.instant(Position::whole(size)).map_or(*within, |period| (*within).min(period));
                let part = |slots: u64| {
                    let ns = within.as_nanos() * u128::from(slots) / u128::from(size);
                    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
                };
                let (start, place) = (seq - seq % size, seq % size);
                if start < begins.anchor {
                    return Some((begins.rest + part(seq - begins.first)).min(begins.lead));
                }
                schedule.instant(Position::whole(start - begins.anchor))?.checked_add(part(place))?
            }
            Spacing::Replay(recording) => {
                let position = recording.position(seq)?;
                schedule.instant(position.since(recording.position(begins.first)?))?
            }
        };
        since_anchor.checked_add(begins.lead)
    }
}

impl Open {
    /// What is left of the gap at another rate, rounded to the nearest nanosecond, so that the errors of many turns do not
    /// add up; nothing beyond 2⁶⁴ seconds.
    fn scaled(self, to: &Schedule) -> Option<Duration> {
        let product = |events: NonZeroU64, seconds: NonZeroU64| u128::from(events.get()) * u128::from(seconds.get());
        let (times, parts) = (product(self.events, to.seconds), product(to.events, self.seconds));
        let divisor = gcd(times, parts);
        let (times, parts) = (times / divisor, parts / divisor);
        match self.lead.as_nanos().checked_mul(times).and_then(|ns| ns.checked_add(parts / 2)) {
            Some(ns) => duration(ns / parts),
            // Rates without a common measure: to 2⁻³² of a gap.
            None => {
                let before = Schedule { events: self.events, seconds: self.seconds, ..to.clone() };
                to.instant(before.position(self.lead)?)
            }
        }
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Schedule {
    /// The same at another rate, the phase being the same part of a gap.
    pub fn at_rate(&self, events: NonZeroU64, seconds: NonZeroU64) -> Schedule {
        let to = Schedule { events, seconds, ..self.clone() };
        let open = Open { lead: self.phase, rest: Duration::ZERO, events: self.events, seconds: self.seconds };
        Schedule { phase: open.scaled(&to).unwrap_or(Duration::MAX), ..to }
    }

    /// The slot that the grid is counted from, if the first is `first`: of bursts, the next one's first.
    fn anchor(&self, first: u64) -> u64 {
        match &self.spacing {
            Spacing::Burst { size, .. } => first.div_ceil(u64::from(size.get())).saturating_mul(u64::from(size.get())),
            _ => first,
        }
    }
}

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let slot = self.head?;
        (self.taken, self.passed) = (self.walk, slot.seq.saturating_add(1));
        self.head = slot.seq.checked_add(u64::from(self.stride.get())).and_then(|seq| self.at(seq));
        Some(slot)
    }
}
