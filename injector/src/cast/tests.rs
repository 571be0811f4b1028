//! Numbers stay what they are, whatever a scenario that is read again says; what cannot be is told in words.

use std::collections::HashMap;
use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::fixture::plan;
use crate::schedule::{Schedule, Timetable};

fn mix(operations: &str) -> Plan {
    plan(&format!("target: 127.0.0.1:9\nrate: 10/s\nmix:\n{operations}"))
}

fn http(name: &str, more: &str) -> String {
    format!("- {{ name: {name}, weight: 1, http: {{ {more} }} }}\n")
}

fn names(cast: &Cast) -> Vec<(&str, bool)> {
    cast.roles.iter().map(|role| (role.operation.name.as_str(), role.is_left)).collect()
}

#[test]
fn who_leaves_keeps_the_place_and_who_comes_is_behind() {
    let first = Cast::new(&mix(&[http("a", ""), http("b", "")].concat()));
    let second = first.follow(&mix(&[http("c", ""), http("b", "")].concat()), |_| None).unwrap();
    assert_eq!(names(&second), [("a", true), ("b", false), ("c", false)]);
    assert!(Arc::ptr_eq(&first.roles[1].member, &second.roles[1].member), "its weight is no other request");
    // What 5/s leave after ten seconds and one for each number.
    let rest = |number: usize| {
        let mut timetable = Timetable::new(0, NonZeroU32::MIN);
        timetable.turn(
            Duration::ZERO,
            Some(&Schedule { phase: Duration::ZERO, ..second.roles[number].operation.schedule() }),
        );
        timetable.leave(Duration::from_secs(10 + number as u64))
    };
    let third = second.follow(&mix(&[http("b", "path: /x"), http("a", "")].concat()), rest);
    let third = third.unwrap();
    assert_eq!(names(&third), [("a", false), ("b", false), ("c", true)]);
    assert_eq!(third.roles[0].member.rest.map(|rest| rest.first), Some(50), "it goes on where it was");
    assert_eq!(third.roles[1].member.rest.map(|rest| rest.first), Some(55));
    assert!(!Arc::ptr_eq(&second.roles[1].member, &third.roles[1].member));
    assert_eq!(third.as_run(&mix(&http("b", ""))).operations.len(), 3);
}

#[test]
fn what_is_enrolled_has_a_place_and_has_not_begun() {
    let first = Cast::new(&mix(&http("a", "")));
    let next = first.follow(&mix(&http("b", "")), |_| None).unwrap();
    let enrolled = first.enrol(&next);
    assert_eq!(names(&enrolled), [("a", false), ("b", true)]);
    assert_eq!(names(&enrolled.follow(&mix(&http("b", "")), |_| None).unwrap()), [("a", true), ("b", false)]);
}

#[test]
fn only_what_is_asked_for_makes_another_member() {
    let same = |other: &str| {
        let before = "- { name: a, rate: 1/s, timeout: 1s, connection: pooled(2), http: { path: /x } }\n";
        let cast = Cast::new(&plan(&format!("target: 127.0.0.1:9\nmix:\n{before}")));
        let next = cast.follow(&plan(other), |_| None).unwrap();
        Arc::ptr_eq(&cast.roles[0].member, &next.roles[0].member)
    };
    let file = |head: &str, operation: &str| {
        format!("target: 127.0.0.1:9\n{head}mix:\n- {{ name: a, timeout: 1s, connection: pooled(2), {operation} }}\n")
    };
    assert!(same(&file("", "rate: 70/s, http: { path: /x }")));
    assert!(same(&file("rate: 3/s\n", "weight: 9, http: { path: /x }")));
    assert!(same(&file("arrival: poisson\nphases: [{ name: main, scale: 50% }]\n", "rate: 2/s, http: { path: /x }")));
    assert!(!same(&file("", "rate: 1/s, http: { path: /y }")));
    assert!(!same(&file("", "rate: 1/s, http: { path: /x, fault: delay=1ms }")));
    assert!(!same(&file("seed: 2\n", "rate: 1/s, http: { path: /x }")));
    assert!(!same(&file("max_lag: 2s\n", "rate: 1/s, http: { path: /x }")));
    assert!(!same(&file("keepalive: 3s\n", "rate: 1/s, http: { path: /x }")));
    assert!(!same(&file("", "rate: 1/s, tls: { verify: false }, http: { path: /x }")));
}

#[test]
fn what_cannot_be_changed_is_told_with_the_way_out() {
    let cast = Cast::new(&mix(&http("a", "")));
    let refused = |operation: &str| cast.follow(&mix(operation), |_| None).unwrap_err();
    let message = refused("- { name: a, weight: 1, tcp: {} }\n");
    assert!(message.contains("http") && message.contains("tcp") && message.contains("another name"), "{message}");
    let message = refused(&http("a", "plain: true"));
    assert!(message.contains("who they are"), "{message}");
}

#[test]
fn as_many_names_as_a_target_tells_apart() {
    let names = |from: usize, to: usize| (from..to).map(|n| http(&format!("op{n}"), "")).collect::<String>();
    let mut cast = Cast::new(&mix(&names(0, 40)));
    cast = cast.follow(&mix(&names(30, OPERATIONS_MAX)), |_| None).unwrap();
    let message = cast.follow(&mix(&names(60, 65)), |_| None).unwrap_err();
    assert!(message.contains("65") && message.contains("64") && message.contains("restart"), "{message}");
    assert!(cast.follow(&mix(&names(0, 3)), |_| None).is_ok(), "names that have been are not new");
}

proptest! {
    /// Whatever scenarios follow each other: a number means one name for ever, and what is there is what the last one says.
    #[test]
    fn a_number_is_a_name(scenarios in prop::collection::vec(prop::collection::btree_set(0_u8..12, 1..8), 1..12)) {
        let plan_of = |names: &std::collections::BTreeSet<u8>| {
            mix(&names.iter().map(|n| http(&format!("op{n}"), "")).collect::<String>())
        };
        let mut cast = Cast::new(&plan_of(&scenarios[0]));
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for names in &scenarios {
            cast = cast.follow(&plan_of(names), |_| None).unwrap();
            for (number, role) in cast.roles.iter().enumerate() {
                let name = role.operation.name.as_str().to_owned();
                prop_assert_eq!(*numbers.entry(name).or_insert(number), number);
                let is_there = names.iter().any(|n| role.operation.name.as_str() == format!("op{n}"));
                prop_assert_eq!(is_there, !role.is_left);
            }
        }
    }
}
