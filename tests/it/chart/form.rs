//! The chart as helm sees it: linted, packaged, of the version of the programs.

use std::process::Command;

use super::helm::{Helm, chart, ci, each};
use super::matrix::matrix;

#[test]
fn helm_finds_nothing_to_complain_about() {
    let Some(helm) = Helm::find() else { return };
    let mut files = ci();
    files.push(("the values as they are".to_owned(), chart().join("values.yaml").to_str().unwrap().to_owned()));
    each(&files, |(name, file)| {
        let output = helm.run(&["lint", "--strict", chart().to_str().unwrap(), "--values", file], "");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("0 chart(s) failed"), "{name}: {said}");
    });
}

#[test]
fn a_package_holds_the_chart_and_renders_the_same() {
    let Some(helm) = Helm::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = helm.run(&["package", chart().to_str().unwrap(), "-d", folder.path().to_str().unwrap()], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let package = folder.path().join(format!("continuous-load-{}.tgz", env!("CARGO_PKG_VERSION")));

    let listed = Command::new("tar").arg("-tzf").arg(&package).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for file in ["Chart.yaml", "values.yaml", "values.schema.json", "README.md", "templates/NOTES.txt"] {
        assert!(listed.contains(&format!("continuous-load/{file}\n")), "{file} is not in {listed}");
    }
    assert!(!listed.contains("/ci/"), "{listed}");

    let packaged = helm.run(&["template", "r", package.to_str().unwrap(), "--namespace", "ns"], "");
    assert_eq!(String::from_utf8(packaged.stdout).unwrap(), helm.text("", &[]).unwrap());
}

#[test]
fn the_chart_installs_the_programs_of_this_tree() {
    let chart = std::fs::read_to_string(chart().join("Chart.yaml")).unwrap();
    assert!(chart.contains(&format!("\nappVersion: {}\n", env!("CARGO_PKG_VERSION"))), "{chart}");
}

#[test]
fn an_older_kubernetes_is_refused() {
    let Some(helm) = Helm::find() else { return };
    let error = helm.text("", &["--kube-version", "1.24.9"]).unwrap_err();
    assert!(error.contains(">=1.25.0"), "{error}");
}

#[test]
fn every_object_is_of_the_release_and_its_namespace() {
    let Some(rendered) = matrix() else { return };
    for one in rendered {
        for object in one.objects.0.iter().filter(|object| object["metadata"]["name"] != "r-extra") {
            let metadata = &object["metadata"];
            assert_eq!(metadata["namespace"], "ns", "{}: {object}", one.name);
            let labels = &metadata["labels"];
            assert_eq!(labels["app.kubernetes.io/name"], "continuous-load", "{}: {object}", one.name);
            assert_eq!(labels["app.kubernetes.io/instance"], "r", "{}: {object}", one.name);
            assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm", "{}: {object}", one.name);
            assert_eq!(labels["app.kubernetes.io/version"], env!("CARGO_PKG_VERSION"), "{}: {object}", one.name);
            for part in ["component", "part-of"] {
                assert!(labels[format!("app.kubernetes.io/{part}")].is_string(), "{}: {object}", one.name);
            }
            assert!(labels["helm.sh/chart"].is_string(), "{}: {object}", one.name);
        }
        let mut ids = one.objects.ids();
        ids.sort();
        let before = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), before, "{}: an object is there twice: {ids:?}", one.name);
    }
}
