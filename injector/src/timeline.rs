//! A run from its begin to its end in a few hundred points: what pages and saved results draw.
//!
//! Invariants:
//! - At most [`POINTS_MAX`] points. When they are full neighbours are merged, and from then on a point is twice as long.
//! - Merging is exact: counts add up, and quantiles are of all durations of both, kept to 3 % and never shorter than they
//!   were. The sum of all points is the account at the end.
//! - At most [`BYTES_MAX`] bytes of durations, whatever the rate and the mix: beyond it neighbours are merged as well. Five
//!   operations at 10/s need 1 MB when the points are full, at 10 000/s 4 MB.
//! - What is not known is nothing, never 0: a second without an answer has no quantiles.

mod figures;
mod marks;
mod part;
mod sketch;

use std::time::Duration;

use crate::engine::Tick;
use crate::threshold::Standing;

pub use self::figures::{Figures, Line, Quantiles};
use self::marks::Marks;
pub use self::marks::{Kind, Mark};
use self::part::Part;
use self::sketch::Scratch;

/// Most points: more than a chart of usual width has room for.
pub const POINTS_MAX: usize = 300;
/// Most bytes of all durations together.
pub const BYTES_MAX: usize = 8 << 20;
/// However much memory they take: fewer are no chart.
const POINTS_MIN: usize = 16;
/// How long a point is at first.
const STEP: Duration = Duration::from_secs(1);

/// What happened between two instants since the first slot.
#[derive(Debug)]
struct Point {
    from: Duration,
    until: Duration,
    total: Part,
    /// By operation in the plan's order, as many as there were.
    operations: Vec<Part>,
}

impl Point {
    fn bytes(&self) -> usize {
        self.total.bytes() + self.operations.iter().map(Part::bytes).sum::<usize>()
    }

    /// Adds what followed.
    fn merge(&mut self, next: Point, scratch: &mut Scratch) {
        self.until = next.until;
        self.total.merge(&next.total, scratch);
        for (at, part) in next.operations.into_iter().enumerate() {
            match self.operations.get_mut(at) {
                Some(mine) => mine.merge(&part, scratch),
                // It came meanwhile.
                None => self.operations.push(part),
            }
        }
    }
}

/// The time series of a run, told second by second.
#[derive(Debug)]
pub struct Timeline {
    /// Oldest first. The last one may still grow.
    points: Vec<Point>,
    step: Duration,
    bytes: usize,
    bytes_max: usize,
    /// Operations' names in the plan's order.
    names: Vec<String>,
    marks: Marks,
    scratch: Scratch,
}

impl Default for Timeline {
    fn default() -> Timeline {
        Timeline::new()
    }
}

impl Timeline {
    /// Of a run that has told nothing yet.
    pub fn new() -> Timeline {
        Timeline::bounded(BYTES_MAX)
    }

    fn bounded(bytes_max: usize) -> Timeline {
        Timeline {
            points: Vec::new(),
            step: STEP,
            bytes: 0,
            bytes_max,
            names: Vec::new(),
            marks: Marks::default(),
            scratch: Scratch::default(),
        }
    }

    /// A second is over.
    pub fn note(&mut self, tick: &Tick<'_>) {
        let status = tick.status;
        for operation in status.operations.iter().skip(self.names.len()) {
            self.names.push(operation.name.to_string());
        }
        let from = tick.elapsed.saturating_sub(tick.length);
        self.marks.status(status, from, tick.elapsed);
        let rules = tick.by_operation.iter().flat_map(|account| account.rules.each().map(|(name, _)| name));
        self.marks.rules(rules, from, tick.elapsed, self.step);
        let in_flight = tick.total.iter().map(|account| account.in_flight);
        let parts = tick.by_operation.iter().zip(in_flight.clone());
        self.keep(Point {
            from,
            until: tick.elapsed,
            total: Part::of(tick.interval, in_flight.sum()),
            operations: parts.map(|(account, in_flight)| Part::of(account, in_flight)).collect(),
        });
    }

    /// Thresholds as they stand at `now`, which is since the first slot.
    pub(crate) fn judged(&mut self, now: Duration, standing: &[Standing]) {
        let crossed = standing.iter().filter(|one| one.holds == Some(false)).map(|one| one.text.as_str());
        self.marks.crossed(crossed, now);
    }

    /// The scenario was exchanged for another at `now`.
    pub fn reloaded(&mut self, now: Duration, words: &str) {
        self.marks.reloaded(now, words);
    }

    fn keep(&mut self, point: Point) {
        match self.points.last_mut() {
            // What ended after the last second is over belongs to that: it has no length of its own.
            Some(last) if is_one(last, &point, self.step) => {
                self.bytes -= last.bytes();
                last.merge(point, &mut self.scratch);
                self.bytes += last.bytes();
            }
            _ => {
                self.bytes += point.bytes();
                self.points.push(point);
            }
        }
        while self.points.len() > POINTS_MAX || self.bytes > self.bytes_max && self.points.len() > POINTS_MIN {
            self.halve();
        }
    }

    /// Merges neighbours.
    fn halve(&mut self) {
        self.step *= 2;
        let points = std::mem::take(&mut self.points);
        for point in points {
            match self.points.last_mut() {
                Some(last) if is_one(last, &point, self.step) => last.merge(point, &mut self.scratch),
                _ => self.points.push(point),
            }
        }
        self.bytes = self.points.iter().map(Point::bytes).sum();
        self.marks.coarsen(self.step);
    }

    /// All of it.
    pub fn figures(&self) -> Figures {
        self.figures_from(0)
    }

    /// The last point alone, which takes the place of the one that starts at the same instant, or follows it. If its step is
    /// another one than before, all points are.
    pub fn latest(&self) -> Figures {
        self.figures_from(self.points.len().saturating_sub(1))
    }

    fn figures_from(&self, first: usize) -> Figures {
        Figures::new(self.step, &self.points[first..], &self.names, self.marks.all())
    }
}

/// Whether a point goes into the one before it. Half a second more or less makes none: seconds are never quite.
fn is_one(last: &Point, next: &Point, step: Duration) -> bool {
    next.from == next.until || next.until.saturating_sub(last.from) <= step + STEP / 2
}

#[cfg(test)]
mod tests;
