//! Every script is read by the shell and by shellcheck, says how it is called, and refuses what it does not know.

use std::process::Command;

use super::{read, root, said};
use crate::tools::require;

/// Those that begin with a bash shebang.
fn scripts() -> Vec<String> {
    let mut names = vec![".ci/run".to_owned()];
    for entry in std::fs::read_dir(root().join("scripts")).unwrap() {
        let name = format!("scripts/{}", entry.unwrap().file_name().to_str().unwrap());
        if root().join(&name).is_file() && read(&name).starts_with("#!/usr/bin/env bash\n") {
            names.push(name);
        }
    }
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    names
}

#[test]
fn shellcheck_finds_nothing() {
    let Some(shellcheck) = require("shellcheck") else { return };
    let output = Command::new(shellcheck).arg("--shell=bash").args(scripts()).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn bash_reads_every_script_and_each_ends_at_its_first_error() {
    for script in scripts() {
        let output = Command::new("bash").args(["-n", &script]).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(read(&script).contains("\nset -euo pipefail\n"), "{script} goes on after an error");
    }
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    for (script, arguments, words) in [
        ("scripts/image", &["--chekc"][..], "unknown argument '--chekc'"),
        ("scripts/image", &["--tag"], "--tag needs a value"),
        ("scripts/image", &["--platform", "linux/riscv64"], "unknown platform 'linux/riscv64' (known: linux/amd64"),
        ("scripts/image", &["--with", "kaniko"], "unknown tool 'kaniko' (known: docker podman buildah)"),
        ("scripts/image", &["--push", "--tag", "one:2"], "'one:2' says no registry"),
        ("scripts/image-files", &["amd64"], "usage: scripts/image-files amd64|arm64 FOLDER"),
        ("scripts/image-files", &["s390x", "/nowhere"], "unknown architecture 's390x' (known: amd64 arm64)"),
        ("scripts/install", &["--namespaec", "x"], "unknown argument '--namespaec'"),
        ("scripts/install", &["--values", "/no/such/file"], "--values: cannot read /no/such/file"),
        ("scripts/install", &["--namespace"], "--namespace needs a value"),
        ("scripts/install", &["--image", "@sha256:1"], "--image '@sha256:1' has no name"),
        ("scripts/manifests", &["--chekc"], "unknown argument '--chekc'"),
        ("scripts/screenshots", &["--debgu"], "--debgu is not known; nothing, or --debug"),
        ("scripts/cluster-test", &[], "needs --image"),
        ("scripts/cluster-test", &["--imaeg", "x"], "unknown argument '--imaeg'"),
    ] {
        let output = Command::new(root().join(script)).args(arguments).output().unwrap();
        assert!(!output.status.success() && said(&output).contains(words), "{script} {arguments:?}: {}", said(&output));
    }
}

#[test]
fn every_script_for_users_says_how_it_is_called() {
    for script in ["image", "install", "manifests", "cluster-test"] {
        let output = Command::new(root().join("scripts").join(script)).arg("--help").output().unwrap();
        let text = said(&output);
        assert!(output.status.success() && text.contains(&format!("  scripts/{script} ")), "{script}: {text}");
        assert!(!text.contains("set -euo"), "{script}: {text}");
    }
}
