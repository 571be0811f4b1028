//! Many numbers in few bytes: of variable length, and histograms as the buckets that are not empty.
//!
//! Invariant: what is packed with a [`Grain`] is a whole number of its buckets, so that packing what was unpacked changes
//! nothing.

use crate::account::Durations;

/// How finely durations are told apart: a bucket holds what differs by less than a share of it, and small ones are exact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grain {
    /// Buckets for each power of two; a power of two itself.
    steps: u64,
}

impl Grain {
    /// With so many buckets for each power of two.
    pub(crate) const fn new(steps: u64) -> Grain {
        assert!(steps.is_power_of_two(), "buckets are told apart by bits");
        Grain { steps }
    }

    /// Durations below this many microseconds have a bucket each.
    pub(crate) const fn exact(self) -> u64 {
        2 * self.steps
    }

    /// The bucket of a duration in microseconds.
    pub(crate) const fn bucket(self, us: u64) -> u64 {
        if us < self.exact() {
            return us;
        }
        let power = us.ilog2() as u64;
        let step = (us >> (power - self.steps.ilog2() as u64)) - self.steps;
        self.exact() + (power - self.exact().ilog2() as u64) * self.steps + step
    }

    /// The longest duration of a bucket, in microseconds.
    pub(crate) const fn longest_us(self, bucket: u64) -> u64 {
        let Some(beyond) = bucket.checked_sub(self.exact()) else { return bucket };
        let (power, step) = (beyond / self.steps + 1, beyond % self.steps);
        ((self.steps + step + 1) << power) - 1
    }
}

/// Writes numbers one behind the other.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    /// Seven bits to a byte, the lowest first; the eighth says that more follow.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// All of them.
    pub(crate) fn durations(&mut self, durations: &Durations, grain: Grain) {
        self.buckets(durations.each_us().map(|(us, count)| (grain.bucket(us), count)));
    }

    /// Buckets that only grow, with how many are in each: pairs of how many and how many buckets further, and a nothing at
    /// the end.
    pub(crate) fn buckets(&mut self, buckets: impl Iterator<Item = (u64, u64)>) {
        let mut last = 0;
        let mut held: Option<(u64, u64)> = None;
        for (bucket, count) in buckets {
            match &mut held {
                Some((same, sum)) if *same == bucket => *sum += count,
                held => {
                    if let Some((done, sum)) = held.replace((bucket, count)) {
                        self.number(sum);
                        self.number(done - last);
                        last = done;
                    }
                }
            }
        }
        if let Some((done, sum)) = held {
            self.number(sum);
            self.number(done - last);
        }
        self.number(0);
    }
}

/// Reads what a [`Writer`] wrote, and nothing else ever.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    /// The next number; 0 behind the last one.
    pub(crate) fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let Some((byte, rest)) = self.0.split_first() else { break };
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    /// The next histogram: each bucket that is not empty, with how many are in it.
    pub(crate) fn each_bucket(&mut self, mut take: impl FnMut(u64, u64)) {
        let mut bucket = 0;
        loop {
            match self.number() {
                0 => return,
                count => {
                    bucket += self.number();
                    take(bucket, count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_what_is_near(us in 0..3_600_000_000_u64, power in 1..8_u32) {
            let grain = Grain::new(1 << power);
            let longest = grain.longest_us(grain.bucket(us));
            prop_assert!(longest >= us && (longest - us) as f64 <= us as f64 / f64::from(1 << power), "{} {}", us, longest);
            prop_assert_eq!(grain.bucket(longest), grain.bucket(us));
            prop_assert_eq!(grain.bucket(longest + 1), grain.bucket(us) + 1);
        }

        #[test]
        fn numbers_of_any_size_come_back(numbers in prop::collection::vec(any::<u64>(), 0..20)) {
            let mut writer = Writer::default();
            numbers.iter().for_each(|number| writer.number(*number));
            let mut reader = Reader(&writer.0);
            for number in &numbers {
                prop_assert_eq!(reader.number(), *number);
            }
            prop_assert_eq!(reader.number(), 0);
        }
    }
}
