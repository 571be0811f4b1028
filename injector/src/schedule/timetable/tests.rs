//! Turns: whatever they are and however many workers there are, no slot is lost, and none is due twice.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::tests::schedule;
use super::super::{Recording, Scale, Schedule, Shape, Slot, Spacing, Warp};
use super::Timetable;

/// A turn, and how a worker came to it.
#[derive(Clone, Debug)]
struct Turn {
    at: Duration,
    schedule: Option<Schedule>,
}

fn workers(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

/// What one worker takes, when it looks only at some instants: everything that is due by then, a turn once all before it is
/// taken. In the order in which it takes it.
fn taken(turns: &[Turn], end: Duration, worker: u32, n_workers: u32) -> Vec<Slot> {
    let mut timetable = Timetable::new(worker, workers(n_workers));
    let mut slots = Vec::new();
    let mut ends = turns.iter().skip(1).map(|turn| turn.at).chain([end]);
    for turn in turns {
        timetable.turn(turn.at, turn.schedule.as_ref());
        let until = ends.next().unwrap();
        while let Some(slot) = timetable.peek().filter(|slot| slot.due < until) {
            timetable.next();
            slots.push(slot);
        }
    }
    slots
}

fn spacings() -> impl Strategy<Value = Spacing> {
    let burst = (1_u32..20, 0_u64..40).prop_map(|(size, ms)| Spacing::Burst {
        size: NonZeroU32::new(size).unwrap(),
        within: Duration::from_millis(ms),
    });
    let replay = (prop::collection::vec(0_u64..5_000, 1..40), any::<bool>()).prop_map(|(mut offsets, repeats)| {
        offsets.sort_unstable();
        let offsets: Vec<Duration> = offsets.into_iter().map(Duration::from_millis).collect();
        Spacing::Replay(Arc::new(Recording::new(&offsets, repeats).unwrap()))
    });
    prop_oneof![Just(Spacing::Uniform), Just(Spacing::Poisson), burst, replay]
}

fn scale(thousandths: u32) -> Scale {
    let (whole, part) = (thousandths / 1_000, thousandths % 1_000);
    format!("{whole}.{part:03}%").parse().unwrap()
}

fn shapes() -> impl Strategy<Value = Option<Arc<Shape>>> {
    let ramp = (0_u32..300_000, 0_u32..300_000, 1_u64..5_000)
        .prop_map(|(from, to, ms)| Shape::ramp(scale(from), scale(to), Duration::from_millis(ms)));
    let sine = (0_u32..=100_000, 1_u64..3_000).prop_map(|(by, ms)| Shape::sine(scale(by), Duration::from_millis(ms)));
    let steps = prop::collection::vec((0_u32..300_000, 1_u64..1_000), 1..6).prop_map(|steps| {
        let steps: Vec<(Scale, Duration)> =
            steps.into_iter().map(|(by, ms)| (scale(by), Duration::from_millis(ms))).collect();
        Shape::steps(&steps)
    });
    prop_oneof![Just(None), ramp, sine, steps].prop_map(|shape| shape.map(Arc::new))
}

/// Turns of one stream in the first ten seconds: rates change, its shape goes on, some turns silence it.
fn courses() -> impl Strategy<Value = Vec<Turn>> {
    let turn = (1_u64..2_500_000_000, prop::option::weighted(0.8, (1_u64..2_000, 1_u64..20)));
    let turns = prop::collection::vec(turn, 1..8);
    (spacings(), shapes(), turns, any::<u64>()).prop_map(|(spacing, shape, turns, seed)| {
        let mut at = 0;
        let mut course = Vec::new();
        for (index, (later_ns, rate)) in turns.into_iter().enumerate() {
            at += if index == 0 { 0 } else { later_ns };
            let at = Duration::from_nanos(at);
            let bends = matches!(spacing, Spacing::Uniform | Spacing::Poisson);
            let schedule = rate.map(|(events, seconds)| Schedule {
                seed,
                warp: shape.clone().filter(|_| bends).map(|shape| Warp::new(shape, at)),
                events: NonZeroU64::new(events).unwrap(),
                seconds: NonZeroU64::new(seconds).unwrap(),
                ..schedule(spacing.clone(), 1, 1)
            });
            course.push(Turn { at, schedule });
        }
        course
    })
}

proptest! {
    #[test]
    fn all_workers_together_take_what_one_alone_would(turns in courses(), n_workers in 1_u32..=9) {
        let end = turns.last().unwrap().at + Duration::from_secs(1);
        let whole = taken(&turns, end, 0, 1);
        let numbers: Vec<u64> = whole.iter().map(|slot| slot.seq).collect();
        prop_assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "lost or twice: {:?}", numbers);
        prop_assert!(whole.is_sorted_by_key(|slot| slot.due));
        let mut shared = Vec::new();
        for worker in 0..n_workers {
            let own = taken(&turns, end, worker, n_workers);
            prop_assert!(own.iter().all(|slot| slot.seq % u64::from(n_workers) == u64::from(worker)));
            shared.extend(own);
        }
        shared.sort_by_key(|slot| slot.seq);
        prop_assert_eq!(shared, whole);
    }

    /// As many as the area under the rate says, whatever the cuts.
    #[test]
    fn the_number_of_uniform_slots_is_the_area_of_their_rates(
        turns in prop::collection::vec((1_u64..3_000, 0_u64..500), 1..10),
        phase_share in 0_u32..100,
    ) {
        let first = turns[0].1.max(1);
        let phase = Duration::from_secs(1) * phase_share / 100 / u32::try_from(first).unwrap();
        let (mut at, mut area, mut course) = (Duration::ZERO, 0.0, Vec::new());
        for (index, (ms, events)) in turns.iter().enumerate() {
            let events = if index == 0 { first } else { *events };
            let schedule = (events > 0).then(|| Schedule { phase, ..schedule(Spacing::Uniform, events, 1) });
            course.push(Turn { at, schedule });
            area += *ms as f64 / 1_000.0 * events as f64;
            at += Duration::from_millis(*ms);
        }
        let count = taken(&course, at, 0, 1).len() as f64;
        let expected = area - f64::from(phase_share) / 100.0;
        // Slot n is due when the area is n past the phase's share; nanoseconds decide only on the very edge.
        prop_assert!((count - expected).abs() <= 1.0 + 1e-3, "{} slots of {}", count, expected);
    }

    /// A turn to what holds already is none: at most its rounding.
    #[test]
    fn turns_that_change_nothing_move_nothing(
        spacing in spacings(),
        events in 1_u64..500,
        cuts in prop::collection::vec(1_u64..500_000_000, 0..10),
        seed: u64,
    ) {
        let schedule = Schedule { seed, ..schedule(spacing, events, 1) };
        let mut at = Duration::ZERO;
        let mut turns = vec![Turn { at, schedule: Some(schedule.clone()) }];
        for ns in cuts {
            at += Duration::from_nanos(ns);
            turns.push(Turn { at, schedule: Some(schedule.clone()) });
        }
        let end = at + Duration::from_secs(1);
        let cut = taken(&turns, end, 0, 1);
        let whole = taken(&turns[..1], end, 0, 1);
        prop_assert!(cut.len().abs_diff(whole.len()) <= 1);
        for (cut, whole) in cut.iter().zip(&whole) {
            let off = cut.due.abs_diff(whole.due);
            prop_assert!(off <= Duration::from_nanos(20), "{:?} for {:?}", cut, whole);
        }
    }

    /// Slot n of a bent stream is due before t exactly when it is among those planned by t.
    #[test]
    fn planned_by_is_the_inverse_of_due_under_any_shape(
        shape in shapes(), events in 1_u64..100_000, t_ns in 0_u64..5_000_000_000, phase_ns in 0_u64..1_000_000,
    ) {
        let warp = shape.map(|shape| Warp::new(shape, Duration::from_millis(3)));
        let phase = Duration::from_nanos(phase_ns);
        let schedule = Schedule { warp, phase, ..schedule(Spacing::Uniform, events, 1) };
        let t = Duration::from_nanos(t_ns);
        let planned = schedule.planned_by(t);
        let mut slots = schedule.slots(0, NonZeroU32::MIN);
        if let Some(last) = planned.checked_sub(1) {
            prop_assert!(slots.at(last).unwrap().due < t);
        }
        prop_assert!(slots.at(planned).is_none_or(|slot| slot.due >= t));
    }
}

