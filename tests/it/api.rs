//! The API of a run under way, by curl: as programs of others use it, against real targets, with faults and without.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::fixture::{eventually, run};
use crate::process::{Process, output};
use crate::rules::admin::Admin;
use crate::tools::require;

const TOKEN: &str = "a-token-of-a-test-0123";

/// Two operations without faults of their own.
const MIX: &str = "
rate: 40/s
timeout: 10s
mix:
- { name: web, weight: 3, http: { path: /web } }
- { name: api, weight: 1, http: { path: /api } }
";

/// A target, an injector that drives it, and how to talk to that.
struct Bench {
    target_admin: SocketAddr,
    _target: Process,
    injector: Process,
    admin: SocketAddr,
    folder: tempfile::TempDir,
}

impl Bench {
    /// `None`, after saying so, where there is no curl.
    fn start(more: &[&str]) -> Option<Bench> {
        require("curl")?;
        let (target, http, target_admin) = Process::target();
        let folder = tempfile::tempdir().unwrap();
        let (file, token) = (folder.path().join("mix.yaml"), folder.path().join("token"));
        fs::write(&file, MIX).unwrap();
        writeln!(fs::File::create(&token).unwrap(), "{TOKEN}").unwrap();
        let (http, at) = (http.to_string(), target_admin.to_string());
        let fixed = ["run", file.to_str().unwrap(), "--admin-address", "127.0.0.1:0", "--target", &http];
        let json = folder.path().join("result.json");
        let rest =
            ["--target-admin", &at, "--api-token-file", token.to_str().unwrap(), "--json", json.to_str().unwrap()];
        let mut injector = Process::start("injector", &[&fixed[..], &rest, more].concat());
        let admin = injector.address("admin");
        Some(Bench { target_admin, _target: target, injector, admin, folder })
    }

