//! Thresholds of real runs: that hold, that do not, that end the run, that never had data; and what k6 says to the same.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::fixture::{eventually, program, run};
use crate::metrics::metric;
use crate::process::{Process, get};
use crate::tools::require;

/// Three right answers in four.
const MIX: &str = "
rate: 40/s
timeout: 10s
mix:
- { name: ok, weight: 3, http: { fault: 'delay=50ms', expect: { status: 200 } } }
- { name: bad, weight: 1, http: { fault: 'status=503', expect: { status: 200 } } }
";

/// A target and what is run against it.
struct Bench {
    _target: Process,
    http: SocketAddr,
    admin: SocketAddr,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let (target, http, admin) = Process::target();
        Bench { _target: target, http, admin, folder: tempfile::tempdir().unwrap() }
    }

    /// The arguments of a run of the mix with these thresholds.
    fn arguments(&self, thresholds: &str, more: &[&str]) -> Vec<String> {
        let file = self.folder.path().join("mix.yaml");
        fs::write(&file, format!("{thresholds}\n{MIX}")).unwrap();
        let fixed = ["run", file.to_str().unwrap(), "--admin-address", "127.0.0.1:0"].map(str::to_owned);
        let target =
            ["--target".to_owned(), self.http.to_string(), "--target-admin".to_owned(), self.admin.to_string()];
        fixed.into_iter().chain(target).chain(more.iter().map(|&word| word.to_owned())).collect()
    }

    /// Its result, and how it ended.
    fn run(&self, thresholds: &str, more: &[&str]) -> (Value, Output) {
        let arguments = self.arguments(thresholds, &[more, &["--json", "-"]].concat());
        let ended = Command::new(program("injector")).args(arguments).stdin(Stdio::null()).output().unwrap();
        let json = serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        (json, ended)
    }
}

/// What became of each threshold.
fn results(json: &Value) -> Vec<&str> {
    json["thresholds"].as_array().unwrap().iter().map(|one| one["result"].as_str().unwrap()).collect()
}

/// The exit code, unless this machine was too slow for the load: then the run says that it cannot tell.
fn assert_exit(json: &Value, ended: &Output, code: i32) {
    let was_slow = json["verdict"]["reasons"].to_string().contains("generator saturated");
    let expected = if was_slow { 98 } else { code };
    assert_eq!(ended.status.code(), Some(expected), "{:#}", json["verdict"]);
}

#[test]
fn a_run_that_meets_its_thresholds_passes_and_says_so() {
    let bench = Bench::new();
    let thresholds = "thresholds:
- availability >= 60%
- availability == 100% where operation=ok
- availability >= 20% over 2s min 10 samples
- failed == 100% where operation=bad
- p(50) >= 50ms where operation=ok
- network p(90) < 10s
- server max < 10s
- dropped == 0
- path_loss == 0
- unexplained == 0
- duplicates == 0
- rate >= 20/s
- http_req_duration{expected_response:true}: ['p(90)<9000', 'min>=50']
- http_reqs{status:503}: count>=10
- checks: [{ threshold: 'rate>0.5', abortOnFail: true, delayAbortEval: '2s' }]";
    let (json, ended) = bench.run(thresholds, &["--for", "3s"]);
    assert_eq!(results(&json), vec!["holds"; 16], "{:#}", json["thresholds"]);
    assert_exit(&json, &ended, 0);
    let first = &json["thresholds"][0];
    assert_eq!((&first["threshold"], &first["unit"]), (&json!("availability >= 60%"), &json!("share")));
    assert!(first["value"].as_f64().is_some_and(|value| (value - 0.75).abs() < 0.02), "{first}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("✓ holds    availability >= 60% "), "{said}");
    assert!(said.contains("16 thresholds hold"), "{said}");
}

#[test]
fn a_threshold_that_does_not_hold_is_exit_code_99() {
    let bench = Bench::new();
    let thresholds = "thresholds:
- availability >= 99%
- availability >= 99% where operation=ok
- http_req_failed{scenario:bad}: rate<0.5
- http_req_failed{scenario:ok}: rate<0.5
- http_req_waiting: p(50)<1
- failed < 10% over 1s";
    let (json, ended) = bench.run(thresholds, &["--for", "3s"]);
    let expected = ["crossed", "holds", "crossed", "holds", "crossed", "crossed"];
    assert_eq!(results(&json), expected, "{:#}", json["thresholds"]);
    assert_exit(&json, &ended, 99);
    let windowed = &json["thresholds"][5];
    assert!(windowed["crossings"].as_u64() >= Some(1) && windowed["first_crossed_s"].is_number(), "{windowed}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("✗ crossed  availability >= 99% "), "{said}");
    assert!(said.contains("threshold crossed: availability >= 99%: "), "{said}");
    // What a flag says stands instead of the file's.
    let flags = ["--for", "1s", "--threshold", "failed < 90%; p(50) < 1us", "--threshold", "http_reqs: count>10"];
    let (json, ended) = bench.run(thresholds, &flags);
    assert_eq!(results(&json), ["holds", "crossed", "holds"], "{:#}", json["thresholds"]);
    assert_exit(&json, &ended, 99);
}

#[test]
fn a_threshold_ends_the_run_if_it_says_so() {
    let bench = Bench::new();
    // An hour, and one without an end.
    for length in [&["--for", "1h"][..], &[]] {
        let (json, ended) = bench.run("thresholds: ['failed < 10% min 20 samples abort after 1s']", length);
        assert_eq!(results(&json), ["crossed"]);
        assert!(json["thresholds"][0]["aborted"] == true && json["planned_for_s"].as_f64() < Some(600.0), "{json:#}");
        assert_exit(&json, &ended, 99);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains("threshold crossed, which ends the run: failed < 10%"), "{said}");
    }
}

#[test]
fn no_data_never_passes() {
    let bench = Bench::new();
    let thresholds = "thresholds:
- p(99) < 10s
- p(99) < 10s min 5 samples
- message p(50) < 10s
- http_reqs: count>=0";
    let (json, ended) = bench.run(thresholds, &["--for", "1s"]);
    assert_eq!(results(&json), ["no_data", "holds", "no_data", "holds"], "{:#}", json["thresholds"]);
    assert_exit(&json, &ended, 99);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("✗ no data  p(99) < 10s "), "{said}");
    assert!(said.contains("it needs 100: no data never passes"), "{said}");
}

