//! What the injector's page shows beside what the rest of the program already knows: the run in one sentence, the last
//! minutes second by second, and who listens.
//!
//! Invariants:
//! - The run waits for nobody who looks: a listener takes what there is when it comes round.
//! - Everything is bounded: listeners, what waits for each, the points that are kept.

pub(crate) mod headline;
mod listeners;
mod recent;
mod samples;

pub(crate) use self::listeners::{GOODBYE, LISTENERS_MAX, Listeners, News};
pub(crate) use self::recent::{RECENT, Recent};
pub(crate) use self::samples::{Agreement, Columns, Samples};
