//! The course: which rates hold when, by phases and by what people say.

use std::time::Duration;

use super::{Course, Motion};
use crate::fixture::plan;
use crate::plan::Plan;
use crate::schedule::Scale;
use crate::turns::Rota;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// 10/s over two operations, 4 : 1, and one of 2/s of its own, through these phases.
fn phased(phases: &str) -> Plan {
    plan(&format!(
        "target: 127.0.0.1:9\nrate: 10/s\nmix:\n- {{ name: a, weight: 4, http: {{}} }}\n- {{ name: b, weight: 1, http: {{}} }}\n\
         - {{ name: c, rate: 2/s, http: {{}} }}\n{phases}"
    ))
}

const THREE: &str = "phases:\n- { name: warmup, for: 30s, scale: 25% }\n- { name: main, for: 60s, rate: 20/s }\n\
                     - { name: rest, for: 10s, scale: 0% }\n";

/// Steps as text: when, and the rates of the operations.
fn steps(rota: &Rota) -> Vec<String> {
    let step = |step: &std::sync::Arc<crate::turns::Step>| {
        let rate = |schedule: &Option<crate::schedule::Schedule>| match schedule {
            None => "-".to_owned(),
            Some(schedule) => {
                let bent = if schedule.warp.is_some() { "~" } else { "" };
                format!("{bent}{}/{}", schedule.events, schedule.seconds)
            }
        };
        let rates: Vec<String> = step.schedules.iter().map(rate).collect();
        format!("{}s {} {}", step.at.as_secs_f64(), step.phase, rates.join(" "))
    };
    let mut steps: Vec<String> = rota.steps.iter().map(step).collect();
    steps.extend(rota.end.map(|end| format!("{}s end", end.as_secs_f64())));
    steps
}

#[test]
fn phases_follow_each_other_and_end_the_run() {
    let plan = phased(THREE);
    assert_eq!(
        steps(&Course::new(&plan, None, false).rota().unwrap()),
        ["0s 0 2/1 1/2 1/2", "30s 1 16/1 4/1 2/1", "90s 2 - - -", "100s end"]
    );
    assert_eq!(
        steps(&Course::new(&plan, Some(s(45)), false).rota().unwrap()),
        ["0s 0 2/1 1/2 1/2", "30s 1 16/1 4/1 2/1", "45s end"]
    );
    let endless = phased("phases: [{ name: up, for: 1m, scale: 0%..100% }, { name: main }]\n");
    assert_eq!(
        steps(&Course::new(&endless, None, false).rota().unwrap()),
        ["0s 0 ~8/1 ~2/1 ~2/1", "60s 1 8/1 2/1 2/1"]
    );
}

#[test]
fn a_pause_stops_the_clock_of_the_phases() {
    let mut course = Course::new(&phased(THREE), None, false);
    course.advance(s(20));
    course.pause().unwrap();
    assert_eq!(steps(&course.rota().unwrap()), ["20s 0 - - -"]);
    course.advance(s(500));
    assert_eq!(course.pause().unwrap_err(), "the run is paused already");
    assert!(course.status().is_paused() && course.status().per_second == 0.0);
    course.resume().unwrap();
    assert_eq!(
        steps(&course.rota().unwrap()),
        ["500s 0 2/1 1/2 1/2", "510s 1 16/1 4/1 2/1", "570s 2 - - -", "580s end"]
    );
    assert_eq!(course.resume().unwrap_err(), "the run is not paused");
    course.advance(s(580));
    assert_eq!((course.status().motion, course.active()), (Motion::Over, s(100)));
}

#[test]
fn a_run_that_waits_starts_at_an_instant() {
    let mut course = Course::new(&phased(THREE), Some(s(40)), true);
    assert_eq!(steps(&course.rota().unwrap()), ["0s 0 - - -"]);
    course.advance(s(7));
    course.start_at(s(60)).unwrap();
    assert_eq!(course.status().until, Some(s(60)));
    assert_eq!(steps(&course.rota().unwrap()), ["7s 0 - - -", "60s 0 2/1 1/2 1/2", "90s 1 16/1 4/1 2/1", "100s end"]);
    course.advance(s(61));
    assert_eq!(course.status().motion, Motion::Runs);
    assert_eq!(course.status().per_second, 3.0);
}

#[test]
fn what_people_say_stands_over_the_plan_and_under_the_scale() {
    let name = |text: &str| text.parse().unwrap();
    let mut course = Course::new(&phased(THREE), None, false);
    course.advance(s(10));
    course.rate("100/s".parse().unwrap()).unwrap();
    course.scale("200%".parse().unwrap()).unwrap();
    course.operation_rate(name("c"), "1/s".parse().unwrap()).unwrap();
    course.enable(name("b"), false).unwrap();
    assert_eq!(steps(&course.rota().unwrap()), ["10s 0 40/1 - 1/2", "30s 1 160/1 - 2/1", "90s 2 - - -", "100s end"]);
    let status = course.status();
    assert_eq!((status.per_second, status.scale.to_string()), (40.5, "200%".to_owned()));
    assert!(!status.operations[1].is_enabled && status.operations[1].rate.is_none());
    course.scale(Scale::ZERO).unwrap();
    assert_eq!(course.status().per_second, 0.0);
    assert!(course.enable(name("d"), true).unwrap_err().contains("a, b, c"));
    course.scale(Scale::MAX).unwrap();
    course.rate("10000000/s".parse().unwrap()).unwrap();
    assert!(course.rota().unwrap_err().contains("over the limit of 10000000/s"));
    let mut unweighted =
        Course::new(&plan("target: 127.0.0.1:9\nmix: [{ name: a, rate: 1/s, http: {} }]"), None, false);
    assert!(unweighted.rate("1/s".parse().unwrap()).unwrap_err().contains("weight"));
}

