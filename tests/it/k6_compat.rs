//! `--compat k6`: the predecessor's contract series by series, its dashboard and its alerts on ours, and both accounts alike.

use std::time::Duration;

use injector::account::OperationAccount;
use injector::compat::Tags;
use prometheus::{Registry, TextEncoder};
use tokio_util::sync::CancellationToken;

use crate::fixture::{RunningTarget, assert_accounted, engine, eventually, plan, plan_for_all, run};
use crate::metrics::metric;
use crate::pki::Pki;
use crate::podinfo::dashboard;
use crate::process::{Process, get};
use crate::promtool::{Panel, ask, check, words};
use crate::tools::require;

const SCENARIO: &str = "
target: t
rate: 200/s
timeout: 5s
mix:
  - { name: service, weight: 4, http: { path: /status/200 } }
  - { name: broken, weight: 2, http: { path: /status/503 } }
  - { name: two, weight: 1, http: { version: 2, method: POST, path: /echo, body: hello } }
  - { name: refused, weight: 1, target: REFUSING, http: {} }
  - { name: calls, weight: 1, grpc: {} }
  - { name: calls-fail, weight: 1, grpc: { fault: status=UNAVAILABLE } }
  - { name: datagrams, weight: 1, udp: {} }
";

/// The HTTP operations, in the scenario's order, and the status of all their answers.
const TYPES: [&str; 4] = ["service", "broken", "two", "refused"];
const STATUSES: [&str; 4] = ["200", "503", "202", "0"];

/// What one run left: the injector's exposition, the target's, and the injector's own accounts.
struct Seen {
    k6: String,
    target: String,
    accounts: Vec<OperationAccount>,
    /// Of the HTTP operations.
    urls: [String; 4],
}

impl Seen {
    /// The account of an operation, by its place in the scenario.
    fn account(&self, operation: usize) -> &OperationAccount {
        &self.accounts[operation]
    }

    /// Its rate in the minute that queries look at.
    fn per_s(&self, operation: usize) -> f64 {
        self.account(operation).finished_total() as f64 / 60.0
    }

    /// A value for each of the HTTP operations.
    fn of_http(&self, labels: impl Fn(usize) -> String, value: impl Fn(f64) -> f64) -> Vec<(String, f64)> {
        (0..TYPES.len()).map(|operation| (labels(operation), value(self.per_s(operation)))).collect()
    }
}

async fn seen() -> Seen {
    let target = RunningTarget::start();
    let (_held, refusing) = crate::fixture::refusing_port();
    let scenario = SCENARIO.replace("REFUSING", &refusing.to_string());
    let mut engine = engine(plan_for_all(&scenario, &target.addresses), Duration::from_secs(2));
    let registry = Registry::new();
    let tags: Tags = "team=payments".parse().unwrap();
    registry.register(Box::new(engine.count_for_k6(tags))).unwrap();
    let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
    finished.accounts.iter().for_each(assert_accounted);
    let accounts = finished.accounts;
    // The target counts a request when its last byte is out, which the injector may have seen before.
    let mut exposition = String::new();
    eventually("the target has counted all", async || {
        exposition = get(target.http, "/metrics");
        let counted = metric("http_request_duration_seconds_count").label("path", "status").sum_in(&exposition);
        if counted == (accounts[0].answered() + accounts[1].answered()) as f64 { Ok(()) } else { Err(counted) }
    })
    .await;
    let paths = [(target.http, "/status/200"), (target.http, "/status/503"), (target.http, "/echo"), (refusing, "/")];
    let urls = paths.map(|(address, path)| format!("http://{address}{path}"));
    target.stop().await;
    Seen { k6: TextEncoder::new().encode_to_string(&registry.gather()).unwrap(), target: exposition, accounts, urls }
}

/// The labels of every HTTP metric.
const HTTP: &[&str] = &[
    "name",
    "method",
    "status",
    "proto",
    "group",
    "scenario",
    "expected_response",
    "error",
    "error_code",
    "tls_version",
    "type",
    "team",
];

