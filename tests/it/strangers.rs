//! Programs that are not ours, against programs that are.

use std::process::{Command, Stdio};

use crate::fixture::{RunningTarget, engine, plan, run};
use crate::process::{Process, get};
use crate::tools::require;
use prometheus::{Registry, TextEncoder};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The manual of the fault language; its `sh` examples are run here word for word.
const MANUAL: &str = include_str!("../../docs/faults.md");

/// One `curl` line of the manual and what is expected of it.
struct Example {
    command: String,
    expectations: Vec<(String, String)>,
}

fn examples(manual: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for block in manual.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for line in block.lines() {
            if line.starts_with("curl ") {
                examples.push(Example { command: line.to_owned(), expectations: Vec::new() });
            } else if let Some((key, value)) = line.strip_prefix("# ").and_then(|rest| rest.split_once('=')) {
                let example = examples.last_mut().expect("an expectation follows a command");
                example.expectations.push((key.to_owned(), value.to_owned()));
            }
        }
    }
    examples
}

/// What curl saw: its exit code, the status, the size, and the head it was sent.
fn curl(command: &str) -> (String, String, String, String) {
    let headers = tempfile::NamedTempFile::new().unwrap();
    let path = headers.path().display();
    let arguments = command.strip_prefix("curl ").unwrap();
    let line = format!("curl -s -S -m 5 -o /dev/null -D {path} -w '%{{http_code}} %{{size_download}}' {arguments}");
    let output = Command::new("bash").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
    let written = String::from_utf8(output.stdout).unwrap();
    let (status, size) = written.split_once(' ').unwrap_or_default();
    let head = std::fs::read(headers.path()).unwrap();
    let exit = output.status.code().unwrap().to_string();
    (exit, status.to_owned(), size.to_owned(), String::from_utf8_lossy(&head).into_owned())
}

#[test]
fn every_curl_example_of_the_manual_does_what_it_says() {
    if require("curl").is_none() {
        return;
    }
    let (_target, http, _) = Process::target();
    assert_examples(MANUAL, 30, |command| command.replace("127.0.0.1:9898", &http.to_string()));
}

/// Runs the `sh` examples of a manual, of which there are at least so many; `here` puts this target into a command.
pub(crate) fn assert_examples(manual: &str, at_least: usize, here: impl Fn(&str) -> String) {
    let examples = examples(manual);
    assert!(examples.len() >= at_least, "the manual has {} curl examples", examples.len());
    let mut wrong = Vec::new();
    for example in &examples {
        assert!(!example.expectations.is_empty(), "{} promises nothing", example.command);
        let (exit, status, size, head) = curl(&here(&example.command));
        // A command without a word on its exit is expected to succeed.
        let exit_wanted = example.expectations.iter().find(|(key, _)| key == "exit").map_or("0", |(_, value)| value);
        let mut seen = vec![exit == exit_wanted];
        for (key, value) in &example.expectations {
            seen.push(match key.as_str() {
                "exit" => true,
                "status" => status == *value,
                "size" => size == *value,
                "header" => head.lines().any(|line| line.trim_end().eq_ignore_ascii_case(value)),
                other => panic!("{}: unknown expectation {other}", example.command),
            });
        }
        if seen.contains(&false) {
            wrong.push(format!(
                "{}\n  wanted {:?}\n  got exit={exit} status={status} size={size}\n  {head:?}",
                example.command, example.expectations
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} examples:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
}

#[test]
fn promtool_finds_nothing_to_say_about_either_exposition() {
    let Some(promtool) = require("promtool") else { return };
    let (client, server) = run(async {
        let target = RunningTarget::start();
        let scenario = "target: t\nrate: 200/s\nmix:\n  - { name: ok, weight: 3, http: {} }\n  \
                        - { name: bad, weight: 1, http: { fault: status=503 } }\n";
        let engine = engine(plan(scenario, target.http, target.admin), Duration::from_millis(500));
        let registry: Registry = shared::admin::registry("injector").unwrap();
        registry.register(Box::new(engine.red())).unwrap();
        engine.run(CancellationToken::new(), |_| ()).await.unwrap();
        let client = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let server = get(target.admin, "/metrics");
        target.stop().await;
        (client, server)
    });
    for text in [client, server] {
        let mut check = Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut check.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let output = check.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.trim().is_empty(), "{said}");
    }
}
