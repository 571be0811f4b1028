//! A histogram of durations in few bytes, for a point of a chart.

use crate::account::Durations;
use crate::packing::{Grain, Reader, Writer};

/// A bucket is a 32nd to a 64th of what it holds.
const GRAIN: Grain = Grain::new(32);
/// Buckets of a heat map for each power of two: each a whole number of ours.
const HEAT: Grain = Grain::new(4);
/// A heat map begins here, in microseconds; all that is shorter is in its first bucket.
const HEAT_SHORTEST_US: u64 = 64;
/// And ends here, about 67 s; all that is longer is in its last bucket.
const HEAT_LONGEST_US: u64 = (1 << 26) - 1;
/// Buckets of a heat map.
const HEAT_BUCKETS: usize = (HEAT.bucket(HEAT_LONGEST_US) - HEAT.bucket(HEAT_SHORTEST_US) + 3) as usize;

/// Durations to 3 %. Nothing takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sketch {
    packed: Box<[u8]>,
    longest_us: u64,
}

/// For merging, kept from time to time.
#[derive(Debug, Default)]
pub(super) struct Scratch(Vec<(u64, u64)>);

impl Sketch {
    /// Of what was measured.
    pub(super) fn of(durations: &Durations) -> Sketch {
        let Some(longest) = durations.max() else { return Sketch::default() };
        let mut writer = Writer::default();
        writer.durations(durations, GRAIN);
        Sketch { packed: writer.0.into(), longest_us: us(longest) }
    }

    /// Adds another's durations.
    pub(super) fn merge(&mut self, other: &Sketch, scratch: &mut Scratch) {
        if other.packed.is_empty() {
            return;
        }
        if self.packed.is_empty() {
            self.clone_from(other);
            return;
        }
        let Scratch(buckets) = scratch;
        buckets.clear();
        self.each_bucket(|bucket, count| buckets.push((bucket, count)));
        other.each_bucket(|bucket, count| buckets.push((bucket, count)));
        buckets.sort_unstable();
        let mut writer = Writer::default();
        writer.buckets(buckets.iter().copied());
        *self = Sketch { packed: writer.0.into(), longest_us: self.longest_us.max(other.longest_us) };
    }

    /// The durations, in microseconds, that these shares of all were not longer than, and the longest; nothing if there were
    /// none. Shares grow.
    pub(super) fn quantiles_us<const N: usize>(&self, shares: [f64; N]) -> Option<([u64; N], u64)> {
        if self.packed.is_empty() {
            return None;
        }
        let mut count = 0;
        self.each_bucket(|_, held| count += held);
        let ranks = shares.map(|share| (share * count as f64).ceil() as u64);
        let mut found = [self.longest_us; N];
        let (mut seen, mut next) = (0, 0);
        self.each_bucket(|bucket, held| {
            seen += held;
            while next < N && ranks[next] <= seen {
                found[next] = GRAIN.longest_us(bucket).min(self.longest_us);
                next += 1;
            }
        });
        Some((found, self.longest_us))
    }

    /// A row of a heat map: how many are in each of its buckets from the shortest on, where `-n` stands for `n` without any.
    pub(super) fn heat(&self) -> Vec<i64> {
        let mut row: Vec<i64> = Vec::new();
        // The bucket behind the last one written.
        let mut end = 0;
        self.each_bucket(|bucket, count| {
            let (at, count) = (heat_bucket(GRAIN.longest_us(bucket)), i64::try_from(count).unwrap_or(i64::MAX));
            if at < end {
                *row.last_mut().expect("a bucket was written, as `end` is behind it") += count;
                return;
            }
            if at > end {
                row.push(-((at - end) as i64));
            }
            row.push(count);
            end = at + 1;
        });
        row
    }

    /// How much memory it takes beside its own size.
    pub(super) fn bytes(&self) -> usize {
        self.packed.len()
    }

