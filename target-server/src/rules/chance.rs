//! Which of the matched requests a rule strikes: a share of them, or every so many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::units::Ppm;

/// Who decides.
#[derive(Debug)]
pub(super) enum Chance {
    /// The request's own draw: the same request has the same fate.
    Percent { percent: Ppm, ramp: Option<Ramp> },
    /// The order of arrival: exact counts, whoever sends what at the same time.
    Every { n: u64, offset: u64, turns: AtomicU64 },
}

/// The share grows, or shrinks, on a straight line from `from` at the rule's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    pub(super) from: Ppm,
    /// Not zero.
    pub(super) over: Duration,
}

impl Chance {
    pub(super) fn every(n: u64, offset: u64) -> Chance {
        Chance::Every { n, offset, turns: AtomicU64::new(0) }
    }

    /// Whether this request is struck; `u` in [0, 1) is its draw, `age` the time since the rule's start.
    pub(super) fn falls(&self, age: Duration, u: impl FnOnce() -> f64) -> bool {
        match self {
            Chance::Percent { percent, ramp } => {
                let share = ramp.map_or(percent.fraction(), |ramp| ramp.share(*percent, age));
                share >= 1.0 || (share > 0.0 && u() < share)
            }
            Chance::Every { n, offset, turns } => turns.fetch_add(1, Ordering::Relaxed) % n == *offset,
        }
    }

    /// The share that is struck once a ramp is over.
    pub(super) fn share(&self) -> f64 {
        match self {
            Chance::Percent { percent, .. } => percent.fraction(),
            Chance::Every { n, .. } => 1.0 / *n as f64,
        }
    }
}

impl Ramp {
    fn share(self, to: Ppm, age: Duration) -> f64 {
        let progress = (age.as_secs_f64() / self.over.as_secs_f64()).min(1.0);
        self.from.fraction() + (to.fraction() - self.from.fraction()) * progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_a_straight_line_that_ends() {
        let ppm = |percent: u32| Ppm::new(percent * 10_000).unwrap();
        let ramp = Ramp { from: ppm(10), over: Duration::from_secs(100) };
        for (age, share) in [(0, 0.1), (50, 0.3), (100, 0.5), (1000, 0.5)] {
            assert!((ramp.share(ppm(50), Duration::from_secs(age)) - share).abs() < 1e-9, "{age}");
        }
    }

    #[test]
    fn nothing_is_drawn_where_nothing_is_left_to_chance() {
        let whole = |percent| Chance::Percent { percent, ramp: None };
        let never = || -> f64 { panic!("no draw is needed") };
        assert!(whole(Ppm::ONE).falls(Duration::ZERO, never));
        assert!(!whole(Ppm::ZERO).falls(Duration::ZERO, never));
        let third = Chance::every(3, 1);
        let fallen: Vec<bool> = (0..6).map(|_| third.falls(Duration::ZERO, never)).collect();
        assert_eq!(fallen, [false, true, false, false, true, false]);
    }
}
