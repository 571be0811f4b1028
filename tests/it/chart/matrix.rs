//! The charts over modes, providers and versions of Kubernetes, rendered once for all tests.

use std::sync::{Mutex, OnceLock};

use super::helm::{CHARTS, Helm, Objects, ci, each};

/// The oldest that the charts install on, the newest that there are schemas of, and some between.
pub(super) const VERSIONS: [&str; 5] = ["1.25.0", "1.29.0", "1.33.0", "1.35.0", "1.37.0"];

/// One rendering.
pub(super) struct Rendered {
    /// Which chart, files of its ci/, and version.
    pub(super) name: String,
    pub(super) chart: &'static str,
    pub(super) version: &'static str,
    pub(super) objects: Objects,
}

/// A chart, files of its ci/, and a version.
type Case<'a> = (&'static str, Vec<&'a (String, String)>, &'static str);

/// The pair: every mode with every provider, on one version after the other; and every other file of ci/ on every version.
/// `None` where there is no helm.
pub(super) fn matrix() -> Option<&'static [Rendered]> {
    static RENDERED: OnceLock<Option<Vec<Rendered>>> = OnceLock::new();
    RENDERED.get_or_init(pair).as_deref()
}

/// The same, and the other chart: its defaults and every file of its ci/, on every version.
pub(super) fn both() -> Option<impl Iterator<Item = &'static Rendered>> {
    static RENDERED: OnceLock<Option<Vec<Rendered>>> = OnceLock::new();
    let monitoring = RENDERED.get_or_init(monitoring).as_deref()?;
    Some(matrix()?.iter().chain(monitoring))
}

fn pair() -> Option<Vec<Rendered>> {
    let files = ci(CHARTS[0]);
    let named = |prefix: &'static str| files.iter().filter(move |(name, _)| name.starts_with(prefix));
    let mut cases: Vec<Case<'_>> = Vec::new();
    for mode in named("mode-") {
        for provider in named("provider-") {
            cases.push((CHARTS[0], vec![mode, provider], VERSIONS[cases.len() % VERSIONS.len()]));
        }
    }
    assert_eq!(cases.len(), 4 * 5, "four modes and five ways to be scraped are in ci/");
    for file in files.iter().filter(|(name, _)| !name.starts_with("mode-") && !name.starts_with("provider-")) {
        cases.extend(VERSIONS.map(|version| (CHARTS[0], vec![file], version)));
    }
    render(&cases)
}

fn monitoring() -> Option<Vec<Rendered>> {
    let files = ci(CHARTS[1]);
    let sets = files.iter().map(|file| vec![file]).chain([vec![]]);
    let cases: Vec<Case<'_>> =
        sets.flat_map(|files| VERSIONS.map(|version| (CHARTS[1], files.clone(), version))).collect();
    render(&cases)
}

fn render(cases: &[Case<'_>]) -> Option<Vec<Rendered>> {
    let helm = Helm::find()?;
    let rendered = Mutex::new(Vec::new());
    each(cases, |(chart, files, version)| {
        let names = files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" + ");
        let mut arguments = vec!["--kube-version", version];
        arguments.extend(files.iter().flat_map(|(_, path)| ["--values", path.as_str()]));
        let text = helm.text_of(chart, "", &arguments).unwrap_or_else(|error| panic!("{names} on {version}: {error}"));
        let (name, objects) = (format!("{names} of {chart} on {version}"), Objects::read(&text));
        rendered.lock().unwrap().push(Rendered { name, chart, version, objects });
    });
    let mut rendered = rendered.into_inner().unwrap();
    rendered.sort_by(|a, b| a.name.cmp(&b.name));
    Some(rendered)
}
