//! What is told of a scenario that was taken up.

use super::*;
use crate::course::{Motion, OperationStatus};

#[test]
fn what_was_set_by_hand_is_told_with_what_comes_of_it() {
    let mut course = Status::plain(Motion::Runs, 1);
    assert_eq!(over_it(&course), "");
    let operation = OperationStatus {
        name: "echo".parse().unwrap(),
        protocol: shared::protocol::Protocol::Tcp,
        is_left: false,
        is_enabled: false,
        set_rate: Some("5/s".parse().unwrap()),
        rate: None,
        per_second: 0.0,
    };
    let gone = OperationStatus { is_left: true, ..operation.clone() };
    (course.set_rate, course.per_second) = (Some("87/s".parse().unwrap()), 87.0);
    course.operations = vec![operation, gone];
    let set = "; what was set by hand stands over it: rate 87/s, rate 5/s --operation echo, disable echo";
    assert_eq!(over_it(&course), format!("{set}, so it sends 87.0/s"));
    course.motion = Motion::Paused;
    assert_eq!(over_it(&course), set);
}

#[test]
fn a_refusal_has_the_first_problem_and_its_place_on_one_line() {
    let cases = [
        (
            "s.yaml:3:1: rate: unknown unit\n  3 | rate: 1/x\ns.yaml:9:1: more",
            "not reloaded s.yaml:3:1: rate: unknown unit",
        ),
        ("the phases are others", "not reloaded s.yaml: the phases are others"),
        ("", "not reloaded s.yaml: "),
    ];
    for (problems, expected) in cases {
        assert_eq!(refusal("s.yaml", problems), format!("{expected}; the run goes on as it was"));
    }
}
