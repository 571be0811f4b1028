//! When each request of a stream is due: a pure function of its number.
//!
//! Slot n of a stream of `events` per `seconds` is due at `phase + n × seconds / events`, computed anew for every n in
//! integers. Adding a period that was rounded to nanoseconds would run ahead of a 30 000/s schedule by 10 ms a second,
//! and the pause that follows would look like the target's.
//!
//! A stream is split over W workers by number: slot n belongs to worker n mod W. Whatever W is, the same slots are due at
//! the same instants, so that workers, and later whole injectors, need no coordination.
//!
//! No clock, no runtime and no random source here: std only; the draws come as an argument.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::Duration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// Fractional bits of a position in units of the mean gap. 2⁻³² of a gap is 0.8 µs at 1/h and below a nanosecond from
/// 1/s on; 32 bits leave room for 64 bits of whole gaps times 64 bits of rate.
const FRACTION_BITS: u32 = 32;

/// The process by which requests arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// Evenly spaced, slot 0 at the phase offset.
    Uniform,
    /// Independent users: exponential gaps of the same mean, drawn from the seed. Shows the queueing that even spacing
    /// hides. The phase is not used: an offset would leave a hole at the start and change nothing after it.
    Poisson,
}

impl Arrival {
    /// Every arrival this version knows.
    pub const ALL: [Arrival; 2] = [Arrival::Uniform, Arrival::Poisson];

    /// The word in a scenario file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Arrival::Uniform => "uniform",
            Arrival::Poisson => "poisson",
        }
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Arrival {
    type Err = ArrivalError;

    fn from_str(text: &str) -> Result<Arrival, ArrivalError> {
        Arrival::ALL.into_iter().find(|arrival| arrival.as_str() == text).ok_or_else(|| ArrivalError(text.to_owned()))
    }
}

/// A text names no arrival of this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalError(String);

impl fmt::Display for ArrivalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Arrival::ALL.map(Arrival::as_str).join(" or ");
        write!(f, "{:?} is not an arrival of this version: {known}", self.0)
    }
}

impl std::error::Error for ArrivalError {}

/// A keyed uniform draw in [0, 1): a pure function of (seed, number).
pub type Draw = fn(seed: u64, n: u64) -> f64;

/// One stream's timetable.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// How slots are spaced.
    pub arrival: Arrival,
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
        let mut slots = Slots { schedule: *self, stride: workers, position: Position::default(), gaps: 0, head: None };
        slots.head = slots.at(u64::from(worker));
        slots
    }

    /// How many slots of the whole stream are due strictly before `t` (since t0).
    ///
    /// Constant time for uniform. A Poisson stream has to be walked: O(answer), for tests and finite runs; a driver counts
    /// as it goes.
    pub fn planned_by(&self, t: Duration) -> u64 {
        match self.arrival {
            Arrival::Uniform => t.checked_sub(self.phase).map_or(0, |since| self.whole_gaps_before(since)),
            Arrival::Poisson => {
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
#[derive(Clone, Copy, Debug, Default)]
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
}

/// The slots of one worker, in order, in O(1) memory.
///
/// Ends only when the slot's number passes 2⁶⁴ or its instant 2⁶⁴ seconds: at 10⁷ slots/s after 58 000 years. A worker of
/// a Poisson stream draws every gap of the stream and keeps its own (a few nanoseconds for each of the others').
#[derive(Clone, Debug)]
pub struct Slots {
    schedule: Schedule,
    stride: NonZeroU32,
    /// Poisson only: the sum of the first `gaps` gaps.
    position: Position,
    gaps: u64,
    head: Option<Slot>,
}

impl Slots {
    /// The slot that `next` will return.
    pub fn peek(&self) -> Option<Slot> {
        self.head
    }

    fn at(&mut self, seq: u64) -> Option<Slot> {
        let due = match self.schedule.arrival {
            Arrival::Uniform => {
                let since = self.schedule.instant(Position { whole: seq, fraction: 0 })?;
                since.checked_add(self.schedule.phase)?
            }
            Arrival::Poisson => {
                while self.gaps <= seq {
                    self.position = self.position.advance((self.schedule.draw)(self.schedule.seed, self.gaps))?;
                    self.gaps = self.gaps.checked_add(1)?;
                }
                self.schedule.instant(self.position)?
            }
        };
        Some(Slot { seq, due })
    }
}

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let slot = self.head?;
        self.head = slot.seq.checked_add(u64::from(self.stride.get())).and_then(|seq| self.at(seq));
        Some(slot)
    }
}

#[cfg(test)]
mod tests;