    fn each_bucket(&self, take: impl FnMut(u64, u64)) {
        Reader(&self.packed).each_bucket(take);
    }
}

fn us(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn heat_bucket(us: u64) -> usize {
    match us {
        ..HEAT_SHORTEST_US => 0,
        _ => (HEAT.bucket(us.min(HEAT_LONGEST_US + 1)) - HEAT.bucket(HEAT_SHORTEST_US) + 1) as usize,
    }
}

/// Up to where each bucket of a heat map goes, in milliseconds, those of that very length not in it; the last one has no end.
pub(super) fn heat_bounds_ms() -> Vec<f64> {
    let first = HEAT.bucket(HEAT_SHORTEST_US);
    let bounds = (0..HEAT_BUCKETS as u64 - 1).map(|bucket| (HEAT.longest_us(first + bucket) + 1) as f64 / 1e3);
    std::iter::once(HEAT_SHORTEST_US as f64 / 1e3).chain(bounds).take(HEAT_BUCKETS - 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn durations(us: &[u64]) -> Durations {
        let mut durations = Durations::default();
        us.iter().for_each(|us| durations.record_many_us(*us, 1));
        durations
    }

    /// The counts of a row, bucket by bucket.
    fn counts(row: &[i64]) -> Vec<i64> {
        let mut counts = Vec::new();
        for number in row {
            match number {
                ..0 => counts.resize(counts.len() + number.unsigned_abs() as usize, 0),
                _ => counts.push(*number),
            }
        }
        counts
    }

    #[test]
    fn a_heat_map_has_a_place_for_everything() {
        let bounds = heat_bounds_ms();
        assert_eq!(bounds.len(), HEAT_BUCKETS - 1);
        assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        assert_eq!((bounds[0], bounds[4]), (0.064, 0.128));
        for (us, bucket) in
            [(1, 0), (63, 0), (64, 1), (79, 1), (80, 2), (1_000_000, 56), (3_599_999_999, HEAT_BUCKETS - 1)]
        {
            let row = counts(&Sketch::of(&durations(&[us])).heat());
            let upper = bounds.get(bucket).copied().unwrap_or(f64::INFINITY);
            assert_eq!(row.len(), bucket + 1, "{us}");
            assert!((us as f64) < upper * 1e3, "{us} {upper}");
        }
        assert_eq!(Sketch::of(&durations(&[70, 70, 90, 1_000])).heat()[..4], [-1, 2, 1, -13]);
        assert!(Sketch::default().heat().is_empty() && Sketch::default().quantiles_us([0.5]).is_none());
    }

    proptest! {
        #[test]
        fn merging_is_exact(a in prop::collection::vec(1..100_000_000_u64, 0..50), b in prop::collection::vec(1..100_000_000_u64, 0..50)) {
            let (mut one, other) = (Sketch::of(&durations(&a)), Sketch::of(&durations(&b)));
            one.merge(&other, &mut Scratch::default());
            let both = durations(&[a, b].concat());
            prop_assert_eq!(&one, &Sketch::of(&both));
            prop_assert_eq!(counts(&one.heat()).iter().sum::<i64>() as u64, both.count());
        }

        #[test]
        fn quantiles_are_near(us in prop::collection::vec(1..100_000_000_u64, 1..200)) {
            let durations = durations(&us);
            let shares = [0.5, 0.9, 0.99];
            let (found, longest) = Sketch::of(&durations).quantiles_us(shares).unwrap();
            for (share, found) in shares.into_iter().zip(found) {
                let exact = durations.quantile(share).unwrap().as_micros() as f64;
                prop_assert!(found as f64 >= exact * 0.999 && found as f64 <= exact * 1.034 + 1.0, "{} {}", found, exact);
            }
            prop_assert_eq!(longest, us_of(durations.max()));
        }
    }

    fn us_of(duration: Option<std::time::Duration>) -> u64 {
        duration.map_or(0, us)
    }
}
