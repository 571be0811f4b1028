//! What typical values render, whole and committed: a change of a template is seen in review by what it does.

use std::fs;
use std::path::Path;

use super::helm::{Helm, chart};

/// Set to write what differs instead of refusing it.
const WRITE: &str = "WRITE_GOLDEN";

/// (name, files of ci/, version of Kubernetes).
const GOLDEN: [(&str, &[&str], &str); 3] = [
    ("default", &[], "1.33.0"),
    ("mesh", &["mode-daemonset", "provider-google"], "1.35.0"),
    ("everything", &["everything"], "1.37.0"),
];

#[test]
fn typical_values_render_what_is_committed() {
    let Some(helm) = Helm::find() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chart/golden");
    let mut differing = Vec::new();
    for (name, files, version) in GOLDEN {
        let files: Vec<_> = files.iter().map(|file| chart().join(format!("ci/{file}-values.yaml"))).collect();
        let mut arguments = vec!["--kube-version", version];
        arguments.extend(files.iter().flat_map(|file| ["--values", file.to_str().unwrap()]));
        let rendered = helm.text("", &arguments).unwrap();
        let place = folder.join(format!("{name}.yaml"));
        let committed = fs::read_to_string(&place).unwrap_or_default();
        if rendered == committed {
            continue;
        }
        if std::env::var_os(WRITE).is_some() {
            fs::write(place, rendered).unwrap();
            continue;
        }
        let (mut new, mut old) = (rendered.lines(), committed.lines());
        let line = new.by_ref().zip(old.by_ref()).position(|(new, old)| new != old);
        let line = line.unwrap_or_else(|| rendered.lines().count().min(committed.lines().count()));
        let at = |text: &str| text.lines().nth(line).unwrap_or("the end").to_owned();
        differing.push(format!(
            "{name}.yaml:{}: committed {:?}, rendered {:?}",
            line + 1,
            at(&committed),
            at(&rendered)
        ));
    }
    let remedy = "if it is meant: WRITE_GOLDEN=1 cargo test --test it chart::golden";
    assert!(differing.is_empty(), "{}\n{remedy}", differing.join("\n"));
}
