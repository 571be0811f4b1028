//! The rule files that the charts install: Prometheus takes them, each alert fires when it should and else stays silent, no rule
//! can be broken without a test that fails, each has its section in the runbook, and what they ask for is there.
//!
//! What fires when is in `rules_files/*.yaml`, for promtool; `scripts/mutate-rules` says which file is about which rule.

mod alertmanager;
mod chart;
mod real;
mod runbook;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::promtool;
use crate::tools::require;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rule files, sorted.
fn files() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("charts/continuous-load/rules")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2, "{files:?}");
    files
}

/// What stands in each of them.
pub(crate) fn texts() -> Vec<String> {
    files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Every rule of these groups, as it stands in a file or in a resource of the chart's.
fn rules_of(groups: &Value) -> Vec<&Value> {
    groups.as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect()
}

/// Every rule of every file.
pub(crate) fn rules() -> Vec<Value> {
    let read = |text: &String| -> Value { serde_saphyr::from_str(text).unwrap() };
    texts().iter().flat_map(|text| rules_of(&read(text)["groups"]).into_iter().cloned().collect::<Vec<_>>()).collect()
}

#[test]
fn prometheus_takes_the_files_and_finds_nothing_to_say() {
    let Some(promtool) = require("promtool") else { return };
    let files = files();
    let output = promtool::rules(&promtool, "check", &files.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    let said = promtool::words(&output);
    assert!(output.status.success() && !said.to_lowercase().contains("duplicate"), "{said}");
    assert_eq!(said.matches("SUCCESS").count(), files.len(), "{said}");
}

#[test]
fn in_each_situation_exactly_the_right_alerts_fire() {
    let Some(promtool) = require("promtool") else { return };
    let output = promtool::rules(&promtool, "test", &[&root().join("tests/it/rules_files/all.yaml")]);
    let said = promtool::words(&output);
    assert!(output.status.success() && said.contains("SUCCESS"), "{said}");
}

#[test]
fn each_alert_fires_when_it_should_and_stays_silent_when_it_should() {
    mutate(&["--check"], "files of tests pass");
}

/// Some of them: all take a minute or more, and `make soak` does.
#[test]
fn a_rule_that_is_broken_fails_a_test() {
    mutate(&["--part", "7/25"], " 0 survived");
}

#[test]
#[ignore = "takes minutes: make soak"]
fn soak_no_rule_can_be_broken_without_a_test_that_fails() {
    mutate(&[], " 0 survived");
}

fn mutate(arguments: &[&str], wanted: &str) {
    let (Some(python), Some(_)) = (require("python3"), require("promtool")) else { return };
    let output = Command::new(python).arg(root().join("scripts/mutate-rules")).args(arguments).output().unwrap();
    let said = promtool::words(&output);
    assert!(output.status.success() && said.contains(wanted), "{said}");
}
