//! When each request of a stream is due: a pure function of its number.
//!
//! Slot n of a stream of `events` per `seconds` is due at `phase + n × seconds / events`, computed anew for every n in
//! integers. Adding a period that was rounded to nanoseconds would run ahead of a 30 000/s schedule by 10 ms a second,
//! and the pause that follows would look like the target's.
//!
//! A stream is split over W workers by number: slot n belongs to worker n mod W. Whatever W is, the same slots are due at
//! the same instants, so that workers, and later whole injectors, need no coordination.
//!
//! A [`Spacing`] says where slots lie on an axis whose unit is the mean gap, a rate makes nominal time of that, and a
//! [`Shape`] stretches nominal time where the load is to be less. A [`Timetable`] is one schedule after another.
//!
//! No clock, no runtime and no random source here: std only; the draws come as an argument.

mod recording;
mod shape;
mod slots;
mod timetable;

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::Duration;

pub use self::recording::Recording;
pub use self::shape::{Scale, ScaleError, Shape, Warp};
pub use self::slots::{Rest, Slots};
pub use self::timetable::Timetable;

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// Fractional bits of a position in units of the mean gap. 2⁻³² of a gap is 0.8 µs at 1/h and below a nanosecond from
/// 1/s on; 32 bits leave room for 64 bits of whole gaps times 64 bits of rate.
const FRACTION_BITS: u32 = 32;

/// How slots are spaced, before any shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly spaced, slot 0 at the phase offset.
    Uniform,
    /// Independent users: exponential gaps of the same mean, drawn from the seed. Shows the queueing that even spacing
    /// hides. The phase is not used: an offset would leave a hole at the start and change nothing after it.
    Poisson,
    /// So many at once, then silence, at the same mean rate.
    Burst {
        /// Slots of a burst.
        size: NonZeroU32,
        /// The time over which they are spread evenly; at most the time to the next burst, whatever is asked for.
        within: Duration,
    },
    /// At instants that were written down. A higher rate plays them faster.
    Replay(Arc<Recording>),
}

/// By which process requests arrive: a spacing, and how its rate changes with time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// How slots are spaced.
    pub spacing: Spacing,
    /// How the rate changes with time; nothing: not at all. Never beside a burst or a replay, of which it would stretch
    /// what was meant to stay.
    pub shape: Option<Arc<Shape>>,
}

impl Arrival {
    /// Evenly spaced, for ever alike.
    pub const UNIFORM: Arrival = Arrival { spacing: Spacing::Uniform, shape: None };
}

/// A keyed uniform draw in [0, 1): a pure function of (seed, number).
pub type Draw = fn(seed: u64, n: u64) -> f64;

/// When a stream's slots are due, for as long as nothing changes.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// How slots are spaced.
    pub spacing: Spacing,
    /// How nominal time is stretched; nothing: not at all.
    pub warp: Option<Warp>,
    /// Numerator of the rate: this many slots in [`Schedule::seconds`].
    pub events: NonZeroU64,
    /// Denominator of the rate, in seconds.
    pub seconds: NonZeroU64,
    /// When slot 0 of a uniform stream is due, since t0.
    pub phase: Duration,
    /// Seed of the gaps of a Poisson stream.
    pub seed: u64,
    /// Source of those gaps.
    pub draw: Draw,
}

/// One planned request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its number in the stream, from 0, over all workers.
    pub seq: u64,
    /// When it is due, since t0.
    pub due: Duration,
}

impl Schedule {
    /// The slots n ≡ `worker` mod `workers`, in order, without end (see [`Slots`] for the bound).
    ///
    /// `worker` counts from 0; one that is not below `workers` starts at its own number and shares slots with others.
    pub fn slots(&self, worker: u32, workers: NonZeroU32) -> Slots {
        Slots::beginning(self, worker, workers, Duration::ZERO)
    }

    /// How many slots of the whole stream are due strictly before `t` (since t0).
    ///
    /// Constant time for uniform. The others have to be walked: O(answer), for tests and finite runs; a driver counts as
    /// it goes.
    pub fn planned_by(&self, t: Duration) -> u64 {
        match self.spacing {
            Spacing::Uniform => {
                let nominal = self.warp.as_ref().map_or(t, |warp| warp.nominal_end(t));
                nominal.checked_sub(self.phase).map_or(0, |since| self.whole_gaps_before(since))
            }
            _ => {
                let planned = self.slots(0, NonZeroU32::MIN).take_while(|slot| slot.due < t).count();
                u64::try_from(planned).expect("a count of slots is at most the slots' u64 numbers")
            }
        }
    }

