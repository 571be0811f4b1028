//! The last minutes of a run, second by second: a timeline of a whole run has longer points the longer it lasts.
//!
//! Two timelines in turn: what is asked for is always in the one that is being written and the one before it. Memory is at
//! most that of two; a ring of seconds would take more, as a second by itself packs badly.

use std::time::Duration;

use crate::engine::Tick;
use crate::timeline::{Figures, POINTS_MAX, Timeline};

/// How far back it goes at least, once the run is as old.
pub(crate) const RECENT: Duration = Duration::from_secs(300);

/// As many seconds go into one timeline before it would make its points longer.
const TURN: usize = POINTS_MAX;
const _: () = assert!(TURN as u64 >= RECENT.as_secs(), "two turns must hold what is asked for");

/// The last minutes.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    before: Timeline,
    now: Timeline,
    /// Seconds in `now`.
    seconds: usize,
}

impl Recent {
    /// A second is over.
    pub(crate) fn note(&mut self, tick: &Tick<'_>) {
        if self.seconds == TURN {
            self.before = std::mem::take(&mut self.now);
            self.seconds = 0;
        }
        self.now.note(tick);
        self.seconds += 1;
    }

    /// Two parts, the older one first. Marks are of the second one only.
    pub(crate) fn figures(&self) -> [Figures; 2] {
        [self.before.figures(), self.now.figures()]
    }

    /// The last second.
    pub(crate) fn latest(&self) -> Figures {
        self.now.latest()
    }
}
