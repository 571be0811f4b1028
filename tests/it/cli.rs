//! The programs as their users meet them: what they print, what they refuse, how they end.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::fixture::{program, refusing_port};
use crate::metrics::metric;
use crate::process::{Process, get, output, timed};

/// A scenario file that lives as long as the test.
fn scenario(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

const ONE: &str = "target: TARGET\nrate: 100/s\nmix:\n  - { name: op, weight: 1, http: {} }\n";

fn against(target: std::net::SocketAddr) -> tempfile::NamedTempFile {
    scenario(&ONE.replace("TARGET", &target.to_string()))
}

/// Beside other tests.
const OWN_ADMIN: [&str; 2] = ["--admin-address", "127.0.0.1:0"];
const FINITE: [&str; 4] = ["--admin-address", "127.0.0.1:0", "--for", "1s"];

fn run(file: &tempfile::NamedTempFile, flags: &[&str]) -> (Option<i32>, String, String) {
    let path = file.path().to_str().unwrap();
    let arguments: Vec<&str> = ["run", path].into_iter().chain(flags.iter().copied()).collect();
    let output = output("injector", &arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_pair_runs_the_demo_and_both_sides_agree() {
    let output = output("continuous-load", &["--for", "3s", "--json", "-"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["verdict"]["result"], "passed");
    let operations = json["operations"].as_array().unwrap();
    assert!(operations.len() >= 5);
    for operation in operations {
        let (client, server) = (&operation["client"], &operation["server"]);
        assert_eq!(client["sent"], server["received"], "{operation}");
        assert_eq!(client["success"], client["planned"], "{operation}");
    }
    let lines = stderr.lines().filter(|line| line.contains(" op=total ")).count();
    assert!((1..=4).contains(&lines), "one line per second: {stderr}");
    for words in ["requests of", "| received |", "identity: ", "verdict: passed (exit code 0", "/metrics (injector)"] {
        assert!(stderr.contains(words), "no {words:?} in {stderr}");
    }
}

#[test]
fn an_interrupted_run_still_reports_everything() {
    for signal in ["INT", "TERM"] {
        let (_target, http, admin) = Process::target();
        let file = against(http);
        let mut injector = Process::start(
            "injector",
            &[
                "run",
                file.path().to_str().unwrap(),
                "--for",
                "10m",
                "--admin-address",
                "127.0.0.1:0",
                "--target-admin",
                &admin.to_string(),
            ],
        );
        injector.has_run_for(1.0);
        injector.signal(signal);
        let (code, text) = injector.end();
        assert_eq!(code, Some(105), "{text}");
        assert!(text.contains("identity: ") && text.contains("verdict: interrupted"), "{text}");
        assert!(!text.contains("no account of"), "{text}");
    }
}

#[test]
fn a_continuous_run_told_to_stop_drains_and_passes() {
    let (_target, http, admin) = Process::target();
    let file = against(http);
    let mut injector = Process::start(
        "injector",
        &["run", file.path().to_str().unwrap(), "--admin-address", "127.0.0.1:0", "--target-admin", &admin.to_string()],
    );
    let own_admin = injector.address("admin");
    injector.has_run_for(1.0);
    for (path, words) in [
        ("/metrics", "continuous_load_client_requests_total{"),
        ("/livez", "ok"),
        ("/readyz", "ok"),
        ("/version", "injector"),
    ] {
        assert!(get(own_admin, path).contains(words), "{path}");
    }
    injector.signal("TERM");
    let (code, text) = injector.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("verdict: passed"), "{text}");
}

#[test]
fn a_lingering_injector_shows_its_last_figures_until_it_is_told_to_go() {
    // A run that was stopped has had its first signal; the second ends any process at once.
    for (length, first, code) in [(Some("1s"), "", 0), (None, "TERM", 130)] {
        let (_target, http, admin) = Process::target();
        let file = against(http);
        let (file, admin) = (file.path().to_str().unwrap(), admin.to_string());
        let flags = ["run", file, OWN_ADMIN[0], OWN_ADMIN[1], "--target-admin", &admin, "--linger", "10m"];
        let length = length.map(|length| ["--for", length]);
        let mut injector = Process::start("injector", &[&flags[..], length.as_slice().as_flattened()].concat());
        let own_admin = injector.address("admin");
        injector.has_run_for(1.0);
        if !first.is_empty() {
            injector.signal(first);
        }
        let identity = injector.line_with("identity: ");
        injector.line_with("lingering for 10m");
        let seen = metric("continuous_load_client_requests_total").sum_in(&get(own_admin, "/metrics"));
        assert!(seen >= 100.0 && identity.contains(&format!("{seen} planned")), "{seen}: {identity}");
        injector.signal("TERM");
        assert_eq!(injector.end().0, Some(code));
    }
}

#[test]
fn a_wrong_scenario_is_refused_with_its_place_and_the_remedy() {
    let cases = [
        ("target: t\nrate: 1/s\nmixx: []\n", "3:1", "mixx"),
        ("target: t\nrate: 1/s\ntimeout: 10\nmix:\n  - { name: a, weight: 1, http: {} }\n", "3:10", "timeout"),
        ("target: t\nrate: 0/s\nmix:\n  - { name: a, weight: 1, http: {} }\n", "2:7", "rate"),
        ("target: t\nrate: 1/s\nmix: []\n", "3:6", "operation"),
        (
            "target: t\nrate: 1/s\nmix:\n  - name: a\n    weight: 1\n    http: { fault: \"status=503:60,404:60\" }\n",
            "6:",
            "status",
        ),
        ("target: t\nrate: 1/s\nmix:\n  - name: a\n    weight: 1\n    http: { fault: delay=2m }\n", "6:", "delay"),
        (
            "target: some-host\nrate: 5000/s\nmix:\n  - { name: a, weight: 1, connection: fresh, http: {} }\n",
            "",
            "port",
        ),
    ];
    for (text, place, words) in cases {
        let file = scenario(text);
        for command in ["check", "run"] {
            let output = output("injector", &[command, file.path().to_str().unwrap()]);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(104), "{text}{stderr}");
            assert!(stderr.contains(place) && stderr.contains(words), "{text}{stderr}");
        }
    }
}

#[test]
fn who_stops_reading_breaks_nothing() {
    let file = scenario("target: t\nrate: 1/s\nmix:\n  - { name: a, weight: 1, http: {} }\n");
    let file = file.path().to_str().unwrap();
    for arguments in [&["schema"][..], &["check", file], &["check", file, "--json"], &["new", "-"]] {
        let mut child = Command::new(program("injector"));
        let child = child.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        // As `head` does it, but at once.
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_run_says_why_nothing_was_sent_and_what_will_lack_samples() {
    let (_target, http, _) = Process::target();
    let silent = "phases: [{ name: rest, for: 1s, scale: 0% }]\n";
    for (keys, flags, words) in [
        (silent, &[][..], "no request came due: every phase has scale: 0%"),
        (
            "",
            &["--for", "1s", "--threshold", "p(99.9) < 1s"],
            "100 of these requests come due in 1s, and it needs 1000",
        ),
        ("", &["--for", "1s", "--threshold", "grpc_req_duration: p(95)<100"], "no operation speaks gRPC"),
    ] {
        let file = scenario(&format!("{keys}{}", ONE.replace("TARGET", &http.to_string())));
        let (code, told, said) = run(&file, &[&OWN_ADMIN[..], flags].concat());
        assert!(told.contains(words) || said.contains(words), "{code:?} {told}{said}");
        // The scenario does not go with the flag.
        assert_eq!(code == Some(104), words.contains("gRPC"), "{code:?} {said}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let output = output("injector", &["run", "/nowhere/scenario.yaml"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(104));
    assert!(stderr.contains("/nowhere/scenario.yaml") && stderr.contains("No such file"), "{stderr}");
}

#[test]
fn a_host_without_address_ends_the_run_before_it_starts_with_its_name() {
    let file = scenario(&ONE.replace("TARGET", "no-such-host.invalid"));
    let (code, _, stderr) = run(&file, &FINITE);
    assert_eq!(code, Some(97), "{stderr}");
    assert!(stderr.contains("no-such-host.invalid") && stderr.contains("dns_nxdomain"), "{stderr}");
}

#[test]
fn nobody_listening_ends_the_run_before_it_starts_with_the_address() {
    let (_held, address) = refusing_port();
    let (code, _, stderr) = run(&against(address), &FINITE);
    assert_eq!(code, Some(97), "{stderr}");
    assert!(stderr.contains(&address.to_string()) && stderr.contains("connect_refused"), "{stderr}");
}

#[test]
fn a_port_in_use_names_the_flag_on_both_programs() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (target, http, _) = Process::target();
    let (code, _, stderr) = run(&against(http), &["--admin-address", &address]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("--admin-address") && stderr.contains(&address), "{stderr}");
    drop(target);
    let refused = output("target-server", &["--http-address", &address, "--admin-address", "127.0.0.1:0"]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(stderr.contains("--http-address") && stderr.contains(&address), "{stderr}");
}

#[test]
fn a_result_that_cannot_be_written_is_refused_before_the_run() {
    let (_target, http, _) = Process::target();
    let file = against(http);
    let ((code, stdout, stderr), took) =
        timed(|| run(&file, &["--for", "1m", "--admin-address", "127.0.0.1:0", "--json", "/nowhere/result.json"]));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("--json /nowhere/result.json"), "{stderr}");
    assert!(took < Duration::from_secs(30) && !stdout.contains("running"), "{stdout}");
}

#[test]
fn a_run_without_an_end_begins_in_an_outage() {
    let (_held, address) = refusing_port();
    let file = against(address);
    let arguments = [&["run", file.path().to_str().unwrap()][..], &OWN_ADMIN].concat();
    let mut injector = Process::start("injector", &arguments);
    let line = injector.line_with("not reached: ");
    assert!(line.contains(&address.to_string()) && line.contains("connect_refused"), "{line}");
    let admin = injector.address("admin");
    injector.line_with("connect_refused ");
    let refused = metric("continuous_load_client_requests_total").label("error", "connect_refused");
    assert!(refused.sum_in(&get(admin, "/metrics")) > 0.0);
    injector.signal("TERM");
    assert_eq!(injector.end().0, Some(0));
}
