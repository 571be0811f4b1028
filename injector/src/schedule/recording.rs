//! Instants that were written down, to be played again: where each slot lies on the axis of mean gaps.

use std::num::NonZeroU64;
use std::time::Duration;

use super::{FRACTION_BITS, NANOS_PER_SECOND, Position};

/// One play of a recording. Its mean gap is what one more slot would have added, so that a play that begins anew follows the
/// last one as slots follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    positions: Vec<Position>,
    /// Nanoseconds of one play.
    length_ns: NonZeroU64,
    /// Begin again at the end.
    repeats: bool,
}

impl Recording {
    /// From offsets in ascending order, each at most 2⁶³ ns; nothing if there are none, or they are not in order.
    pub fn new(offsets: &[Duration], repeats: bool) -> Option<Recording> {
        let (first, last) = (offsets.first()?, offsets.last()?);
        if !offsets.is_sorted() {
            return None;
        }
        let count = offsets.len() as u64;
        // All at one instant are a second's, for want of a better word.
        let last_ns = u64::try_from(last.as_nanos()).ok().filter(|ns| *ns <= u64::MAX / 2)?;
        let span_ns = last_ns - u64::try_from(first.as_nanos()).ok()?;
        let gap_ns = span_ns.checked_div(count - 1).unwrap_or(0);
        let length_ns = match last_ns.checked_add(gap_ns)? {
            0 => NANOS_PER_SECOND as u64,
            length_ns => length_ns,
        };
        let position = |offset: &Duration| {
            Position::from_parts(((offset.as_nanos() * u128::from(count)) << FRACTION_BITS) / u128::from(length_ns))
        };
        let positions = offsets.iter().map(position).collect::<Option<Vec<_>>>()?;
        Some(Recording { positions, length_ns: NonZeroU64::new(length_ns)?, repeats })
    }

    /// Slots of one play: at least one.
    pub fn count(&self) -> u64 {
        self.positions.len() as u64
    }

    /// How long one play takes at its own rate: to the last slot and a mean gap on.
    pub fn length(&self) -> Duration {
        Duration::from_nanos(self.length_ns.get())
    }

    /// Whether it begins again at its end.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Where a slot lies; nothing once the recording is over.
    pub(super) fn position(&self, seq: u64) -> Option<Position> {
        let (play, place) = (seq / self.count(), seq % self.count());
        if play > 0 && !self.repeats {
            return None;
        }
        let within = self.positions[usize::try_from(place).expect("below the length of a vector")];
        within.plus(Position::whole(play.checked_mul(self.count())?))
    }
}