/// The contract: name, type, and the labels of each of its series.
const CONTRACT: [(&str, &str, &[&str]); 19] = [
    ("k6_http_reqs", "counter", HTTP),
    ("k6_http_req_failed", "counter", HTTP),
    ("k6_http_req_duration", "histogram", HTTP),
    ("k6_http_req_blocked", "histogram", HTTP),
    ("k6_http_req_connecting", "histogram", HTTP),
    ("k6_http_req_tls_handshaking", "histogram", HTTP),
    ("k6_http_req_sending", "histogram", HTTP),
    ("k6_http_req_waiting", "histogram", HTTP),
    ("k6_http_req_receiving", "histogram", HTTP),
    ("k6_iterations", "counter", &["scenario", "team"]),
    ("k6_dropped_iterations", "counter", &["scenario", "team"]),
    ("k6_iteration_duration", "histogram", &["scenario", "team"]),
    ("k6_group_duration", "histogram", &["group", "scenario", "team"]),
    ("k6_data_sent", "counter", &["group", "scenario", "team"]),
    ("k6_data_received", "counter", &["group", "scenario", "team"]),
    ("k6_vus", "gauge", &["team"]),
    ("k6_vus_max", "gauge", &["team"]),
    ("k6_script_errors", "counter", &["scenario", "team"]),
    ("k6_grpc_req_duration", "histogram", &["name", "method", "service", "status", "group", "scenario", "team"]),
];

fn assert_contract(text: &str) {
    for (name, kind, labels) in CONTRACT {
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} is a {kind} in\n{text}");
        let series = format!("{name}{}", if kind == "histogram" { "_count" } else { "" });
        let mut wanted: Vec<&str> = labels.to_vec();
        wanted.sort_unstable();
        let found = text.lines().filter_map(|line| line.strip_prefix(&series)?.strip_prefix('{'));
        let found: Vec<Vec<&str>> = found
            .map(|rest| {
                let pairs = rest.rsplit_once('}').unwrap().0;
                let mut names: Vec<&str> = pairs.split("\",").map(|pair| pair.split('=').next().unwrap()).collect();
                names.sort_unstable();
                names
            })
            .collect();
        assert!(!found.is_empty(), "a series of {name}");
        assert!(found.iter().all(|names| *names == wanted), "{name}: {found:?}");
    }
    let named = CONTRACT.map(|(name, ..)| name);
    let types =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|line| line.split(' ').next().unwrap());
    assert!(types.clone().all(|name| named.contains(&name)), "and nothing else: {:?}", types.collect::<Vec<_>>());
}

/// The same requests stand in both: as many, of the same statuses.
fn assert_alike(seen: &Seen) {
    let requests = |scenario: &str| metric("k6_http_reqs").label("scenario", scenario).by("status", &seen.k6);
    let finished = |operation| seen.account(operation).finished_total() as f64;
    for (operation, (scenario, status)) in TYPES.into_iter().zip(STATUSES).enumerate() {
        assert!(finished(operation) > 0.0, "{scenario}");
        assert_eq!(requests(scenario), [(status.to_owned(), finished(operation))], "{scenario}");
        let failed = metric("k6_http_req_failed").label("scenario", scenario).sum_in(&seen.k6);
        assert_eq!(failed, seen.account(operation).failed() as f64, "{scenario}");
    }
    let proto = metric("k6_http_reqs").label("scenario", "two").by("proto", &seen.k6);
    assert_eq!(proto, [("HTTP/2.0".to_owned(), finished(2))]);
    let refused = metric("k6_http_reqs").label("scenario", "refused").by("error_code", &seen.k6);
    assert_eq!(refused, [("1212".to_owned(), finished(3))]);
    for (operation, (scenario, status)) in [(4, ("calls", "0")), (5, ("calls-fail", "14"))] {
        let calls = metric("k6_grpc_req_duration_count").label("scenario", scenario).by("status", &seen.k6);
        assert_eq!(calls, [(status.to_owned(), finished(operation))], "{scenario}");
    }
    let iterations = metric("k6_iterations").label("scenario", "datagrams").sum_in(&seen.k6);
    assert_eq!(iterations, finished(6), "what k6 has no metrics for is an iteration all the same");
    let total: u64 = seen.accounts.iter().map(OperationAccount::finished_total).sum();
    assert_eq!(metric("k6_iterations").sum_in(&seen.k6), total as f64);
    let sent: u64 = seen.accounts.iter().map(|account| account.sent_bytes).sum();
    assert_eq!(metric("k6_data_sent").sum_in(&seen.k6), sent as f64);
    assert_eq!(metric("k6_vus").sum_in(&seen.k6), 0.0, "all are over");
}

