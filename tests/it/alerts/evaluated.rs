//! Every rule of the files, by what it finds in what the drill leaves behind: none fails, all that is recorded has data, and so
//! has what alerts hold against their limits, with the labels by which they are routed and joined.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::prometheus::{Prometheus, Series};
use crate::rules_files::rules;

/// The labels of a release, of an objective, and of an operation.
const RELEASE: &[&str] = &["namespace", "release"];
const OBJECTIVE: &[&str] = &["namespace", "release", "source", "protocol"];
const OPERATION: &[&str] = &["namespace", "release", "source", "protocol", "operation"];

/// What a recorded series has to be told apart by.
const RECORDED: [(&str, &[&str]); 8] = [
    ("continuous_load:faults_injected:rate5m", RELEASE),
    ("continuous_load:client_requests:rate5m", OPERATION),
    ("continuous_load:client_failures:rate5m", OPERATION),
    ("continuous_load:client_latency_total:rate5m", OPERATION),
    ("continuous_load:client_latency_slow:rate5m", OPERATION),
    // Of every window.
    ("continuous_load:availability_errors:ratio_rate", OBJECTIVE),
    ("continuous_load:latency_errors:ratio_rate", OBJECTIVE),
    ("continuous_load:error_budget_remaining:ratio", OBJECTIVE),
];

/// The same of what an alert's expression compares with its limits.
const ALERTS: [(&str, &[&str]); 25] = [
    ("AnswerLoss", OPERATION),
    ("BelowTarget", OPERATION),
    ("ConnectFailures", OBJECTIVE),
    ("DNSFailures", OBJECTIVE),
    ("ErrorBudgetBurn", OBJECTIVE),
    ("FatesUnknown", OBJECTIVE),
    ("FaultsInjected", RELEASE),
    ("FaultsLeftOn", RELEASE),
    ("HiddenRetries", OPERATION),
    ("InjectorDown", RELEASE),
    ("InjectorErrors", OBJECTIVE),
    ("InjectorLate", &["namespace", "release", "source"]),
    ("LatencyBudgetBurn", OBJECTIVE),
    ("MetricsNearLimit", &["namespace", "release", "pod"]),
    ("NoTraffic", OPERATION),
    ("PathAnswers", OPERATION),
    ("PathLoss", OPERATION),
    ("Restarts", &["namespace", "release", "pod", "role"]),
    ("Retransmits", OPERATION),
    ("ScenarioNotReloaded", &["namespace", "release", "source"]),
    ("SidesDisagree", OBJECTIVE),
    ("TLSFailures", OBJECTIVE),
    ("TargetDown", RELEASE),
    ("ThresholdCrossed", &["namespace", "release", "source", "threshold"]),
    ("UnexplainedDifference", OPERATION),
];

/// Alerts about what only happens elsewhere, and where. Their series are not there before it does.
const ELSEWHERE: [(&str, &str); 3] = [
    ("DepartedAddresses", "a target by name"),
    ("NameFlapping", "a target by name"),
    ("StaleNames", "a target by name"),
];

/// All of it, over the drill.
pub(super) fn nothing_is_wrong(prometheus: &Prometheus, so_far: &str) {
    let mut wrong = prometheus.broken_rules();
    let mut named = BTreeSet::new();
    for rule in rules() {
        let (name, expression, labels) = asked(&rule, so_far);
        named.insert(name.clone());
        let found = prometheus.query(&expression);
        let Some(labels) = labels else {
            let is_known = ELSEWHERE.iter().any(|(alert, _)| name == *alert);
            wrong.extend((!is_known).then(|| format!("{name}: in no list here")));
            wrong
                .extend((!found.is_empty()).then(|| format!("{name}: finds something, and is listed as not doing so")));
            continue;
        };
        let has = |series: &Series| labels.iter().all(|label| !series.label(label).is_empty());
        if found.is_empty() || !found.iter().all(has) {
            wrong.push(format!("{name}: {expression} gives {:?}, not {labels:?}", found.first()));
        }
    }
    let listed = ALERTS.iter().map(|(name, _)| name).chain(ELSEWHERE.iter().map(|(name, _)| name));
    wrong.extend(listed.filter(|name| !named.contains(**name)).map(|name| format!("{name}: listed, and no rule")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rule's name, an expression that finds something if the rule can, at any time of the drill, and the labels of that.
fn asked(rule: &Value, so_far: &str) -> (String, String, Option<&'static [&'static str]>) {
    if let Some(name) = rule["record"].as_str() {
        let labels = RECORDED.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, labels)| *labels);
        return (name.to_owned(), format!("count_over_time({name}[{so_far}])"), labels);
    }
    let name = rule["alert"].as_str().unwrap().trim_start_matches("ContinuousLoad").to_owned();
    let labels = ALERTS.iter().find(|(alert, _)| *alert == name).map(|(_, labels)| *labels);
    let expression = rule["expr"].as_str().unwrap().trim_end();
    // What is absent has no value: it has fired, or not.
    let has_fired =
        format!("max_over_time(ALERTS{{alertname=\"ContinuousLoad{name}\",alertstate=\"firing\"}}[{so_far}])");
    let is_absence = expression.starts_with("absent(");
    (name, if is_absence { has_fired } else { without_limits(expression) }, labels)
}

/// An expression that gives what it would compare: limits stand at the ends of lines.
fn without_limits(expression: &str) -> String {
    let limit = Regex::new(r"(?m)(>=?|==) [0-9.]+( \* \(1 - [0-9.]+\))?$").unwrap();
    limit.replace_all(expression, "").into_owned()
}

#[test]
fn only_limits_are_taken_away() {
    for (expression, wanted) in [
        ("a:b{c=\"d\"} > 14.4 * (1 - 0.999)\nand e * 300 >= 5", "a:b{c=\"d\"} \nand e * 300 "),
        ("a\n/ (b > 0)\n> 0.01", "a\n/ (b > 0)\n"),
        ("a == 0\nand\nb > 0", "a \nand\nb "),
        ("a unless on (b) c > 0 and d", "a unless on (b) c > 0 and d"),
    ] {
        assert_eq!(without_limits(expression), wanted);
    }
}