#[test]
fn a_gate_keeps_the_phase_before_it_until_it_opens() {
    let gated = "phases: [{ name: warmup, for: 10s, scale: 50% }, { name: main, for: 20s, gate: availability > 99%, gate_timeout: 5s }]\n";
    let mut course = Course::new(&phased(gated), Some(s(100)), false);
    assert_eq!(steps(&course.rota().unwrap()), ["0s 0 4/1 1/1 1/1", "100s end"]);
    course.advance(s(9));
    assert_eq!(course.gate(), None);
    assert!(course.open(1).is_err());
    course.advance(s(13));
    assert_eq!(course.gate(), Some((1, s(3))));
    assert_eq!(course.status().gate_until, Some(s(15)));
    assert_eq!(course.status().waits_for.unwrap().as_str(), "main");
    // A change at the gate does not lead past it.
    assert_eq!(steps(&course.rota().unwrap()), ["13s 0 4/1 1/1 1/1", "100s end"]);
    course.open(1).unwrap();
    assert_eq!(steps(&course.rota().unwrap()), ["13s 1 8/1 2/1 2/1", "33s end"]);
}

#[test]
fn a_change_keeps_a_slope_where_it_is() {
    let mut course = Course::new(&phased("phases: [{ name: up, for: 100s, scale: 0%..100% }]\n"), None, false);
    course.advance(s(50));
    assert_eq!(course.status().per_second, 6.0);
    course.scale("50%".parse().unwrap()).unwrap();
    assert_eq!(course.status().per_second, 3.0);
    let planned: u64 =
        course.rota().unwrap().steps[0].schedules.iter().flatten().map(|one| one.planned_by(s(50))).sum();
    // From 3/s to 6/s over 50 s, rounded up for each of three.
    assert!((224..=228).contains(&planned), "{planned}");
}

#[test]
fn another_plan_changes_rates_and_lengths_and_not_what_people_said() {
    let mut course = Course::new(&phased(THREE), None, false);
    course.advance(s(10));
    course.enable("b".parse().unwrap(), false).unwrap();
    let longer = phased(&THREE.replace("30s", "50s").replace("20/s", "40/s"));
    let reload = |course: &mut Course, plan: &Plan| {
        let cast = course.cast().follow(plan, |_| None)?;
        course.reload(plan, std::sync::Arc::new(cast))
    };
    reload(&mut course, &longer).unwrap();
    assert_eq!(steps(&course.rota().unwrap()), ["10s 0 2/1 - 1/2", "50s 1 32/1 - 2/1", "110s 2 - - -", "120s end"]);
    // What is over by the new plan ends at once.
    reload(&mut course, &phased(&THREE.replace("30s", "5s"))).unwrap();
    assert_eq!(steps(&course.rota().unwrap())[..2], ["10s 0 2/1 - 1/2", "10s 1 16/1 - 2/1"]);
    assert!(reload(&mut course, &phased("")).unwrap_err().contains("phases"));
}

#[test]
fn a_status_tells_pauses_from_time_that_was_run() {
    let mut course = Course::new(&phased(THREE), None, true);
    // Until when, what is said then; and what the status says a second later: waiting, run so long, pauses before.
    type Say = fn(&mut Course) -> Result<(), String>;
    let cases: [(u64, Say, (bool, u64, u64)); 6] = [
        (3, |_| Ok(()), (true, 0, 0)),
        (4, Course::resume, (false, 1, 4)),
        (10, Course::pause, (false, 6, 4)),
        (15, |course| course.start_at(s(20)), (false, 6, 9)),
        (24, |_| Ok(()), (false, 5 + 6, 14)),
        (
            30,
            |course| {
                course.end();
                Ok(())
            },
            (false, 16, 14),
        ),
    ];
    for (at, say, expected) in cases {
        course.advance(s(at));
        say(&mut course).unwrap();
        course.advance(s(at + 1));
        let status = course.status();
        let found = (status.waits_to_start(), status.active(s(at + 1)), status.idle);
        assert_eq!(found, (expected.0, s(expected.1), s(expected.2)), "at {at}s");
        assert_eq!(course.active(), s(expected.1), "at {at}s");
    }
}

#[test]
fn a_status_tells_what_was_set_over_the_plan() {
    let mut course = Course::new(&phased(""), None, false);
    assert!(course.status().set_by_hand().is_empty());
    course.rate("80/s".parse().unwrap()).unwrap();
    course.scale("50%".parse().unwrap()).unwrap();
    course.operation_rate("c".parse().unwrap(), "5/s".parse().unwrap()).unwrap();
    assert_eq!(course.status().set_by_hand(), ["rate 80/s", "scale 50%", "rate 5/s --operation c"]);
}
