//! Which results stand under `injected`.

use std::time::Duration;

use prometheus::core::Collector as _;
use prometheus::proto::MetricType;

use super::*;
use crate::identity::{Name, Source};
use crate::outcome::Outcome;

const MS: Duration = Duration::from_millis(1);
const OK: Outcome<ErrorClass> = Outcome::Success(Code::Http(200));
const BUSY: Outcome<ErrorClass> = Outcome::Failure(Code::Http(503), ErrorClass::Status);

fn red(injected: bool) -> ClientRed {
    let labels =
        Labels { source: Source::external(), protocol: Protocol::Http, operation: Name::from_static("op"), injected };
    ClientRed::new(&[ClientOperation { labels, rate_per_s: 1.0, expected: vec![Code::Http(200)] }], 2)
}

/// The samples of a family by their label `injected`: how many, and what they count together.
fn by_injected(red: &ClientRed, family: &str) -> Vec<(&'static str, usize, u64)> {
    let families = red.collect();
    let family = families.iter().find(|held| held.name() == family).unwrap();
    let sum = |value: &'static str| {
        let is = |metric: &&Metric| metric.get_label().iter().any(|l| l.name() == "injected" && l.value() == value);
        let count = |metric: &Metric| match family.get_field_type() {
            MetricType::HISTOGRAM => metric.get_histogram().get_sample_count(),
            _ => metric.get_counter().get_value() as u64,
        };
        let counts = family.get_metric().iter().filter(is).map(count);
        (value, counts.clone().count(), counts.sum())
    };
    ["false", "true"].map(sum).into_iter().filter(|(_, samples, _)| *samples > 0).collect()
}

#[test]
fn what_an_answer_declares_is_injected_whatever_was_asked_for() {
    const REQUESTS: &str = "continuous_load_client_requests_total";
    let red = red(false);
    red.series(0, 0).finished(OK, MS, MS, Some(MS), false);
    assert_eq!(by_injected(&red, REQUESTS).len(), 1, "shown once there is one");
    red.series(0, 0).finished(BUSY, MS, MS, Some(MS), true);
    red.series(0, 1).finished(BUSY, MS, MS, None, true);
    red.series(0, 1).finished(OK, MS, MS, None, true);
    let requests = by_injected(&red, REQUESTS);
    assert_eq!((requests[0].0, requests[0].2), ("false", 1));
    assert_eq!(requests[1], ("true", 2, 3), "a sample by outcome, of both workers together");
    for (family, counts) in [("request", [1, 3]), ("response", [1, 3]), ("network", [1, 1])] {
        let family = format!("continuous_load_client_{family}_duration_seconds");
        assert_eq!(by_injected(&red, &family), [("false", 2, counts[0]), ("true", 2, counts[1])], "{family}");
    }
}

#[test]
fn who_asks_for_a_fault_has_one_series_for_both() {
    let red = red(true);
    red.series(0, 0).finished(OK, MS, MS, None, true);
    red.series(0, 0).finished(BUSY, MS, MS, None, true);
    let durations = by_injected(&red, "continuous_load_client_request_duration_seconds");
    assert_eq!(durations, [("true", 2, 2)]);
    assert_eq!(by_injected(&red, "continuous_load_client_requests_total")[0].2, 2);
}

#[test]
fn an_operation_that_comes_later_and_one_that_changes_have_their_series() {
    const REQUESTS: &str = "continuous_load_client_requests_total";
    let red = red(false);
    let held = red.series(0, 1);
    held.finished(OK, MS, MS, None, false);
    let labels = |name, injected| Labels {
        source: Source::external(),
        protocol: Protocol::Http,
        operation: Name::from_static(name),
        injected,
    };
    let operation = |labels, code| ClientOperation { labels, rate_per_s: 2.0, expected: vec![Code::Http(code)] };
    assert_eq!(red.admit(&operation(labels("later", false), 200)), 1);
    red.series(1, 1).finished(OK, MS, MS, None, false);
    red.changed(0, &operation(labels("op", true), 418));
    held.finished(Outcome::Success(Code::Http(418)), MS, MS, None, true);
    let requests = by_injected(&red, REQUESTS);
    assert_eq!(
        requests.iter().map(|(word, _, count)| (*word, *count)).collect::<Vec<_>>(),
        [("false", 2), ("true", 1)]
    );
    let families = red.collect();
    let rates = families.iter().find(|family| family.name() == "continuous_load_client_configured_rate").unwrap();
    assert_eq!(rates.get_metric().iter().map(|rate| rate.get_gauge().get_value()).collect::<Vec<_>>(), [2.0, 2.0]);
}