#[test]
fn what_is_wrong_is_said_before_any_request() {
    let bench = Bench::new();
    for (thresholds, more, code, words) in [
        ("thresholds:\n- p(99) < 25", &[][..], 104, "mix.yaml:2:11: thresholds: \"25\": a duration needs a unit"),
        ("thresholds: { http_req_failed: ['rate<5'] }", &[], 104, "5% is 0.05"),
        ("thresholds: { nonsense: ['rate<0.5'] }", &[], 104, "unknown figure \"nonsense\""),
        ("thresholds: ['failed < 1% where operation=absent']", &[], 104, "there are bad, ok"),
        ("thresholds: ['failed < 1% over 1s min 100 samples']", &[], 104, "min 40 samples"),
        ("", &["--threshold", "p(99) < 25"], 2, "at character 9: \"25\": a duration needs a unit"),
        ("", &["--threshold", "failed < 1% where operation=absent"], 104, "--threshold: failed < 1%"),
    ] {
        let arguments = bench.arguments(thresholds, more);
        let ended = Command::new(program("injector")).args(arguments).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{thresholds}: {said}");
        assert!(said.contains(words), "{thresholds}: {said}");
    }
    let requests = metric("continuous_load_server_requests_total").sum_in(&get(bench.admin, "/metrics"));
    assert_eq!(requests, 0.0);
    // The variable is the flag.
    let mut command = Command::new(program("injector"));
    command.args(bench.arguments("", &[])).env("CLOAD_THRESHOLDS", "failed < 1%; failed << 2%").stdin(Stdio::null());
    let said = command.output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("failed << 2%: at character 9"), "{said:?}");
}

