//! What typical values render, whole and committed: a change of a template is seen in review by what it does.

use std::fs;
use std::path::Path;

use super::helm::{CHARTS, Helm, folder};

/// Set to write what differs instead of refusing it.
const WRITE: &str = "WRITE_GOLDEN";

/// (name, chart, files of ci/, version of Kubernetes).
const GOLDEN: [(&str, &str, &[&str], &str); 4] = [
    ("default", CHARTS[0], &[], "1.33.0"),
    ("mesh", CHARTS[0], &["mode-daemonset", "provider-google"], "1.35.0"),
    ("everything", CHARTS[0], &["everything"], "1.37.0"),
    ("monitoring", CHARTS[1], &["everything"], "1.37.0"),
];
/// Longer lines are those of dashboards, which are files of their own; only how they begin is committed.
const LINE_MAX: usize = 2000;
const LINE_SHOWN: usize = 80;

fn shown(line: &str) -> String {
    match line.get(..LINE_SHOWN).filter(|_| line.len() > LINE_MAX) {
        Some(begin) => format!("{begin} ...\n"),
        None => format!("{line}\n"),
    }
}

#[test]
fn typical_values_render_what_is_committed() {
    let Some(helm) = Helm::find() else { return };
    let committed_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chart/golden");
    let mut differing = Vec::new();
    for (name, chart, files, version) in GOLDEN {
        let files: Vec<_> = files.iter().map(|file| folder(chart).join(format!("ci/{file}-values.yaml"))).collect();
        let mut arguments = vec!["--kube-version", version];
        arguments.extend(files.iter().flat_map(|file| ["--values", file.to_str().unwrap()]));
        let rendered = helm.text_of(chart, "", &arguments).unwrap();
        let rendered: Vec<_> = rendered.lines().map(shown).collect();
        let rendered = rendered.concat();
        let place = committed_in.join(format!("{name}.yaml"));
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
