//! Drills: both programs as processes, one or both of them stopped, killed, replaced, cut off, overloaded, told another
//! time, while all protocols are under way. What must hold in every case is in `pair`: the identity is exact, every
//! unanswered request has one fate, and both sides say the same or the injector says why not.
//!
//! Nothing here asserts how long something takes: a drill waits until a figure shows what it waits for. Drills that need
//! minutes are in `soak` and ignored; `make soak` runs them. docs/testing.md says what they need.

mod clock;
mod lossy;
mod memory;
mod overload;
pub(crate) mod pair;
mod renamed;
mod soak;
mod stopped;
mod wire;
