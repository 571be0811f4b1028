//! What a run leaves behind, and `injector report`: files of real runs, told, compared and added up.

mod compared;
mod files;
mod page;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{Process, output};

/// A folder for the files of a test, and a target.
struct Bench {
    folder: tempfile::TempDir,
    http: String,
    admin: String,
    _target: Process,
}

/// Runs until one must have been valid.
const RUNS_MAX: usize = 5;

/// How a program ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Bench {
    fn new() -> Bench {
        let (target, http, admin) = Process::target();
        let folder = tempfile::tempdir().unwrap();
        Bench { folder, http: format!("localhost:{}", http.port()), admin: admin.to_string(), _target: target }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Flags that every run has.
    fn flags(&self) -> [&str; 6] {
        ["--admin-address", "127.0.0.1:0", "--target", &self.http, "--target-admin", &self.admin]
    }

    /// Runs this mix for a second, with these flags as well.
    fn run(&self, mix: &str, flags: &[&str]) -> Ended {
        let file = self.write("scenario.yaml", &format!("timeout: 10s\nmix:\n{mix}"));
        let file = file.to_str().unwrap();
        injector(&[&["run", "--for", "1s", file][..], &self.flags(), flags].concat())
    }

    /// Runs this mix and saves the result.
    fn saved(&self, mix: &str, name: &str) -> PathBuf {
        let path = self.path(name);
        self.passed(mix, &["--json", path.to_str().unwrap()]);
        path
    }

    /// A run that is valid: on a machine that is too busy to keep the plan of one, it is done again.
    fn passed(&self, mix: &str, flags: &[&str]) -> Ended {
        let mut runs = (0..RUNS_MAX).map(|_| self.run(mix, flags));
        let ended = runs.find(|ended| ended.code != Some(98) || !ended.stdout.contains("generator saturated")).unwrap();
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        ended
    }
}

fn injector(arguments: &[&str]) -> Ended {
    let output = output("injector", arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn report(files: &[&Path], flags: &[&str]) -> Ended {
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    injector(&[&["report"][..], &files, flags].concat())
}
