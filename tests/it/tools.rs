//! The outside programs that tests call: found, or the reason why the test goes without.
//!
//! `scripts/tools` installs them. Where `REQUIRE_TOOLS=1` (as in CI) a missing one fails the test: a suite that skips
//! in silence proves nothing. Elsewhere the test says that it was skipped and passes.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The path of a program by its name, or `None` after saying that the test is skipped.
///
/// # Panics
/// If the program is missing and `REQUIRE_TOOLS=1`, with the command that installs it.
pub(crate) fn require(tool: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin");
    let found = find(tool, &env::var_os("PATH").unwrap_or_default(), &own);
    decide(tool, found, is_strict()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// Says that the test is skipped for want of something that no package has, such as rights.
///
/// # Panics
/// If `REQUIRE_TOOLS=1`.
pub(crate) fn need(what: &str, why: &dyn std::fmt::Display) {
    assert!(!is_strict(), "needs {what}: {why}");
    eprintln!("skipped: needs {what}: {why}");
}

fn is_strict() -> bool {
    env::var_os("REQUIRE_TOOLS").is_some_and(|value| value == "1")
}

/// PATH first, so that a system's newer program wins; then where a daemon's program lies, which is not in every PATH;
/// then our own folder.
fn find(tool: &str, path: &OsStr, own: &Path) -> Option<PathBuf> {
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = env::split_paths(path).chain(system).chain([own.to_owned()]);
    folders.map(|folder| folder.join(tool)).find(|file| file.is_file())
}

fn decide(tool: &str, found: Option<PathBuf>, strict: bool) -> Result<Option<PathBuf>, String> {
    if found.is_none() && strict {
        return Err(format!("needs {tool}, which is not here: run scripts/tools {tool}"));
    }
    if found.is_none() {
        eprintln!("skipped: needs {tool} (scripts/tools {tool})");
    }
    Ok(found)
}

#[test]
fn a_tool_is_found_in_path_before_our_folder() {
    let path_folder = tempfile::tempdir().expect("a temporary folder");
    let own_folder = tempfile::tempdir().expect("a temporary folder");
    let in_path = path_folder.path().join("some-tool");
    let in_own = own_folder.path().join("some-tool");
    let look = || find("some-tool", path_folder.path().as_os_str(), own_folder.path());

    assert_eq!(look(), None);
    std::fs::write(&in_own, "").expect("the folder can be written");
    assert_eq!(look(), Some(in_own));
    std::fs::write(&in_path, "").expect("the folder can be written");
    assert_eq!(look(), Some(in_path));
}

#[test]
fn a_missing_tool_fails_only_where_tools_are_required() {
    let found = Some(PathBuf::from("/x/dig"));
    assert_eq!(decide("dig", found.clone(), true), Ok(found.clone()));
    assert_eq!(decide("dig", found.clone(), false), Ok(found));
    assert_eq!(decide("dig", None, false), Ok(None));
    let refusal = decide("dig", None, true).expect_err("strict");
    assert!(refusal.contains("scripts/tools dig"), "{refusal}");
}

#[test]
fn curl_answers_when_it_is_here() {
    let Some(curl) = require("curl") else { return };
    let output = std::process::Command::new(curl).arg("--version").output().expect("curl starts");
    assert!(output.status.success());
}
