//! The predecessor's dashboard on our metrics: every query of its server side finds what it looks for.
//!
//! Its series are ours after real requests, its queries are evaluated by Prometheus's own tool.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::fixture::{eventually, run};
use crate::process::{Process, get};
use crate::tools::require;

/// Requests of each status: one a second in the minute that the queries look at.
const REQUESTS: u32 = 60;
const DURATION: &str = "http_request_duration_seconds";

/// A panel's query, with its namespace and its window filled in, and what it has to give: labels and value.
struct Panel {
    query: String,
    wanted: Vec<(&'static str, f64)>,
}

/// The server's row of the dashboard.
fn panels() -> Vec<Panel> {
    let rate =
        |what: &str, more: &str| format!("rate({DURATION}_{what}{{namespace=\"load\",path=\"status\"{more}}}[1m])");
    let (all, ok) = (rate("count", ""), rate("count", ",status=\"200\""));
    let each = |status| match status {
        200 => "{path=\"status\",method=\"GET\",status=\"200\"}",
        _ => "{path=\"status\",method=\"GET\",status=\"503\"}",
    };
    let mut panels = vec![
        Panel {
            query: format!("sum by (path,method,status) ({all}) > 0"),
            wanted: vec![(each(200), 1.0), (each(503), 1.0)],
        },
        Panel {
            query: format!("sum by (path,method) ({all})"),
            wanted: vec![("{path=\"status\",method=\"GET\"}", 2.0)],
        },
        Panel {
            query: format!("sum by (path,method) ({ok}) / sum by (path,method) ({all}) * 100"),
            wanted: vec![("{path=\"status\",method=\"GET\"}", 50.0)],
        },
    ];
    for quantile in ["0.99", "0.95", "0.80", "0.50", "0.10"] {
        let buckets = rate("bucket", "");
        let query = format!("histogram_quantile({quantile}, sum by (le,path,method,status) ({buckets}))");
        // How long it took is this machine's affair; that it took some time, and less than forever, is not.
        let wanted = vec![(each(200), 1.0), (each(503), 1.0)];
        panels.push(Panel { query: format!("({query} > bool 0) * ({query} < bool 10)"), wanted });
    }
    panels
}

#[test]
fn the_predecessors_dashboard_finds_our_metrics() {
    let Some(promtool) = require("promtool") else { return };
    let (_target, http, _) = Process::target();
    for status in [200, 503] {
        for _ in 0..REQUESTS {
            asked(http, &format!("/status/{status}"));
        }
    }
    let counted = format!("{DURATION}_count{{method=\"GET\",path=\"status\",status=\"503\"}} {REQUESTS}");
    run(eventually("the last one is counted", async || {
        let text = get(http, "/metrics");
        if text.lines().any(|line| line == counted) { Ok(()) } else { Err(text.lines().count()) }
    }));
    let exposition = get(http, "/metrics");
    let total = |status: u16| format!("http_requests_total{{status=\"{status}\"}} {REQUESTS}");
    for status in [200, 503] {
        assert!(exposition.lines().any(|line| line == total(status)), "{}", total(status));
    }
    let said = tool(&promtool, &["check", "metrics"], Some(&exposition));
    assert_eq!(said, "", "about the exposition");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.yaml");
    std::fs::write(&file, unit_test(&exposition)).unwrap();
    let said = tool(&promtool, &["test", "rules", file.to_str().unwrap()], None);
    assert!(said.contains("SUCCESS"), "{said}");
}

fn asked(address: std::net::SocketAddr, path: &str) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with(&format!("HTTP/1.1 {}", &path["/status/".len()..])), "{path}: {answer}");
}

/// A file for `promtool test rules`: our series, that began with the process at zero, and the panels.
fn unit_test(exposition: &str) -> String {
    let mut text = "rule_files: []\nevaluation_interval: 30s\ntests:\n- interval: 30s\n  input_series:\n".to_owned();
    for line in exposition.lines().filter(|line| line.starts_with(DURATION)) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        // Prometheus knows the namespace of what it scrapes.
        let series = series.replacen('{', "{namespace=\"load\",", 1);
        writeln!(text, "  - series: '{series}'\n    values: '0 {value}'").unwrap();
    }
    text += "  promql_expr_test:\n";
    for panel in panels() {
        writeln!(text, "  - expr: '{}'\n    eval_time: 30s\n    exp_samples:", panel.query).unwrap();
        for (labels, value) in &panel.wanted {
            writeln!(text, "    - labels: '{labels}'\n      value: {value}").unwrap();
        }
    }
    text
}

/// What the tool says in all.
fn tool(program: &std::path::Path, arguments: &[&str], input: Option<&str>) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
