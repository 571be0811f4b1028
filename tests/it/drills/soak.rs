//! What needs minutes: `make soak` runs these, as long as `SOAK_SECONDS` says for each.

use std::time::Duration;

use tokio::time::Instant;

use super::memory::{is_constant, resident_kib};
use super::pair::{Injector, Target, own_address};
use super::wire::{CUT, Weather, Wire};
use crate::fixture::run;

/// Without `SOAK_SECONDS`.
const LENGTH_DEFAULT: Duration = Duration::from_secs(300);

/// How long each soak takes.
fn length() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok().map(|text| text.parse().expect("SOAK_SECONDS is a number"));
    seconds.map_or(LENGTH_DEFAULT, Duration::from_secs)
}

/// What the wire does, in turn, and for how long.
const WEATHERS: [(Weather, Duration); 5] = [
    (Weather { lost: 0, doubled: 0, overtaken: 0 }, Duration::from_secs(10)),
    (Weather { lost: 5, doubled: 0, overtaken: 0 }, Duration::from_secs(10)),
    (Weather { lost: 20, doubled: 5, overtaken: 10 }, Duration::from_secs(10)),
    (Weather { lost: 1, doubled: 10, overtaken: 20 }, Duration::from_secs(10)),
    (CUT, Duration::from_secs(4)),
];

#[test]
#[ignore = "takes minutes: make soak"]
fn soak_a_bad_wire_with_targets_that_die() {
    let Some(wire) = Wire::start() else { return };
    let mut target = wire.far.inside(|| Target::on(wire.far.address, None, &[]));
    let injector = wire.near.inside(|| Injector::mixed(&target, &[]));
    let end = Instant::now() + length();
    let mut warm_kib = None;
    for round in 0.. {
        for (weather, lasts) in WEATHERS {
            wire.set(weather);
            run(async { tokio::time::sleep_until(end.min(Instant::now() + lasts)).await });
        }
        wire.set(Weather::default());
        if Instant::now() >= end {
            break;
        }
        warm_kib.get_or_insert_with(|| resident_kib(&injector.process));
        // Now and then, and not in the first round: the fates of that one are all known.
        if round % 2 == 1 {
            target = wire.far.inside(|| target.killed_and_begun_anew());
        }
    }
    wire.near.inside(|| injector.until_well());
    if let Some(kib) = warm_kib {
        is_constant(&injector.process, kib, "the injector");
    }
    let ended = injector.stopped();
    assert_eq!(ended.exit, Some(0), "{}", ended.text);
    ended.is_sound();
}

#[test]
#[ignore = "takes minutes: make soak"]
fn soak_injectors_that_come_and_go() {
    let target = Target::on(own_address(), None, &["--threads", "1"]);
    let end = Instant::now() + length();
    let mut warm_kib = None;
    for round in 0.. {
        let ended = Injector::mixed(&target, &["--for", "3s"]).ended();
        ended.is_sound();
        ended.planned_all(3);
        // By then as many receipts are held as there may be: eleven operations of each session.
        if round == 93 {
            warm_kib = Some(resident_kib(&target.process));
        }
        if Instant::now() >= end {
            break;
        }
    }
    if let Some(kib) = warm_kib {
        is_constant(&target.process, kib, "the target");
    }
}