    /// What curl says with these arguments and this path: the status and the body.
    fn curl(&self, arguments: &[&str], path: &str) -> (u16, String) {
        curl(self.admin, arguments, path)
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.curl(&[], path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Changes something by the token.
    fn change(&self, path: &str, body: &str) -> (u16, Value) {
        change(self.admin, path, body)
    }

    /// `injector control` with these words.
    fn control(&self, words: &[&str]) -> (Option<i32>, String) {
        let token = self.folder.path().join("token");
        let admin = self.admin.to_string();
        let all = [&["control"], words, &["--injector", &admin, "--token-file", token.to_str().unwrap()]].concat();
        let did = output("injector", &all);
        let said = [did.stdout, did.stderr].concat();
        (did.status.code(), String::from_utf8(said).unwrap())
    }

    /// Waits until the status is like that.
    fn until(&self, what: &str, look: impl Fn(&Value) -> bool) {
        run(eventually(what, async || {
            let status = self.json("/api/v1/status");
            if look(&status) { Ok(()) } else { Err(status) }
        }));
    }

    /// Waits until this path answers so.
    fn answers(&self, path: &str, status: u16) {
        run(eventually(path, async || {
            let said = self.curl(&[], path);
            if said.0 == status { Ok(()) } else { Err(said) }
        }));
    }

    /// Stops it: the exit code, and the result of the run.
    fn stop(self) -> (Option<i32>, Value) {
        assert_eq!(self.change("stop", "").0, 200);
        let (code, out) = self.injector.end();
        let result = fs::read(self.folder.path().join("result.json")).unwrap_or_else(|error| panic!("{error}: {out}"));
        (code, serde_json::from_slice(&result).unwrap())
    }
}

fn curl(admin: SocketAddr, arguments: &[&str], path: &str) -> (u16, String) {
    let mut command = Command::new(require("curl").unwrap());
    command.args(["-s", "-g", "--max-time", "60", "-w", "\n%{http_code}"]).args(arguments);
    let done = command.arg(format!("http://{admin}{path}")).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8(done.stdout).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

fn change(admin: SocketAddr, path: &str, body: &str) -> (u16, Value) {
    let token = format!("authorization: Bearer {TOKEN}");
    let sent = ["-H", "content-type: application/json", "-d", body];
    let arguments = [&["-X", "POST", "-H", token.as_str()][..], if body.is_empty() { &[] } else { &sent }].concat();
    let (status, said) = curl(admin, &arguments, &format!("/api/v1/{path}"));
    (status, serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")))
}

#[test]
fn a_verdict_follows_the_faults_of_the_target_and_the_rule_can_be_left_out() {
    let Some(bench) = Bench::start(&[]) else { return };
    bench.until("requests", |status| status["totals"]["success"].as_u64() > Some(20));
    // The first requests of a run open its connections; of them, a window of a second knows nothing for long.
    bench.answers("/api/v1/verdict?window=5s&max_error_ratio=0.01&max_p99=5s&min_requests=20&fail_status=503", 200);
    let rule = json!({ "ttl": "5m", "match": { "protocol": "http", "path": "/web" }, "fault": "status=503" });
    Admin(bench.target_admin).install("sick", &rule);
    bench.answers("/api/v1/verdict?window=5s&max_error_ratio=0.2&min_requests=20&fail_status=503", 503);
    let verdict = bench.json("/api/v1/verdict?window=30s&max_error_ratio=0.2&operation=web");
    assert_eq!(verdict["pass"], false, "{verdict:#}");
    assert!(verdict["injected"].as_u64() > Some(0) && verdict["reasons"][0].as_str().is_some(), "{verdict:#}");
    let healthy = "max_error_ratio=0.01&exclude_injected=true&require_injected=10&fail_status=412";
    bench.answers(&format!("/api/v1/verdict?window=30s&{healthy}"), 200);
    // As Flagger sends it.
    let hook = r#"{"name":"podinfo","namespace":"test","phase":"Progressing","checksum":"85d557","metadata":{"window":"30s","max_error_ratio":"0.01"}}"#;
    let post = ["-X", "POST", "-H", "content-type: application/json", "-d", hook];
    let (status, line) = bench.curl(&post, "/hooks/flagger/verdict");
    assert!(status == 412 && line.starts_with("fail: error_ratio"), "{status} {line}");
    assert_eq!(bench.curl(&post, "/hooks/flagger/rollback").0, 200);
    let (status, number) = bench.curl(&[], "/api/v1/value?metric=error_ratio&window=30s&operation=web");
    assert!(status == 200 && number.parse::<f64>().is_ok_and(|ratio| ratio > 0.0 && ratio <= 1.0), "{number}");
    assert!(Admin(bench.target_admin).remove("sick"));
    bench.answers("/api/v1/verdict?window=2s&max_error_ratio=0&fail_status=503", 200);
    let (code, result) = bench.stop();
    assert_eq!(code, Some(0), "a run without an end that is told to stop has passed: {:#}", result["verdict"]);
}

#[test]
fn a_run_that_waits_is_started_changed_and_stopped_and_both_sides_agree() {
    let Some(bench) = Bench::start(&["--paused"]) else { return };
    bench.until("to be ready", |status| status["state"] == "waiting");
    assert_eq!(bench.curl(&[], "/api/v1/verdict?fail_status=503").0, 503, "no data never passes");
    assert_eq!(bench.curl(&[], "/api/v1/value?metric=error_ratio").0, 503);
    assert_eq!(bench.change("pause", "").0, 409);
    // A little in the past, as when a message took its time: at once.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let (status, said) = bench.change("start", &format!("{{\"at\":{now}}}"));
    assert_eq!(status, 200, "{said}");
    bench.until("requests", |status| status["totals"]["planned"].as_u64() > Some(0));
    assert_eq!(bench.change("start", "").0, 409, "it runs");
    // As fast as they can: each change is whole or refused.
    let admin = bench.admin;
    let changing: Vec<_> = ["pause", "resume", "pause", "resume"]
        .into_iter()
        .map(|what| thread::spawn(move || (0..15).map(|_| change(admin, what, "").0).collect::<Vec<u16>>()))
        .collect();
    for n in 1..=15 {
        assert_eq!(bench.change("rate", &format!("{{\"rate\":\"{}/s\"}}", 20 + n)).0, 200);
        assert_eq!(bench.change("scale", &format!("{{\"scale\":\"{}%\"}}", 50 + n)).0, 200);
        assert_eq!(bench.change("operations/api", &format!("{{\"enabled\":{}}}", n % 2 == 0)).0, 200);
    }
    let answers: Vec<u16> = changing.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(answers.iter().all(|status| [200, 409].contains(status)), "{answers:?}");
    assert!(answers.contains(&200) && answers.contains(&409), "{answers:?}");
    let state = bench.json("/api/v1/status")["state"].clone();
    if state == "paused" {
        assert_eq!(bench.change("resume", "").0, 200);
    }
    let (status, said) = bench.change("operations/api", r#"{"rate":"30/s","enabled":true}"#);
    assert_eq!((status, &said["operations"][1]["enabled"]), (200, &json!(true)), "{said:#}");
    let sent = said["operations"][1]["totals"]["success"].as_u64();
    bench.until("more of it", |status| status["operations"][1]["totals"]["success"].as_u64() > sent);
    let (_, result) = bench.stop();
    for operation in result["operations"].as_array().unwrap() {
        assert_eq!(operation["difference"]["unexplained"], 0, "{operation:#}");
    }
    let reasons = result["verdict"]["reasons"].to_string();
    assert!(!reasons.contains("unexplained") && !reasons.contains("add up"), "{reasons}");
}

#[test]
fn a_person_changes_a_run_from_the_command_line() {
    let Some(bench) = Bench::start(&[]) else { return };
    let says = |words: &[&str], code: i32, expected: &str| {
        let (ended, said) = bench.control(words);
        assert_eq!(ended, Some(code), "{words:?}: {said}");
        assert!(said.contains(expected), "{words:?}: {said}");
    };
    bench.until("requests", |status| status["totals"]["planned"].as_u64() > Some(0));
    says(&["status"], 0, "mix.yaml running (");
    says(&["pause"], 0, "mix.yaml paused");
    says(&["pause"], 1, "409: ");
    says(&["resume"], 0, "running");
    says(&["resume"], 1, "409: ");
    says(&["rate", "20/s"], 0, "20.0/s planned");
    says(&["scale", "200%"], 0, "40.0/s planned");
    says(&["disable", "api"], 0, "off");
    says(&["enable", "api"], 0, "40.0/s planned");
    says(&["rate", "7/s", "--operation", "api"], 0, "14.0/s");
    says(&["rate", "7/s", "--operation", "nobody"], 1, "404: there is no operation \"nobody\"; expected web, api");
    says(&["status"], 0, "set by hand, over the scenario: rate 20/s, scale 200%, rate 7/s --operation api\n");
    says(&["start", "--at", "tomorrow"], 2, "\"tomorrow\" is no instant; expected ");
    says(&["start", "--at", "2001-01-01T00:00:00Z"], 1, "422: 2001-01-01T00:00:00.000Z is in the past");
    says(&["status", "--json"], 0, "\"state\":\"running\"");
    let wrong = output("injector", &["control", "pause", "--injector", &bench.admin.to_string()]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(1) && said.contains("401") && said.contains("CLOAD_API_TOKEN_FILE"), "{said}");
    says(&["stop"], 0, "mix.yaml");
    assert_eq!(bench.injector.end().0, Some(0));
}

/// Every key, wherever it is.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            found.push(key.clone());
            keys(value, found);
        }),
        Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_key_parameter_and_path_is_in_the_manual() {
    let Some(bench) = Bench::start(&["--threshold", "availability >= 1% over 2s"]) else { return };
    Admin(bench.target_admin).install(
        "sick",
        &json!({ "ttl": "5m", "match": { "protocol": "http", "path": "/web" }, "fault": "status=503" }),
    );
    bench.until("an error and a threshold", |status| {
        status["operations"][0]["last_errors"][0].is_object() && status["thresholds"][0].is_object()
    });
    let mut found = Vec::new();
    keys(&bench.json("/api/v1/status"), &mut found);
    keys(&bench.json("/api/v1/verdict?condition=p(50)%20%3C%201s"), &mut found);
    // A condition as the manual has curl write it, and as it is no request at all.
    let condition = ["-G", "-d", "window=60s", "--data-urlencode", "condition=network p(99) < 1h; path_loss <= 100%"];
    let (status, verdict) = bench.curl(&condition, "/api/v1/verdict");
    assert!(status == 200 && verdict.contains("network p(99) < 1h"), "{status} {verdict}");
    assert_eq!(bench.curl(&[], "/api/v1/verdict?condition=failed<1").0, 400);
    let (_, value) = bench.curl(&["-H", "accept: application/json"], "/api/v1/value?metric=rate");
    keys(&serde_json::from_str(&value).unwrap(), &mut found);
    // What there is, as the errors say it.
    let (_, parameters) = bench.curl(&[], "/api/v1/verdict?x=1");
    let parameters: Value = serde_json::from_str(&parameters).unwrap();
    let expected = parameters["error"]["expected"].as_str().unwrap();
    found.extend(expected.split(", ").map(str::to_owned).filter(|word| !word.contains(' ')));
    let manual = include_str!("../../docs/api.md");
    let missing: Vec<&String> = found.iter().filter(|key| !manual.contains(&format!("`{key}`"))).collect();
    assert!(found.len() > 60 && missing.is_empty(), "{missing:?}");
}