#[test]
fn a_slow_stream_keeps_its_rate_however_often_it_is_turned() {
    let hourly = schedule(Spacing::Uniform, 1, 3_600);
    let double = Schedule { events: NonZeroU64::new(2).unwrap(), ..hourly.clone() };
    let minutes = |n: u64| Duration::from_secs(60 * n);
    // Every minute a turn, every other one to twice the rate: one and a half an hour.
    let turn = |minute: u64| Turn {
        at: minutes(minute),
        schedule: Some(if minute.is_multiple_of(2) { hourly.clone() } else { double.clone() }),
    };
    let turns: Vec<Turn> = (0..60 * 24).map(turn).collect();
    assert_eq!(taken(&turns, minutes(60 * 24), 0, 1).len(), 36);
}

#[test]
fn silence_neither_loses_nor_makes_up_for_slots() {
    let ten = schedule(Spacing::Uniform, 10, 1);
    let ms = Duration::from_millis;
    let turns = [
        Turn { at: ms(0), schedule: Some(ten.clone()) },
        Turn { at: ms(250), schedule: None },
        Turn { at: ms(10_000), schedule: Some(ten) },
    ];
    let due: Vec<Duration> = taken(&turns, ms(10_300), 0, 1).into_iter().map(|slot| slot.due).collect();
    assert_eq!(due, [ms(0), ms(100), ms(200), ms(10_050), ms(10_150), ms(10_250)]);
}

