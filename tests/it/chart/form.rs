//! The charts as helm sees them: linted, packaged, of the version of the programs.

use std::path::PathBuf;
use std::process::Command;

use super::helm::{CHARTS, Helm, chart, ci, each, folder, id};
use super::matrix::both;

#[test]
fn helm_finds_nothing_to_complain_about() {
    let Some(helm) = Helm::find() else { return };
    for chart in CHARTS {
        let folder = folder(chart);
        let mut files = ci(chart);
        files.push(("the values as they are".to_owned(), folder.join("values.yaml").to_str().unwrap().to_owned()));
        each(&files, |(name, file)| {
            let output = helm.run(&["lint", "--strict", folder.to_str().unwrap(), "--values", file], "");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.contains("0 chart(s) failed"), "{chart}: {name}: {said}");
        });
    }
}

/// What the charts share are symbolic links, which a package must not be.
#[test]
fn a_package_holds_the_chart_and_renders_the_same() {
    let Some(helm) = Helm::find() else { return };
    let place = tempfile::tempdir().unwrap();
    for (chart, values) in CHARTS.into_iter().zip([SHARED_ON, SHARED_ON_ALSO]) {
        let output = helm.run(&["package", folder(chart).to_str().unwrap(), "-d", place.path().to_str().unwrap()], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let package = place.path().join(format!("{chart}-{}.tgz", env!("CARGO_PKG_VERSION")));

        let listed = Command::new("tar").arg("-tvzf").arg(&package).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        for file in [
            "Chart.yaml",
            "values.yaml",
            "values.schema.json",
            "README.md",
            "templates/NOTES.txt",
            "templates/_rules.tpl",
            "dashboards/run.json",
            "dashboards/service-path.json",
            "rules/alerts.yaml",
            "rules/recording.yaml",
        ] {
            assert!(listed.contains(&format!("{chart}/{file}\n")), "{file} is not in {listed}");
        }
        assert!(!listed.contains("/ci/"), "{listed}");
        assert!(listed.lines().all(|line| line.starts_with('-')), "files alone: {listed}");

        let packaged = helm.run(&["template", "r", package.to_str().unwrap(), "--namespace", "ns"], values);
        assert_eq!(String::from_utf8(packaged.stdout).unwrap(), helm.text_of(chart, values, &[]).unwrap());
    }
}

/// What makes all that is shared be rendered.
const SHARED_ON: &str = "monitoring: { provider: prometheusOperator }\ndashboards: { enabled: true }\n";
const SHARED_ON_ALSO: &str = "monitoring: { provider: prometheusOperator }\n";

#[test]
fn the_charts_install_the_programs_of_this_tree() {
    for chart in CHARTS {
        let text = std::fs::read_to_string(folder(chart).join("Chart.yaml")).unwrap();
        assert!(text.contains(&format!("\nappVersion: {}\n", env!("CARGO_PKG_VERSION"))), "{text}");
        let values = std::fs::read_to_string(folder(chart).join("values.yaml")).unwrap();
        let values: serde_json::Value = serde_saphyr::from_str(&values).unwrap();
        let image = |image: &serde_json::Value| {
            let tag = image["tag"].as_str().filter(|tag| !tag.is_empty()).unwrap_or(env!("CARGO_PKG_VERSION"));
            format!("      image: {}:{tag}\n", image["repository"].as_str().unwrap())
        };
        let demo = ["prometheus", "grafana"].map(|name| &values["demo"][name]["image"]);
        let images = if values["demo"].is_null() { vec![&values["image"]] } else { demo.to_vec() };
        for image in images.into_iter().map(image) {
            assert!(text.contains(&image), "{image:?} is not what is announced: {text}");
        }
    }
}

/// A dashboard, a rule or a template that both charts have stands once.
#[test]
fn what_both_charts_have_is_a_link_to_one_copy() {
    let root = std::fs::canonicalize(env!("CARGO_MANIFEST_DIR")).unwrap();
    let monitoring = folder(CHARTS[1]);
    for (link, place) in [
        (chart().join("dashboards"), "dashboards"),
        (monitoring.join("dashboards"), "dashboards"),
        (monitoring.join("rules"), "charts/continuous-load/rules"),
    ] {
        assert_eq!(std::fs::canonicalize(&link).unwrap(), root.join(place), "{}", link.display());
    }
    let files = |chart: &str| -> Vec<PathBuf> {
        let files = std::fs::read_dir(folder(chart).join("templates")).unwrap();
        files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
    };
    for file in files(CHARTS[1]).iter().filter(|file| !file.is_symlink()) {
        let text = std::fs::read_to_string(file).unwrap();
        for other in files(CHARTS[0]) {
            assert_ne!(text, std::fs::read_to_string(&other).unwrap(), "{} twice", other.display());
        }
    }
}

#[test]
fn an_older_kubernetes_is_refused() {
    let Some(helm) = Helm::find() else { return };
    for chart in CHARTS {
        let error = helm.text_of(chart, "", &["--kube-version", "1.24.9"]).unwrap_err();
        assert!(error.contains(">=1.25.0"), "{error}");
    }
}

#[test]
fn every_object_is_of_the_release_and_its_namespace() {
    let Some(rendered) = both() else { return };
    for one in rendered {
        for object in one.objects.0.iter().filter(|object| object["metadata"]["name"] != "r-extra") {
            let metadata = &object["metadata"];
            let kind = object["kind"].as_str().unwrap();
            let is_elsewhere = ["Role", "RoleBinding"].contains(&kind) && metadata["namespace"] != "ns";
            if kind.starts_with("Cluster") {
                assert!(metadata.get("namespace").is_none(), "{}: {object}", one.name);
            } else {
                assert!(metadata["namespace"] == "ns" || is_elsewhere, "{}: {object}", one.name);
            }
            // What may be in another namespace, or in none, has the name of this one.
            let is_told = metadata["name"].as_str().unwrap().starts_with("ns.");
            assert_eq!(is_told, kind.starts_with("Cluster") || is_elsewhere, "{}: {object}", one.name);
            let labels = &metadata["labels"];
            assert_eq!(labels["app.kubernetes.io/name"], one.chart, "{}: {object}", one.name);
            assert_eq!(labels["app.kubernetes.io/instance"], "r", "{}: {object}", one.name);
            assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm", "{}: {object}", one.name);
            assert_eq!(labels["app.kubernetes.io/version"], env!("CARGO_PKG_VERSION"), "{}: {object}", one.name);
            for part in ["component", "part-of"] {
                assert!(labels[format!("app.kubernetes.io/{part}")].is_string(), "{}: {object}", one.name);
            }
            assert!(labels["helm.sh/chart"].is_string(), "{}: {object}", one.name);
        }
        let mut ids: Vec<_> =
            one.objects.0.iter().map(|object| format!("{} {}", object["metadata"]["namespace"], id(object))).collect();
        ids.sort();
        let before = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), before, "{}: an object is there twice: {ids:?}", one.name);
    }
}
