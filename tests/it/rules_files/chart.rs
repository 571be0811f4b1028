//! What the chart makes of the files: the same rules, for one release, with the objectives of the values.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use regex::Regex;
use serde_json::Value;

use super::{root, rules, rules_of};
use crate::promtool;
use crate::tools::require;

const OPERATOR: &str = "monitoring: { provider: prometheusOperator, sampleLimit: 10000 }";

/// What helm prints for these values, of the rules alone.
fn render(values: &str) -> Option<Output> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values).unwrap();
    let mut helm = Command::new(require("helm")?);
    helm.args([
        "template",
        "rel",
        "charts/continuous-load",
        "--namespace",
        "ns",
        "--show-only",
        "templates/prometheusrule.yaml",
    ]);
    Some(helm.arg("--values").arg(file.path()).current_dir(root()).output().unwrap())
}

fn resource(values: &str) -> Option<Value> {
    let output = render(values)?;
    assert!(output.status.success(), "{}", promtool::words(&output));
    Some(serde_saphyr::from_str(&String::from_utf8(output.stdout).unwrap()).unwrap())
}

#[test]
fn a_release_has_the_same_rules_about_itself() {
    for (provider, kind) in [("prometheusOperator", "PrometheusRule"), ("googleManagedPrometheus", "Rules")] {
        let Some(resource) = resource(&format!("monitoring: {{ provider: {provider}, sampleLimit: 10000 }}")) else {
            return;
        };
        assert_eq!(resource["kind"], kind);
        let rendered = rules_of(&resource["spec"]["groups"]);
        let files = rules();
        assert_eq!(rendered.len(), files.len());
        // Word for word, but for these.
        let changes = [
            ("source=~\".*\"", "source=\"ns/rel\""),
            ("namespace=~\".*\",release=~\".*\"", "namespace=\"ns\",release=\"rel\""),
            ("> 40000", "> 8000"),
        ];
        let mut seen = BTreeMap::new();
        for (rendered, file) in rendered.iter().zip(&files) {
            let mut expression = file["expr"].as_str().unwrap().to_owned();
            for (old, new) in changes {
                *seen.entry(old).or_insert(0) += expression.matches(old).count();
                expression = expression.replace(old, new);
            }
            assert_eq!(rendered["expr"], expression);
            assert!(!expression.contains(".*"), "{expression}");
            for key in ["alert", "record", "for", "labels", "annotations"] {
                assert_eq!(rendered[key], file[key], "{key} of {expression}");
            }
        }
        assert!(changes.iter().all(|(old, _)| seen[old] > 0), "{seen:?}");
    }
}