/// The predecessor's gauges and its client row.
fn client_panels(seen: &Seen) -> Vec<Panel> {
    let service = format!("{{name=\"{}\"}}", seen.urls[0]);
    let share = |labels: &str, window: &str| {
        let rate = |more: &str| format!("sum by (name)(rate(k6_http_reqs{{{more}{labels}}}[{window}]))");
        format!("{} / {}", rate("status=\"200\","), rate(""))
    };
    let gauge = |window| Panel { query: share("type=\"service\"", window), wanted: vec![(service.clone(), 1.0)] };
    let mut panels: Vec<Panel> = ["1m", "1h", "1d", "7d", "30d", "1y"].into_iter().map(gauge).collect();
    panels.push(Panel {
        query: "sum by(name,status)(rate(k6_http_reqs{namespace=\"load\"}[1m])) > 0".to_owned(),
        wanted: seen.of_http(|n| format!("{{name=\"{}\",status=\"{}\"}}", seen.urls[n], STATUSES[n]), |per_s| per_s),
    });
    // What expects 200 and never had one is at 0 %, and not missing.
    let refused = format!("{{name=\"{}\"}}", seen.urls[3]);
    let success = share("namespace=\"load\"", "10m");
    panels.push(Panel { query: format!("({success}) * 100"), wanted: vec![(service, 100.0), (refused, 0.0)] });
    for quantile in ["0.95", "0.80", "0.50", "0.10", "0.99"] {
        let buckets = "rate(k6_http_req_duration_bucket{namespace=\"load\"}[10m])";
        let query = format!("histogram_quantile({quantile}, sum({buckets}) by (le))");
        // How long it took is this machine's affair; that there is an answer is not.
        let query = format!("({query} >= bool 0) * ({query} <= bool 10)");
        panels.push(Panel { query, wanted: vec![("{}".to_owned(), 1.0)] });
    }
    panels
}

/// Its alerts on k6's series. Thresholds that a well system does not reach are turned into answers (`bool`), so that a
/// series that is not found differs from one that is well; and the first is written with the bucket that it means, `0.025`:
/// as it stands, `0,025`, it finds nothing on any system.
fn alerts(seen: &Seen) -> Vec<Panel> {
    let rate = |what: &str| format!("rate(k6_http_req_duration_{what}[1m])");
    let each = |what: &str| format!("sum by(namespace,pod,type)({})", rate(what));
    let fast = each("bucket{namespace=\"load\",le=\"0.025\"}");
    let all = each("count{namespace=\"load\"}");
    let traffic = "sum by(namespace,type)(rate(k6_http_reqs{namespace=\"load\"}[1m]))";
    let of_type = |n: usize| format!("{{namespace=\"load\",type=\"{}\"}}", TYPES[n]);
    let of_pod = |n: usize| format!("{{namespace=\"load\",pod=\"k6-1\",type=\"{}\"}}", TYPES[n]);
    let of_status = |n: usize| format!("{{namespace=\"load\",pod=\"k6-1\",status=\"{}\"}}", STATUSES[n]);
    let is = |yes: bool| f64::from(u8::from(yes));
    let wrong = "rate(k6_http_reqs{namespace=\"load\",status!=\"200\"}[1m])";
    vec![
        Panel { query: format!("{fast} / {all} <= bool 1"), wanted: seen.of_http(of_pod, |_| 1.0) },
        Panel { query: format!("{traffic} < bool 10"), wanted: seen.of_http(of_type, |per_s| is(per_s < 10.0)) },
        Panel { query: format!("{traffic} > bool 100"), wanted: seen.of_http(of_type, |per_s| is(per_s > 100.0)) },
        Panel {
            query: format!("sum by(namespace,pod,status)({wrong}) > 0.01"),
            wanted: seen.of_http(of_status, |per_s| per_s).split_off(1),
        },
    ]
}

