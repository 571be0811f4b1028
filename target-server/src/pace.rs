//! A steady number of bytes per second.

use std::time::Duration;

use tokio::time::Instant;

/// Writes per second of a paced answer whose write size was not asked for: fine enough to look steady.
const WRITES_PER_S: u64 = 20;

/// Says when each piece of a stream has been earned. A piece goes out when its last byte has been, so that the whole
/// takes size / rate, as the caller expects.
#[derive(Debug)]
pub(crate) struct Pace {
    rate_bytes_per_s: u64,
    started: Option<Instant>,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(rate_bytes_per_s: u64) -> Pace {
        Pace { rate_bytes_per_s: rate_bytes_per_s.max(1), started: None, bytes: 0 }
    }

    /// How large a piece should be at most, at this rate.
    pub(crate) fn piece_bytes(&self) -> u64 {
        (self.rate_bytes_per_s / WRITES_PER_S).max(1)
    }

    /// How long to wait from `now` until `bytes` more have been earned.
    pub(crate) fn wait(&mut self, bytes: u64, now: Instant) -> Duration {
        // The caller bounds it: what is beyond its deadline is an error there, not a wait.
        let started = *self.started.get_or_insert(now);
        self.bytes += bytes;
        let earned_ns = u128::from(self.bytes) * 1_000_000_000 / u128::from(self.rate_bytes_per_s);
        let earned = Duration::from_nanos(u64::try_from(earned_ns).unwrap_or(u64::MAX));
        earned.saturating_sub(now.saturating_duration_since(started))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_takes_size_over_rate_whatever_the_pieces() {
        for pieces in [vec![1000], vec![1; 1000], vec![300, 1, 699]] {
            let mut pace = Pace::new(500);
            let start = Instant::now();
            let mut now = start;
            for bytes in pieces {
                now += pace.wait(bytes, now);
            }
            assert_eq!(now - start, Duration::from_secs(2));
        }
    }

    #[test]
    fn a_late_piece_is_not_made_later() {
        let mut pace = Pace::new(1000);
        let start = Instant::now();
        pace.wait(100, start);
        assert_eq!(pace.wait(100, start + Duration::from_secs(1)), Duration::ZERO);
    }
}
