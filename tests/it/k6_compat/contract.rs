//! The contract that dashboards made for the predecessor rely on: every name, type, label and bucket, and nothing beside.

use std::collections::BTreeSet;

/// The labels of every HTTP metric of k6.
const HTTP: &[&str] = &[
    "name",
    "method",
    "status",
    "proto",
    "group",
    "scenario",
    "expected_response",
    "error",
    "error_code",
    "tls_version",
    "type",
];

/// A name, its type, and the labels of each of its series.
type Promise = (&'static str, &'static str, &'static [&'static str]);

/// What k6 exports by way of statsd_exporter. Every series has the user's tags as well.
pub(super) const K6: [Promise; 19] = [
    ("k6_http_reqs", "counter", HTTP),
    ("k6_http_req_failed", "counter", HTTP),
    ("k6_http_req_duration", "histogram", HTTP),
    ("k6_http_req_blocked", "histogram", HTTP),
    ("k6_http_req_connecting", "histogram", HTTP),
    ("k6_http_req_tls_handshaking", "histogram", HTTP),
    ("k6_http_req_sending", "histogram", HTTP),
    ("k6_http_req_waiting", "histogram", HTTP),
    ("k6_http_req_receiving", "histogram", HTTP),
    ("k6_iterations", "counter", &["scenario"]),
    ("k6_dropped_iterations", "counter", &["scenario"]),
    ("k6_iteration_duration", "histogram", &["scenario"]),
    // k6 puts the scenario on everything that an iteration emits.
    ("k6_group_duration", "histogram", &["group", "scenario"]),
    ("k6_data_sent", "counter", &["group", "scenario"]),
    ("k6_data_received", "counter", &["group", "scenario"]),
    ("k6_vus", "gauge", &[]),
    ("k6_vus_max", "gauge", &[]),
    ("k6_script_errors", "counter", &["scenario"]),
    ("k6_grpc_req_duration", "histogram", &["name", "method", "service", "status", "group", "scenario"]),
];

/// What the predecessor's target exports, which was podinfo.
pub(super) const TARGET: [Promise; 2] = [
    ("http_request_duration_seconds", "histogram", &["method", "path", "status"]),
    ("http_requests_total", "counter", &["status"]),
];

/// The bounds of statsd_exporter's histograms and of podinfo's, as they are written.
const BUCKETS: [&str; 12] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];

/// The values that these labels can have, wherever they stand.
const VALUES: [(&str, &[&str]); 4] = [
    ("group", &["::static"]),
    ("proto", &["HTTP/1.1", "HTTP/2.0"]),
    ("expected_response", &["true", "false"]),
    ("tls_version", &["", "tls1.2", "tls1.3"]),
];

/// The metrics of an exposition whose names begin so are those that are promised, with these tags as well.
pub(super) fn assert_kept(text: &str, prefix: &str, promised: &[Promise], tags: &[&str]) {
    let types: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let types: BTreeSet<&str> = types.into_iter().filter(|line| line.starts_with(prefix)).collect();
    let wanted: Vec<String> = promised.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    assert_eq!(types, wanted.iter().map(String::as_str).collect(), "every one of them, and nothing else");
    for (name, kind, labels) in promised {
        let labels: BTreeSet<&str> = labels.iter().chain(tags).copied().collect();
        let parts: &[(&str, &[&str])] = match *kind {
            "histogram" => &[("_bucket", &["le"]), ("_sum", &[]), ("_count", &[])],
            _ => &[("", &[])],
        };
        for (suffix, more) in parts {
            let series: Vec<Vec<(&str, &str)>> = text.lines().filter_map(|line| labelled(line, name, suffix)).collect();
            assert!(!series.is_empty(), "a series of {name}{suffix}");
            let labels: BTreeSet<&str> = labels.iter().chain(*more).copied().collect();
            for pairs in series {
                assert_eq!(pairs.iter().map(|(label, _)| *label).collect::<BTreeSet<_>>(), labels, "{name}{suffix}");
                for (label, value) in &pairs {
                    let closed = VALUES.iter().find(|(name, _)| name == label).map(|(_, values)| values);
                    assert!(closed.is_none_or(|values| values.contains(value)), "{name}: {label}={value}");
                }
            }
        }
        if *kind == "histogram" {
            let bounds = text.lines().filter_map(|line| labelled(line, name, "_bucket"));
            let bounds: BTreeSet<&str> =
                bounds.map(|pairs| pairs.iter().find(|(label, _)| *label == "le").unwrap().1).collect();
            assert_eq!(bounds, BTreeSet::from(BUCKETS), "{name}");
        }
    }
}

/// The labels of a line, if it is a sample of this name.
fn labelled<'a>(line: &'a str, name: &str, suffix: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let rest = line.strip_prefix(name)?.strip_prefix(suffix)?;
    let Some(rest) = rest.strip_prefix('{') else { return rest.starts_with(' ').then(Vec::new) };
    let pairs = rest.rsplit_once("\"}")?.0;
    Some(pairs.split("\",").map(|pair| pair.split_once("=\"").unwrap()).collect())
}