#[test]
fn arrivals_are_due_where_one_expects_them() {
    let ms = |ms: &[u64]| ms.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
    let size = NonZeroU32::new(4).unwrap();
    let offsets = ms(&[100, 100, 350]);
    let replay = |repeats| Spacing::Replay(Arc::new(Recording::new(&offsets, repeats).unwrap()));
    // Three lines whose mean gap is 125 ms: a play of 475 ms at 3 per 0.475 s.
    let own = |repeats| schedule(replay(repeats), 3_000, 475);
    let bent = |shape: Option<Shape>, events| Schedule {
        warp: Some(Warp::new(Arc::new(shape.unwrap()), Duration::ZERO)),
        ..schedule(Spacing::Uniform, events, 1)
    };
    let second = Duration::from_secs(1);
    let cases: Vec<(&str, Schedule, Vec<Duration>)> = vec![
        (
            "bursts of four within 8 ms",
            schedule(Spacing::Burst { size, within: Duration::from_millis(8) }, 8, 1),
            ms(&[0, 2, 4, 6, 500, 502]),
        ),
        (
            "a burst fits before the next",
            schedule(Spacing::Burst { size, within: 9 * second }, 8, 1),
            ms(&[0, 125, 250, 375, 500]),
        ),
        (
            "silence is left at its end",
            bent(Shape::steps(&[(Scale::FULL, second), (Scale::ZERO, second), (scale(50_000), second)]), 2),
            ms(&[0, 500, 2_000, 3_000, 4_000]),
        ),
    ];
    for (case, schedule, due) in cases {
        let slots: Vec<Duration> = schedule.slots(0, workers(1)).take(due.len()).map(|slot| slot.due).collect();
        assert_eq!(slots, due, "{case}");
    }
    let near = |schedule: &Schedule, due: &[u64]| {
        let slots: Vec<Duration> = schedule.slots(0, workers(1)).take(due.len() + 1).map(|slot| slot.due).collect();
        assert!(slots.len() >= due.len(), "{slots:?}");
        for (slot, due) in slots.iter().zip(ms(due)) {
            assert!(slot.abs_diff(due) < Duration::from_micros(2), "{slots:?}");
        }
        slots.len()
    };
    assert_eq!(near(&own(false), &[100, 100, 350]), 3, "once, then no more");
    assert_eq!(near(&own(true), &[100, 100, 350, 575, 575, 825]), 7);
    // From nothing to 100/s within a second: slot n at √(n / 50).
    let ramp = bent(Shape::ramp(Scale::ZERO, Scale::FULL, second), 100);
    assert_eq!(ramp.planned_by(second), 50);
    near(&ramp, &[0]);
    let slot = ramp.slots(0, workers(1)).nth(8).unwrap();
    assert!(slot.due.abs_diff(Duration::from_millis(400)) < Duration::from_micros(1), "{slot:?}");
    // A whole wave is as much as no wave.
    let wave = bent(Shape::sine(scale(80_000), second), 1_000);
    for seconds in 1..20 {
        assert_eq!(wave.planned_by(second * seconds), 1_000 * u64::from(seconds));
    }
    assert!(wave.planned_by(second / 2) > 700);
    // A shape that ends in silence ends the stream.
    let ending = bent(Shape::ramp(Scale::FULL, Scale::ZERO, second), 10);
    assert_eq!(ending.slots(0, workers(1)).count(), 5);
}

