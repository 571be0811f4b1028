//! Schedules: exact to the nanosecond, alike under any sharding, for longer than anybody runs them.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use proptest::prelude::*;

use super::{Schedule, Slot, Spacing};

const DAY: Duration = Duration::from_secs(86_400);

/// A stand-in for the keyed draws of `shared`: splitmix64, of which only uniformity matters here.
fn draw(seed: u64, n: u64) -> f64 {
    let mut z = seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

pub(super) fn schedule(spacing: Spacing, events: u64, seconds: u64) -> Schedule {
    Schedule {
        spacing,
        warp: None,
        events: NonZeroU64::new(events).unwrap(),
        seconds: NonZeroU64::new(seconds).unwrap(),
        phase: Duration::ZERO,
        seed: 7,
        draw,
    }
}

fn workers(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn first(schedule: &Schedule, n: usize) -> Vec<Slot> {
    schedule.slots(0, NonZeroU32::MIN).take(n).collect()
}

#[test]
fn uniform_slots_are_due_where_arithmetic_says_to_the_nanosecond() {
    for (events, seconds, seq, due_ns) in [
        (10, 1, 0, 0),
        (10, 1, 7, 700_000_000),
        (3, 1, 1, 333_333_333),
        (3, 1, 2, 666_666_666),
        (3, 1, 3, 1_000_000_000),
        (30_000, 1, 29_999, 999_966_666),
        (30_000, 1, 30_000, 1_000_000_000),
        (1, 3_600, 24, 86_400_000_000_000),
        (10, 3, 10, 3_000_000_000),
        // A year of 72 000/s: not a nanosecond lost.
        (72_000, 1, 72_000 * 31_536_000, 31_536_000_000_000_000),
    ] {
        let schedule = schedule(Spacing::Uniform, events, seconds);
        let slot = schedule.slots(0, workers(1)).at(seq);
        assert_eq!(slot, Some(Slot { seq, due: Duration::from_nanos(due_ns) }), "{events}/{seconds}s, slot {seq}");
    }
}

#[test]
fn the_phase_moves_uniform_slots_and_leaves_poisson_alone() {
    let phase = Duration::from_millis(25);
    let uniform = schedule(Spacing::Uniform, 10, 1);
    let moved: Vec<Slot> = first(&Schedule { phase, ..uniform.clone() }, 5);
    for (plain, moved) in first(&uniform, 5).into_iter().zip(moved) {
        assert_eq!(plain.due + phase, moved.due);
    }
    let poisson = schedule(Spacing::Poisson, 10, 1);
    assert_eq!(first(&poisson, 100), first(&Schedule { phase, ..poisson.clone() }, 100));
}

#[test]
fn slots_run_to_the_end_of_their_numbers_and_stop() {
    let mut slots = schedule(Spacing::Uniform, 10_000_000, 1).slots(0, workers(1));
    slots.head = slots.at(u64::MAX - 1);
    let end: Vec<u64> = slots.map(|slot| slot.seq).collect();
    assert_eq!(end, [u64::MAX - 1, u64::MAX]);
    // The slowest rate there is: the second slot would be due after 2⁶⁴−1 seconds, the third never.
    let slowest = first(&schedule(Spacing::Uniform, 1, u64::MAX), 10);
    assert_eq!(slowest.len(), 2);
    assert_eq!(slowest[1].due, Duration::from_secs(u64::MAX));
}

/// Kolmogorov–Smirnov on the gaps at 1 ‰, and the count after a simulated day against the mean: drift would show in the
/// second, a wrong distribution in the first.
#[test]
fn poisson_gaps_are_exponential_and_do_not_drift() {
    let n = 100_000;
    let slots = first(&schedule(Spacing::Poisson, 1_000, 1), n);
    let mut gaps: Vec<f64> = slots.windows(2).map(|pair| (pair[1].due - pair[0].due).as_secs_f64() * 1_000.0).collect();
    gaps.sort_by(f64::total_cmp);
    let count = gaps.len() as f64;
    let distance = gaps
        .iter()
        .enumerate()
        .map(|(rank, gap)| {
            let expected = 1.0 - (-gap).exp();
            (expected - rank as f64 / count).abs().max((expected - (rank + 1) as f64 / count).abs())
        })
        .fold(0.0, f64::max);
    assert!(distance < 1.95 / count.sqrt(), "distance {distance}");

    let planned = schedule(Spacing::Poisson, 10, 1).planned_by(DAY);
    let mean: f64 = 864_000.0;
    assert!((planned as f64 - mean).abs() < 4.0 * mean.sqrt(), "planned {planned}");
}

#[test]
fn poisson_streams_of_different_seeds_differ() {
    let one = schedule(Spacing::Poisson, 10, 1);
    assert_eq!(first(&one, 50), first(&one, 50));
    assert_ne!(first(&one, 50), first(&Schedule { seed: 8, ..one.clone() }, 50));
}

fn spacings() -> impl Strategy<Value = Spacing> {
    prop::sample::select(vec![
        Spacing::Uniform,
        Spacing::Poisson,
        Spacing::Burst { size: NonZeroU32::new(7).unwrap(), within: Duration::from_millis(5) },
    ])
}

proptest! {
    #[test]
    fn any_sharding_yields_the_same_slots_as_one_worker(
        spacing in spacings(),
        events in 1_u64..=10_000_000,
        seconds in 1_u64..=1_000_000,
        phase_ns in 0_u64..2_000_000_000,
        seed: u64,
        n_workers in 1_u32..=9,
    ) {
        let schedule = Schedule { phase: Duration::from_nanos(phase_ns), seed, ..schedule(spacing, events, seconds) };
        let whole = first(&schedule, 100);
        let mut sharded: Vec<Slot> = Vec::new();
        for worker in 0..n_workers {
            let own: Vec<Slot> = schedule.slots(worker, workers(n_workers)).take_while(|slot| slot.seq < 100).collect();
            prop_assert!(own.iter().all(|slot| slot.seq % u64::from(n_workers) == u64::from(worker)));
            sharded.extend(own);
        }
        sharded.sort_by_key(|slot| slot.seq);
        prop_assert_eq!(sharded, whole);
    }

    #[test]
    fn time_never_runs_backwards_and_peek_announces_next(
        spacing in spacings(), events: NonZeroU64, seconds: NonZeroU64, seed: u64,
    ) {
        let mut slots = Schedule { events, seconds, seed, ..schedule(spacing, 1, 1) }.slots(0, workers(1));
        let mut last = Duration::ZERO;
        for _ in 0..50 {
            let announced = slots.peek();
            let slot = slots.next();
            prop_assert_eq!(announced, slot);
            let Some(slot) = slot else { break };
            prop_assert!(slot.due >= last);
            last = slot.due;
        }
    }

    /// The closed form against its definition, near a slot's instant and anywhere.
    #[test]
    fn planned_by_counts_the_slots_before(
        spacing in spacings(),
        events in 1_u64..=1_000_000,
        seconds in 1_u64..=1_000,
        phase_ns in 0_u64..2_000_000_000,
        n in 0_usize..200,
        offset_ns in -2_i64..=2,
    ) {
        let schedule = Schedule { phase: Duration::from_nanos(phase_ns), ..schedule(spacing, events, seconds) };
        let slots = first(&schedule, 400);
        let at = slots[n].due;
        let t = if offset_ns < 0 {
            at.saturating_sub(Duration::from_nanos(offset_ns.unsigned_abs()))
        } else {
            at + Duration::from_nanos(offset_ns.unsigned_abs())
        };
        prop_assume!(t <= slots[399].due);
        let counted = slots.iter().filter(|slot| slot.due < t).count() as u64;
        prop_assert_eq!(schedule.planned_by(t), counted);
    }

    /// For any schedule at all, near and far: slot n is due at or after t exactly when it is not among those planned by t.
    #[test]
    fn planned_by_is_the_inverse_of_due(events: NonZeroU64, seconds: NonZeroU64, seq: u64) {
        let schedule = Schedule { events, seconds, ..schedule(Spacing::Uniform, 1, 1) };
        let mut slots = schedule.slots(0, workers(1));
        if let Some(slot) = slots.at(seq) {
            prop_assert!(schedule.planned_by(slot.due) <= seq);
            if let Some(after) = slot.due.checked_add(Duration::from_nanos(1)) {
                prop_assert!(schedule.planned_by(after) > seq || seq == u64::MAX);
            }
        }
    }
}
