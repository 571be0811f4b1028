//! Every rendered object against the schemas of the API that it is for: Kubernetes's own, strictly, and for the resources of
//! operators the fields that we use.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::helm::id;
use super::matrix::{VERSIONS, both};
use crate::tools::require;

/// (kind, API, the fields below `spec` that may be there, those that must). `[]` stands for every item of a list.
const RESOURCES: [(&str, &str, &str, &str); 9] = [
    (
        "PodMonitor",
        "monitoring.coreos.com/v1",
        "selector.matchLabels sampleLimit convertClassicHistogramsToNHCB podMetricsEndpoints[].port \
         podMetricsEndpoints[].path podMetricsEndpoints[].interval podMetricsEndpoints[].scrapeTimeout \
         podMetricsEndpoints[].relabelings[].sourceLabels[] podMetricsEndpoints[].relabelings[].targetLabel",
        "selector.matchLabels podMetricsEndpoints[].port",
    ),
    (
        "ServiceMonitor",
        "monitoring.coreos.com/v1",
        "selector.matchLabels sampleLimit convertClassicHistogramsToNHCB endpoints[].port endpoints[].path \
         endpoints[].interval endpoints[].scrapeTimeout endpoints[].relabelings[].sourceLabels[] \
         endpoints[].relabelings[].targetLabel",
        "selector.matchLabels endpoints[].port",
    ),
    // `interval` has no default there, and no endpoint goes without.
    (
        "PodMonitoring",
        "monitoring.googleapis.com/v1",
        "selector.matchLabels limits.samples endpoints[].port endpoints[].path endpoints[].interval endpoints[].timeout \
         targetLabels.metadata[] targetLabels.fromPod[].from targetLabels.fromPod[].to",
        "selector.matchLabels endpoints[].port endpoints[].interval",
    ),
    ("PrometheusRule", "monitoring.coreos.com/v1", RULES, "groups[].name groups[].rules[].expr"),
    // Unlike the operator's, they have no `keep_firing_for`, `limit` or `partial_response_strategy`.
    ("Rules", "monitoring.googleapis.com/v1", RULES, "groups[].name groups[].interval groups[].rules[].expr"),
    ("ClusterRules", "monitoring.googleapis.com/v1", RULES, "groups[].name groups[].interval groups[].rules[].expr"),
    (
        "GrafanaDashboard",
        "grafana.integreatly.org/v1beta1",
        "instanceSelector.matchLabels allowCrossNamespaceImport resyncPeriod folder json",
        "instanceSelector.matchLabels json",
    ),
    (
        "HTTPRoute",
        "gateway.networking.k8s.io/v1",
        "parentRefs[].name hostnames[] rules[].backendRefs[].name rules[].backendRefs[].port",
        "parentRefs[].name rules[].backendRefs[].name rules[].backendRefs[].port",
    ),
    (
        "GRPCRoute",
        "gateway.networking.k8s.io/v1",
        "parentRefs[].name hostnames[] rules[].backendRefs[].name rules[].backendRefs[].port",
        "parentRefs[].name rules[].backendRefs[].name rules[].backendRefs[].port",
    ),
];

const RULES: &str = "groups[].name groups[].interval groups[].rules[].record groups[].rules[].alert groups[].rules[].expr \
    groups[].rules[].for groups[].rules[].labels groups[].rules[].annotations";

#[test]
fn kubernetes_knows_every_field() {
    let (Some(rendered), Some(python)) = (both(), require("python-kube")) else { return };
    let mut child = Command::new(python)
        .arg("-c")
        .arg(include_str!("validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool is there");
    let mut seen = BTreeSet::new();
    let mut lines = String::new();
    for one in rendered {
        for object in &one.objects.0 {
            if seen.insert((one.version, object.to_string())) {
                let case = json!({ "name": format!("{}: {}", one.name, id(object)), "version": one.version, "object": object });
                lines += &format!("{case}\n");
            }
        }
    }
    // What must be found, so that nothing found means something.
    let wrong = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "x" }, "spec": { "prots": [] } });
    for version in VERSIONS {
        lines += &format!("{}\n", json!({ "name": "wrong", "version": version, "object": wrong }));
    }
    let mut input = child.stdin.take().expect("piped");
    // Its answers are few: it never waits for us while we wait for it.
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());

    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (wrong, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer["name"] == "wrong");
    assert_eq!(wrong.len(), VERSIONS.len(), "{wrong:?}");
    let known: Vec<_> = RESOURCES.iter().map(|(kind, ..)| Value::from(*kind)).collect();
    let found: Vec<_> = others.iter().filter(|answer| !known.contains(&answer["unknown"])).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn operators_know_every_field() {
    let Some(rendered) = both() else { return };
    let mut seen = BTreeSet::new();
    for one in rendered {
        for (kind, api, may, must) in RESOURCES {
            for object in one.objects.of(kind) {
                seen.insert(kind);
                assert_eq!(object["apiVersion"], api, "{}", one.name);
                let mut fields = BTreeSet::new();
                walk(&object["spec"], String::new(), &mut fields);
                let may: BTreeSet<_> = may.split_whitespace().map(str::to_owned).collect();
                let unknown: Vec<_> = fields.difference(&may).collect();
                assert!(unknown.is_empty(), "{}: {kind} has no {unknown:?}", one.name);
                let missing: Vec<_> = must.split_whitespace().filter(|field| !fields.contains(*field)).collect();
                assert!(missing.is_empty(), "{}: {kind} needs {missing:?}", one.name);
            }
        }
    }
    assert_eq!(seen.len(), RESOURCES.len(), "all of them are rendered: {seen:?}");
}

/// Adds the path of every leaf; labels are one.
fn walk(value: &Value, path: String, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields)
            if !["matchLabels", "rules[].labels", "rules[].annotations"].iter().any(|map| path.ends_with(map)) =>
        {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(value, path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, format!("{path}[]"), found)),
        _ => {
            found.insert(path);
        }
    }
}
