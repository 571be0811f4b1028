//! How many requests are struck, and which: exact counts, fair draws, the same fate for the same request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Strikes from 8 threads, 1000 times each; how many requests were struck, all of them then told of.
fn from_eight_threads(rules: &Rules) -> u64 {
    let struck = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let struck = &struck;
            scope.spawn(move || {
                for n in 0..1000 {
                    let key = format!("{thread}-{n}");
                    if let Some(one) = rules.strike(&plain(), || &key, 0) {
                        one.rule.injected();
                        struck.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    struck.into_inner()
}

#[test]
fn every_nth_is_exact_with_eight_threads() {
    for (every, offset) in [(1, 0), (7, 0), (7, 6), (8000, 7999)] {
        let rules = rules();
        rules.put(written(json!({ "every": every, "offset": offset }))).unwrap();
        let exact = (0..8000).filter(|n| n % every == offset).count() as u64;
        assert_eq!(from_eight_threads(&rules), exact, "every {every} from {offset}");
        let view = rules.get(&id("one")).unwrap();
        assert_eq!((view.hits, view.injected), (8000, exact));
    }
}

#[test]
fn max_hits_is_exact_with_eight_threads_and_ends_the_rule() {
    for more in [json!({}), json!({ "percent": 50 }), json!({ "every": 3 })] {
        let rules = rules();
        let mut changes = more.clone();
        changes["max_hits"] = json!(321);
        rules.put(written(changes)).unwrap();
        assert_eq!(from_eight_threads(&rules), 321, "{more}");
        let view = rules.get(&id("one")).unwrap();
        assert_eq!((view.state, view.ended_by, view.injected), (State::Expired, Some("max_hits"), 321));
        assert!(rules.is_empty() && kinds(&rules).contains(&EventKind::Exhausted));
    }
}

#[test]
fn what_is_withheld_counts_for_nothing_but_itself() {
    let rules = rules();
    rules.put(written(json!({ "max_hits": 1 }))).unwrap();
    rules.strike(&plain(), || "a", 0).unwrap().rule.withheld();
    let held = rules.strike(&plain(), || "b", 0).unwrap();
    assert!(!is_struck(&rules), "the one strike is spoken for");
    held.rule.withheld();
    rules.strike(&plain(), || "c", 0).unwrap().rule.injected();
    let view = rules.get(&id("one")).unwrap();
    assert_eq!((view.hits, view.injected, view.overflow), (3, 1, 2));
}

#[test]
fn a_rule_that_is_used_up_lets_the_next_one_decide() {
    let rules = rules();
    rules.put(written(json!({ "max_hits": 1 }))).unwrap();
    rules.put(written(json!({ "id": "two", "fault": "status=404" }))).unwrap();
    rules.strike(&plain(), || "a", 0).unwrap().rule.injected();
    assert_eq!(fate(&rules, "b").as_deref(), Some("status=404"));
}

/// The 99.9 % quantile of chi-squared with one degree of freedom.
const CHI_SQUARED_MAX: f64 = 10.83;

#[test]
fn a_percentage_is_kept_within_what_chance_allows() {
    const KEYS: u32 = 100_000;
    for percent in [0.5, 25.0] {
        let rules = rules();
        rules.put(written(json!({ "percent": percent, "seed": 7 }))).unwrap();
        let struck = (0..KEYS).filter(|n| fate(&rules, &format!("abcd2345.{n}")).is_some()).count() as f64;
        let expected = f64::from(KEYS) * percent / 100.0;
        let off = (struck - expected).powi(2);
        let chi_squared = off / expected + off / (f64::from(KEYS) - expected);
        assert!(chi_squared < CHI_SQUARED_MAX, "{percent} %: {struck} of {KEYS}");
    }
}

/// The requests that are struck, each with what happens to it.
fn fates(changes: Value) -> HashMap<String, String> {
    let rules = rules();
    rules.put(written(changes)).unwrap();
    (0..2000).map(|n| n.to_string()).filter_map(|key| fate(&rules, &key).map(|fate| (key, fate))).collect()
}

#[test]
fn the_same_request_has_the_same_fate_and_another_rule_is_independent() {
    let rule = json!({ "percent": 50, "fault": "status=503:50,404:50&delay=1ms..9ms", "seed": 3 });
    let first = fates(rule.clone());
    assert_eq!(first, fates(rule.clone()));
    for change in [("seed", json!(4)), ("id", json!("other"))] {
        let mut other = rule.clone();
        other[change.0] = change.1;
        let other = fates(other);
        let both: Vec<&String> = first.keys().filter(|key| other.contains_key(*key)).collect();
        assert!((400..600).contains(&both.len()), "of 2000, a quarter is struck by both: {}", both.len());
        let alike = both.iter().filter(|key| first[**key][..10] == other[**key][..10]).count();
        assert!((both.len() * 4 / 10..both.len() * 6 / 10).contains(&alike), "and half of those alike: {alike}");
    }
}

#[test]
fn what_strikes_is_rolled_and_names_no_seed() {
    let rules = rules();
    let fault = "status=503&delay=20ms..80ms&header=a:b";
    rules.put(written(json!({ "fault": fault, "seed": 9 }))).unwrap();
    let struck = rules.strike(&plain(), || "k", 0).unwrap();
    let verdict = struck.fault.roll(1, "other", 0);
    assert_eq!(verdict.to_fault().without(&[shared::fault::Key::Seed, shared::fault::Key::Id]), struck.fault);
    assert!((20..80).contains(&verdict.delay.as_millis()), "{}", struck.fault);
    assert_eq!((struck.fault.seed(), struck.fault.id()), (None, None));
}

#[test]
fn the_joint_gate_spares_too() {
    let rules = rules();
    // One in a million: of a few keys it spares all.
    rules.put(written(json!({ "fault": "p=0.0001&status=503" }))).unwrap();
    assert!(!is_struck(&rules));
    rules.put(written(json!({ "fault": "status=503:0.0001" }))).unwrap();
    assert!(!is_struck(&rules), "and so does a spec whose choices all fell on the default");
    assert_eq!(rules.get(&id("one")).unwrap().hits, 1, "matched all the same, counted anew since it was replaced");
}