proptest! {
    /// Who is handed an operation over at any instant, on any number of workers, goes on as if nothing had happened: by the
    /// rest that one finds who only counts, and looks when it likes.
    #[test]
    fn a_stream_that_is_handed_over_goes_on(
        turns in courses(),
        looks in prop::collection::vec(0_u64..10_000_000_000, 0..6),
        at in 0_u64..10_000_000_000,
        n_workers in 1_u32..4,
    ) {
        let at = Duration::from_nanos(at);
        let mut counts = Timetable::new(0, workers(1));
        let mut looks: Vec<Duration> = looks.into_iter().map(Duration::from_nanos).filter(|look| *look < at).collect();
        looks.sort_unstable();
        let before: Vec<Turn> = turns.iter().filter(|turn| turn.at < at).cloned().collect();
        for (turn, next) in before.iter().zip(before.iter().skip(1).map(|turn| turn.at).chain([at])) {
            counts.turn(turn.at, turn.schedule.as_ref());
            looks.iter().filter(|look| (turn.at..next).contains(&**look)).for_each(|look| counts.pass(*look));
            counts.pass(next);
        }
        let rest = counts.leave(at);
        let all: usize = (0..n_workers).map(|worker| taken(&before, at, worker, n_workers).len()).sum();
        prop_assert_eq!(rest.map_or(0, |rest| rest.first), all as u64);
        // The same schedule goes on, with those who had it and with others.
        let schedule = before.last().and_then(|turn| turn.schedule.as_ref());
        for worker in 0..n_workers {
            let mut stays = Timetable::new(worker, workers(n_workers));
            for (turn, next) in before.iter().zip(before.iter().skip(1).map(|turn| turn.at).chain([at])) {
                stays.turn(turn.at, turn.schedule.as_ref());
                while stays.peek().is_some_and(|slot| slot.due < next) {
                    stays.next();
                }
            }
            stays.turn(at, schedule);
            let mut comes = Timetable::after(worker, workers(n_workers), rest);
            comes.turn(at, schedule);
            prop_assert_eq!(stays.take(20).collect::<Vec<_>>(), comes.take(20).collect::<Vec<_>>());
        }
    }
}
