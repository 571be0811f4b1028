//! The chart over modes, providers and versions of Kubernetes, rendered once for all tests.

use std::sync::{Mutex, OnceLock};

use super::helm::{Helm, Objects, ci, each};

/// The oldest that the chart installs on, the newest that there are schemas of, and some between.
pub(super) const VERSIONS: [&str; 5] = ["1.25.0", "1.29.0", "1.33.0", "1.35.0", "1.37.0"];

/// One rendering.
pub(super) struct Rendered {
    /// Which files of ci/, and the version.
    pub(super) name: String,
    pub(super) version: &'static str,
    pub(super) objects: Objects,
}

/// Every mode with every provider, on one version after the other; and every other file of ci/ on every version. `None`
/// where there is no helm.
pub(super) fn matrix() -> Option<&'static [Rendered]> {
    static RENDERED: OnceLock<Option<Vec<Rendered>>> = OnceLock::new();
    RENDERED.get_or_init(render).as_deref()
}

fn render() -> Option<Vec<Rendered>> {
    let helm = Helm::find()?;
    let files = ci();
    let named = |prefix: &'static str| files.iter().filter(move |(name, _)| name.starts_with(prefix));
    let mut cases: Vec<(Vec<&(String, String)>, &'static str)> = Vec::new();
    for mode in named("mode-") {
        for provider in named("provider-") {
            cases.push((vec![mode, provider], VERSIONS[cases.len() % VERSIONS.len()]));
        }
    }
    assert_eq!(cases.len(), 4 * 5, "four modes and five ways to be scraped are in ci/");
    for file in files.iter().filter(|(name, _)| !name.starts_with("mode-") && !name.starts_with("provider-")) {
        cases.extend(VERSIONS.map(|version| (vec![file], version)));
    }

    let rendered = Mutex::new(Vec::new());
    each(&cases, |(files, version)| {
        let name = files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" + ");
        let mut arguments = vec!["--kube-version", version];
        arguments.extend(files.iter().flat_map(|(_, path)| ["--values", path.as_str()]));
        let objects = helm.template("", &arguments).unwrap_or_else(|error| panic!("{name} on {version}: {error}"));
        rendered.lock().unwrap().push(Rendered { name: format!("{name} on {version}"), version, objects });
    });
    let mut rendered = rendered.into_inner().unwrap();
    rendered.sort_by(|a, b| a.name.cmp(&b.name));
    Some(rendered)
}