#[test]
fn a_run_without_an_end_exports_its_thresholds_and_is_judged_when_it_is_told_to_stop() {
    let bench = Bench::new();
    for (threshold, ok, code) in [("availability >= 99% over 1s", 0.0, 99), ("availability >= 10% over 2s", 1.0, 0)] {
        let arguments = bench.arguments(&format!("thresholds: ['{threshold}']"), &[]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut injector = Process::start("injector", &arguments);
        let admin = injector.address("admin");
        run(async {
            eventually("it is judged", async || {
                let metrics = tokio::task::block_in_place(|| get(admin, "/metrics"));
                let is_ok = sample(&metrics, "ok", threshold);
                if is_ok == Some(ok) { Ok(()) } else { Err(is_ok) }
            })
            .await;
        });
        let metrics = get(admin, "/metrics");
        let value = sample(&metrics, "value", threshold);
        assert!(value.is_some_and(|value| (value - 0.75).abs() < 0.25), "{value:?}");
        let crossings = sample(&metrics, "crossings_total", threshold);
        assert_eq!(crossings.is_some_and(|crossings| crossings > 0.0), ok == 0.0, "{crossings:?}");
        injector.signal("TERM");
        let (ended, said) = injector.end();
        let was_slow = said.contains("generator saturated") && code == 99;
        assert_eq!(ended, Some(if was_slow { 98 } else { code }), "{said}");
    }
}

/// A figure that is exported of a threshold, whose text is a label with blanks.
fn sample(metrics: &str, name: &str, threshold: &str) -> Option<f64> {
    let series =
        format!("continuous_load_client_threshold_{name}{{source=\"local/injector\",threshold=\"{threshold}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)).map(|value| value.parse().unwrap())
}

/// What k6 and we are asked: the metric, the expression, and whether it holds.
const BOTH: [(&str, &str, bool); 22] = [
    ("http_req_failed", "rate<0.3", true),
    ("http_req_failed", "rate<0.2", false),
    ("http_req_failed", "rate==0.25", true),
    ("http_req_failed{type:ok}", "rate===0", true),
    ("http_req_failed{type:bad}", "rate>=1", true),
    ("http_req_duration", "max<30000", true),
    ("http_req_duration", "p(90)<50", false),
    ("http_req_duration", "med>=50", true),
    ("http_req_duration", "avg>=30", true),
    ("http_req_duration{type:ok}", "min>=50", true),
    ("http_req_duration{expected_response:true}", "p(50)>=50", true),
    ("http_req_duration{expected_response:true}", "min<50", false),
    ("http_req_waiting", "p(90)>=50", true),
    ("http_req_tls_handshaking", "max<1", true),
    ("http_reqs", "count==40", true),
    ("http_reqs", "rate>1000", false),
    ("http_reqs{status:503}", "count==10", true),
    ("http_reqs{type:ok}", "count != 30", false),
    ("checks", "rate==0.75", true),
    ("checks", "rate>0.9", false),
    ("iterations", "count==40", true),
    ("iteration_duration", "max>=50", true),
];

const SCRIPT: &str = r#"
import http from 'k6/http';
import { check } from 'k6';
export const options = { vus: 1, iterations: 40, thresholds: JSON.parse(__ENV.THRESHOLDS) };
export default function () {
  const [type, fault] = __ITER % 4 === 0 ? ['bad', 'status=503'] : ['ok', 'delay=50ms'];
  const answer = http.get(`${__ENV.URL}/`, { headers: { 'x-cload-fault': fault }, tags: { type } });
  check(answer, { right: r => r.status === 200 });
}
export function handleSummary(data) { return { stdout: JSON.stringify(data.metrics) }; }
"#;

#[test]
fn k6_says_the_same_to_the_same() {
    let Some(tool) = require("k6") else { return };
    let bench = Bench::new();
    let mut thresholds = serde_json::Map::new();
    for (metric, expression, _) in BOTH {
        let list = thresholds.entry(metric).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(json!(expression));
    }
    let thresholds = Value::Object(thresholds);

    let mut script = tempfile::Builder::new().suffix(".js").tempfile().unwrap();
    script.write_all(SCRIPT.as_bytes()).unwrap();
    let ended = Command::new(tool)
        .args(["run", "--quiet", "--no-usage-report", "--no-color", "--address=", "-e"])
        .arg(format!("URL=http://{}", bench.http))
        .arg("-e")
        .arg(format!("THRESHOLDS={thresholds}"))
        .arg(script.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(99), "{ended:?}");
    let theirs: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));

    let (ours, ended) = bench.run(&format!("thresholds: {thresholds}"), &["--for", "1s"]);
    assert_exit(&ours, &ended, 99);
    for (metric, expression, holds) in BOTH {
        assert_eq!(
            theirs[metric]["thresholds"][expression]["ok"], holds,
            "k6: {metric}: {expression}: {:#}",
            theirs[metric]
        );
        let text: injector::threshold::Threshold = format!("{metric}: {expression}").parse().unwrap();
        let found = ours["thresholds"].as_array().unwrap().iter().find(|one| one["threshold"] == text.to_string());
        let found = found.unwrap_or_else(|| panic!("{text} is not in {ours:#}"));
        assert_eq!(found["result"] == "holds", holds, "{found:#}");
    }
}
