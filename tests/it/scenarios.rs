//! The scenarios that we ship, each checked and run against a real target; what `injector new` writes; jobs of k6 as scenarios.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;

use crate::fixture::program;
use crate::process::Process;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The scenarios, without the parts of which some are made.
fn examples() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("scenarios")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|it| it == "yaml")).collect();
    files.sort();
    assert!(files.len() >= 11, "{files:?}");
    files
}

fn injector(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    words(Command::new(program("injector")).args(arguments).envs(environment.iter().copied()).output().unwrap())
}

fn words(Output { status, stdout, stderr }: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn every_example_is_told_in_numbers() {
    for file in examples() {
        let path = file.to_str().unwrap();
        let (code, told, said) = injector(&["check", path, "--json"], &[]);
        assert_eq!(code, Some(0), "{path}: {said}");
        let told: Value = serde_json::from_str(&told).unwrap();
        let operations = told["operations"].as_array().unwrap();
        let rate: f64 = operations.iter().map(|one| one["rate_per_s"].as_f64().unwrap()).sum();
        assert!((rate - told["rate_per_s"].as_f64().unwrap()).abs() < 1e-9, "{path}");
        for operation in operations {
            let ends = operation["ends"].as_object().unwrap();
            let sum: f64 = ends.values().filter_map(Value::as_f64).sum();
            assert!(ends.contains_key("any_of") || (sum - 1.0).abs() < 1e-9, "{path}: {operation}");
        }
    }
}

/// The pair takes its own target; rates are lowered where they are the environment's.
#[test]
fn every_example_runs_against_a_real_target() {
    let files = examples();
    let run = |file: &PathBuf| {
        let output = Command::new(program("continuous-load"))
            .arg(file)
            .args(["--for", "2s", "--json", "-"])
            .env("RATE", "50/s")
            .env("WARMUP", "1s")
            .output()
            .unwrap();
        let (code, told, said) = words(output);
        let name = file.display();
        // A rate of one a minute has nothing to show in two seconds, and no result is never a good one.
        let result: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{name}: {error}: {said}"));
        let mut sent = 0;
        for operation in result["operations"].as_array().unwrap() {
            let client = &operation["client"];
            assert_eq!(client["success"], client["planned"], "{name}: {operation}");
            assert_eq!(client["failures"].as_object().map_or(0, serde_json::Map::len), 0, "{name}: {operation}");
            sent += client["sent"].as_u64().unwrap();
        }
        assert!(sent > 0, "{name}: {said}");
        // What needs more data than two seconds have does not hold; what has enough must.
        let thresholds = result["thresholds"].as_array().unwrap();
        let is_short = thresholds.iter().any(|one| one["result"] == "no_data");
        assert!(thresholds.iter().all(|one| one["result"] != "crossed"), "{name}: {thresholds:?}");
        assert!(matches!(code, Some(0 | 98)) || is_short && code == Some(99), "{name}: {code:?}: {said}");
    };
    // Three at a time: they are short, and mostly wait.
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|n| {
                scope.spawn({
                    let files = &files;
                    move || files.iter().skip(n).step_by(3).for_each(run)
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_new_scenario_passes_the_check_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    for template in ["starter", "continuous", "load", "soak", "protocols", "faults", "names", "connections"] {
        let file = folder.path().join(format!("{template}.yaml"));
        let path = file.to_str().unwrap();
        let (code, told, said) = injector(&["new", path, "--template", template], &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(told.contains(&format!("injector check {path}")), "{told}");
        // That it passes the check is what the examples are for, one of which it is.
        let example = fs::read_to_string(root().join(format!("scenarios/{template}.yaml"))).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), example);
        assert!(fs::read_to_string(&file).unwrap().starts_with("# "), "{template} begins with what it is for");
    }
    let file = folder.path().join("mine.yaml");
    fs::write(&file, "mine").unwrap();
    let path = file.to_str().unwrap();
    let (code, _, said) = injector(&["new", path], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is there already") && said.contains("--force"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let (code, ..) = injector(&["new", path, "--force"], &[]);
    assert_eq!(code, Some(0));
    assert_ne!(fs::read_to_string(&file).unwrap(), "mine");
    let (code, told, _) = injector(&["new", "-"], &[]);
    assert_eq!((code, told), (Some(0), fs::read_to_string(&file).unwrap()));
    let (code, _, said) = injector(&["new", "/nowhere/at/all.yaml"], &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot write /nowhere/at/all.yaml"), "{said}");
}

#[test]
fn a_job_of_k6_runs_as_it_is() {
    let (_target, http, admin) = Process::target();
    let requests = format!(
        "[{{\"method\":\"GET\",\"url\":\"http://{http}/status/200\",\"params\":{{\"tags\":{{\"type\":\"service\"}}}}}},\
         {{\"method\":\"POST\",\"url\":\"http://{http}/echo\",\"body\":\"x\",\"params\":{{\"tags\":{{\"type\":\"ingress\"}}}}}}]"
    );
    let environment = [
        ("LOAD_TARGET_SERVICE", requests.as_str()),
        ("REQ_PER_SECOND", "20"),
        ("TAGS", "{\"team\":\"payments\"}"),
        ("SLEEP", "1"),
    ];
    let (code, told, said) = injector(&["check", "--from-k6-env"], &environment);
    assert_eq!(code, Some(0), "{said}");
    for words in
        ["# Made of LOAD_TARGET_SERVICE", "- name: \"service\"", "note: SLEEP has no effect", "20/s (50% of all)"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    let admin = admin.to_string();
    let flags = [
        "run",
        "--from-k6-env",
        "--target-admin",
        &admin,
        "--admin-address",
        "127.0.0.1:0",
        "--for",
        "2s",
        "--json",
        "-",
    ];
    let (code, told, said) = injector(&flags, &environment);
    assert_eq!(code, Some(0), "{said}");
    let result: Value = serde_json::from_str(&told).unwrap();
    for operation in result["operations"].as_array().unwrap() {
        assert_eq!(operation["client"]["planned"], 40, "{operation}");
        assert_eq!(operation["client"]["success"], 40, "{operation}");
    }
    assert!(said.contains("SLEEP has no effect"), "{said}");

    let (code, _, said) = injector(&["run", "--from-k6-env"], &[]);
    assert_eq!(code, Some(104), "{said}");
    assert!(said.contains("LOAD_TARGET_SERVICE is not set"), "{said}");
    let (code, _, said) = injector(&["check", "--from-k6-env", "file.yaml"], &environment);
    assert_eq!(code, Some(2), "{said}");
}

/// Every row in its turn, each answer right for its own row, over HTTP/1.1 and on connections that rows share.
#[test]
fn rows_reach_the_target_in_their_turn() {
    let (_target, http, admin) = Process::target();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), "id,status,word\n1,200,one\n2,404,two\n3,503,three\n").unwrap();
    let call = "path: /x/((rows.id)), method: POST, body: ((rows.word)), fault: status=((rows.status))";
    let text = format!(
        "target: {http}\nadmin: {admin}\ndata: {{ rows: rows.csv }}\nmix:\n\
         - {{ name: one, rate: 30/s, connection: pooled(2), http: {{ {call} }} }}\n\
         - {{ name: two, rate: 30/s, connection: pooled(1), streams: 4, http: {{ version: 2, {call} }} }}\n\
         - {{ name: drawn, rate: 30/s, rows: random, http: {{ {call} }} }}\n"
    );
    let file = folder.path().join("s.yaml");
    fs::write(&file, text).unwrap();
    let flags = ["run", file.to_str().unwrap(), "--admin-address", "127.0.0.1:0", "--for", "2s", "--json", "-"];
    let (code, told, said) = injector(&flags, &[]);
    assert_eq!(code, Some(0), "{said}");
    let result: Value = serde_json::from_str(&told).unwrap();
    for operation in result["operations"].as_array().unwrap() {
        let (name, codes) = (operation["name"].as_str().unwrap(), &operation["client"]["codes"]);
        assert_eq!(operation["client"]["success"], 60, "{operation}");
        let count = |code: &str| codes[code].as_u64().unwrap_or(0);
        let counts = [count("200"), count("404"), count("503")];
        match name {
            "drawn" => assert!(counts.iter().all(|&n| n >= 5) && counts.iter().sum::<u64>() == 60, "{counts:?}"),
            _ => assert_eq!(counts, [20, 20, 20], "{name}: {operation}"),
        }
    }
}
