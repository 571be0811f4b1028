//! The predecessor's dashboard on our metrics: every query of its server side finds what it looks for.
//!
//! Its series are ours after real requests, its queries are evaluated by Prometheus's own tool.

use std::io::Write as _;

use crate::fixture::{eventually, run};
use crate::process::{Process, get};
use crate::promtool::{Panel, ask, check, words};
use crate::tools::require;

/// Requests of each status: one a second in the minute that the queries look at.
const REQUESTS: u32 = 60;
const DURATION: &str = "http_request_duration_seconds";

/// The server's row of the dashboard, for this many requests a second of the statuses 200 and 503.
pub(crate) fn panels(per_s: [f64; 2]) -> Vec<Panel> {
    let rate =
        |what: &str, more: &str| format!("rate({DURATION}_{what}{{namespace=\"load\",path=\"status\"{more}}}[1m])");
    let (all, ok) = (rate("count", ""), rate("count", ",status=\"200\""));
    let each = |status| format!("{{path=\"status\",method=\"GET\",status=\"{status}\"}}");
    let total = "{path=\"status\",method=\"GET\"}".to_owned();
    let mut panels = vec![
        Panel {
            query: format!("sum by (path,method,status) ({all}) > 0"),
            wanted: vec![(each(200), per_s[0]), (each(503), per_s[1])],
        },
        Panel { query: format!("sum by (path,method) ({all})"), wanted: vec![(total.clone(), per_s[0] + per_s[1])] },
        Panel {
            query: format!("sum by (path,method) ({ok}) / sum by (path,method) ({all}) * 100"),
            wanted: vec![(total, per_s[0] / (per_s[0] + per_s[1]) * 100.0)],
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
    let checked = check(&promtool, &exposition);
    assert_eq!(words(&checked), "", "about the exposition");
    ask(&promtool, &[(&exposition, DURATION, "namespace=\"load\",")], &panels([1.0, 1.0]));
}

fn asked(address: std::net::SocketAddr, path: &str) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with(&format!("HTTP/1.1 {}", &path["/status/".len()..])), "{path}: {answer}");
}
