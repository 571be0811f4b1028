//! The metrics of both programs: names, types and help from the code, labels from what real programs show.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{cell, head, hold, source};
use crate::metrics::metric;
use crate::process::{Process, get};

const ABOUT: &str = "\
What `/metrics` of each program has: [endpoints.md](endpoints.md) says where. How to ask for both sides is in
[prometheus.md](../prometheus.md), and what k6's mean in [k6.md](../k6.md). Labels are those of a run over all protocols; without any, a
metric has none or was not in that run. Both programs have Prometheus' own `process_` metrics as well.";

/// Kind and help by name.
type Families = BTreeMap<String, (String, String)>;
/// Names of labels by metric.
type Labels = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_page_has_every_metric() {
    let mut families = Families::new();
    for (path, text) in ["shared/src", "injector/src", "target-server/src"].into_iter().flat_map(source::files) {
        declared(&path, &text, &mut families);
    }
    let mut labels = Labels::new();
    for text in scraped() {
        exposed(&text, &mut labels);
    }
    let undeclared: Vec<_> = labels.keys().filter(|name| !families.contains_key(*name)).collect();
    assert!(
        undeclared.is_empty(),
        "exported, and not found in the code by tests/it/reference/metrics.rs: {undeclared:?}"
    );

    let mut page = head("Metrics", ABOUT);
    for (title, is_in) in [
        ("The injector", (|name| name.starts_with("continuous_load_client_")) as fn(&str) -> bool),
        ("The injector with `--compat k6`", |name| name.starts_with("k6_")),
        ("The target", |name| !name.starts_with("continuous_load_client_") && !name.starts_with("k6_") && name != BOTH),
        ("Both", |name| name == BOTH),
    ] {
        write!(page, "\n## {title}\n\n| metric | type | labels | |\n|---|---|---|---|\n").unwrap();
        for (name, (kind, help)) in families.iter().filter(|(name, _)| is_in(name)) {
            let labels = labels.get(name).into_iter().flatten().map(|label| format!("`{label}`"));
            let labels = labels.collect::<Vec<_>>().join(" ");
            writeln!(page, "| `{name}` | {kind} | {labels} | {} |", cell(help)).unwrap();
        }
    }
    hold("metrics.md", &page);
}

const BOTH: &str = "continuous_load_build_info";

/// Where the code makes a metric: the call, and its kind.
const MADE: [(&str, &str); 7] = [
    ("Described::counter(", "counter"),
    ("Described::gauge(", "gauge"),
    ("Described::histogram(", "histogram"),
    ("HistogramOpts::new(", "histogram"),
    (" Opts::new(", "counter"),
    ("IntGauge::new(", "gauge"),
    (": gauge(", "gauge"),
];

fn declared(path: &str, text: &str, families: &mut Families) {
    for (call, kind) in MADE {
        for rest in text.split(call).skip(1) {
            // The definition of the function, which takes parameters.
            let Some((name, rest)) = source::literal(rest) else { continue };
            let help = rest.trim_start().strip_prefix(',').and_then(source::literal);
            let (help, _) = help.unwrap_or_else(|| panic!("{path}: {name} has no help that this test can read"));
            assert!(!help.is_empty(), "{path}: {name} has no help");
            families.insert(name, (kind.to_owned(), help));
        }
    }
}

/// Adds the labels of every family, those of the bounds of buckets excepted.
fn exposed(text: &str, labels: &mut Labels) {
    let mut family = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap();
            if !family.starts_with("process_") {
                labels.entry(family.to_owned()).or_default();
            }
        } else if let (Some(known), Some((_, pairs))) = (labels.get_mut(family), line.split_once('{')) {
            let names = pairs.split("=\"").filter_map(|part| part.rsplit([',', '"', '{']).next());
            let names = names.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
            known.extend(names.filter(|name| !name.is_empty() && *name != "le").map(str::to_owned));
        }
    }
}

/// What both programs show in a run over all protocols.
fn scraped() -> Vec<String> {
    let mut target = Process::start("target-server", &crate::process::FREE_PORTS);
    let mut mix = String::from("rate: 60/s\nthresholds: [failed <= 100%]\nmix:\n");
    let http = target.address("http");
    let at = |address: std::net::SocketAddr| format!("localhost:{}", address.port());
    let mut operation = |name: &str, address: std::net::SocketAddr, call: &str| {
        writeln!(mix, "- {{ name: {name}, weight: 1, target: '{}', {call} }}", at(address)).unwrap();
    };
    operation("web", http, "http: {}");
    operation("broken", http, "http: { fault: status=503&delay=1ms }");
    operation("two", http, "http: { version: 2 }");
    operation("rpc", target.address("grpc"), "grpc: {}");
    operation("tcp", target.address("tcp"), "tcp: {}");
    operation("udp", target.address("udp"), "udp: {}");
    operation("dns", target.address("dns"), "dns: {}");
    let admin = target.address("admin");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.yaml");
    std::fs::write(&file, format!("target: '{}'\n{mix}", at(http))).unwrap();
    let fixed = ["run", "--admin-address", "127.0.0.1:0", "--compat", "k6", "--target-admin"];
    let mut injector =
        Process::start("injector", &[&fixed[..], &[&admin.to_string(), file.to_str().unwrap()]].concat());
    let own = injector.address("admin");
    // A line a second, until everything was counted once on both sides.
    let texts = (0..LINES_MAX).find_map(|_| {
        injector.line_with("op=total");
        let texts = [get(own, "/metrics"), get(admin, "/metrics")];
        is_complete(&texts).then_some(texts)
    });
    let texts = texts.expect("in that many seconds each operation has an answer");
    injector.signal("TERM");
    injector.end();
    texts.to_vec()
}

/// Seconds that a slow machine may take.
const LINES_MAX: u32 = 120;
const OPERATIONS: [&str; 7] = ["web", "broken", "two", "rpc", "tcp", "udp", "dns"];

fn is_complete(texts: &[String; 2]) -> bool {
    let counted = |name: &str, text: &str| metric(name).by("operation", text);
    let client = counted("continuous_load_client_requests_total", &texts[0]);
    let server = counted("continuous_load_server_requests_total", &texts[1]);
    let has_all =
        |counted: &[(String, f64)]| OPERATIONS.iter().all(|name| counted.iter().any(|(known, _)| known == name));
    has_all(&client) && has_all(&server)
}

#[test]
fn labels_are_read_from_an_exposition() {
    let mut labels = Labels::new();
    exposed(
        "# HELP a x\n# TYPE a counter\na{b=\"1\",c=\"x,y=z\"} 3\n# TYPE process_x gauge\nprocess_x 1\n",
        &mut labels,
    );
    let names: Vec<_> = labels["a"].iter().map(String::as_str).collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(labels.len(), 1);
}
