//! What is told about the values is what they are: the table in the README, the schema, the notes after an installation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::helm::{CHARTS, Helm, chart, each, folder};
use crate::fixture::program;
use crate::tools::require;

fn schema(chart: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder(chart).join("values.schema.json")).unwrap()).unwrap()
}

#[test]
fn the_table_of_values_is_made_of_the_values() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/chart-docs");
    let output = Command::new(&script).arg("--check").output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");

    // Every key of the schema that a user can set has its row.
    for (chart, least) in CHARTS.into_iter().zip([150, 60]) {
        let readme = fs::read_to_string(folder(chart).join("README.md")).unwrap();
        let mut leaves = BTreeSet::new();
        let schema = schema(chart);
        walk(&schema, &schema["properties"], "", &mut leaves);
        for leaf in &leaves {
            let is_told = leaf.match_indices('.').map(|(at, _)| &leaf[..at]).chain([leaf.as_str()]);
            let is_told = is_told.into_iter().any(|path| readme.contains(&format!("\n| `{path}` |")));
            assert!(is_told, "{leaf} of {chart} is not in the table");
        }
        assert!(leaves.len() > least, "{chart}: {}", leaves.len());
    }
}

/// Adds the path of every value below a map of properties.
fn walk(schema: &Value, properties: &Value, path: &str, leaves: &mut BTreeSet<String>) {
    for (name, value) in properties.as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let value = resolved(schema, value);
        match value.get("properties") {
            Some(below) => walk(schema, below, &path, leaves),
            None => {
                leaves.insert(path);
            }
        }
    }
}

/// What a reference stands for.
fn resolved<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().map(|place| place.trim_start_matches('#'));
    place.map_or(value, |place| schema.pointer(place).unwrap_or_else(|| panic!("no {place}")))
}

/// A comment that is not there, a value in no row, a table that is old: each is said.
#[test]
fn a_table_that_cannot_be_made_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let (scripts, folder) = (root.path().join("scripts"), root.path().join("charts/one"));
    fs::create_dir_all(&scripts).unwrap();
    fs::create_dir_all(&folder).unwrap();
    let script = scripts.join("chart-docs");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/chart-docs"), &script).unwrap();
    let readme = "<!-- values: written by scripts/chart-docs -->\n<!-- end of values -->\n";
    let run = |values: &str, readme: &str, arguments: &[&str]| {
        fs::write(folder.join("values.yaml"), values).unwrap();
        fs::write(folder.join("README.md"), readme).unwrap();
        // Not by itself: a file just written cannot be run while another thread's child still holds it open.
        let output = Command::new("bash").arg(&script).args(arguments).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said, fs::read_to_string(folder.join("README.md")).unwrap())
    };
    let (done, said, table) = run("# Head.\n\n# A | \\d.\na: 1\nb:\n  # C.\n  c:\n    d: [1]\n", readme, &[]);
    assert!(done, "{said}");
    assert!(table.contains("| `a` | `1` | A \\| \\d. |\n| `b.c` | see [values.yaml](values.yaml) | C. |\n"), "{table}");
    for (values, readme, arguments, words) in [
        ("a: 1\n", readme, &[][..], "values.yaml:1: a has no comment"),
        ("# A.\na: 1\nb:\n  c: 1\n", readme, &[], "values.yaml:4: b.c has no comment"),
        ("# A.\na: 1\n", "nothing\n", &[], "no place for the table"),
        ("# A.\na: 1\n", readme, &["--check"], "run scripts/chart-docs"),
        ("# A.\na: 1\n", readme, &["--chekc"], "unknown argument '--chekc'"),
    ] {
        let (done, said, _) = run(values, readme, arguments);
        assert!(!done && said.contains(words), "{values}: {said}");
    }
}

/// Unknown keys are refused everywhere, but where the keys are the user's or Kubernetes's.
#[test]
fn the_schemas_are_closed() {
    for (chart, least) in CHARTS.into_iter().zip([30, 10]) {
        let objects = closed(&schema(chart));
        assert!(objects > least, "{chart}: {objects}");
    }
}

/// How many objects a schema has, of which none lets in what it does not know.
fn closed(schema: &Value) -> usize {
    const OPEN: [&str; 4] = ["/definitions/kubernetes", "/definitions/json", "/properties/global", "/items"];
    let mut objects = 0;
    let mut rest = vec![(String::new(), schema)];
    while let Some((place, value)) = rest.pop() {
        let is_object =
            value["type"] == "object" || value["type"].as_array().is_some_and(|it| it.contains(&"object".into()));
        if is_object && !OPEN.iter().any(|open| place.ends_with(open)) {
            objects += 1;
            let more = &value["additionalProperties"];
            assert!(*more == false || more.is_object(), "{place} lets in what it does not know");
        }
        match value {
            Value::Object(fields) => rest.extend(fields.iter().map(|(name, value)| (format!("{place}/{name}"), value))),
            Value::Array(items) => rest.extend(items.iter().map(|value| (place.clone(), value))),
            _ => {}
        }
    }
    objects
}

