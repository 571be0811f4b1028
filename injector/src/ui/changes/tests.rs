//! What is told of seconds and statuses, in tables.

use shared::outcome::ErrorClass;

use super::*;
use crate::ui::fixture::status;

fn resets(count: u64) -> Counts {
    let mut counts = Counts::default();
    counts.failures[ErrorClass::Reset.index()] = count;
    counts
}

#[test]
fn a_trouble_begins_once_and_ends_when_it_is_quiet() {
    let mut changes = Changes::default();
    changes.grow(1);
    let mut said = Vec::new();
    for (second, count) in (1..).zip([0, 2, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]) {
        let example = |trouble| (trouble == Trouble::Failed(ErrorClass::Reset)).then_some("reset by peer");
        let noted = changes.note(Duration::from_secs(second), 0, &resets(count), example);
        said.extend(noted.into_iter().map(|change| (second, change.turn.mark(), change.text)));
    }
    let expected = [
        (2, '!', "reset begins (2): reset by peer".to_owned()),
        (15, '.', "reset ended (6 in 3s)".to_owned()),
        (16, '!', "reset begins (4): reset by peer".to_owned()),
    ];
    assert_eq!(said, expected);
}

#[test]
fn what_the_run_does_is_told_once() {
    let mut changes = Changes::default();
    changes.grow(2);
    let mut at = 0;
    let mut say = |status: &Status| -> Vec<String> {
        at += 1;
        let noted = changes.status(Duration::from_secs(at), status);
        noted.into_iter().map(|change| change.text).collect()
    };
    let mut now = status(2);
    assert_eq!(say(&now), [""; 0]);
    (now.phases, now.phase_index, now.phase) = (2, 1, "ramp".parse().unwrap());
    assert_eq!(say(&now), ["phase ramp begins (2 of 2)"]);
    (now.motion, now.since) = (Motion::Paused, Duration::from_secs(1));
    assert_eq!(say(&now), ["paused"]);
    assert_eq!(say(&now), [""; 0]);
    now.motion = Motion::Starts(Duration::from_secs(9));
    assert_eq!(say(&now), ["starts at 9s"]);
    (now.motion, now.scale) = (Motion::Runs, "110%".parse().unwrap());
    assert_eq!(say(&now), ["resumed", "scale 110% instead of 100%"]);
    now.operations[1].is_enabled = false;
    now.waits_for = Some("peak".parse().unwrap());
    assert_eq!(say(&now), ["waits for the gate of phase peak", "switched off"]);
    now.waits_for = None;
    now.set_rate = "80/s".parse().ok();
    now.operations[0].set_rate = "5/s".parse().ok();
    assert_eq!(say(&now), ["rate of the mix 80/s instead of the planned one", "rate 5/s instead of the planned one"]);
    now.set_rate = "1/2s".parse().ok();
    assert_eq!(say(&now), ["rate of the mix 0.5/s instead of 80/s"]);
    now.set_rate = None;
    assert_eq!(say(&now), ["rate of the mix as planned instead of 0.5/s"]);
    now.motion = Motion::Over;
    assert_eq!(say(&now), [""; 0]);
}

#[test]
fn a_run_that_waits_is_started_and_not_resumed() {
    let mut changes = Changes::default();
    let mut say = |motion, (since, idle): (u64, u64)| -> Vec<String> {
        let mut now = Status::plain(motion, 1);
        (now.since, now.idle) = (Duration::from_secs(since), Duration::from_secs(idle));
        changes.status(now.since, &now).into_iter().map(|change| change.text).collect()
    };
    assert_eq!(say(Motion::Paused, (0, 0)), ["waits to be started"]);
    assert_eq!(say(Motion::Starts(Duration::from_secs(3)), (1, 1)), ["starts at 3s"]);
    assert_eq!(say(Motion::Runs, (3, 3)), ["started"]);
    assert_eq!(say(Motion::Paused, (5, 3)), ["paused"]);
    assert_eq!(say(Motion::Runs, (7, 5)), ["resumed"]);
}

#[test]
fn a_threshold_is_told_of_when_it_turns() {
    let mut changes = Changes::default();
    let mut at = 0;
    let mut say = |holds: Option<bool>, value: Option<&str>| -> Vec<String> {
        at += 1;
        let one = Judged { text: "failed < 10%".to_owned(), holds, value: value.map(str::to_owned) };
        let noted = changes.judged(Duration::from_secs(at), &[one]);
        noted.iter().map(|change| format!("{} {} {}", change.turn.mark(), change.at.as_secs(), change.text)).collect()
    };
    let cases: [(Option<bool>, Option<&str>, &[&str]); 8] = [
        (None, None, &[]),
        (Some(true), Some("1%"), &[]),
        (Some(false), Some("12%"), &["! 3 threshold crossed: failed < 10% (12%)"]),
        (Some(false), Some("13%"), &[]),
        (None, None, &[]),
        (Some(true), Some("9%"), &[". 6 threshold holds again: failed < 10% (9%)"]),
        (Some(false), None, &["! 7 threshold crossed: failed < 10% (no data)"]),
        (Some(false), Some("11%"), &[]),
    ];
    for (n, (holds, value, said)) in (1..).zip(cases) {
        assert_eq!(say(holds, value), said, "{n}");
    }
    assert_eq!(changes.judged(Duration::from_secs(9), &[]), [], "what is asked for no more is forgotten");
    let first = Judged { text: "failed < 10%".to_owned(), holds: Some(false), value: None };
    assert_eq!(changes.judged(Duration::from_secs(10), &[first]).len(), 1);
}
