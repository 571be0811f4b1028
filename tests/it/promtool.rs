//! Prometheus's own tool over what we export: whether it parses, and what queries find in it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A query, with its namespace and its window filled in, and what it has to give: labels and value.
pub(crate) struct Panel {
    pub(crate) query: String,
    pub(crate) wanted: Vec<(String, f64)>,
}

/// What the tool says of an exposition, and whether it could read it.
pub(crate) fn check(promtool: &Path, exposition: &str) -> Output {
    tool(promtool, &["check", "metrics"], exposition)
}

/// `promtool check rules` or `promtool test rules` of these files.
pub(crate) fn rules(promtool: &Path, verb: &str, files: &[&Path]) -> Output {
    let mut arguments = vec![verb, "rules"];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    tool(promtool, &arguments, "")
}

/// `promtool check config` of this file.
pub(crate) fn config(promtool: &Path, file: &Path) -> Output {
    tool(promtool, &["check", "config", file.to_str().unwrap()], "")
}

/// Asks these queries of the series whose names begin with `prefix`, as if they had been scraped: first at zero, when the
/// process began, then as they are, half a minute later. `scraped` is what Prometheus adds to their labels: `pod="a",`.
pub(crate) fn ask(promtool: &Path, expositions: &[(&str, &str, &str)], panels: &[Panel]) {
    let mut text = "rule_files: []\nevaluation_interval: 30s\ntests:\n- interval: 30s\n  input_series:\n".to_owned();
    for (exposition, prefix, scraped) in expositions {
        for line in exposition.lines().filter(|line| line.starts_with(prefix)) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let series = match series.split_once('{') {
                Some((name, labels)) => format!("{name}{{{scraped}{labels}"),
                None => format!("{series}{{{scraped}}}"),
            };
            writeln!(text, "  - series: '{series}'\n    values: '0 {value}'").unwrap();
        }
    }
    text += "  promql_expr_test:\n";
    for panel in panels {
        writeln!(text, "  - expr: '{}'\n    eval_time: 30s\n    exp_samples:", panel.query).unwrap();
        for (labels, value) in &panel.wanted {
            writeln!(text, "    - labels: '{labels}'\n      value: {value}").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queries.yaml");
    std::fs::write(&file, text).unwrap();
    let output = tool(promtool, &["test", "rules", file.to_str().unwrap()], "");
    let said = words(&output);
    assert!(output.status.success() && said.contains("SUCCESS"), "{said}");
}

fn tool(program: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// All that it said.
pub(crate) fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
