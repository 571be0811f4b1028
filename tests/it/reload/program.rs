//! The program follows its file: written again, exchanged as a ConfigMap is, wrong, put right, and SIGHUP.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixture::{eventually, run};
use crate::metrics::metric;
use crate::process::{Process, get};

const RELOADS: &str = "continuous_load_client_config_reloads_total";
const GOOD: &str = "continuous_load_client_config_last_reload_successful";

struct Run {
    injector: Process,
    admin: SocketAddr,
    _target: Process,
    folder: tempfile::TempDir,
}

impl Run {
    /// Of this file in the folder, which is there already.
    fn start(folder: tempfile::TempDir, file: &Path) -> Run {
        let (target, http, admin) = Process::target();
        let json = folder.path().join("result.json");
        let arguments = [
            "run",
            file.to_str().unwrap(),
            "--target",
            &http.to_string(),
            "--target-admin",
            &admin.to_string(),
            "--admin-address",
            "127.0.0.1:0",
            "--json",
            json.to_str().unwrap(),
        ];
        let mut injector = Process::start("injector", &arguments);
        let admin = injector.address("admin");
        injector.line_with("running");
        Run { injector, admin, _target: target, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Until so many reloads were good, and so many were not.
    async fn reloads(&self, good: u64, bad: u64) {
        eventually("the file is read again", async || {
            let text = get(self.admin, "/metrics");
            let of = |result| metric(RELOADS).label("result", result).sum_in(&text) as u64;
            if (of("success"), of("failure")) == (good, bad) { Ok(()) } else { Err((of("success"), of("failure"))) }
        })
        .await;
    }

    fn is_good(&self) -> bool {
        metric(GOOD).sum_in(&get(self.admin, "/metrics")) == 1.0
    }

    /// Until an operation has sent more than it has now.
    async fn sends(&self, operation: &str) {
        let sent = || {
            let sent = metric("continuous_load_client_sent_total").label("operation", operation);
            sent.sum_in(&get(self.admin, "/metrics"))
        };
        let before = sent();
        eventually("it sends", async || if sent() > before + 2.0 { Ok(()) } else { Err(sent()) }).await;
    }

    /// Stops it; what it says of itself. Every planned request is in one place, and nothing is unexplained.
    fn result(self) -> Value {
        self.injector.signal("TERM");
        let (code, text) = self.injector.end();
        assert_eq!(code, Some(0), "{text}");
        let result: Value = serde_json::from_slice(&fs::read(self.folder.path().join("result.json")).unwrap()).unwrap();
        for operation in result["operations"].as_array().unwrap() {
            let count = |name: &str| operation["client"][name].as_i64().unwrap();
            let ends = ["success", "failure", "dropped_late", "dropped_limit", "interrupted", "in_flight"];
            assert_eq!(count("planned"), ends.map(count).iter().sum::<i64>(), "{operation}");
            assert_eq!(operation["difference"]["unexplained"], 0, "{operation}");
        }
        result
    }
}

fn scenario(operations: &[&str]) -> String {
    let mix: String = operations.iter().map(|operation| format!("- {{ {operation} }}\n")).collect();
    format!("target: t\nrate: 40/s\ntimeout: 20s\nmix:\n{mix}")
}

fn names(result: &Value) -> Vec<(String, bool)> {
    let operations = result["operations"].as_array().unwrap().iter();
    operations.map(|one| (one["name"].as_str().unwrap().to_owned(), one["left"].as_bool().unwrap())).collect()
}

#[test]
fn a_file_that_is_written_again_is_taken_up_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.yaml");
    let a = "name: a, weight: 1, http: {}";
    fs::write(&file, scenario(&[a])).unwrap();
    let run_of = Run::start(folder, &file);
    run(async {
        run_of.sends("a").await;
        fs::write(&file, scenario(&[a, "name: b, weight: 2, http: { fault: delay=5ms }"])).unwrap();
        run_of.reloads(1, 0).await;
        run_of.sends("b").await;
        // Not a scenario, and not one that this run could go on by.
        fs::write(&file, scenario(&["name: a, weight: 1, htpt: {}"])).unwrap();
        run_of.reloads(1, 1).await;
        assert!(!run_of.is_good());
        run_of.sends("b").await;
        fs::write(&file, scenario(&["name: a, weight: 1, http: { plain: true }"])).unwrap();
        run_of.reloads(1, 2).await;
        run_of.sends("a").await;
        fs::write(&file, scenario(&["name: a, weight: 2, http: { path: /version }"])).unwrap();
        run_of.reloads(2, 2).await;
        assert!(run_of.is_good());
        run_of.sends("a").await;
        // Nothing has changed; somebody says so all the same.
        run_of.injector.signal("HUP");
        run_of.reloads(3, 2).await;
        run_of.sends("a").await;
    });
    let result = run_of.result();
    assert_eq!(result["reloads"], 3);
    let marks = result["timeline"]["marks"].as_array().unwrap();
    assert_eq!(marks.iter().filter(|mark| mark["kind"] == "reload").count(), 3, "{marks:?}");
    assert_eq!(names(&result), [("a".to_owned(), false), ("b".to_owned(), true)]);
}

#[test]
fn a_config_map_that_is_exchanged_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let version = |name: &str, operations: &[&str]| {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("scenario.yaml"), scenario(operations)).unwrap();
    };
    version("..1", &["name: a, weight: 1, http: {}"]);
    version("..2", &["name: a, weight: 1, http: {}", "name: b, weight: 1, http: {}"]);
    symlink("..1", folder.path().join("..data")).unwrap();
    let file = folder.path().join("scenario.yaml");
    symlink("..data/scenario.yaml", &file).unwrap();
    let run_of = Run::start(folder, &file);
    run(async {
        run_of.sends("a").await;
        symlink("..2", run_of.path("..tmp")).unwrap();
        fs::rename(run_of.path("..tmp"), run_of.path("..data")).unwrap();
        run_of.reloads(1, 0).await;
        run_of.sends("b").await;
    });
    assert_eq!(run_of.result()["reloads"], 1);
}
