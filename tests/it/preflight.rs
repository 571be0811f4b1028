//! What is said of the machine before a run, by the real program: in words, in the JSON, and with a remedy where a run is
//! doubtful.

use serde_json::Value;

use crate::process::{Process, output};

fn scenario(folder: &tempfile::TempDir, text: &str) -> String {
    let file = folder.path().join("some.yaml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn check_says_what_this_machine_can_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = scenario(&folder, "target: 127.0.0.1\nmix: [{ name: a, rate: 10/s, http: {} }]\n");
    let checked = output("injector", &["check", &file]);
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{text}");
    let (_, machine) = text.split_once("\nthis machine\n").unwrap_or_else(|| panic!("{text}"));
    for key in ["files", "ports", "timer", "cpu"] {
        assert!(machine.lines().any(|line| line.trim().starts_with(key)), "{key}: {machine}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn a_doubtful_run_is_warned_of_first_and_the_json_says_so() {
    let (_target, http, admin) = Process::target();
    let folder = tempfile::tempdir().unwrap();
    // Some sixty cores: an estimate refuses nothing.
    let file = scenario(
        &folder,
        &format!(
            "target: '{http}'\nmix:\n- {{ name: a, rate: 20/s, http: {{}} }}\n\
             - {{ name: storm, rate: 5000000/s, connection: pooled(1), timeout: 1ms, http: {{}} }}\n"
        ),
    );
    let checked = output("injector", &["check", &file]);
    let text = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(text.contains("warning") && text.contains("lower the rate"), "{text}");

    let file = scenario(&folder, &format!("target: '{http}'\nmix: [{{ name: a, rate: 20/s, http: {{}} }}]\n"));
    let fixed = ["run", "--for", "1s", "--admin-address", "127.0.0.1:0", "--json", "-", "--target-admin"];
    let ended = output("injector", &[&fixed[..], &[&admin.to_string(), &file]].concat());
    let json: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let found = json["preflight"].as_array().unwrap();
    let checks: Vec<_> = found.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    assert!(checks.starts_with(&["files", "ports", "timer", "cpu"]), "{checks:?}");
    let stderr = String::from_utf8(ended.stderr).unwrap();
    let warned = stderr.lines().filter(|line| line.starts_with("warning: ")).count();
    let doubtful = found.iter().filter(|finding| finding["remedy"].is_string()).count();
    assert_eq!(warned, doubtful, "{stderr}\n{found:?}");
}
