//! Releases beside each other, and one after the other: nothing is shared that should not be, nothing changes that cannot.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::helm::{CHARTS, Helm, Objects, chart, folder, id, items};
use super::matrix::matrix;

fn release(helm: &Helm, chart: &Path, name: &str, values: &str) -> Objects {
    release_in(helm, chart, name, "ns", values)
}

fn release_in(helm: &Helm, chart: &Path, name: &str, namespace: &str, values: &str) -> Objects {
    let arguments = ["template", name, chart.to_str().unwrap(), "--namespace", namespace];
    let output = helm.run(&arguments, values);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Objects::read(&String::from_utf8(output.stdout).unwrap())
}

/// The labels that something selects by, wherever it says so.
fn selectors(objects: &Objects) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for object in &objects.0 {
        for place in ["/spec/selector/matchLabels", "/spec/podSelector/matchLabels", "/spec/selector"] {
            if let Some(labels) = object.pointer(place).filter(|labels| labels.get("matchLabels").is_none()) {
                found.push((id(object), labels.clone()));
                break;
            }
        }
    }
    found
}

const EVERYTHING: &str = "networkPolicy: { enabled: true }\nmonitoring: { provider: prometheusOperator }\n\
    dashboards: { enabled: true }\n";
/// The same of the other chart, with what has no namespace, or another than the release's.
const EVERYTHING_ALSO: [&str; 2] = [
    "monitoring: { provider: googleManagedPrometheus }\ndemo: { prometheus: { enabled: true }, grafana: { enabled: true } }\n",
    "demo: { prometheus: { enabled: true, namespaces: [load] } }\n",
];

#[test]
fn releases_in_one_namespace_do_not_meet() {
    let Some(helm) = Helm::find() else { return };
    let long = "a".repeat(52);
    let names = ["path", "path.2", "path-2", "continuous-load"].map(str::to_owned);
    let names: Vec<_> = names.into_iter().chain([format!("{long}1"), format!("{long}2")]).collect();
    let releases: Vec<_> = names.iter().map(|name| release(&helm, &chart(), name, EVERYTHING)).collect();
    let mut seen = BTreeSet::new();
    for objects in &releases {
        for object in objects.ids() {
            let (kind, name) = object.split_once('/').unwrap();
            // A job's pods are named after it, with 11 more.
            // A service's name is a label of DNS.
            assert!(!name.contains('.') && name.starts_with(char::is_alphabetic), "{object}");
            assert!(name.len() <= 63 && (kind != "CronJob" || name.len() <= 52), "{object}");
            assert!(seen.insert(object.clone()), "{object} is of two releases");
        }
    }
    for (at, objects) in releases.iter().enumerate() {
        for (whose, selector) in selectors(objects) {
            for (other, stranger) in releases.iter().enumerate().filter(|(other, _)| *other != at) {
                for (pod, template) in stranger.pods() {
                    let labels = &template["metadata"]["labels"];
                    let is_met = selector.as_object().unwrap().iter().all(|(key, value)| labels[key] == *value);
                    assert!(!is_met, "{} of {} selects {pod} of {}", whose, names[at], names[other]);
                }
            }
        }
    }
}

/// In one namespace and in two, of one name and of several; and what has no namespace belongs to one release alone.
#[test]
fn both_charts_of_several_releases_share_no_name_in_a_cluster() {
    let Some(helm) = Helm::find() else { return };
    let mut seen = BTreeSet::new();
    let mut uids = BTreeSet::new();
    // Joined with a dash, the first two would be one.
    for (namespace, name) in [("a", "b-c"), ("a-b", "c"), ("a", "c"), ("a", "continuous-load")] {
        let mut all = release_in(&helm, &chart(), name, namespace, EVERYTHING).0;
        let files =
            all.iter().filter(|object| object["metadata"]["labels"]["app.kubernetes.io/component"] == "dashboards");
        for file in files.flat_map(|object| object["data"].as_object().unwrap().keys()) {
            assert!(uids.insert(file.clone()), "a sidecar would write {file} twice");
        }
        for (values, prefix) in EVERYTHING_ALSO.into_iter().zip(["mon", "mon2"]) {
            all.extend(release_in(&helm, &folder(CHARTS[1]), &format!("{prefix}-{name}"), namespace, values).0);
        }
        for object in &all {
            let place = (object["metadata"]["namespace"].to_string(), id(object));
            assert!(seen.insert(place.clone()), "{place:?} is of two releases");
        }
    }
    assert_eq!(uids.len(), 4 * 2, "{uids:?}");
}

/// The injectors say who they are in at most 32 characters on each side, and differently.
#[test]
fn sources_of_releases_differ_however_long_their_names() {
    let Some(helm) = Helm::find() else { return };
    let long = "b".repeat(52);
    let mut seen = BTreeSet::new();
    for name in ["path".to_owned(), "path.2".to_owned(), "path-2".to_owned(), format!("{long}1"), format!("{long}2")] {
        let scenario = release(&helm, &chart(), &name, "").scenario().unwrap();
        let source = scenario.lines().find_map(|line| line.strip_prefix("source: ")).unwrap().to_owned();
        assert!(source.parse::<shared::identity::Source>().is_ok(), "{name}: {source}");
        assert!(seen.insert(source), "{name}");
    }
    assert!(seen.contains("ns/path") && seen.contains("ns/path-2"), "{seen:?}");
}