/// Other releases' series are in the same Prometheus. Rules that took them would record them once more and hold them against
/// the wrong objectives.
#[test]
fn what_a_release_asks_for_is_its_own() {
    let Some(resource) = resource(OPERATOR) else { return };
    let selector = Regex::new(r"\b((?:continuous_load|process|scrape)[a-z0-9_:]*)(\{[^}]*\})?").unwrap();
    // It gives a label to what is asked for.
    let lends = ["group_left (role) ", "and on (cluster, namespace, job, instance) "];
    let mut count = 0;
    for rule in rules_of(&resource["spec"]["groups"]) {
        let expression = rule["expr"].as_str().unwrap();
        for found in selector.captures_iter(expression) {
            let before = &expression[..found.get(0).unwrap().start()];
            let labels = found.get(2).map_or("", |labels| labels.as_str());
            let is_own = labels.contains("source=\"ns/rel\"") || labels.contains("namespace=\"ns\",release=\"rel\"");
            assert!(is_own || lends.iter().any(|words| before.ends_with(words)), "{} in {expression}", &found[0]);
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn objectives_and_links_are_those_of_the_values() {
    let objectives = "objectives: { availability: 0.995, latency: 0.9, latencyBound: 0.25 }";
    let values =
        format!("{OPERATOR}\nrules: {{ {objectives}, runbookUrl: \"https://example.org/#\", labels: {{ a: b }} }}");
    let Some(resource) = resource(&values) else { return };
    assert_eq!(resource["metadata"]["labels"]["a"], "b");
    let text = resource.to_string();
    for (gone, there, times) in [
        ("1 - 0.999", "(1 - 0.995)", 9),
        ("(1 - 0.99)", "(1 - 0.9)", 9),
        ("le=\\\"0.1\\\"", "le=\\\"0.25\\\"", 1),
        ("docs/runbook.md", "https://example.org/#continuousloadpathloss", 1),
    ] {
        assert!(!text.contains(gone), "{gone}");
        assert_eq!(text.matches(there).count(), times, "{there}");
    }
    let Some(promtool) = require("promtool") else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), resource["spec"].to_string()).unwrap();
    let output = promtool::rules(&promtool, "check", &[file.path()]);
    assert!(output.status.success(), "{}", promtool::words(&output));
}

#[test]
fn overrides_change_the_alert_that_they_name_and_no_other() {
    let overrides = "ContinuousLoadPathLoss: { for: 91m, labels: { severity: info }, annotations: { note: ours } }";
    let (Some(before), Some(after)) =
        (resource(OPERATOR), resource(&format!("{OPERATOR}\nrules: {{ overrides: {{ {overrides} }} }}")))
    else {
        return;
    };
    let (before, after) = (rules_of(&before["spec"]["groups"]), rules_of(&after["spec"]["groups"]));
    let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert!(!changed.is_empty());
    for (before, after) in changed {
        assert_eq!(before["alert"], "ContinuousLoadPathLoss");
        assert_eq!((&before["expr"], &after["for"]), (&after["expr"], &"91m".into()));
        assert_eq!(after["labels"]["severity"], "info");
        assert_eq!(after["annotations"]["note"], "ours");
        assert_eq!(after["annotations"]["summary"], before["annotations"]["summary"]);
    }
}

/// Prometheus 3 stores a bucket that is exported as 1 as 1.0; others it leaves as they are.
#[test]
fn a_bound_of_whole_seconds_finds_its_bucket() {
    for (bound, wanted) in [("1", "le=~\"1([.]0)?\""), ("10", "le=~\"10([.]0)?\""), ("2.5", "le=\"2.5\"")] {
        let values = format!("{OPERATOR}\nrules: {{ objectives: {{ latencyBound: {bound} }} }}");
        let Some(resource) = resource(&values) else { return };
        let rules = rules_of(&resource["spec"]["groups"]);
        let found = rules.iter().filter(|rule| rule["expr"].as_str().unwrap().contains(wanted)).count();
        assert_eq!(found, 1, "{bound}");
    }
}

#[test]
fn alerts_that_cannot_be_right_are_left_out() {
    let names = |more: &str| -> Option<Vec<String>> {
        let resource = resource(&format!("{OPERATOR}\n{more}"))?;
        let rules = rules_of(&resource["spec"]["groups"]).into_iter().filter_map(|rule| rule["alert"].as_str());
        Some(rules.map(str::to_owned).collect())
    };
    for (values, gone) in [
        ("injector: { mode: job }", "ContinuousLoadInjectorDown"),
        ("injector: { mode: cronjob }", "ContinuousLoadInjectorDown"),
        ("injector: { enabled: false }", "ContinuousLoadInjectorDown"),
        ("target: { enabled: false }\ninjector: { target: { host: echo.test } }", "ContinuousLoadTargetDown"),
        ("rules: { disabled: [ContinuousLoadHiddenRetries] }", "ContinuousLoadHiddenRetries"),
    ] {
        let (Some(all), Some(some)) = (names(""), names(values)) else { return };
        let left: Vec<_> = all.iter().filter(|name| *name != gone).cloned().collect();
        assert_eq!(some, left, "{values}");
        assert!(left.len() < all.len());
    }
}

#[test]
fn values_that_cannot_work_are_refused_with_the_remedy() {
    for (values, wanted) in [
        ("rules: { objectives: { availability: 0.9999 } }", &["rules.objectives.availability 0.9999", "12/s"][..]),
        ("injector: { totalRate: 1/s }", &["rules.objectives.availability 0.999", "2/s", "injector.totalRate"]),
        ("rules: { objectives: { availability: 1 } }", &["/rules/objectives/availability"]),
        ("rules: { objectives: { latencyBound: 0.2 } }", &["/rules/objectives/latencyBound", "0.1, 0.25"]),
        ("rules: { objective: {} }", &["'objective'"]),
        ("rules: { disabled: [ContinuousLoadPathLos] }", &["ContinuousLoadPathLos,", "ContinuousLoadPathLoss"]),
    ] {
        let Some(output) = render(&format!("{OPERATOR}\n{values}")) else { return };
        let said = promtool::words(&output);
        assert!(!output.status.success(), "{values}: {said}");
        assert!(wanted.iter().all(|words| said.contains(words)), "{values}: {said}");
    }
    let convert = "monitoring: { provider: prometheusOperator, prometheusOperator: { convertHistograms: true } }";
    let Some(output) = render(convert) else { return };
    assert!(promtool::words(&output).contains("rules.enabled to false"), "{}", promtool::words(&output));
}
