//! The chart that is installed once: the dashboards are the files, the rules are the files with the values in them, each toggle
//! adds what it says, and what cannot work is refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::helm::{CHARTS, Helm, Objects, each, id};
use crate::promtool;
use crate::tools::require;

const OPERATOR: &str =
    "dashboards: { kind: grafanaOperator, grafanaOperator: { instanceSelector: { matchLabels: { a: b } } } }";

/// The dashboards as they stand in their files, by their address.
fn files() -> Vec<(String, Value)> {
    let folder = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards")).unwrap();
    let mut files: Vec<_> = folder
        .map(|entry| {
            let board: Value = serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
            (board["uid"].as_str().unwrap().to_owned(), board)
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(files.len(), 2);
    files
}

/// The dashboards of a rendering, by their address.
fn boards(objects: &Objects) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for object in &objects.0 {
        if object["metadata"]["labels"]["app.kubernetes.io/component"] != "dashboards" {
            continue;
        }
        let text = match object["kind"].as_str().unwrap() {
            "GrafanaDashboard" => &object["spec"]["json"],
            _ => {
                let data = object["data"].as_object().unwrap();
                assert_eq!(data.len(), 1);
                let (name, text) = data.iter().next().unwrap();
                let board: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
                assert_eq!(*name, format!("{}.json", board["uid"].as_str().unwrap()));
                text
            }
        };
        // kubectl writes the whole object into an annotation, which has this much room.
        assert!(object.to_string().len() < 256 << 10, "{}: {}", id(object), object.to_string().len());
        let board: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        found.push((board["uid"].as_str().unwrap().to_owned(), board));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn the_dashboards_are_the_files() {
    let Some(helm) = Helm::find() else { return };
    for values in ["", OPERATOR] {
        assert_eq!(boards(&helm.objects_of(CHARTS[1], values)), files(), "{values}");
    }
    let objects = helm.objects_of(CHARTS[1], "");
    for map in objects.of("ConfigMap") {
        assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
        assert_eq!(map["metadata"]["annotations"]["grafana_folder"], "Continuous load");
    }
    let objects = helm.objects_of(CHARTS[1], OPERATOR);
    for board in objects.of("GrafanaDashboard") {
        assert_eq!(board["spec"]["folder"], "Continuous load");
        assert_eq!(board["spec"]["allowCrossNamespaceImport"], true);
    }
}

/// Those of a release are the same but for titles and addresses, links between them included.
#[test]
fn dashboards_of_a_release_have_its_name_in_title_and_address() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.objects("dashboards: { enabled: true }");
    let found = boards(&objects);
    let suffix = found[0].0.rsplit_once('-').unwrap().1;
    assert_eq!(found.len(), 2);
    for (mut own, file) in
        found.iter().cloned().map(|(_, board)| board).zip(files().into_iter().map(|(_, board)| board))
    {
        assert_eq!(own["title"], format!("{} (ns/r)", file["title"].as_str().unwrap()));
        assert_eq!(own["uid"], format!("{}-{suffix}", file["uid"].as_str().unwrap()));
        assert!(own["uid"].as_str().unwrap().len() <= 40, "Grafana takes no longer ones");
        for (link, link_of_file) in own["links"].as_array().unwrap().iter().zip(file["links"].as_array().unwrap()) {
            assert_eq!(link["url"], format!("{}-{suffix}", link_of_file["url"].as_str().unwrap()));
            assert!(found.iter().any(|(uid, _)| link["url"] == format!("/d/{uid}")), "{link} leads nowhere");
        }
        for key in ["title", "uid", "links"] {
            own[key] = file[key].clone();
        }
        assert_eq!(own, file);
    }
}

/// The rule files as they stand are for all releases; the values change what they say they change.
#[test]
fn the_rules_are_the_files_for_all_releases() {
    let Some(helm) = Helm::find() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/continuous-load/rules");
    let mut groups = Vec::new();
    for name in ["alerts.yaml", "recording.yaml"] {
        let file: Value = serde_saphyr::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap();
        groups.extend(file["groups"].as_array().unwrap().clone());
    }
    for (provider, id) in [
        ("prometheusOperator", "PrometheusRule/r-continuous-load-monitoring-rules"),
        ("googleManagedPrometheus", "ClusterRules/ns.r-continuous-load-monitoring-rules"),
    ] {
        let objects = helm.objects_of(CHARTS[1], &format!("monitoring: {{ provider: {provider} }}"));
        let rules = objects.one(id);
        assert_eq!(rules["spec"]["groups"], Value::from(groups.clone()), "{provider}");
    }
}

#[test]
fn objectives_overrides_and_labels_are_those_of_the_values() {
    let Some(helm) = Helm::find() else { return };
    let values = "monitoring: { provider: prometheusOperator, sampleLimit: 1000, labels: { prometheus: main } }\n\
        rules: { objectives: { availability: 0.995, latency: 0.9, latencyBound: 1 }, runbookUrl: \"https://r.test/#\", \
        labels: { a: b }, disabled: [ContinuousLoadHiddenRetries], overrides: { ContinuousLoadTargetDown: \
        { for: 17m, labels: { severity: info, team: net }, annotations: { summary: gone } } } }";
    let objects = helm.objects_of(CHARTS[1], values);
    let resource = objects.one("PrometheusRule/r-continuous-load-monitoring-rules");
    assert_eq!(resource["metadata"]["labels"]["a"], "b");
    assert_eq!(resource["metadata"]["labels"]["prometheus"], "main");
    let text = resource.to_string();
    // As Prometheus 3 stores it, too.
    for there in ["(1 - 0.995)", "(1 - 0.9)", "le=~\\\"1([.]0)?\\\"", "> 800", "https://r.test/#continuousloadpathloss"]
    {
        assert!(text.contains(there), "{there}");
    }
    for gone in ["0.999", "(1 - 0.99)", "le=\\\"0.1", "40000", "docs/runbook.md", "ContinuousLoadHiddenRetries"] {
        assert!(!text.contains(gone), "{gone}");
    }
    let rules =
        resource["spec"]["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    let changed: Vec<_> = rules.filter(|rule| rule["labels"]["team"] == "net").collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["alert"], "ContinuousLoadTargetDown");
    assert_eq!((&changed[0]["for"], &changed[0]["labels"]["severity"]), (&"17m".into(), &"info".into()));
    assert_eq!(changed[0]["annotations"]["summary"], "gone");
    assert!(changed[0]["annotations"]["runbook_url"].is_string(), "the others stay");

    let Some(promtool) = require("promtool") else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), resource["spec"].to_string()).unwrap();
    let output = promtool::rules(&promtool, "check", &[file.path()]);
    assert!(output.status.success(), "{}", promtool::words(&output));
}

const PROMETHEUS: &str = "+ServiceAccount/prometheus +ClusterRole/prometheus +ClusterRoleBinding/prometheus \
    +ConfigMap/prometheus +Service/prometheus +Deployment/prometheus +Pod/test-prometheus";
const GRAFANA: &str = "+ServiceAccount/grafana +Secret/grafana +ConfigMap/grafana +Service/grafana \
    +Deployment/grafana +Pod/test-grafana";
const DASHBOARDS_OFF: &str = "-ConfigMap/dashboard-run -ConfigMap/dashboard-service-path +PrometheusRule/rules";

/// A toggle, and what comes (`+`) and goes (`-`) with it.
const TOGGLES: [(&str, &str); 8] = [
    ("dashboards: { enabled: false }\nmonitoring: { provider: prometheusOperator }", DASHBOARDS_OFF),
    (
        OPERATOR,
        "-ConfigMap/dashboard-run -ConfigMap/dashboard-service-path +GrafanaDashboard/dashboard-run \
         +GrafanaDashboard/dashboard-service-path",
    ),
    ("monitoring: { provider: prometheusOperator }", "+PrometheusRule/rules"),
    ("monitoring: { provider: googleManagedPrometheus }", "+ClusterRules/rules"),
    ("monitoring: { provider: googleManagedPrometheus }\nrules: { enabled: false }", ""),
    ("demo: { prometheus: { enabled: true } }", PROMETHEUS),
    ("demo: { grafana: { enabled: true, prometheusUrl: \"http://p.test\" } }", GRAFANA),
    (
        "demo: { prometheus: { enabled: true, namespaces: [a] } }\ntests: { enabled: false }",
        "+ServiceAccount/prometheus +Role/prometheus +RoleBinding/prometheus +ConfigMap/prometheus \
         +Service/prometheus +Deployment/prometheus",
    ),
];

#[test]
fn a_toggle_adds_what_it_says() {
    let Some(helm) = Helm::find() else { return };
    let ids = |values: &str| -> BTreeSet<String> {
        let ids = helm.objects_of(CHARTS[1], values).ids().into_iter();
        ids.map(|id| id.replace("ns.", "").replace("r-continuous-load-monitoring-", "")).collect()
    };
    let base = ids("");
    each(&TOGGLES, |(values, wanted)| {
        let toggled = ids(values);
        let come = toggled.difference(&base).map(|id| format!("+{id}"));
        let found: BTreeSet<_> = come.chain(base.difference(&toggled).map(|id| format!("-{id}"))).collect();
        let wanted: BTreeSet<_> = wanted.split_whitespace().map(str::to_owned).collect();
        assert_eq!(found, wanted, "{values}");
    });
}

/// Values, and words that the refusal has to have.
const REFUSED: &[(&str, &[&str])] = &[
    ("dashboard: {}", &["'dashboard' not allowed"]),
    ("dashboards: { folders: x }", &["/dashboards", "'folders'"]),
    ("dashboards: { kind: sidecar }", &["/dashboards/kind", "'configMap', 'grafanaOperator'"]),
    ("dashboards: { kind: grafanaOperator }", &["instanceSelector is empty", "{matchLabels: {dashboards: grafana}}"]),
    ("dashboards: { enabled: false }", &["nothing is installed", "monitoring.provider", "demo.prometheus.enabled"]),
    ("monitoring: { provider: annotations }", &["/monitoring/provider", "'prometheusOperator'"]),
    ("rules: { objectives: { latencyBound: 0.2 } }", &["/rules/objectives/latencyBound", "0.1, 0.25"]),
    ("rules: { objectives: { availability: 1 } }", &["/rules/objectives/availability"]),
    (
        "monitoring: { provider: prometheusOperator }\nrules: { disabled: [PathLoss] }",
        &["rules.disabled names PathLoss", "ContinuousLoadPathLoss"],
    ),
    (
        "demo: { prometheus: { enabled: true } }\nrules: { overrides: { PathLoss: { for: 1m } } }",
        &["rules.overrides names PathLoss", "ContinuousLoadPathLoss"],
    ),
    ("demo: { grafana: { enabled: true } }", &["demo.prometheus.enabled", "demo.grafana.prometheusUrl"]),
    (
        "demo: { prometheus: { enabled: true }, grafana: { enabled: true } }\ndashboards: { enabled: false }",
        &["demo.grafana.enabled needs the dashboards", "dashboards.kind to configMap"],
    ),
    (
        "demo: { prometheus: { enabled: true } }\nmonitoring: { provider: prometheusOperator }",
        &["would both evaluate the rules", "rules.enabled to false"],
    ),
    ("demo: { grafana: { adminPassword: x } }", &["/demo/grafana", "'adminPassword'"]),
    ("demo: { grafana: { prometheusUrl: prometheus } }", &["/demo/grafana/prometheusUrl"]),
    ("demo: { prometheus: { retention: 2 days } }", &["/demo/prometheus/retention"]),
    ("demo: { prometheus: { interval: 15 } }", &["/demo/prometheus/interval"]),
    ("demo: { prometheus: { storage: much } }", &["/demo/prometheus/storage"]),
    ("demo: { prometheus: { alertmanagers: [alertmanager] } }", &["/demo/prometheus/alertmanagers/0"]),
    ("demo: { prometheus: { image: { digest: latest } } }", &["/demo/prometheus/image/digest"]),
    (
        "demo: { prometheus: { enabled: true, extraArgs: [--storage.tsdb.path=/x] } }",
        &["demo.prometheus.extraArgs[0]", "is set by this chart; leave it out"],
    ),
    (
        "demo: { prometheus: { podLabels: { app.kubernetes.io/name: x } } }",
        &["demo.prometheus.podLabels must not have app.kubernetes.io/name"],
    ),
    ("fullnameOverride: 2nd", &["fullnameOverride", "begin with a digit (2nd)"]),
];

#[test]
fn what_cannot_work_is_refused_with_the_key_and_the_remedy() {
    let Some(helm) = Helm::find() else { return };
    each(REFUSED, |(values, words)| match helm.text_of(CHARTS[1], values, &[]) {
        Ok(_) => panic!("accepted: {values}"),
        Err(error) => {
            for word in *words {
                assert!(error.contains(word), "{values}\nno {word:?} in\n{error}");
            }
        }
    });
}