/// What selects can never be changed by an upgrade, so it hangs on name, instance and component alone.
#[test]
fn selectors_hang_on_nothing_that_changes() {
    let Some(rendered) = matrix() else { return };
    for one in rendered {
        for object in one.objects.0.iter() {
            if !["Deployment", "DaemonSet"].contains(&object["kind"].as_str().unwrap()) {
                continue;
            }
            let labels = object["spec"]["selector"]["matchLabels"].as_object().unwrap();
            let keys: Vec<_> = labels.keys().map(String::as_str).collect();
            let wanted = ["app.kubernetes.io/component", "app.kubernetes.io/instance", "app.kubernetes.io/name"];
            assert_eq!(BTreeSet::from_iter(keys), BTreeSet::from(wanted), "{}: {}", one.name, id(object));
        }
    }
}

/// A new version of the chart with the same values and image restarts no pod, and replaces no job.
#[test]
fn an_upgrade_that_changes_nothing_restarts_nothing() {
    let Some(helm) = Helm::find() else { return };
    let newer = tempfile::tempdir().unwrap();
    copy(&chart(), newer.path());
    let file = newer.path().join("Chart.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text.replace(&format!("ersion: {}\n", env!("CARGO_PKG_VERSION")), "ersion: 9.9.9\n");
    assert_eq!(changed.matches("9.9.9").count(), 2, "the chart's version and the programs'");
    fs::write(&file, changed).unwrap();

    for mode in ["deployment", "daemonset", "job", "cronjob"] {
        let values = format!("{EVERYTHING}image: {{ tag: pinned }}\ninjector: {{ mode: {mode} }}\n");
        let (before, after) = (release(&helm, &chart(), "r", &values), release(&helm, newer.path(), "r", &values));
        assert_eq!(before.ids(), after.ids());
        assert_eq!(selectors(&before), selectors(&after));
        let lasting = |objects: &Objects| -> Vec<Value> {
            let pods = objects.pods().into_iter();
            pods.filter(|(whose, _)| !whose.starts_with("Pod/")).map(|(_, pod)| pod.clone()).collect()
        };
        assert_eq!(lasting(&before), lasting(&after), "{mode}");
    }
}

/// A job cannot be changed, so a changed one is another one; the same values are the same one.
#[test]
fn a_changed_job_is_another_job() {
    let Some(helm) = Helm::find() else { return };
    let name = |values: &str| {
        let objects = helm.objects(&format!("injector: {{ mode: job, {values} }}"));
        let jobs: Vec<_> = objects.of("Job").map(id).collect();
        assert_eq!(jobs.len(), 1);
        jobs[0].clone()
    };
    let base = name("");
    assert_eq!(base, name("job: { duration: 10m }"), "as it was");
    for values in ["totalRate: 11/s", "job: { duration: 11m }", "job: { replicas: 2 }", "podLabels: { a: b }"] {
        assert_ne!(base, name(values), "{values}");
    }
    assert_eq!(name("job: { runId: night-7 }"), "Job/r-continuous-load-injector-night-7");
}

#[test]
fn a_changed_scenario_restarts_the_injectors_and_nobody_else() {
    let Some(helm) = Helm::find() else { return };
    let (before, after) = (helm.objects(""), helm.objects("injector: { scenario: { timeout: 2s } }"));
    let differing: Vec<_> = before.0.iter().zip(&after.0).filter(|(a, b)| a != b).map(|(a, _)| id(a)).collect();
    assert_eq!(differing, ["ConfigMap/r-continuous-load-scenario", "Deployment/r-continuous-load-injector"]);
    let containers = |objects: &Objects| {
        let pod = objects.one("Deployment/r-continuous-load-injector")["spec"]["template"]["spec"].clone();
        items(&pod["containers"]).to_vec()
    };
    assert_eq!(containers(&before), containers(&after), "the file alone has changed");
}

/// Another chart's values reach ours below its name, and what it shares with all of its parts is let in.
#[test]
fn it_can_be_a_part_of_another_chart() {
    let Some(helm) = Helm::find() else { return };
    let parent = tempfile::tempdir().unwrap();
    let part = parent.path().join("charts/continuous-load");
    fs::create_dir_all(&part).unwrap();
    copy(&chart(), &part);
    fs::write(parent.path().join("Chart.yaml"), "apiVersion: v2\nname: parent\nversion: 1.0.0\n").unwrap();
    let values = "global: { imageRegistry: g.test, other: { a: 1 } }\ncontinuous-load: { target: { replicas: 3 } }\n";
    let objects = release(&helm, parent.path(), "r", values);
    let target = objects.one("Deployment/r-continuous-load-target");
    assert_eq!(target["spec"]["replicas"], 3);
    let image = target["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    assert!(image.starts_with("g.test/continuous-load:"), "{image}");
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        // Not by the entry: what both charts have is a link.
        if entry.path().is_dir() {
            fs::create_dir(&place).unwrap();
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}