/// What both charts have of values has one form.
#[test]
fn values_of_both_charts_are_the_same_where_they_are_called_the_same() {
    let [pair, monitoring] = CHARTS.map(schema);
    for key in ["dashboards", "rules", "commonLabels", "global", "podSecurityContext", "imagePullSecrets"] {
        assert_eq!(pair["properties"][key], monitoring["properties"][key], "{key}");
    }
    let [pair, monitoring] = CHARTS.map(|chart| -> Value {
        serde_saphyr::from_str(&fs::read_to_string(folder(chart).join("values.yaml")).unwrap()).unwrap()
    });
    for key in ["rules", "podSecurityContext", "securityContext"] {
        assert_eq!(pair[key], monitoring[key], "{key}");
    }
    let off = |values: &Value| {
        let mut dashboards = values["dashboards"].clone();
        dashboards["enabled"] = false.into();
        dashboards
    };
    assert_eq!(off(&pair), off(&monitoring));
}

/// The README's way from values to what the injector thinks of them, as it stands there.
#[test]
fn a_scenario_is_checked_as_the_readme_says() {
    let Some(_) = Helm::find() else { return };
    let readme = fs::read_to_string(chart().join("README.md")).unwrap();
    let mut blocks = readme.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let commands = blocks.find(|block| block.starts_with("helm template")).expect("it is told");
    let folder = tempfile::tempdir().unwrap();
    let charts = chart();
    let commands = commands.replace("charts/continuous-load", charts.to_str().unwrap());
    let commands = commands.replace("injector check", &format!("{} check", program("injector").display()));
    let helm = require("helm").unwrap();
    let path = format!("{}:{}", helm.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    let output = shell
        .args(["-euc", &commands])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("KUBECONFIG", "/dev/null")
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success() && said.contains("http-kept"), "{commands}\n{said}");
}

/// Every object and port that the notes name is there, in every mode.
#[test]
fn the_notes_name_what_is_installed() {
    let Some(helm) = Helm::find() else { return };
    each(&["deployment", "daemonset", "job", "cronjob"], |mode| {
        let values = format!("target: {{ adminToken: {{ existingSecret: s }} }}\ninjector: {{ mode: {mode} }}");
        let chart = chart();
        let output = helm.run(&["install", "r", chart.to_str().unwrap(), "-n", "ns", "--dry-run=client"], &values);
        let text = String::from_utf8(output.stdout).unwrap();
        let notes = text.split_once("NOTES:\n").unwrap_or_else(|| panic!("no notes: {text}")).1;
        let ids: Vec<_> = helm.objects(&values).ids().iter().map(|id| id.to_lowercase()).collect();
        let mut named = 0;
        for word in notes.split([' ', '\n', '=']) {
            let kinds = ["deployment/", "daemonset/", "service/", "cronjob/", "job/"];
            if kinds.iter().any(|kind| word.starts_with(kind)) {
                assert!(ids.contains(&word.to_owned()), "{mode}: no {word} among {ids:?}");
                named += 1;
            }
        }
        assert!(named >= 2, "{mode}: {notes}");
        for words in
            ["rollout status", "helm -n ns test r", "kubectl -n ns logs", "source=\"ns/r\"", "monitoring.provider"]
        {
            assert!(notes.contains(words), "{mode}: no {words:?} in {notes}");
        }
        let is_open_ended = ["deployment", "daemonset"].contains(mode);
        assert_eq!(notes.contains("/injector fault apply"), is_open_ended, "{mode}: {notes}");
    });
}

#[test]
fn the_notes_of_the_monitoring_name_what_is_installed() {
    let Some(helm) = Helm::find() else { return };
    let demo = "demo: { prometheus: { enabled: true }, grafana: { enabled: true } }";
    let cases = [
        ("", vec!["grafana_dashboard=1", "/d/continuous-load-run", "monitoring.provider is none"]),
        (
            "monitoring: { provider: prometheusOperator }",
            vec!["kubectl get prometheusrules -A", "--set rules.enabled=false"],
        ),
        (demo, vec!["service/r-continuous-load-monitoring-grafana 3000", "helm -n ns test r", "/targets", "base64 -d"]),
    ];
    for (values, words) in cases {
        let chart = folder(CHARTS[1]);
        let output = helm.run(&["install", "r", chart.to_str().unwrap(), "-n", "ns", "--dry-run=client"], values);
        let text = String::from_utf8(output.stdout).unwrap();
        let notes = text.split_once("NOTES:\n").unwrap_or_else(|| panic!("no notes: {text}")).1;
        let ids: Vec<_> = helm.objects_of(CHARTS[1], values).ids().iter().map(|id| id.to_lowercase()).collect();
        for word in notes.split([' ', '\n']).filter(|word| word.contains("/r-continuous-load-monitoring")) {
            assert!(ids.contains(&word.to_owned()), "no {word} among {ids:?}");
        }
        for words in words {
            assert!(notes.contains(words), "{values}: no {words:?} in {notes}");
        }
    }
}