#[test]
fn a_run_is_exported_as_k6_would_have_exported_it() {
    let seen = run(seen());
    assert_contract(&seen.k6);
    assert_alike(&seen);
}

#[test]
fn the_predecessors_dashboard_and_alerts_find_both_sides() {
    let Some(promtool) = require("promtool") else { return };
    let seen = run(seen());
    for exposition in [&seen.k6, &seen.target] {
        let checked = check(&promtool, exposition);
        // Counters without `_total` are against its taste, which is another exit code than what it cannot read.
        assert!(matches!(checked.status.code(), Some(0 | 3)), "{}", words(&checked));
    }
    let scraped = "namespace=\"load\",pod=\"k6-1\",";
    let expositions = [(&*seen.k6, "k6_", scraped), (&*seen.target, "http_request_", "namespace=\"load\",")];
    let server = dashboard::panels([0, 1].map(|operation| seen.per_s(operation)));
    let panels: Vec<Panel> = client_panels(&seen).into_iter().chain(alerts(&seen)).chain(server).collect();
    ask(&promtool, &expositions, &panels);
}

#[test]
fn what_a_handshake_agreed_on_is_a_label() {
    run(async {
        let pki = Pki::new();
        let target = RunningTarget::secured(&pki);
        let https = target.addresses.https.expect("there is a certificate");
        let operation = |name, more| format!("{{ name: {name}, rate: 20/s, connection: fresh, http: {{ {more} }} }}");
        let mix = [operation("one", "version: 1.1"), operation("two", "version: 2")].join(", ");
        let scenario = format!("target: t\ntls: {{ ca: {} }}\ntimeout: 5s\nmix: [ {mix} ]\n", pki.text("ca.pem"));
        let mut engine = engine(plan(&scenario, https, target.admin), Duration::from_secs(1));
        let registry = Registry::new();
        registry.register(Box::new(engine.count_for_k6(Tags::default()))).unwrap();
        let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for (account, scenario) in finished.accounts.iter().zip(["one", "two"]) {
            let requests = metric("k6_http_reqs").label("scenario", scenario).by("tls_version", &text);
            assert_eq!(requests, [("tls1.3".to_owned(), account.success as f64)], "{scenario}");
            let handshakes = metric("k6_http_req_tls_handshaking_sum").label("scenario", scenario).sum_in(&text);
            assert!(handshakes > 0.0, "{scenario}: {handshakes}");
        }
        target.stop().await;
    });
}

#[test]
fn nothing_of_k6_is_exported_unless_asked_for() {
    let (_target, http, admin) = Process::target();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.yaml");
    std::fs::write(&file, "rate: 100/s\nmix: [ { name: service, weight: 1, http: {} } ]\n").unwrap();
    let [http, admin] = [http, admin].map(|address| address.to_string());
    let flags = ["run", file.to_str().unwrap(), "--admin-address", "127.0.0.1:0", "--target", &http];
    let flags: Vec<&str> = flags.into_iter().chain(["--target-admin", &admin]).collect();
    for (more, is_there) in [(&[][..], false), (&["--compat", "k6", "--compat-tags", "team=a,stage=b"], true)] {
        let mut injector = Process::start("injector", &[flags.as_slice(), more].concat());
        let own = injector.address("admin");
        run(eventually("requests are counted", async || {
            let text = get(own, "/metrics");
            let ours = metric("continuous_load_client_requests_total").label("result", "success").sum_in(&text);
            assert_eq!(text.contains("k6_"), is_there, "{more:?}");
            if ours == 0.0 {
                return Err(text.len());
            }
            if is_there {
                let requests = metric("k6_http_reqs").label("team", "a").label("stage", "b").sum_in(&text);
                assert!(requests > 0.0, "{requests}");
            }
            Ok(())
        }));
    }
}
