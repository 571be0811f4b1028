//! The real helm as a process, and the objects that it renders.
//!
//! Its folders are of its own, so that nothing of the machine's has a say.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::tools::require;

/// Renders at once: helm's own threads take what a core leaves.
const AT_ONCE: usize = 3;

pub(super) struct Helm {
    program: PathBuf,
    home: TempDir,
}

/// Everything that one rendering holds, in helm's order.
pub(super) struct Objects(pub(super) Vec<Value>);

/// The pair, and what watches all pairs of a cluster.
pub(super) const CHARTS: [&str; 2] = ["continuous-load", "continuous-load-monitoring"];

/// The folder of a chart.
pub(super) fn folder(chart: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts").join(chart)
}

/// That of the pair.
pub(super) fn chart() -> PathBuf {
    folder(CHARTS[0])
}

/// The files that show a chart's modes and toggles: (name, path), sorted.
pub(super) fn ci(chart: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder(chart).join("ci")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = name.strip_suffix("-values.yaml").expect("a file of ci/ ends in -values.yaml");
            (name.to_owned(), path.to_str().unwrap().to_owned())
        })
        .collect();
    files.sort();
    files
}

impl Helm {
    /// `None` where there is no helm and none is needed.
    pub(super) fn find() -> Option<Helm> {
        Some(Helm { program: require("helm")?, home: TempDir::new().unwrap() })
    }

    /// Runs it; `values` go in as a file of values.
    pub(super) fn run(&self, arguments: &[&str], values: &str) -> Output {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().env("HOME", self.home.path());
        if !values.is_empty() {
            command.args(["--values", "-"]);
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("helm starts");
        // It may refuse its arguments before it reads.
        let _ = child.stdin.take().expect("piped").write_all(values.as_bytes());
        child.wait_with_output().expect("helm ends")
    }

    /// What `helm template` prints of the pair for the release `r` in the namespace `ns`, or why it refuses.
    pub(super) fn text(&self, values: &str, more: &[&str]) -> Result<String, String> {
        self.text_of(CHARTS[0], values, more)
    }

    /// The same of a chart.
    pub(super) fn text_of(&self, chart: &str, values: &str, more: &[&str]) -> Result<String, String> {
        let chart = folder(chart);
        let mut arguments = vec!["template", "r", chart.to_str().unwrap(), "--namespace", "ns"];
        arguments.extend(more);
        let output = self.run(&arguments, values);
        let text = |bytes| String::from_utf8(bytes).expect("helm writes UTF-8");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// The objects of values that are right.
    pub(super) fn objects(&self, values: &str) -> Objects {
        self.objects_of(CHARTS[0], values)
    }

    /// The same of a chart.
    pub(super) fn objects_of(&self, chart: &str, values: &str) -> Objects {
        let text = self.text_of(chart, values, &[]).unwrap_or_else(|error| panic!("refused:\n{values}\n{error}"));
        Objects::read(&text)
    }
}

impl Objects {
    pub(super) fn read(text: &str) -> Objects {
        let found: Vec<Value> =
            serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("not YAML: {error}\n{text}"));
        Objects(found.into_iter().filter(|object| !object.is_null()).collect())
    }

    /// All of a kind.
    pub(super) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The one of a kind whose name is that.
    pub(super) fn one(&self, id: &str) -> &Value {
        let mut found = self.0.iter().filter(|object| self::id(object) == id);
        let one = found.next();
        assert!(found.next().is_none(), "{id} is there twice");
        one.unwrap_or_else(|| panic!("no {id} among {:?}", self.ids()))
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.0.iter().map(id).collect()
    }

    /// Every pod or template of pods: whose it is, and the pod.
    pub(super) fn pods(&self) -> Vec<(String, &Value)> {
        let pod = |object: &'_ Value| -> Option<String> {
            let place = match object["kind"].as_str()? {
                "Pod" => "",
                "Deployment" | "DaemonSet" | "Job" => "/spec/template",
                "CronJob" => "/spec/jobTemplate/spec/template",
                _ => return None,
            };
            Some(place.to_owned())
        };
        let pods = self.0.iter().filter_map(|object| Some((id(object), object.pointer(&pod(object)?)?)));
        pods.collect()
    }

    /// The scenario in the release's ConfigMap.
    pub(super) fn scenario(&self) -> Option<String> {
        let files = self.of("ConfigMap").filter_map(|map| map["data"]["scenario.yaml"].as_str());
        let found: Vec<_> = files.collect();
        assert!(found.len() <= 1, "one scenario of a release");
        found.first().map(|text| (*text).to_owned())
    }
}

/// `Kind/name`.
pub(super) fn id(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no kind or name in {object}")).to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// The strings of a list.
pub(super) fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().expect("a string").to_owned()).collect()
}

/// Every item of a list, whatever it is in Kubernetes: none where there is no list.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Does something for each case, a few at once; a panic of one is a panic of all.
pub(super) fn each<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(case);
                }
            });
        }
    });
}