    /// The number of n ≥ 0 with n × seconds / events < `since`, which is ⌈since × events / seconds⌉. Taken apart into whole
    /// seconds and nanoseconds so that no product exceeds 128 bits.
    fn whole_gaps_before(&self, since: Duration) -> u64 {
        let (events, seconds) = (u128::from(self.events.get()), u128::from(self.seconds.get()));
        let scaled = u128::from(since.as_secs()) * events;
        let rest = (scaled % seconds) * NANOS_PER_SECOND + u128::from(since.subsec_nanos()) * events;
        u64::try_from(scaled / seconds + rest.div_ceil(seconds * NANOS_PER_SECOND)).unwrap_or(u64::MAX)
    }

    /// The position of an instant, rounded down to 2⁻³² of a gap; `None` beyond what a position can say.
    fn position(&self, nominal: Duration) -> Option<Position> {
        let unit = u128::from(self.seconds.get()) * NANOS_PER_SECOND;
        let scaled = nominal.as_nanos().checked_mul(u128::from(self.events.get()))?;
        let whole = u64::try_from(scaled / unit).ok()?;
        // The remainder is below 2⁹⁴.
        let fraction = u32::try_from(((scaled % unit) << FRACTION_BITS) / unit).expect("less than one, in 2⁻³²");
        Some(Position { whole, fraction })
    }

    /// The instant of a position, rounded down to a nanosecond; `None` beyond 2⁶⁴ seconds.
    fn instant(&self, position: Position) -> Option<Duration> {
        let (events, seconds) = (u128::from(self.events.get()), u128::from(self.seconds.get()));
        let scaled = u128::from(position.whole) * seconds;
        let whole_seconds = Duration::from_secs(u64::try_from(scaled / events).ok()?);
        // events, seconds < 2⁶⁴, so the remainder is below 2⁶⁴, `rest` below 2⁹⁷ and its nanoseconds below 2¹²⁷.
        let rest = ((scaled % events) << FRACTION_BITS) + u128::from(position.fraction) * seconds;
        let nanos = rest * NANOS_PER_SECOND / (events << FRACTION_BITS);
        let rest_seconds = Duration::from_secs(u64::try_from(nanos / NANOS_PER_SECOND).ok()?);
        let rest_nanos = u32::try_from(nanos % NANOS_PER_SECOND).expect("a remainder of 10⁹ fits 32 bits");
        whole_seconds.checked_add(rest_seconds)?.checked_add(Duration::new(0, rest_nanos))
    }
}

/// A place on the axis whose unit is the mean gap: whole gaps, and 2⁻³² parts of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    whole: u64,
    fraction: u32,
}

impl Position {
    /// Moves on by a gap drawn from `u` in [0, 1); `None` at the end of the axis.
    ///
    /// −ln(1−u) is the exponential quantile. A gap is rounded to 2⁻³² once and then added as an integer: the errors are
    /// independent of the rate, centred on zero, and a sum of floats' growing loss of digits cannot occur.
    fn advance(self, u: f64) -> Option<Position> {
        let gap = -(-u).ln_1p() * (1_u64 << FRACTION_BITS) as f64;
        // At most 53 bits of u: the gap is below 37, far inside u64. A float cast saturates, and u = 1 would saturate.
        let sum = u64::from(self.fraction).checked_add(gap.round() as u64)?;
        let carry = sum >> FRACTION_BITS;
        let fraction = u32::try_from(sum & u64::from(u32::MAX)).expect("masked to 32 bits");
        Some(Position { whole: self.whole.checked_add(carry)?, fraction })
    }

    fn whole(whole: u64) -> Position {
        Position { whole, fraction: 0 }
    }

    /// From `other`, which does not lie behind it.
    fn since(self, other: Position) -> Position {
        let parts = self.parts().saturating_sub(other.parts());
        Position::from_parts(parts).unwrap_or_default()
    }

    fn plus(self, other: Position) -> Option<Position> {
        Position::from_parts(self.parts() + other.parts())
    }

    /// In 2⁻³² of a gap.
    fn parts(self) -> u128 {
        u128::from(self.whole) << FRACTION_BITS | u128::from(self.fraction)
    }

    /// `None` beyond 2⁶⁴ gaps.
    fn from_parts(parts: u128) -> Option<Position> {
        let fraction = u32::try_from(parts & u128::from(u32::MAX)).expect("masked to 32 bits");
        Some(Position { whole: u64::try_from(parts >> FRACTION_BITS).ok()?, fraction })
    }
}

/// `None` beyond 2⁶⁴ seconds.
fn duration(ns: u128) -> Option<Duration> {
    let seconds = u64::try_from(ns / NANOS_PER_SECOND).ok()?;
    Some(Duration::new(seconds, u32::try_from(ns % NANOS_PER_SECOND).expect("a remainder of 10⁹ fits 32 bits")))
}

#[cfg(test)]
mod tests;
