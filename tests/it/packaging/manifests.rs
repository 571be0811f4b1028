//! The manifests for those without helm are the chart as it is now, and helm is not in them.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{read, root, said};
use crate::tools::require;

const FILES: [&str; 2] = ["manifests/continuous-load.yaml", "manifests/continuous-load-prometheus-operator.yaml"];

fn objects(text: &str) -> Vec<Value> {
    let found: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    found.into_iter().filter(|object| !object.is_null()).collect()
}

#[test]
fn the_manifests_are_the_charts_as_they_are() {
    let Some(_) = require("helm") else { return };
    let output = Command::new(root().join("scripts/manifests")).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_manifest_can_be_applied_as_it_stands() {
    for file in FILES {
        let text = read(file);
        let objects = objects(&text);
        assert_eq!(objects[0]["kind"], "Namespace", "{file} makes the namespace before what is in it");
        let namespace = objects[0]["metadata"]["name"].as_str().unwrap();
        assert_eq!(objects[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
        for object in &objects[1..] {
            assert_eq!(object["metadata"]["namespace"], namespace, "{file}: {object}");
        }
        let kinds: Vec<_> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
        for kind in ["ConfigMap", "Deployment", "PodDisruptionBudget", "Service", "ServiceAccount"] {
            assert!(kinds.contains(&kind), "{file}: no {kind} among {kinds:?}");
        }
        assert!(!kinds.contains(&"Pod"), "{file} has the pods of helm's tests");
        assert_eq!(kinds.contains(&"PrometheusRule"), file.contains("prometheus-operator"), "{file}");
        for words in ["managed-by", "helm.sh/", "{{ .Values"] {
            assert!(!text.contains(words), "{file} says {words}");
        }
    }
}

/// What docs/install.md tells to do for another namespace reaches every place, and changes nothing else.
#[test]
fn another_namespace_is_one_word() {
    for file in FILES {
        let text = read(file);
        let moved = text.replace("continuous-load-system", "elsewhere");
        for object in &objects(&moved)[1..] {
            assert_eq!(object["metadata"]["namespace"], "elsewhere", "{file}");
        }
        assert!(moved.contains("continuous-load-target.elsewhere.svc."), "{file}: the injector's target");
        assert!(moved.contains("source: elsewhere/continuous-load\n"), "{file}: the injector's name for itself");
        assert!(!moved.contains("-system"), "{file}: what is left");
    }
    assert!(read("docs/install.md").contains("sed 's/continuous-load-system/"));
}

#[test]
fn manifests_that_are_old_are_told() {
    let Some(_) = require("helm") else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["scripts", "charts"] {
        let output = Command::new("cp").arg("-rL").arg(root().join(name)).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    let run = |argument: &[&str]| {
        // helm of our own folder, too.
        let helm = require("helm").unwrap();
        let path = format!("{}:{}", helm.parent().unwrap().display(), std::env::var("PATH").unwrap());
        Command::new("bash")
            .arg(folder.path().join("scripts/manifests"))
            .args(argument)
            .env("PATH", path)
            .output()
            .unwrap()
    };
    let written = run(&[]);
    assert!(written.status.success() && run(&["--check"]).status.success(), "{}", said(&written));
    let file = folder.path().join(FILES[0]);
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("replicas: 2", "replicas: 3")).unwrap();
    let output = run(&["--check"]);
    assert!(!output.status.success() && said(&output).contains("run scripts/manifests"), "{}", said(&output));
}
